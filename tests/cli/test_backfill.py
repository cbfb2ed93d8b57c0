"""`sa-apps backfill`: what it says and writes, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from streamalert_apps.sdk.clock import SystemClock
from streamalert_apps.services import twins
from streamalert_apps.simulator.server import serve
from tests.cli.conftest import Ran
from tests.cli.test_json import check

Command = Callable[..., Ran]

TYPE = "intercom_admin_activity_logs"
PAST = 300


@pytest.fixture
def words(local: Path, sa_apps: Command, tmp_path: Path) -> Iterator[list[str]]:
    """Return the words after a command for an app that has run once, to simulate."""
    clock = SystemClock()
    twin: Any = twins.twin("intercom", clock=clock)
    now = clock.now()
    twin.seed(TYPE, events=PAST, start=now - timedelta(days=3), end=now - timedelta(hours=5))
    twin.seed(TYPE, events=20, start=now - timedelta(minutes=100), end=now - timedelta(minutes=20))
    auth = tmp_path / "auth.json"
    auth.write_text(json.dumps(twin.credentials))
    auth.chmod(0o600)
    assert sa_apps("new", TYPE, "-c", "prod", "-n", "try", "--auth-file", str(auth), "--no-check").code == 0
    with serve(twin) as server:
        assert sa_apps("run", "try", "--simulator", server.url, "--to", "logs.jsonl").code == 0
        yield ["backfill", "try", "--simulator", server.url]


def test_the_plan_is_shown_and_asked_for(words: list[str], sa_apps: Command, local: Path) -> None:
    ran = sa_apps(*words, "--since", "4d")

    assert "--yes" in ran.err
    assert "requests, " in ran.err
    assert "$0.00 in AWS" in ran.err
    assert list((local / ".sa-apps").rglob("backfill/*")) == []


def test_all_that_happened_before_the_record_is_put_on_record_and_delivered(
    words: list[str], sa_apps: Command, local: Path
) -> None:
    ran = sa_apps(*words, "--since", "4d", "--to", "past.jsonl", "--yes", "--json")

    told = check(ran.out, "backfill")
    assert (told["recorded"], told["finished"], told["resumed"]) == (PAST, True, False)
    past = (local / "past.jsonl").read_bytes().splitlines()
    live = (local / "logs.jsonl").read_bytes().splitlines()
    assert len(past) == PAST
    assert not {*past} & {*live}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--yes"], "--since TIME"),
        (["--since", "4d", "--to", "-", "--yes"], "standard output"),
        (["--since", "1m", "--yes"], "nothing to backfill"),
    ],
)
def test_what_can_not_be_is_told(words: list[str], sa_apps: Command, options: list[str], told: str) -> None:
    ran = sa_apps(*words, *options)

    assert ran.code == 2
    assert told in ran.err
