"""`sa-apps new`: an app's settings in conf/, its credentials in their store, or neither."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from tests.cli.conftest import write_auth
from tests.terminal import CTRL_C, ENTER, Terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Duo, Ran

    Command = Callable[..., Ran]

FUNCTION = "acme_prod_duo_auth_collector_app"
NEW = ("new", "duo_auth", "--cluster", "prod")


def apps(root: Path) -> dict[str, Any]:
    cluster = json.loads((root / "conf/clusters/prod.json").read_text())
    found: dict[str, Any] = cluster["modules"].get("streamalert_apps", {})
    return found


def parameter(name: str = f"{FUNCTION}_auth") -> Any:
    ssm: Any = boto3.client("ssm", region_name="us-east-1")
    found = ssm.get_parameters(Names=[name], WithDecryption=True)["Parameters"]
    return found[0] if found else None


def stored(root: Path, function: str = "local_prod_duo_auth_collector_app") -> Any:
    path = root / ".sa-apps" / function / "auth.json"
    return json.loads(path.read_text()) if path.exists() else None


def real(duo: Duo, path: Path, **other: str | None) -> Path:
    """Write the credentials that the simulated Duo accepts."""
    values = {key: getattr(duo, key) for key in ("api_hostname", "integration_key", "secret_key")}
    return write_auth(path, **(values | other))


def test_credentials_go_to_parameter_store_and_settings_to_conf(
    aws_project: Path, sa_apps: Command, duo: Duo, tmp_path: Path
) -> None:
    auth = real(duo, tmp_path / "duo.json")
    ran = sa_apps(*NEW, "--auth-file", str(auth), "--simulator", duo.url)
    assert (ran.code, ran.out) == (0, "")
    assert f"authentication info successfully saved to Parameter Store as {FUNCTION}_auth" in ran.err
    assert "Successfully added 'collector' to 'conf/clusters/prod.json' for service 'duo_auth'" in ran.err
    assert "sa-apps deploy collector --cluster prod" in ran.err
    assert parameter()["Type"] == "SecureString"
    assert json.loads(parameter()["Value"]) == json.loads(auth.read_text())
    assert apps(aws_project)[FUNCTION]["schedule_expression"] == "rate(2 hours)"


def test_the_seeds_words_are_understood(local: Path, sa_apps: Command, auth_file: Path) -> None:
    words = "--type duo_auth --cluster prod --name duo_prod_collector --timeout 120 --memory 256"
    rest = ["--interval", "rate(1 hour)", "--auth-file", str(auth_file), "--no-check"]
    assert sa_apps("new", *words.split(), *rest).code == 0
    app = apps(local)["local_prod_duo_auth_duo_prod_collector_app"]
    assert (app["timeout"], app["memory"], app["schedule_expression"]) == (120, 256, "rate(1 hour)")


def test_the_services_schemas_come_along(local: Path, sa_apps: Command, auth_file: Path) -> None:
    from streamalert_apps import services

    sa_apps(*NEW, "--auth-file", str(auth_file), "--no-check")
    assert json.loads((local / "conf/schemas/duo.json").read_text()) == services.schemas("duo")


def test_a_schema_that_says_something_else_is_left_alone_and_told(
    local: Path, sa_apps: Command, auth_file: Path
) -> None:
    from streamalert_apps import services

    name = next(iter(services.schemas("duo")))
    mine = {name: {"parser": "json", "schema": {"mine": "string"}}}
    (local / "conf/schemas").mkdir()
    (local / "conf/schemas/duo.json").write_text(json.dumps(mine))
    ran = sa_apps(*NEW, "--auth-file", str(auth_file), "--no-check")
    assert f"another '{name}'" in ran.err
    assert json.loads((local / "conf/schemas/duo.json").read_text())[name] == mine[name]


def test_a_local_project_keeps_credentials_to_their_owner(
    local: Path, sa_apps: Command, auth_file: Path
) -> None:
    ran = sa_apps(*NEW, "--auth-file", str(auth_file), "--no-check")
    folder = local / ".sa-apps/local_prod_duo_auth_collector_app"
    assert "sa-apps run collector --cluster prod" in ran.err
    assert stored(local) == json.loads(auth_file.read_text())
    assert (folder / "auth.json").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (local / ".sa-apps/.gitignore").read_text() == "*\n"


def piped(monkeypatch: pytest.MonkeyPatch, data: bytes, encoding: str = "utf-8") -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data), encoding=encoding))


@pytest.mark.parametrize("locale", ["ascii", "cp1252", "utf-8"])
def test_standard_input_is_utf_8_whatever_the_locale(
    locale: str, local: Path, sa_apps: Command, auth_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    piped(monkeypatch, b"\xef\xbb\xbf" + auth_file.read_bytes(), locale)
    assert sa_apps(*NEW, "--auth-file", "-", "--no-check").code == 0
    assert stored(local) == json.loads(auth_file.read_text())


def test_standard_input_that_is_no_utf_8_is_told(
    local: Path, sa_apps: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    piped(monkeypatch, '{"secret_key": "\xe9"}'.encode("cp1252"), "cp1252")
    ran = sa_apps(*NEW, "--auth-file", "-", "--no-check")
    assert ran.code == 2
    assert "Standard input is not UTF-8 text." in ran.err


def test_credentials_can_come_from_standard_input(
    local: Path, sa_apps: Command, auth_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    piped(monkeypatch, auth_file.read_bytes())
    assert sa_apps(*NEW, "--auth-file", "-", "--no-check").code == 0
    assert stored(local) == json.loads(auth_file.read_text())


def test_json_tells_what_was_made(local: Path, sa_apps: Command, auth_file: Path) -> None:
    answer = json.loads(sa_apps(*NEW, "--auth-file", str(auth_file), "--no-check", "--json").out)
    assert (answer["status"], answer["created"], answer["app"]["name"]) == ("ok", True, "collector")
    assert answer["next"] == "sa-apps run collector --cluster prod"


def test_refused_credentials_are_not_saved(local: Path, sa_apps: Command, duo: Duo, tmp_path: Path) -> None:
    auth = real(duo, tmp_path / "duo.json", secret_key="b" * 40)
    ran = sa_apps(*NEW, "--auth-file", str(auth), "--simulator", duo.url)
    assert ran.code == 4
    assert "--no-check" in ran.err
    assert apps(local) == {}
    assert stored(local) is None


def test_a_service_that_cannot_be_asked_does_not_stop_it(
    local: Path, sa_apps: Command, auth_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamalert_apps.cli.credentials.CHECK_SECONDS", 2.0)
    ran = sa_apps(*NEW, "--auth-file", str(auth_file), "--simulator", "http://127.0.0.1:9")
    assert ran.code == 0
    assert "could not be tried" in ran.err
    assert "local_prod_duo_auth_collector_app" in apps(local)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--interval", "rate(2 hour)"], "rate(2 hours)"),
        (["--interval", "every hour"], "every hour"),
        (["--timeout", "9"], "10 to 900"),
        (["--timeout", "soon"], "soon"),
        (["--memory", "10241"], "128 to 10240"),
        (["--name", "Collector"], "lower-case"),
        (["--name", "x" * 40], "shorter"),
        (["--cluster", "prd"], "Did you mean 'prod'?"),
        (["--type", "duo_admin"], "Two different"),
    ],
)
def test_a_wrong_word_is_explained_before_anything_is_written(
    local: Path, sa_apps: Command, auth_file: Path, arguments: list[str], complaint: str
) -> None:
    ran = sa_apps(*NEW, "--auth-file", str(auth_file), "--no-check", *arguments)
    assert ran.code == 2
    assert complaint in ran.err
    assert apps(local) == {}
    assert stored(local) is None


def test_a_mistyped_app_type_gets_a_suggestion(local: Path, sa_apps: Command) -> None:
    ran = sa_apps("new", "duo_aut", "--cluster", "prod")
    assert ran.code == 2
    assert "Did you mean 'duo_auth'?" in ran.err


@pytest.mark.parametrize(
    ("arguments", "flag"),
    [
        (["new"], "`sa-apps types` lists them"),
        (["new", "duo_auth"], "--cluster, one of prod"),
        (["new", "duo_auth", "--cluster", "prod"], "--auth-file"),
    ],
)
def test_without_a_terminal_the_missing_flag_is_named(
    local: Path, sa_apps: Command, arguments: list[str], flag: str
) -> None:
    ran = sa_apps(*arguments)
    assert ran.code == 2
    assert flag in ran.err


def test_each_wrong_key_of_a_file_is_named_and_no_value_shown(
    local: Path, sa_apps: Command, tmp_path: Path
) -> None:
    auth = write_auth(
        tmp_path / "duo.json", secret_key=None, integration_key="DI_WRONG_FORM", token="hush-hush"
    )
    ran = sa_apps(*NEW, "--auth-file", str(auth), "--json")
    assert ran.code == 2
    for words in ("missing: secret_key", "unknown: token", "wrong form: integration_key"):
        assert words in ran.err
    assert "hush-hush" not in ran.out + ran.err
    assert "DI_WRONG_FORM" not in ran.out + ran.err


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("{", "line 1, column 2"), ("[]", "must hold a JSON object"), ('{"api_hostname": 1}', "wrong form")],
)
def test_a_file_that_is_no_object_is_explained(
    local: Path, sa_apps: Command, tmp_path: Path, text: str, complaint: str
) -> None:
    auth = tmp_path / "duo.json"
    auth.write_text(text)
    ran = sa_apps(*NEW, "--auth-file", str(auth))
    assert ran.code == 2
    assert complaint in ran.err


def test_a_file_that_is_not_there_is_told(local: Path, sa_apps: Command) -> None:
    ran = sa_apps(*NEW, "--auth-file", "nowhere.json")
    assert ran.code == 2
    assert "nowhere.json can't be read" in ran.err


def test_a_file_that_others_can_read_is_warned_about(local: Path, sa_apps: Command, auth_file: Path) -> None:
    quiet = sa_apps(*NEW, "-n", "one", "--auth-file", str(auth_file), "--no-check")
    auth_file.chmod(0o644)
    warned = sa_apps(*NEW, "-n", "two", "--auth-file", str(auth_file), "--no-check")
    assert "can be read by others" not in quiet.err
    assert "can be read by others" in warned.err


def test_credentials_that_cannot_be_saved_leave_conf_as_it_was(
    local: Path, sa_apps: Command, auth_file: Path
) -> None:
    (local / ".sa-apps/local_prod_duo_auth_collector_app").write_text("a file in the way")
    ran = sa_apps(*NEW, "--auth-file", str(auth_file), "--no-check")
    assert ran.code == 1
    assert "The credentials could not be saved" in ran.err
    assert apps(local) == {}


def test_a_project_without_clusters_names_init(local: Path, sa_apps: Command) -> None:
    (local / "conf/clusters/prod.json").unlink()
    ran = sa_apps("new", "duo_auth")
    assert ran.code == 1
    assert "sa-apps init --cluster" in ran.err


def test_two_apps_of_one_cluster_never_share_a_name(local: Path, sa_apps: Command, auth_file: Path) -> None:
    sa_apps(*NEW, "--auth-file", str(auth_file), "--no-check")
    words = ("new", "duo_admin", "-c", "prod", "--auth-file", str(auth_file), "--no-check")
    ran = sa_apps(*words, "--name", "collector")
    assert ran.code == 2
    assert "already has an app 'collector', of type duo_auth" in ran.err
    unnamed = sa_apps(*words)
    assert unnamed.code == 2
    assert "Can't ask for the app's name" in unnamed.err
    assert "--name duo_admin" in unnamed.err


def test_a_second_app_is_asked_for_its_name(local: Path, sa_apps: Command, auth_file: Path) -> None:
    sa_apps(*NEW, "--auth-file", str(auth_file), "--no-check")
    words = ("new", "duo_admin", "-c", "prod", "--auth-file", str(auth_file), "--no-check")
    with Terminal(*words, folder=local) as terminal:
        terminal.see("already has a 'collector'").see("duo_admin").type(ENTER)
        assert terminal.ends() == 0
    assert "local_prod_duo_admin_duo_admin_app" in apps(local)


def test_an_app_that_is_there_needs_to_be_told_what_to_change(
    local: Path, sa_apps: Command, auth_file: Path
) -> None:
    sa_apps(*NEW, "--auth-file", str(auth_file), "--no-check")
    ran = sa_apps(*NEW, "--timeout", "300")
    assert ran.code == 2
    assert "--update-settings" in ran.err
    assert "--update-auth" in ran.err


def test_settings_change_alone(local: Path, sa_apps: Command, auth_file: Path) -> None:
    sa_apps(*NEW, "--auth-file", str(auth_file), "--no-check", "--memory", "512")
    ran = sa_apps(*NEW, "--timeout", "300", "--update-settings")
    app = apps(local)["local_prod_duo_auth_collector_app"]
    assert "Successfully updated 'collector'" in ran.err
    assert (app["timeout"], app["memory"]) == (300, 512)
    assert stored(local) == json.loads(auth_file.read_text())


def test_credentials_change_alone(local: Path, sa_apps: Command, auth_file: Path, tmp_path: Path) -> None:
    sa_apps(*NEW, "--auth-file", str(auth_file), "--no-check")
    other = write_auth(tmp_path / "other.json", secret_key="c" * 40)
    before = apps(local)
    sa_apps(*NEW, "--auth-file", str(other), "--no-check", "--update-auth", "--timeout", "300")
    assert stored(local)["secret_key"] == "c" * 40
    assert apps(local) == before


def test_the_same_again_changes_nothing(local: Path, sa_apps: Command, auth_file: Path) -> None:
    sa_apps(*NEW, "--auth-file", str(auth_file), "--no-check", "--timeout", "300")
    again = sa_apps(
        *NEW,
        "--auth-file",
        str(auth_file),
        "--no-check",
        "--timeout",
        "300",
        "--update-settings",
        "--update-auth",
    )
    assert (again.code, again.err) == (0, "No changes.\n")


def fail_to_replace(self: Path, target: Path) -> Path:
    raise OSError(28, "No space left on device")


def test_a_conf_that_cannot_be_written_takes_new_credentials_back(
    aws_project: Path, sa_apps: Command, auth_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "replace", fail_to_replace)
    ran = sa_apps(*NEW, "--auth-file", str(auth_file), "--no-check")
    assert ran.code == 1
    assert "No space left on device" in ran.err
    assert parameter() is None
    assert apps(aws_project) == {}


def test_a_conf_that_cannot_be_written_puts_old_credentials_back(
    aws_project: Path, sa_apps: Command, auth_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sa_apps(*NEW, "--auth-file", str(auth_file), "--no-check")
    other = write_auth(tmp_path / "other.json", secret_key="c" * 40)
    monkeypatch.setattr(Path, "replace", fail_to_replace)
    flags = ["--update-settings", "--update-auth", "--timeout", "300", "--no-check"]
    assert sa_apps(*NEW, "--auth-file", str(other), *flags).code == 1
    assert json.loads(parameter()["Value"]) == json.loads(auth_file.read_text())


def test_credentials_that_cannot_be_taken_back_are_named(
    aws_project: Path, sa_apps: Command, auth_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_: object) -> None:
        raise OSError(5, "gone")

    monkeypatch.setattr(Path, "replace", fail_to_replace)
    monkeypatch.setattr("streamalert_apps.runtime.ssm.ParameterCredentials.delete", gone)
    ran = sa_apps(*NEW, "--auth-file", str(auth_file), "--no-check")
    assert ran.code == 1
    assert f"remain in Parameter Store as {FUNCTION}_auth" in ran.err


def test_without_aws_credentials_nothing_is_asked_or_written(
    aws_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with Terminal(*NEW, folder=aws_project) as terminal:
        assert terminal.ends() == 4
        assert "There are no AWS credentials." in terminal.text
        assert "aws sso login" in terminal.text
    assert apps(aws_project) == {}


def test_a_person_is_told_first_what_to_set_up_in_the_service(local: Path) -> None:
    with Terminal(*NEW, "--no-check", folder=local) as terminal:
        terminal.see("What to set up first").see("Grant read log").see("the API hostname of your")
        terminal.type(CTRL_C)
        assert terminal.ends() == 130


def test_who_gives_a_file_is_not_told_what_to_set_up(local: Path, sa_apps: Command, auth_file: Path) -> None:
    assert "Grant read log" not in sa_apps(*NEW, "--auth-file", str(auth_file), "--no-check").err


def test_white_space_around_what_is_typed_is_not_stored(local: Path, duo: Duo) -> None:
    with Terminal(*NEW, "--no-check", folder=local) as terminal:
        terminal.answer("the API hostname of your", f"  {duo.api_hostname} ")
        terminal.answer("integration key of your", f"{duo.integration_key}  ")
        terminal.answer("secret key of your", f" {duo.secret_key} ")
        assert terminal.ends() == 0
    assert stored(local) == {key: getattr(duo, key) for key in stored(local)}


def test_a_person_is_asked_for_all_that_is_missing(aws_project: Path, duo: Duo) -> None:
    with Terminal("new", "--simulator", duo.url, folder=aws_project) as terminal:
        terminal.see("Which type of app?").type("duo_auth" + ENTER)
        terminal.see("In which cluster?").type(ENTER)
        terminal.answer("the API hostname of your", duo.api_hostname)
        terminal.answer("the integration key of your", duo.integration_key)
        terminal.answer("the secret key of your", duo.secret_key)
        assert terminal.ends() == 0
        assert "The service accepts the credentials." in terminal.text
        assert duo.secret_key not in terminal.text
    assert json.loads(parameter()["Value"])["secret_key"] == duo.secret_key


def test_a_wrong_answer_is_explained_and_asked_again(local: Path, duo: Duo) -> None:
    with Terminal(*NEW, "--simulator", duo.url, folder=local) as terminal:
        terminal.answer("the API hostname of your", "duo.example.com")
        terminal.see("is invalid").type("\x15")
        terminal.answer("the API hostname of your", duo.api_hostname)
        terminal.answer("the integration key of your", duo.integration_key)
        terminal.answer("secret key", "short")
        terminal.see("'secret_key' is invalid").type(duo.secret_key + ENTER)
        assert terminal.ends() == 0
    assert stored(local)["secret_key"] == duo.secret_key


@pytest.mark.parametrize("columns", [40, 80])
def test_the_whole_reason_is_shown_on_a_narrow_terminal(local: Path, columns: int) -> None:
    with Terminal(*NEW, folder=local, columns=columns) as terminal:
        terminal.answer("the API hostname of your", "duo.example.com")
        terminal.see("error: The value for 'api_hostname' is invalid.").see("api-abcdef12.duosecurity.com'.")
        terminal.type(CTRL_C)
        assert terminal.ends() == 130


def test_refused_credentials_can_be_entered_again(local: Path, duo: Duo) -> None:
    with Terminal(*NEW, "--simulator", duo.url, folder=local) as terminal:
        terminal.answer("the API hostname of your", duo.api_hostname)
        terminal.answer("the integration key of your", duo.integration_key)
        terminal.answer("secret key", "b" * 40)
        terminal.see("Duo refused the credentials").see("Enter them again?").type(ENTER)
        terminal.see("Enter them again? Yes").see(f"duosecurity.com': {duo.api_hostname}").type(ENTER)
        terminal.see("DIABCDEFGHIJKLMN1234': " + duo.integration_key).type(ENTER)
        terminal.answer("40 letters and digits: ", duo.secret_key)
        assert terminal.ends() == 0
    assert stored(local)["secret_key"] == duo.secret_key


def test_who_gives_up_on_refused_credentials_saves_nothing(local: Path, duo: Duo) -> None:
    with Terminal(*NEW, "--simulator", duo.url, folder=local) as terminal:
        terminal.answer("the API hostname of your", duo.api_hostname)
        terminal.answer("the integration key of your", duo.integration_key)
        terminal.answer("secret key", "b" * 40)
        terminal.see("Enter them again?").type("n")
        assert terminal.ends() == 130
    assert stored(local) is None


def test_ctrl_c_at_the_secret_saves_nothing(local: Path, duo: Duo) -> None:
    with Terminal(*NEW, "--simulator", duo.url, folder=local) as terminal:
        terminal.answer("the API hostname of your", duo.api_hostname)
        terminal.answer("the integration key of your", duo.integration_key)
        terminal.see("secret key").type("abc" + CTRL_C)
        assert terminal.ends() == 130
        assert "Cancelled; nothing was changed." in terminal.text
    assert stored(local) is None
    assert apps(local) == {}


def test_a_person_chooses_what_of_an_app_to_change(local: Path, sa_apps: Command, auth_file: Path) -> None:
    sa_apps(*NEW, "--auth-file", str(auth_file), "--no-check")
    with Terminal(*NEW, folder=local) as terminal:
        terminal.see("Change its settings?").type("y")
        terminal.see("Change its credentials?").type("n")
        terminal.see("Interval: rate(2 hours)").type(ENTER)
        terminal.see("Timeout in seconds: 80").type("\x15" + "300" + ENTER)
        terminal.see("Memory in MB: 128").type(ENTER)
        assert terminal.ends() == 0
    assert apps(local)["local_prod_duo_auth_collector_app"]["timeout"] == 300
    assert stored(local) == json.loads(auth_file.read_text())


def test_a_key_that_is_pasted_in_place_of_its_path_is_not_shown(local: Path) -> None:
    pasted = json.dumps({"type": "service_account", "private_key": "do-not-show-this-one"})
    with Terminal("new", "gsuite_login", "-c", "prod", "--no-check", folder=local) as terminal:
        terminal.see("key file, in JSON:").type(pasted)
        terminal.see("****")
        terminal.type(CTRL_C)
        assert terminal.ends() == 130
        assert "do-not-show-this-one" not in terminal.text


@pytest.mark.parametrize(
    "lines",
    [
        ["-----BEGIN PRIVATE KEY-----", "do-not-show-this-one", "-----END PRIVATE KEY-----"],
        ["{", '  "type": "service_account",', '  "private_key": "do-not-show-this-one"', "}"],
    ],
    ids=["PEM", "JSON"],
)
def test_nor_is_one_whose_lines_come_one_by_one(local: Path, lines: list[str]) -> None:
    with Terminal("new", "gsuite_login", "-c", "prod", "--no-check", folder=local) as terminal:
        terminal.see("key file, in JSON:")
        for line in lines:
            terminal.type(line + ENTER)
        terminal.see("error:")
        terminal.type(CTRL_C)
        assert terminal.ends() == 130
        assert "do-not-show-this-one" not in terminal.text


def test_the_next_step_asks_the_same_simulator(
    local: Path, sa_apps: Command, duo: Duo, tmp_path: Path
) -> None:
    keys = {key: getattr(duo, key) for key in ("api_hostname", "integration_key", "secret_key")}
    auth = write_auth(tmp_path / "keys.json", **keys)
    answer = json.loads(sa_apps(*NEW, "--auth-file", str(auth), "--simulator", duo.url, "--json").out)
    assert answer["next"].endswith(f" --simulator {duo.url}")
