"""`sa-apps destination`: define, show, try and take away where events go."""

from __future__ import annotations

import json
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import msgspec
import pytest

from streamalert_apps.runtime.head import Head, Position
from streamalert_apps.runtime.store.local import LocalStore
from streamalert_apps.sdk.clock import SystemClock
from streamalert_apps.simulator.server import serve
from tests.cli.conftest import FUNCTION, write_auth
from tests.cli.test_json import check
from tests.destinations.http import TOKEN, Endpoint
from tests.terminal import ENTER, Terminal

if TYPE_CHECKING:
    from tests.cli.conftest import Ran

    Command = Callable[..., Ran]

BUCKET = "acme-sa-apps-123456789012-us-east-1"
URL = "https://logs.example.com/in"
SOC = ["destination", "add", "soc", "--type", "http"]


@pytest.fixture
def token(tmp_path: Path) -> str:
    """Return a file with the endpoint's credentials."""
    path = tmp_path / "soc.json"
    path.write_text(json.dumps({"token": TOKEN}))
    path.chmod(0o600)
    return str(path)


@pytest.fixture
def soc(local: Path, sa_apps: Command, token: str) -> Path:
    """Return a local project with the destination `soc`."""
    assert sa_apps(*SOC, "--set", f"url={URL}", "--auth-file", token).code == 0
    return local


def stated(root: Path) -> Any:
    return json.loads((root / "conf/destinations.json").read_text())


def kept(root: Path) -> Path:
    return root / ".sa-apps/destinations/soc.json"


# Adding


def test_settings_go_to_conf_and_credentials_to_a_file_for_its_owner_alone(soc: Path) -> None:
    assert stated(soc) == {"destinations": {"soc": {"type": "http", "url": URL}}}
    assert json.loads(kept(soc).read_text()) == {"token": TOKEN}
    if sys.platform != "win32":
        assert stat.S_IMODE(kept(soc).stat().st_mode) == 0o600


def test_in_aws_they_go_to_a_parameter_that_is_encrypted(
    aws_project: Path, sa_apps: Command, token: str
) -> None:
    ran = sa_apps(*SOC, "--set", f"url={URL}", "--auth-file", token, "--json")

    assert check(ran.out, "destination add")["changed"] == ["settings", "credentials"]
    (stored,) = boto3.client("ssm").get_parameters(Names=["acme_destination_soc_auth"], WithDecryption=True)[
        "Parameters"
    ]
    assert (stored["Type"], json.loads(stored["Value"])) == ("SecureString", {"token": TOKEN})
    assert TOKEN not in ran.out + ran.err


def test_they_are_under_the_projects_key_and_tagged_as_all_that_is_made(
    aws_project: Path, sa_apps: Command, token: str
) -> None:
    key = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    assert (
        sa_apps("config", "set", "sa_apps", json.dumps({"kms_key": key, "tags": {"cost": "security"}})).code
        == 0
    )

    assert sa_apps(*SOC, "--set", f"url={URL}", "--auth-file", token).code == 0

    ssm, name = boto3.client("ssm"), "acme_destination_soc_auth"
    (described,) = ssm.describe_parameters(ParameterFilters=[{"Key": "Name", "Values": [name]}])["Parameters"]
    tags = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"]
    assert described["KeyId"] == key
    assert {"Key": "cost", "Value": "security"} in tags


def test_what_is_missing_is_asked_for(local: Path) -> None:
    with Terminal("destination", "add", "soc", folder=local) as terminal:
        terminal.see("Which kind of destination?").type("http" + ENTER)
        terminal.see("Please supply where batches are posted to").type("ftp://example.com" + ENTER)
        terminal.see("not a URL").type("\b" * 17 + URL + ENTER)
        terminal.see("Please supply the bearer token").type(TOKEN + ENTER)
        terminal.see("Next: `sa-apps destination test soc`")
        assert terminal.ends() == 0
        assert TOKEN not in terminal.text
    assert stated(local)["destinations"]["soc"]["url"] == URL
    assert json.loads(kept(local).read_text()) == {"token": TOKEN}


