"""`sa-apps new --from-file`: an app for each row of a file, and none of them stops another."""

from __future__ import annotations

import io
import json
import stat
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from streamalert_apps.services.github.twin.api import Github
from streamalert_apps.simulator.server import serve
from tests.cli.conftest import write_auth
from tests.cli.test_json import check
from tests.proxy import Answer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Duo, Ran
    from tests.proxy import Call, Fault, Proxy

    Command = Callable[..., Ran]

NEW = ("new", "duo_auth", "--cluster", "prod", "--from-file")
HEADER = "name,api_hostname,integration_key,secret_key"
HOST, KEY = "api-abcdef12.duosecurity.com", "DIABCDEFGHIJKLMN1234"


def line(name: str, secret: str = "a" * 40) -> str:
    return f"{name},{HOST},{KEY},{secret}"


def file(folder: Path, text: str, name: str = "tenants.csv") -> str:
    path = folder / name
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


def csv(folder: Path, *lines: str) -> str:
    return file(folder, "\n".join([HEADER, *lines, ""]))


def apps(root: Path) -> dict[str, Any]:
    cluster = json.loads((root / "conf/clusters/prod.json").read_text())
    found = cluster["modules"].get("streamalert_apps", {})
    return {app["app_name"]: app for app in found.values()}


def stored(root: Path, name: str) -> Any:
    path = root / f".sa-apps/local_prod_duo_auth_{name}_app/auth.json"
    return json.loads(path.read_text()) if path.exists() else None


def test_each_row_becomes_an_app_with_credentials_of_its_own(
    local: Path, sa_apps: Command, tmp_path: Path
) -> None:
    given = csv(tmp_path, line("acme"), line("globex", "b" * 40))

    ran = sa_apps(*NEW, given, "--yes", "--no-check", "--interval", "rate(1 hour)", "--memory", "256")

    assert ran.code == 0
    assert {(a["app_name"], a["schedule_expression"], a["memory"]) for a in apps(local).values()} == {
        ("acme", "rate(1 hour)", 256),
        ("globex", "rate(1 hour)", 256),
    }
    assert stored(local, "acme") == {"api_hostname": HOST, "integration_key": KEY, "secret_key": "a" * 40}
    assert stored(local, "globex")["secret_key"] == "b" * 40
    assert stat.S_IMODE((local / ".sa-apps/local_prod_duo_auth_acme_app/auth.json").stat().st_mode) == 0o600
    assert json.loads((local / "conf/schemas/duo.json").read_text())


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_may_be_separated_as_spreadsheets_do(
    separator: str, local: Path, sa_apps: Command, tmp_path: Path
) -> None:
    text = "\ufeff" + "\r\n".join([HEADER, line("acme"), ""]).replace(",", separator)

    assert sa_apps(*NEW, file(tmp_path, text), "--yes", "--no-check").code == 0
    assert list(apps(local)) == ["acme"]


def test_rows_may_be_objects_of_a_json_list(local: Path, sa_apps: Command, tmp_path: Path) -> None:
    rows = [{"name": "acme", "api_hostname": HOST, "integration_key": KEY, "secret_key": "a" * 40}]

    ran = sa_apps(*NEW, file(tmp_path, json.dumps(rows), "tenants.json"), "--yes", "--no-check")

    assert ran.code == 0
    assert stored(local, "acme")["secret_key"] == "a" * 40


def test_credentials_may_be_in_a_file_beside_the_table(local: Path, sa_apps: Command, tmp_path: Path) -> None:
    write_auth(tmp_path / "acme.json", secret_key="c" * 40)
    given = file(tmp_path, "name,auth_file\nacme,acme.json\nglobex,missing.json\n")

    ran = sa_apps(*NEW, given, "--yes", "--no-check")

    assert ran.code == 5
    assert stored(local, "acme")["secret_key"] == "c" * 40
    assert "globex (prod): " in ran.err
    assert "missing.json can't be read: No such file or directory." in ran.err


def test_the_table_can_come_from_standard_input(
    local: Path, sa_apps: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"{HEADER}\n{line('acme')}\n".encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))

    assert sa_apps(*NEW, "-", "--yes", "--no-check").code == 0
    assert list(apps(local)) == ["acme"]


