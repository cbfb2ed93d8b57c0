"""The journal: an object a commit, a line an event, and what does not count."""

from __future__ import annotations

import json

import pytest

from streamalert_apps.runtime import journal
from streamalert_apps.runtime.store.memory import MemoryStore

BIRTH = "20260301-0123456789ab"
IDS = [b"\x00" * 7 + b"\x01", b"\xff" * 8]
ODD = b'{ "b":12345678901234567890123, "a" : 2.50, "raw":"x\\n,\\"raw\\":1}" }'


def lines(events: list[bytes], ids: list[bytes], times: list[float], got: float) -> list[bytes]:
    """Return the lines of an object's body."""
    return [line + b"\n" for line in journal.body_of(events, ids, times, got).split(b"\n")[:-1]]


def kept(*names: tuple[int, int]) -> MemoryStore:
    """Return a store with objects of sequences and fences; each holds its fence."""
    store = MemoryStore()
    for sequence, fence in names:
        store.put(journal.name_of(BIRTH, sequence, fence), str(fence).encode())
    return store


def fences(store: MemoryStore, up_to: int, since: int = 1) -> list[tuple[int, int]]:
    return [
        (entry.sequence, entry.fence) for entry in journal.entries(store, BIRTH, since=since, up_to=up_to)
    ]


def test_a_line_is_an_event_with_its_id_and_its_times() -> None:
    (line,) = lines([b'{"n":1}'], IDS[:1], [1_700_000_000.25], 1_700_000_009.5)

    assert json.loads(line) == {
        "id": "0000000000000001",
        "at": 1_700_000_000.25,
        "got": 1_700_000_009.5,
        "raw": {"n": 1},
    }
    assert line.endswith(b"\n")


def test_events_come_back_byte_for_byte() -> None:
    body = b"".join(lines([ODD, b"7"], IDS, [1.0, 2.0], 3.0))

    assert journal.raws(body) == [ODD, b"7"]
    assert [bytes(line.raw) for _, line in journal.read(body)] == [ODD, b"7"]


def test_line_breaks_between_tokens_become_spaces_and_those_within_strings_stay() -> None:
    (event,) = journal.one_line_each([b'{\r\n  "text": "a\\nb"\r\n}'])

    assert b"\n" not in event
    assert json.loads(event) == {"text": "a\nb"}


def test_events_without_line_breaks_are_left_as_they_are() -> None:
    events = [ODD, b"7"]

    assert journal.one_line_each(events) is events


def test_a_purged_line_keeps_its_row_and_holds_nothing() -> None:
    first, second = lines([b"1", b"2"], IDS, [1.0, 2.0], 3.0)
    body = b"\n" + second

    assert journal.raws(body) == [b"", b"2"]
    assert [row for row, _ in journal.read(body)] == [1]
    assert [row for row, _ in journal.marks(body)] == [1]
    assert first


def test_ids_and_times_are_told_whatever_an_event_holds() -> None:
    body = b"".join(lines([b"\xff{"], IDS[:1], [1.0], 3.0))

    ((row, mark),) = journal.marks(body)

    assert (row, mark.id, mark.at, mark.got) == (0, IDS[0].hex(), 1.0, 3.0)


def test_names_sort_as_the_commits_do() -> None:
    names = [
        journal.name_of(BIRTH, *pair) for pair in [(1, 10**12), (1, 10**13), (2, 1), (10, 1), (10**9, 1)]
    ]

    assert names == sorted(names)


def test_of_a_sequence_the_object_with_the_highest_fence_counts() -> None:
    store = kept((1, 5), (1, 900), (1, 70), (2, 6))

    assert fences(store, up_to=2) == [(1, 900), (2, 6)]


def test_what_lies_after_the_heads_sequence_is_no_commit() -> None:
    store = kept((1, 5), (2, 5), (3, 5))

    assert fences(store, up_to=2) == [(1, 5), (2, 5)]


def test_what_lies_before_the_heads_first_commit_was_left_by_a_run_that_slept() -> None:
    store = kept((1, 5), (2, 5), (3, 5))

    assert fences(store, since=2, up_to=3) == [(2, 5), (3, 5)]


def test_what_lies_under_another_birth_does_not_count() -> None:
    store = kept((1, 5))
    store.put(journal.name_of("20260401-ffffffffffff", 1, 9), b"")

    assert fences(store, up_to=9) == [(1, 5)]


@pytest.mark.parametrize(
    "name", ["notes.txt", "1.jsonl", "a-b.jsonl", "1-2-3.jsonl", ".0000000001-1.jsonl.x.part"]
)
def test_what_is_no_commit_is_left_alone(name: str) -> None:
    store = kept((1, 5))
    store.put(journal.folder(BIRTH) + name, b"")

    assert fences(store, up_to=9) == [(1, 5)]
