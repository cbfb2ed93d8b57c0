"""`sa-apps dead`: events that a destination refused for good."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from streamalert_apps.runtime.head import Head, Lease, Position
from streamalert_apps.runtime.store.local import LocalStore
from streamalert_apps.sdk.clock import SystemClock
from tests.cli.conftest import write_auth
from tests.cli.test_destination import endpoint, token
from tests.cli.test_json import SCHEMA, check
from tests.destinations.http import Endpoint

if TYPE_CHECKING:
    from tests.cli.conftest import Ran

    Command = Callable[..., Ran]

__all__ = ["endpoint", "token"]

EVENTS = [f"soc/000000000{number}-00001795694400-0" for number in (1, 2, 3)]
GONE = "old/0000000001-00001795694400-0"


@pytest.fixture
def store(local: Path, endpoint: Endpoint, sa_apps: Command, tmp_path: Path) -> LocalStore:
    """Return the store of an app of which `soc` refused three events, and `old`, no longer there, one."""
    auth = ["--auth-file", str(write_auth(tmp_path / "duo.json")), "--no-check"]
    assert sa_apps("new", "duo_auth", "-c", "prod", *auth, "--to", "soc").code == 0
    store = LocalStore(local / ".sa-apps", "local_prod_duo_auth_collector_app")
    (local / ".sa-apps/id").write_text("it")
    head = Head("it", "born", "key", 1, sequence=3, positions={"soc": Position(4, dead=3)})
    store.write("head.json", msgspec.json.encode(head), replacing=None)
    for number, name in enumerate((*EVENTS, GONE)):
        line = b'{"id":"0102","at":1795694400.0,"got":1795694410.0,"raw":{"n": %d, "x":2.50}}' % number
        store.put(f"dead/{name}.json", b'{"reason":"no such field","line":%b}' % line)
    return store


def kept(store: LocalStore) -> list[str]:
    return [item.name for item in store.list("dead/soc/")]


def dead_in_head(store: LocalStore) -> int:
    there: dict[str, Any] = json.loads(store.read("head.json").body)
    return int(there["positions"]["soc"].get("dead", 0))


def test_they_are_listed_with_the_reason(store: LocalStore, sa_apps: Command) -> None:
    first, *_ = check(
        sa_apps("dead", "list", "collector", "--destination", "soc", "--json").out, "dead list"
    )["events"]
    assert first == {
        "event": EVENTS[0],
        "destination": "soc",
        "reason": "no such field",
        "happened": "2026-11-26T12:00:00+00:00",
    }
    assert len(sa_apps("dead", "list", "collector").out.splitlines()) == 4


def test_where_there_are_none_that_is_said(store: LocalStore, sa_apps: Command) -> None:
    assert sa_apps("dead", "list", "collector", "--destination", "file").out == "No dead events\n"
    assert sa_apps("dead", "replay", "collector", "--destination", "file").code == 0


@pytest.mark.parametrize("command", ["list", "replay", "drop"])
def test_a_destination_that_nobody_knows_is_told(store: LocalStore, sa_apps: Command, command: str) -> None:
    ran = sa_apps("dead", command, "collector", "--destination", "sok")
    assert ran.code == 2
    assert "There is no destination 'sok'." in ran.err
    assert "Did you mean 'soc'?" in ran.err


def test_one_is_shown_as_the_service_gave_it(store: LocalStore, sa_apps: Command) -> None:
    ran = sa_apps("dead", "show", "collector", EVENTS[1])
    assert ran.out == '{"n": 1, "x":2.50}\n'
    assert "no such field" in ran.err
    check(sa_apps("dead", "show", "collector", EVENTS[1], "--json").out, "dead show")


def test_one_that_holds_what_controls_a_terminal_stays_json(store: LocalStore, sa_apps: Command) -> None:
    hostile = "\x7f\x9b31m\u202e</script>[/nope]"
    raw = json.dumps({"n": hostile}, ensure_ascii=False)
    line = f'{{"reason":"no","line":{{"id":"01","at":1.0,"got":1.0,"raw":{raw}}}}}'
    store.put("dead/soc/0000000009-1-0.json", line.encode())

    ran = sa_apps("dead", "show", "collector", "soc/0000000009-1-0")

    assert not {"\x7f", "\x9b", "\u202e"} & {*ran.out}
    assert json.loads(ran.out) == {"n": hostile}


@pytest.mark.parametrize("command", ["show", "replay", "drop"])
def test_one_that_is_not_there_is_told(store: LocalStore, sa_apps: Command, command: str) -> None:
    ran = sa_apps("dead", command, "collector", "soc/1")
    assert ran.code == 2
    assert "There is no dead event soc/1." in ran.err


def test_what_is_taken_now_is_kept_no_more(store: LocalStore, endpoint: Endpoint, sa_apps: Command) -> None:
    endpoint.poison = {1}

    ran = sa_apps("dead", "replay", "collector", "--destination", "soc", "--json")

    told = json.loads(ran.out)
    Draft202012Validator({"$ref": "#/$defs/dead%20replay", "$defs": SCHEMA["$defs"]}).validate(told)
    assert (told["replayed"], told["kept"]) == (2, 1)
    assert endpoint.arrived == [b'{"n": 0, "x":2.50}', b'{"n": 2, "x":2.50}']
    assert kept(store) == [f"dead/{EVENTS[1]}.json"]
    assert dead_in_head(store) == 1
    assert "answered 400" in told["errors"][0]["message"]
    assert ran.code == 1


def test_one_is_replayed_under_the_same_id_each_time(
    store: LocalStore, endpoint: Endpoint, sa_apps: Command
) -> None:
    endpoint.poison = {0}
    for _ in range(2):
        sa_apps("dead", "replay", "collector", EVENTS[0])
    sa_apps("dead", "replay", "collector", EVENTS[1])
    first, second, other = endpoint.keys
    assert first == second != other


def test_a_destination_that_takes_nothing_is_asked_once(
    store: LocalStore, endpoint: Endpoint, sa_apps: Command
) -> None:
    endpoint.expired = True
    ran = sa_apps("dead", "replay", "collector", "--destination", "soc")
    assert ran.code == 4
    assert ran.err.count("the credentials were refused") == 1
    assert len(kept(store)) == 3


def test_what_nobody_sends_to_any_more_is_told_and_the_rest_is_sent(
    store: LocalStore, endpoint: Endpoint, sa_apps: Command
) -> None:
    ran = sa_apps("dead", "replay", "collector")
    assert ran.code == 2
    assert "does not send to 'old' any more" in ran.err
    assert len(endpoint.arrived) == 3


def test_they_are_dropped_once_somebody_says_so(store: LocalStore, sa_apps: Command) -> None:
    words = ["dead", "drop", "collector", "--destination", "soc"]
    assert "--yes" in sa_apps(*words).err
    assert len(kept(store)) == 3

    assert check(sa_apps(*words, "--yes", "--json").out, "dead drop")["dropped"] == 3

    assert (kept(store), dead_in_head(store)) == ([], 0)
    assert sa_apps("dead", "list", "collector").out.startswith(GONE)


@pytest.mark.parametrize("words", [["replay"], ["drop", "--yes"]])
def test_during_a_run_nothing_is_touched(
    store: LocalStore, endpoint: Endpoint, sa_apps: Command, words: list[str]
) -> None:
    there = store.read("head.json")
    head = msgspec.json.decode(there.body, type=Head)
    head.lease = Lease("run", SystemClock().now().timestamp() + 60)
    store.write("head.json", msgspec.json.encode(head), replacing=there.version)

    ran = sa_apps("dead", words[0], "collector", *words[1:])

    assert ran.code == 1
    assert "already running" in ran.err
    assert (endpoint.arrived, len(kept(store))) == ([], 3)
