"""`sa-apps replay`: what it says and writes, and how it ends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Ran
from tests.cli.test_json import check
from tests.cli.test_verify import words

Command = Callable[..., Ran]

__all__ = ["words"]


def test_events_on_record_are_appended_to_a_file(words: list[str], sa_apps: Command, local: Path) -> None:
    ran = sa_apps("replay", "try", "--since", "3h", "--to", "again.jsonl", "--json")

    told = check(ran.out, "replay")
    assert (told["delivered"], told["finished"]) == (201, True)
    lines = (local / "again.jsonl").read_bytes().splitlines()
    assert sorted(lines) == sorted((local / "logs.jsonl").read_bytes().splitlines())
    assert f"--continue {told['replay']}" in ran.err


def test_only_those_of_the_span_are(words: list[str], sa_apps: Command) -> None:
    ran = sa_apps("replay", "try", "--since", "10m", "--to", "-")

    assert len(ran.out.splitlines()) == 1
    assert "1 event delivered to standard output." in ran.err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--since", "1h"], "--to DEST"),
        (["--to", "-"], "--since TIME"),
        (["--continue", "12345678", "--to", "-"], "Leave out the others"),
        (["--continue", "12345678"], "no unfinished replay 12345678"),
    ],
)
def test_what_is_missing_or_too_much_is_told(
    words: list[str], sa_apps: Command, options: list[str], told: str
) -> None:
    ran = sa_apps("replay", "try", *options)

    assert ran.code == 2
    assert told in ran.err
