"""`sa-apps state` and `sa-apps journal`: what is on record, handing it back, taking events off it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from streamalert_apps.cli.app import main
from streamalert_apps.cli.project import open_project
from streamalert_apps.runtime import head as heads
from streamalert_apps.runtime.head import Identity
from streamalert_apps.sdk.clock import Deadline, SystemClock
from streamalert_apps.serve.turn import Place, place_of
from streamalert_apps.services import twins
from streamalert_apps.simulator.server import serve
from tests.cli.test_json import check

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cli.conftest import Ran

    Command = Callable[..., Ran]


@pytest.fixture
def service() -> Iterator[str]:
    """Serve an Intercom in which something happens; return its URL."""
    twin = twins.twin("intercom", rate=None)
    twin.seed("intercom_admin_activity_logs", events=300)
    with serve(twin) as server:
        yield server.url


@pytest.fixture
def ran(local: Path, service: str, tmp_path: Path) -> Path:
    """Return a local project whose app has collected once."""
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps(twins.twin("intercom").credentials))
    keys.chmod(0o600)
    new = ["new", "intercom_admin_activity_logs", "-c", "prod", "-n", "collector", "--no-check"]
    assert main([*new, "--auth-file", str(keys)]) == 0
    assert main(["run", "collector", "--simulator", service, "--to", "logs.jsonl"]) == 0
    return local


def place(root: Path) -> Place:
    """Return where the record of the one app is."""
    project = open_project(root)
    (app,) = project.all_apps
    return place_of(project, app, lambda: pytest.fail("no AWS here"))


def head(root: Path) -> heads.Head:
    return heads.parse(place(root).store.read(heads.NAME).body)[0]


def begin_a_run(root: Path) -> None:
    there = place(root)
    heads.take(
        there.store,
        Identity(there.owner, "other"),
        clock=SystemClock(),
        deadline=Deadline.never(),
        first_look=timedelta(hours=1),
    )


def old_state(root: Path) -> Any:
    (path,) = root.glob(".sa-apps/*/state.json")
    return json.loads(path.read_text())["state"]


def test_the_record_is_shown_without_its_key(ran: Path, sa_apps: Command) -> None:
    shown = sa_apps("state", "show", "collector")
    told = check(sa_apps("state", "show", "collector", "--json").out, "state show")

    assert shown.code == 0
    assert told["events"] > 0
    assert f"events     {told['events']:,} in" in shown.out
    assert head(ran).key not in shown.out + json.dumps(told)


def test_an_app_that_never_ran_has_no_record(local: Path, sa_apps: Command, auth_file: Path) -> None:
    sa_apps("new", "duo_auth", "-c", "prod", "--auth-file", str(auth_file), "--no-check")

    assert check(sa_apps("state", "show", "collector", "--json").out, "state show")["record"] is None
    assert sa_apps("state", "export", "collector").code == 2


def test_an_export_writes_what_an_earlier_version_reads(ran: Path, sa_apps: Command) -> None:
    told = check(sa_apps("state", "export", "collector", "--json").out, "state export")

    state = old_state(ran)
    assert state["current_state"] == "succeeded"
    floor = datetime.fromisoformat(state["sa_apps"]["checkpoint"]["floor"])
    assert floor.isoformat(timespec="seconds") == told["since"]
    assert "handed back" in sa_apps("state", "show", "collector").out


def test_a_type_that_cannot_be_made_without_credentials_is_told_of_and_handed_back_too(
    local: Path, sa_apps: Command, tmp_path: Path
) -> None:
    twin = twins.twin("okta", rate=None)
    twin.seed("okta_system_log", events=20)
    keys = tmp_path / "okta.json"
    keys.write_text(json.dumps(twin.credentials))
    keys.chmod(0o600)
    with serve(twin) as server:
        sa_apps("new", "okta_system_log", "-c", "prod", "--no-check", "--auth-file", str(keys))
        sa_apps("run", "collector", "--simulator", server.url, "--to", "logs.jsonl")

    (app,) = check(sa_apps("status", "--json").out, "status")["apps"]

    assert app["collected_until"]
    assert sa_apps("state", "export", "collector").code == 0
    assert old_state(local)["sa_apps"]["checkpoint"]["position"]


def test_the_next_run_takes_the_app_back(ran: Path, sa_apps: Command, service: str) -> None:
    sa_apps("state", "export", "collector")

    assert sa_apps("run", "collector", "--simulator", service, "--to", "logs.jsonl").code == 0

    assert head(ran).sealed is None
    assert old_state(ran).startswith("Moved:")
    lines = (ran / "logs.jsonl").read_text().splitlines()
    assert len(set(lines)) == len(lines) == head(ran).events


def test_during_a_run_nothing_is_exported(ran: Path, sa_apps: Command) -> None:
    begin_a_run(ran)

    answer = sa_apps("state", "export", "collector")

    assert answer.code == 1
    assert "already running" in answer.err
    assert not list(ran.glob(".sa-apps/*/state.json"))


def test_a_purge_says_how_many_and_takes_them_off_the_record(ran: Path, sa_apps: Command) -> None:
    before = head(ran).events
    span = ["--since", "2d", "--until", (datetime.now(UTC) + timedelta(days=1)).isoformat()]

    refused = sa_apps("journal", "purge", "collector", *span)
    told = check(sa_apps("journal", "purge", "collector", *span, "--yes", "--json").out, "journal purge")

    assert refused.code == 2
    assert f"{before:,} events on record" in refused.err
    assert told["purged"] == before
    again = check(sa_apps("journal", "purge", "collector", *span, "--yes", "--json").out, "journal purge")
    assert again["purged"] == 0


def test_a_purge_of_no_time_is_refused(ran: Path, sa_apps: Command) -> None:
    answer = sa_apps("journal", "purge", "collector", "--since", "1h", "--until", "2h", "--yes")
    assert answer.code == 2
    assert "--since has to be before --until" in answer.err


def test_during_a_run_nothing_is_purged(ran: Path, sa_apps: Command) -> None:
    begin_a_run(ran)
    answer = sa_apps("journal", "purge", "collector", "--since", "2d", "--until", "1m", "--yes")
    assert answer.code == 1
    assert "already running" in answer.err


def test_a_removal_takes_the_whole_record(ran: Path, sa_apps: Command) -> None:
    check(sa_apps("remove", "collector", "--yes", "--json").out, "remove")

    assert not list(ran.glob(".sa-apps/*/"))
    assert json.loads(sa_apps("list", "--json").out)["apps"] == []


def test_a_removal_can_keep_the_credentials(ran: Path, sa_apps: Command) -> None:
    assert sa_apps("remove", "collector", "--keep-auth", "--yes").code == 0
    assert [path.name for path in ran.glob(".sa-apps/*/*") if path.is_file()] == ["auth.json"]


def test_during_a_run_nothing_is_removed(ran: Path, sa_apps: Command) -> None:
    begin_a_run(ran)

    answer = sa_apps("remove", "collector", "--yes")

    assert answer.code == 1
    assert "Nothing was removed: collector is running." in answer.err
    assert head(ran).removed is False


def test_a_removal_that_was_interrupted_lets_no_run_begin_and_is_completed_by_the_next(
    ran: Path, sa_apps: Command, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("streamalert_apps.serve.removal.finish", die)
        assert sa_apps("remove", "collector", "--yes").code == 130

    stopped = sa_apps("run", "collector", "--simulator", service)
    assert "The app is being removed." in stopped.err
    assert sa_apps("remove", "collector", "--yes").code == 0
    assert not list(ran.glob(".sa-apps/*/"))