def test_what_is_wrong_with_one_row_stops_no_other(
    local: Path, sa_apps: Command, duo: Duo, tmp_path: Path
) -> None:
    good = f"{duo.api_hostname},{duo.integration_key},{duo.secret_key}"
    refused = f"{duo.api_hostname},{duo.integration_key},{'b' * 40}"
    wrong = f"{duo.api_hostname},{duo.integration_key},{'c' * 39}"
    rows = [f"one,{good}", f"two,{refused}", f"three,{wrong}", f"one,{good}", f"Four!,{good}", f",{good}"]

    ran = sa_apps(*NEW, csv(tmp_path, *rows, f"seven,{good}"), "--yes", "--simulator", duo.url)

    assert ran.code == 5
    assert set(apps(local)) == {"one", "seven"}
    assert stored(local, "two") is stored(local, "three") is None
    assert "two (prod): Duo refused the credentials" in ran.err
    assert "three (prod): " in ran.err
    assert "wrong form: secret_key" in ran.err
    assert "line 5 has the same name as line 2." in ran.err
    assert "line 6 has no valid name." in ran.err
    assert "line 7 has no name." in ran.err
    assert "Apps: 2 added, 5 failed." in ran.err
    assert not any(secret in ran.err + ran.out for secret in (duo.secret_key, "b" * 40, "c" * 39, "Four!"))


def test_a_service_that_cannot_be_asked_is_told_and_the_app_is_added(
    local: Path, sa_apps: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamalert_apps.cli.credentials.CHECK_SECONDS", 1.5)

    ran = sa_apps(*NEW, csv(tmp_path, line("acme")), "--yes", "--simulator", "http://127.0.0.1:9")

    assert ran.code == 0
    assert "acme (prod): the credentials could not be tried" in ran.err
    assert list(apps(local)) == ["acme"]


def test_credentials_that_end_soon_are_told_as_they_are_added(
    local: Path, sa_apps: Command, tmp_path: Path
) -> None:
    twin = Github(rate=None, token_ends=datetime.now(UTC) + timedelta(days=2, hours=1))
    rows = [{"name": "acme", **twin.credentials}]
    given = file(tmp_path, json.dumps(rows), "tenants.json")
    with serve(twin) as server:
        words = ("github_audit", "-c", "prod", "--yes", "--simulator", server.url)
        ran = sa_apps("new", *words, "--from-file", given)

    assert ran.code == 0
    assert "The credentials of acme (prod) end on " in ran.err
    assert ", in 2 days." in ran.err


def test_what_will_be_done_is_shown_and_nothing_of_it_done_by_a_dry_run(
    local: Path, sa_apps: Command, tmp_path: Path
) -> None:
    ran = sa_apps(*NEW, csv(tmp_path, line("acme"), line("globex", "short")), "--dry-run")

    assert ran.code == 5
    assert "+ acme (prod): credentials, settings" in ran.err
    assert "! globex (prod): " in ran.err
    assert "Plan: 1 to add, 1 not possible." in ran.err
    assert apps(local) == {}
    assert stored(local, "acme") is None


def test_without_a_yes_nothing_is_done(local: Path, sa_apps: Command, tmp_path: Path) -> None:
    ran = sa_apps(*NEW, csv(tmp_path, line("acme")), "--no-check")

    assert ran.code == 2
    assert "--yes" in ran.err
    assert apps(local) == {}


def test_apps_that_are_there_stay_as_they_are_unless_a_flag_says_otherwise(
    local: Path, sa_apps: Command, tmp_path: Path
) -> None:
    words = ("--yes", "--no-check")
    sa_apps(*NEW, csv(tmp_path, line("acme")), *words)
    grown = csv(tmp_path, line("acme", "b" * 40), line("globex"))

    again = sa_apps(*NEW, grown, *words, "--memory", "512")
    assert "Apps: 1 added, 1 unchanged." in again.err
    assert (stored(local, "acme")["secret_key"], apps(local)["acme"]["memory"]) == ("a" * 40, 128)

    settings = sa_apps(*NEW, grown, *words, "--memory", "512", "--update-settings")
    assert "Apps: 1 changed, 1 unchanged." in settings.err
    assert (stored(local, "acme")["secret_key"], apps(local)["acme"]["memory"]) == ("a" * 40, 512)

    credentials = sa_apps(*NEW, grown, *words, "--update-auth")
    assert "Apps: 1 changed, 1 unchanged." in credentials.err
    assert stored(local, "acme")["secret_key"] == "b" * 40


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no row"),
        (HEADER, "has no row"),
        (f"{KEY},{'s' * 40}\nx,y\n", "has no column 'name'"),
        ("name,secert_key\nacme,x\n", "unknown column 'secert_key'"),
        ("name,name\nacme,x\n", "has the column 'name' twice"),
        (f'{HEADER}\n"acme', "it is not valid CSV"),
        ('{"name": "acme"}', "must hold a JSON list of objects"),
        ("[{]", "is not valid JSON"),
    ],
)
def test_a_file_of_another_form_is_refused_as_a_whole(
    text: str, said: str, local: Path, sa_apps: Command, tmp_path: Path
) -> None:
    ran = sa_apps(*NEW, file(tmp_path, text), "--yes")

    assert ran.code == 2
    assert said in ran.err
    assert "s" * 40 not in ran.err
    assert apps(local) == {}


