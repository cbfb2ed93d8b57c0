"""`sa-apps verify`: what it says and writes, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from streamalert_apps.runtime import journal
from streamalert_apps.runtime.store.local import LocalStore
from streamalert_apps.sdk.clock import SystemClock
from streamalert_apps.services import twins
from streamalert_apps.simulator.server import serve
from tests.cli.conftest import Ran
from tests.cli.test_json import SCHEMA, check

Command = Callable[..., Ran]

TYPE = "intercom_admin_activity_logs"


@pytest.fixture
def words(local: Path, sa_apps: Command, tmp_path: Path) -> Iterator[list[str]]:
    """Return the words after a command for an app of which 200 events are on record, to simulate."""
    clock = SystemClock()
    twin: Any = twins.twin("intercom", clock=clock)
    now = clock.now()
    twin.seed(TYPE, events=200, start=now - timedelta(minutes=100), end=now - timedelta(minutes=20))
    twin.seed(TYPE, events=1, start=now - timedelta(seconds=40), end=now - timedelta(seconds=30))
    auth = tmp_path / "auth.json"
    auth.write_text(json.dumps(twin.credentials))
    auth.chmod(0o600)
    assert sa_apps("new", TYPE, "-c", "prod", "-n", "try", "--auth-file", str(auth), "--no-check").code == 0
    with serve(twin) as server:
        assert sa_apps("run", "try", "--simulator", server.url, "--to", "logs.jsonl").code == 0
        yield ["try", "--simulator", server.url]


def store(folder: Path) -> LocalStore:
    return LocalStore(folder / ".sa-apps", f"local_prod_{TYPE}_try_app")


def cut_a_line(folder: Path) -> None:
    """Take the last line off the journal."""
    there = store(folder)
    item = next(item for item in there.list("") if "/journal/" in item.name)
    lines = (there.get(item.name) or b"").splitlines(keepends=True)
    there.delete([item.name])
    there.put(item.name, b"".join(lines[:-1]))


def test_a_whole_record_is_fine(words: list[str], sa_apps: Command) -> None:
    ran = sa_apps("verify", *words)

    assert ran.code == 0
    assert "200 listed, 200 on record, 0 missing" in ran.out
    assert "request for" in ran.err


def test_what_is_missing_is_named_and_ends_with_1(words: list[str], sa_apps: Command, local: Path) -> None:
    cut_a_line(local)

    ran = sa_apps("verify", *words, "--json")

    told = json.loads(ran.out)
    Draft202012Validator({"$ref": "#/$defs/verify", "$defs": SCHEMA["$defs"]}).validate(told)
    assert (ran.code, len(told["missing"]), told["errors"][0]["code"]) == (1, 1, "events_missing")
    assert "between" in sa_apps("verify", *words).out


def test_repaired_it_is_on_record_after_the_next_run(words: list[str], sa_apps: Command, local: Path) -> None:
    cut_a_line(local)

    ran = sa_apps("verify", *words, "--repair")

    assert ran.code == 0
    assert "The next run puts 1 event on record." in ran.err
    assert check(sa_apps("run", *words, "--to", "logs.jsonl", "--json").out, "run")["recorded"] == 1
    assert check(sa_apps("verify", *words, "--json").out, "verify")["missing"] == []
    lines = [
        line
        for item in store(local).list("")
        if "/journal/" in item.name
        for line in journal.raws(store(local).get(item.name) or b"")
    ]
    assert len(lines) == len({*lines})


@pytest.mark.parametrize(
    ("span", "told"),
    [(["--since", "soon"], "is not a time"), (["--since", "1h", "--until", "2h"], "before --until")],
)
def test_a_span_that_is_none_is_told(words: list[str], sa_apps: Command, span: list[str], told: str) -> None:
    ran = sa_apps("verify", *words, *span)

    assert ran.code == 2
    assert told in ran.err