def test_a_setting_is_json_or_text_whatever_its_kind_takes(local: Path, sa_apps: Command, token: str) -> None:
    words = ["--set", f"url={URL}", "--set", "batch_events=7", "--set", "gzip=false", "--set", "hold=5m"]
    assert sa_apps(*SOC, *words, "--auth-file", token).code == 0
    assert stated(local)["destinations"]["soc"] == {
        "type": "http", "url": URL, "batch_events": 7, "gzip": False, "hold": "5m",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["bad/name", "--type", "http"], "not a valid name of a destination"),
        (["../up", "--type", "http"], "not a valid name of a destination"),
        (["classifier", "--type", "http"], "StreamAlert's"),
        (["soc", "--type", "htp"], "There is no kind of destination 'htp'"),
        (["soc", "--type", "http"], "Can't ask for url"),
        (["soc", "--type", "http", "--set", "url"], "--set takes KEY=VALUE"),
        (["soc", "--type", "http", "--set", "ur=x"], "Did you mean 'url'?"),
        (["soc", "--type", "http", "--set", "url=ftp://x"], "url: It is not a URL"),
        (["soc", "--type", "http", "--set", f"url={URL}", "--set", "hold=9"], "hold: "),
        (["soc", "--type", "http", "--set", f"url={URL}"], "the destination's credentials"),
        (["lake", "--type", "s3", "--set", "bucket=acme-lake", "--auth-file", "-"], "has no credentials"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_written(
    local: Path, sa_apps: Command, words: list[str], message: str
) -> None:
    before = sorted(local.rglob("*"))
    ran = sa_apps("destination", "add", *words)
    assert ran.code == 2
    assert message in ran.err
    assert [path for path in sorted(local.rglob("*.json")) if path not in before] == []


def test_where_conf_can_not_be_written_the_credentials_are_taken_back(
    local: Path, sa_apps: Command, token: str
) -> None:
    (local / "conf/destinations.json").write_text("{")
    assert sa_apps(*SOC, "--set", f"url={URL}", "--auth-file", token).code == 1
    assert not kept(local).exists()


def test_one_that_is_there_is_not_defined_anew(soc: Path, sa_apps: Command, token: str) -> None:
    ran = sa_apps(*SOC, "--set", "url=https://other.example.com", "--auth-file", token)
    assert ran.code == 2
    assert "sa-apps config set destinations.soc.KEY VALUE" in ran.err
    assert stated(soc)["destinations"]["soc"]["url"] == URL


def test_its_credentials_are_replaced_where_that_is_said(soc: Path, sa_apps: Command, token: str) -> None:
    words = ["destination", "add", "soc", "--auth-file", token]
    assert sa_apps(*words).code == 2
    assert sa_apps(*words, "--update-auth").err.endswith("No changes.\n")
    Path(token).write_text('{"token": "another-token"}')
    assert sa_apps(*words, "--update-auth").code == 0
    assert json.loads(kept(soc).read_text()) == {"token": "another-token"}


def test_the_hint_for_missing_credentials_is_a_command_that_gives_them(
    soc: Path, sa_apps: Command, token: str
) -> None:
    kept(soc).unlink()
    ran = sa_apps("destination", "test", "soc")
    assert ran.code == 4
    hint = ran.err.partition("Give them with `sa-apps ")[2].partition("`")[0]
    assert sa_apps(*hint.split(), "--auth-file", token).code == 0
    assert kept(soc).exists()


def test_credentials_that_lack_something_are_told(soc: Path, sa_apps: Command) -> None:
    kept(soc).write_text("{}")
    ran = sa_apps("destination", "test", "soc")
    assert ran.code == 4
    assert "The credentials of soc lack token." in ran.err


def test_a_key_that_its_kind_does_not_know_is_warned_of_with_the_likely_one(
    soc: Path, sa_apps: Command
) -> None:
    path = soc / "conf/destinations.json"
    path.write_text(path.read_text().replace('"url"', '"gzp": true, "url"'))
    warned = "destinations.soc.gzp is not a known key. Did you mean 'gzip'?"
    assert warned in sa_apps("list").err
    assert warned in sa_apps("config", "validate").err
    assert sa_apps("config", "set", "destinations.soc.gzpp", "true").code == 2


# Apps that send there


def test_a_new_app_sends_where_it_is_told_to(soc: Path, sa_apps: Command, tmp_path: Path) -> None:
    auth = ["--auth-file", str(write_auth(tmp_path / "duo.json")), "--no-check"]
    new = ["new", "duo_auth", "-c", "prod", *auth]

    assert "Did you mean 'soc'?" in sa_apps(*new, "--to", "sok").err
    assert "has no classifier" in sa_apps(*new, "--to", "classifier").err
    assert sa_apps(*new, "--to", "soc").code == 0

    (listed,) = check(sa_apps("destination", "list", "--json").out, "destination list")["destinations"]
    assert listed == {
        "name": "soc",
        "type": "http",
        "settings": {"url": URL},
        "apps": [{"cluster": "prod", "name": "collector"}],
    }
    assert sa_apps("destination", "list").out == "soc\thttp\tcollector (prod)\n"


def test_without_any_that_is_said(local: Path, sa_apps: Command) -> None:
    assert sa_apps("destination", "list").out == "No destinations configured\n"


# Trying


@pytest.fixture
def endpoint(local: Path, sa_apps: Command, token: str) -> Iterator[Endpoint]:
    """Serve an endpoint, which is the destination `soc` of a local project."""
    twin = Endpoint(SystemClock())
    with serve(twin) as server:  # type: ignore[arg-type] # it is asked for no more than this
        assert sa_apps(*SOC, "--set", f"url={server.url}/in", "--auth-file", token).code == 0
        yield twin


def test_one_marked_event_is_sent(endpoint: Endpoint, sa_apps: Command) -> None:
    told = check(sa_apps("destination", "test", "soc", "--json").out, "destination test")

    (event,) = map(json.loads, endpoint.arrived)
    assert {"sa_apps_test": event["sa_apps_test"]} == told["event"]
    assert event["destination"] == "soc"
    assert "soc accepted the event" in sa_apps("destination", "test", "soc").err


@pytest.mark.parametrize(
    ("fault", "message", "code"),
    [("expired", "the credentials were refused", 4), ("is_wrong", "answered 404", 1)],
)
def test_what_came_back_is_said(
    endpoint: Endpoint, sa_apps: Command, fault: str, message: str, code: int
) -> None:
    setattr(endpoint, fault, True)
    ran = sa_apps("destination", "test", "soc", "--json")
    assert ran.code == code
    assert message in check(ran.out, "destination test")["errors"][0]["message"]


def test_an_event_that_is_refused_is_an_error(endpoint: Endpoint, sa_apps: Command) -> None:
    endpoint.poison = {-1}  # what has no number
    assert "soc refused the event" in sa_apps("destination", "test", "soc").err


def test_a_name_that_is_nearly_right_is_suggested(soc: Path, sa_apps: Command) -> None:
    assert "Did you mean 'soc'?" in sa_apps("destination", "test", "sco").err


# Removing


@pytest.fixture
def sending(soc: Path, sa_apps: Command, tmp_path: Path) -> LocalStore:
    """Return the store of an app that has not delivered all to `soc`."""
    auth = ["--auth-file", str(write_auth(tmp_path / "duo.json")), "--no-check"]
    assert sa_apps("new", "duo_auth", "-c", "prod", *auth, "--to", "soc").code == 0
    assert sa_apps("destination", "add", "lake", "--type", "s3", "--set", "bucket=acme-lake").code == 0
    store = LocalStore(soc / ".sa-apps", "local_prod_duo_auth_collector_app")
    positions = {"soc": Position(4, events=880), "lake": Position(9, events=1000)}
    owner = (soc / ".sa-apps/id").read_text() if (soc / ".sa-apps/id").exists() else "it"
    (soc / ".sa-apps/id").write_text(owner)
    head = Head(owner, "born", "key", 1, events=1000, sequence=8, positions=positions)
    store.write("head.json", msgspec.json.encode(head), replacing=None)
    return store


def positions_in(store: LocalStore) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(store.read("head.json").body)["positions"]
    return found


def test_one_that_somebody_needs_can_not_go(sending: LocalStore, soc: Path, sa_apps: Command) -> None:
    ran = sa_apps("destination", "remove", "soc", "--yes")
    assert ran.code == 1
    assert "collector sends to soc alone: without it its events would go nowhere." in ran.err
    assert positions_in(sending).keys() == {"soc", "lake"}
    assert kept(soc).exists()


@pytest.fixture
def shared(sending: LocalStore, sa_apps: Command) -> LocalStore:
    """Have the app send to another destination besides."""
    assert sa_apps("config", "set", "destinations", '["soc", "lake"]', "-n", "collector").code == 0
    return sending


def test_nobody_loses_undelivered_events_unasked(shared: LocalStore, soc: Path, sa_apps: Command) -> None:
    ran = sa_apps("destination", "remove", "soc")
    assert ran.code == 2
    assert "the position of collector (prod), 120 events undelivered" in ran.err
    assert "--yes" in ran.err
    assert kept(soc).exists()
    assert "soc" in positions_in(shared)


def test_it_goes_with_its_credentials_its_positions_and_from_every_list(
    shared: LocalStore, soc: Path, sa_apps: Command
) -> None:
    ran = sa_apps("destination", "remove", "soc", "--yes", "--json")

    told = check(ran.out, "destination remove")
    assert told["positions"] == [{"cluster": "prod", "name": "collector", "undelivered": 120}]
    assert positions_in(shared).keys() == {"lake"}
    assert not kept(soc).exists()
    assert stated(soc)["destinations"].keys() == {"lake"}
    assert check(sa_apps("list", "--json").out, "list")["apps"]
    (listed,) = json.loads(sa_apps("destination", "list", "--json").out)["destinations"]
    assert listed["apps"] == [{"cluster": "prod", "name": "collector"}]


def test_a_person_is_asked(shared: LocalStore, soc: Path) -> None:
    with Terminal("destination", "remove", "soc", folder=soc) as terminal:
        terminal.see("Remove soc, with 120 events undelivered?").type("n" + ENTER)
        assert terminal.ends() == 130
    assert kept(soc).exists()


# Deploying


@pytest.fixture
def to_two(deployable: Path, sa_apps: Command, token: str) -> Path:
    """Return a project whose app is deployed and sends to `soc` and `lake`."""
    assert sa_apps(*SOC, "--set", f"url={URL}", "--auth-file", token).code == 0
    assert sa_apps("destination", "add", "lake", "--type", "s3", "--set", "bucket=acme-lake").code == 0
    assert sa_apps("config", "set", "destinations", '["soc", "lake"]', "-n", "collector").code == 0
    assert "soc has no credentials" not in sa_apps("deploy", "--yes").err
    return deployable


def record(waiting: int) -> None:
    owner = f"arn:aws:lambda:us-east-1:123456789012:function:{FUNCTION}"
    positions = {"soc": Position(4, events=1000 - waiting), "lake": Position(9, events=1000)}
    head = Head(owner, "born", "key", 1, events=1000, sequence=8, positions=positions)
    boto3.client("s3").put_object(Bucket=BUCKET, Key=f"{FUNCTION}/head.json", Body=msgspec.json.encode(head))


def recorded() -> set[str]:
    body = boto3.client("s3").get_object(Bucket=BUCKET, Key=f"{FUNCTION}/head.json")["Body"].read()
    return {*json.loads(body)["positions"]}


def test_a_deploy_warns_of_a_destination_without_credentials(
    deployable: Path, sa_apps: Command, token: str
) -> None:
    assert sa_apps(*SOC, "--set", f"url={URL}", "--auth-file", token).code == 0
    boto3.client("ssm").delete_parameter(Name="acme_destination_soc_auth")
    assert sa_apps("config", "set", "destinations", '["soc"]', "-n", "collector").code == 0
    assert "`sa-apps destination add soc --update-auth`" in sa_apps("deploy", "--yes").err


@pytest.mark.parametrize(
    ("waiting", "words", "left"),
    [(0, [], {"lake"}), (120, [], {"soc", "lake"}), (120, ["--drop-undelivered"], {"lake"})],
)
def test_a_deploy_forgets_what_is_no_longer_named_but_nothing_that_is_undelivered(
    to_two: Path, sa_apps: Command, waiting: int, words: list[str], left: set[str]
) -> None:
    record(waiting)
    assert sa_apps("config", "set", "destinations", '["lake"]', "-n", "collector").code == 0

    ran = sa_apps("deploy", "--yes", *words)

    assert ran.code == 0
    assert ("sends to soc no more, which lacks 120 events" in ran.err) is bool(waiting)
    assert recorded() == left


def test_what_was_kept_can_be_forgotten_later(to_two: Path, sa_apps: Command) -> None:
    record(120)
    assert sa_apps("config", "set", "destinations", '["lake"]', "-n", "collector").code == 0
    assert "sa-apps deploy --drop-undelivered" in sa_apps("deploy", "--yes").err
    assert sa_apps("deploy", "--yes", "--drop-undelivered").code == 0
    assert recorded() == {"lake"}


@pytest.mark.parametrize(("waiting", "told"), [(0, "which has all."), (120, "which lacks 120 events.")])
def test_a_dry_run_forgets_nothing_and_tells_what_would_be(
    to_two: Path, sa_apps: Command, waiting: int, told: str
) -> None:
    record(waiting)
    assert sa_apps("config", "set", "destinations", '["lake"]', "-n", "collector").code == 0

    ran = sa_apps("deploy", "--dry-run", "--drop-undelivered")

    assert (ran.code, recorded()) == (0, {"soc", "lake"})
    assert f"collector (prod) sends to soc no more, {told}" in ran.err


def test_a_plan_tells_from_where_on_a_new_destination_is_sent_events(to_two: Path, sa_apps: Command) -> None:
    record(0)
    assert sa_apps("destination", "add", "other", "--type", "s3", "--set", "bucket=acme-other").code == 0
    assert sa_apps("config", "set", "destinations", '["soc", "lake", "other"]', "-n", "collector").code == 0

    told = "collector (prod) begins to send to other: what is collected from then on."
    assert told in sa_apps("deploy", "--dry-run").err
    assert told in sa_apps("deploy", "--yes").err


def test_a_plan_tells_where_a_destination_that_is_named_again_goes_on(to_two: Path, sa_apps: Command) -> None:
    assert sa_apps("config", "set", "destinations", '["lake"]', "-n", "collector").code == 0
    assert sa_apps("deploy", "--yes").code == 0
    record(120)
    assert sa_apps("config", "set", "destinations", '["soc", "lake"]', "-n", "collector").code == 0

    told = "collector (prod) sends to soc again, from where it ended: it lacks 120 events."
    assert told in sa_apps("deploy", "--dry-run").err