def test_a_file_that_others_can_read_is_warned_of(local: Path, sa_apps: Command, tmp_path: Path) -> None:
    given = csv(tmp_path, line("acme"))
    (tmp_path / "tenants.csv").chmod(0o644)

    assert f"chmod 600 {given}" in sa_apps(*NEW, given, "--dry-run").err


@pytest.mark.parametrize("words", [["--name", "acme"], ["--auth-file", "acme.json"]])
def test_what_each_row_has_is_not_given_besides(
    words: list[str], local: Path, sa_apps: Command, tmp_path: Path
) -> None:
    ran = sa_apps(*NEW, csv(tmp_path, line("acme")), "--yes", *words)

    assert ran.code == 2
    assert f"{words[0]} does not go with --from-file." in ran.err


def test_json_tells_of_each_row(local: Path, sa_apps: Command, tmp_path: Path) -> None:
    ran = sa_apps(*NEW, csv(tmp_path, line("acme")), "--yes", "--no-check", "--json")
    answer = check(ran.out, "new")

    assert answer["totals"] == {"create": 1, "change": 0, "unchanged": 0, "failed": 0}
    assert [(app["name"], app["result"]) for app in answer["apps"]] == [("acme", "create")]
    assert answer["next"] == "sa-apps status --cluster prod"


def account(rules: int, concurrency: int, unreserved: int) -> Callable[[Call], Fault | None]:
    """Return a hook that says what an account has; moto knows nothing of concurrency."""
    limit = {"ConcurrentExecutions": concurrency, "UnreservedConcurrentExecutions": unreserved}
    there = [{"Name": f"other-{number}"} for number in range(rules)]

    def answer(call: Call) -> Fault | None:
        if call.name == "lambda.GetAccountSettings":
            return Answer(200, json.dumps({"AccountLimit": limit}).encode())
        if call.name == "events.ListRules" and "NamePrefix" not in call.json:
            return Answer(200, json.dumps({"Rules": there}).encode())
        return None

    return answer


def test_two_hundred_tenants_take_one_command(local: Path, sa_apps: Command, tmp_path: Path) -> None:
    given = csv(tmp_path, *(line(f"t{number}") for number in range(200)))

    ran = sa_apps(*NEW, given, "--yes", "--no-check")
    status = json.loads(sa_apps("status", "--json").out)

    assert ran.code == 0
    assert "Plan: 200 to add." in ran.err
    assert "Apps: 200 added." in ran.err
    assert len(apps(local)) == 200
    assert len(status["apps"]) == 200


def test_the_plan_says_what_the_account_has_no_room_for(
    aws_project: Path, aws: Proxy, sa_apps: Command, tmp_path: Path
) -> None:
    aws.before = account(rules=299, concurrency=1000, unreserved=101)

    ran = sa_apps(*NEW, csv(tmp_path, line("acme"), line("globex")), "--yes", "--no-check")

    assert ran.code == 0
    assert "2 apps need a rule each, and EventBridge has room for 1 more" in ran.err
    assert "--quota-code L-244521F2 --desired-value 301 --region us-east-1" in ran.err
    assert "2 apps reserve a concurrency of 2, and the account has 1 left to reserve" in ran.err
    assert aws.names().count("ssm.PutParameter") == 2
    assert list(apps(aws_project)) == ["acme", "globex"]


def test_an_account_with_room_is_not_spoken_of(
    aws_project: Path, aws: Proxy, sa_apps: Command, tmp_path: Path
) -> None:
    aws.before = account(rules=298, concurrency=1000, unreserved=102)

    ran = sa_apps(*NEW, csv(tmp_path, line("acme"), line("globex")), "--dry-run")

    assert ran.code == 0
    assert "warning" not in ran.err


def test_the_plan_of_a_deploy_says_so_too(deployable: Path, aws: Proxy, sa_apps: Command) -> None:
    aws.before = account(rules=300, concurrency=10, unreserved=10)

    ran = sa_apps("deploy", "--dry-run")

    assert ran.code == 0
    assert "1 app needs a rule, and EventBridge has room for 0 more" in ran.err
    assert "1 app reserves a concurrency of 1, and the account has 0 left to reserve" in ran.err


def test_the_plan_of_a_deploy_says_that_new_apps_have_no_classifier(
    deployable: Path, sa_apps: Command
) -> None:
    missing = "There is no classifier acme_prod_streamalert_classifier"

    assert missing in sa_apps("deploy", "--dry-run").err
    assert missing in sa_apps("deploy", "--yes").err
    assert missing not in sa_apps("deploy", "--dry-run").err  # `status` and `doctor` tell of what is there
