"""What an app remembers, and who may run."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamalert_apps.errors import AlreadyRunning, StateError, Unavailable
from streamalert_apps.runtime.local import FileSlot
from streamalert_apps.runtime.state import (
    LONGEST_LEASE,
    Delivered,
    LastRun,
    Lease,
    MemorySlot,
    State,
    Stored,
    take_lease,
)
from tests.runtime.doubles import World

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)

words = st.text('abc é"\\', min_size=1, max_size=12)
times = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 (hypothesis adds it)
json_values = st.none() | st.integers(-9, 9) | words | st.lists(words, max_size=2)
objects = st.dictionaries(words, json_values, max_size=3)


# As text


@given(
    st.builds(
        State,
        status=st.sampled_from(["running", "succeeded", "partial", "failed"]),
        checkpoint=objects,
        lease=st.none() | st.builds(Lease, words, times),
        delivered=st.none() | st.builds(Delivered, st.integers(1, 999), words),
        requests=st.lists(st.floats(0, 2e9), max_size=3).map(tuple),
        last_run=st.none() | st.builds(LastRun, words, st.floats(0, 900), error=words, message=words),
        last_timestamp=st.integers() | words,
        context=objects,
    )
)
@settings(max_examples=50)
def test_a_state_comes_back_from_its_text(state: State) -> None:
    assert State.of_text(state.to_text()) == state


def test_a_first_run_remembers_from_when_on_it_collects_until_there_is_a_checkpoint() -> None:
    begun = State("running", lease=Lease("first", NOW), since=NOW, context={})
    done = State("succeeded", {"n": 7}, since=NOW)

    assert State.of_text(begun.to_text()) == begun
    assert State.of_text(done.to_text()).since is None


def test_a_state_that_streamalert_wrote_has_its_words_and_no_checkpoint() -> None:
    text = '{"current_state": "running", "last_timestamp": 1700000000, "context": {"cursor": "c"}}'

    state = State.of_text(text)

    assert (state.status, state.last_timestamp, state.context) == ("running", 1700000000, {"cursor": "c"})
    assert (state.checkpoint, state.lease) == (None, None)


def test_streamalert_could_read_ours() -> None:
    state = json.loads(State("succeeded", {"floor": "x"}, last_timestamp=7).to_text())

    assert {key: state[key] for key in ("current_state", "last_timestamp", "context")} == {
        "current_state": "succeeded",
        "last_timestamp": 7,
        "context": {},
    }


def test_what_a_later_version_says_of_the_last_run_stops_nothing() -> None:
    text = State("failed", {"n": 1}, last_run=LastRun("2026-03-01T12:00:00+00:00", 1.5)).to_text()
    whole = json.loads(text)
    whole["sa_apps"] |= {"mood": "good"}
    whole["sa_apps"]["last_run"] |= {"retries": 3}

    assert State.of_text(json.dumps(whole)) == State.of_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "7",
        "{}",
        '{"current_state": "running", "sa_apps": {"lease": {"holder": "x"}}}',
        '{"current_state": "running", "sa_apps": {"lease": {"holder": "x", "until": "soon"}}}',
        '{"current_state": "running", "sa_apps": {"delivered": {"logs": 1}}}',
        '{"current_state": "running", "sa_apps": {"requests": 7}}',
    ],
)
def test_a_text_that_is_no_state_is_told_with_what_to_do(text: str) -> None:
    with pytest.raises(StateError, match="not readable") as raised:
        State.of_text(text)

    assert "delete it" in raised.value.hint


def test_the_message_of_a_failure_is_cut() -> None:
    last = LastRun.of(NOW, 1.0, 3, 0, Unavailable("x" * 1000))

    assert (last.error, len(last.message)) == ("unavailable", 240)


# The lease


def take(slot: Any, holder: str = "second", *, at: datetime = NOW, after: str = "") -> State:
    return take_lease(slot, holder=holder, until=at + 2 * MINUTE, now=at, first_look=HOUR, after=after)


def held(until: datetime, holder: str = "first", status: Any = "running") -> MemorySlot:
    return MemorySlot(State(status, {"n": 7}, lease=Lease(holder, until)).to_text())


def stored_lease(slot: Any) -> Lease | None:
    stored: Stored = slot.read()
    return State.of_text(stored.text).lease


def test_the_first_run_takes_the_lease() -> None:
    slot = MemorySlot()

    assert take(slot).checkpoint is None
    assert stored_lease(slot) == Lease("second", NOW + 2 * MINUTE)


def test_a_lease_that_is_held_is_left_alone() -> None:
    slot = held(NOW + MINUTE)

    with pytest.raises(AlreadyRunning, match="until 12:01:00 UTC"):
        take(slot)

    assert stored_lease(slot) == Lease("first", NOW + MINUTE)


@pytest.mark.parametrize("status", ["running", "partial", "failed", "succeeded"])
def test_a_lease_whose_end_has_come_is_taken(status: str) -> None:
    slot = held(NOW, status=status)

    assert take(slot).checkpoint == {"n": 7}
    assert stored_lease(slot) == Lease("second", NOW + 2 * MINUTE)


def test_the_lease_of_the_run_that_invoked_this_one_is_taken() -> None:
    assert take(held(NOW + MINUTE), after="first").checkpoint == {"n": 7}


def test_the_lease_of_another_run_than_the_one_that_invoked_this_is_not() -> None:
    with pytest.raises(AlreadyRunning):
        take(held(NOW + MINUTE), after="another")


def test_an_invocation_that_lambda_repeats_takes_its_own_lease() -> None:
    assert take(held(NOW + MINUTE, holder="second")).checkpoint == {"n": 7}


def test_a_lease_that_no_run_could_have_is_taken() -> None:
    assert take(held(NOW + LONGEST_LEASE + MINUTE)).checkpoint == {"n": 7}


@pytest.mark.parametrize("status", ["running", "partial"])
def test_a_state_without_a_lease_is_free(status: str) -> None:
    slot = MemorySlot(json.dumps({"current_state": status, "last_timestamp": 7, "context": {}}))

    assert take(slot).last_timestamp == 7


def test_who_is_second_at_the_same_moment_leaves() -> None:
    class Contested(MemorySlot):
        def replace(self, text: str, version: int) -> bool:  # noqa: ARG002 (somebody was first)
            return False

    with pytest.raises(AlreadyRunning, match="at the same moment"):
        take(Contested())


def test_a_first_run_that_dies_is_followed_by_one_that_begins_where_it_did() -> None:
    slot = MemorySlot()
    take(slot, "first")

    state = take(slot, at=NOW + HOUR)

    assert state.since == NOW - HOUR


# Two at once, on a real file


@pytest.mark.parametrize("there", [False, True])
def test_of_many_runs_at_once_exactly_one_has_the_lease(tmp_path: Path, *, there: bool) -> None:
    if there:
        FileSlot(tmp_path / "state.json").write(State("succeeded", {"n": 7}).to_text())
    together = threading.Barrier(6)
    won: list[str] = []

    class Together(FileSlot):
        def read(self) -> Stored | None:
            stored = super().read()
            if threading.current_thread() in waiting:
                waiting.discard(threading.current_thread())
                together.wait()
            return stored

    def run(name: str) -> None:
        try:
            take(Together(tmp_path / "state.json"), name)
        except AlreadyRunning:
            return
        won.append(name)

    threads = [threading.Thread(target=run, args=(f"run {n}",)) for n in range(6)]
    waiting = set(threads)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(won) == 1
    lease = stored_lease(FileSlot(tmp_path / "state.json"))
    assert lease
    assert lease.holder == won[0]


def test_runs_that_overlap_collect_everything_once(tmp_path: Path) -> None:
    world = World(total=60, page=2, batch=3)

    def run(name: str) -> None:
        for n in range(5):
            try:
                world.run(holder=f"{name}.{n}", slot=FileSlot(tmp_path / "state.json"))
            except AlreadyRunning:
                continue

    threads = [threading.Thread(target=run, args=(f"run {n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(world.arrived) == list(range(60))
