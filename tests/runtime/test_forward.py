"""Forwarding: each destination from its own position, never in the way of collection."""

from __future__ import annotations

import gc
import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from streamalert_apps.errors import (
    AlreadyRunning,
    ConfigError,
    CredentialsError,
    DeliveryFailed,
    DeliveryRefused,
    RateLimited,
)
from streamalert_apps.runtime import collect
from streamalert_apps.runtime import head as heads
from streamalert_apps.runtime.collect import COMMIT_SECONDS, Outcome
from streamalert_apps.runtime.delivery import Answer, Batch, Limits, Outlet
from streamalert_apps.runtime.forward import MOST_TRIALS
from streamalert_apps.runtime.store.local import LocalStore
from streamalert_apps.runtime.window import Commit
from streamalert_apps.sdk.app import Checkpoint, Page
from streamalert_apps.sdk.retry import ATTEMPTS
from tests.runtime.doubles import Numbers, Sink, World, down, log_of, number_of, scripted

SLOW = COMMIT_SECONDS + 1  # so slow that each page is a commit
HOUR, DAY = 3_600, 86_400


def position(world: World, name: str = "sink") -> Any:
    return world.head.positions[name]


def numbers_of(batches: list[Batch]) -> list[list[int]]:
    return [[number_of(event) for event in batch.events] for batch in batches]


# Batches


def test_a_batch_holds_no_more_bytes_than_the_destination_takes() -> None:
    world = World(total=10, page=10, batch=3)

    world.run()

    assert numbers_of(world.sink.batches) == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9]]


def test_a_batch_holds_no_more_events_than_the_destination_takes() -> None:
    world = World(total=10, page=10)
    world.sink.limits = Limits(events=4)

    world.run()

    assert numbers_of(world.sink.batches) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_a_batch_never_goes_beyond_a_commit() -> None:
    world = World(total=10, page=5, batch=4, seconds=SLOW)

    world.run()

    assert numbers_of(world.sink.batches) == [[0, 1, 2, 3], [4], [5, 6, 7, 8], [9]]


def test_each_batch_has_an_id_of_its_own_for_each_destination() -> None:
    world = World(total=10, page=5, seconds=SLOW)
    world.sinks["other"] = other = Sink(world)

    world.run()

    ids = [batch.id for batch in (*world.sink.batches, *other.batches)]
    assert len(set(ids)) == len(ids) == 12


def test_events_arrive_byte_for_byte() -> None:
    odd = b'{ "b":12345678901234567890123, "n" : 2.50 }'
    world = World()
    world.app = scripted(lambda *_: iter([Page([odd], {"next": 1}, more=False)]))

    world.run()

    assert [*world.sink.batches[0].events] == [odd]


# The position


def test_the_position_says_how_far_the_journal_has_been_delivered() -> None:
    world = World(total=10, page=5, seconds=SLOW)

    world.run()

    assert (position(world).sequence, position(world).row, position(world).events) == (3, 0, 10)
    assert position(world).until == world.head.recorded


def test_each_destination_has_a_position_of_its_own() -> None:
    world = World(total=10)
    world.sinks["other"] = other = Sink(world)
    other.judge = down(4)

    world.run()

    assert (position(world).events, position(world, "other").events) == (10, 4)
    assert position(world, "other").state == "retry"
    assert position(world).state == ""


def test_a_destination_that_is_new_begins_with_what_is_collected_from_now_on() -> None:
    world = World(total=10)
    world.run()
    world.total = 14
    world.sinks["new"] = new = Sink(world)

    world.run()

    assert new.arrived == [10, 11, 12, 13]


def test_the_position_of_a_destination_that_is_not_known_here_is_kept() -> None:
    world = World(total=10)
    world.sinks["theirs"] = theirs = Sink(world)
    theirs.judge = down(4)
    world.run()
    before = position(world, "theirs")
    del world.sinks["theirs"]
    world.total = 14

    world.run()
    assert position(world, "theirs") == before

    theirs.judge = down(-1)
    world.sinks["theirs"] = theirs
    world.run()
    assert theirs.arrived == list(range(14))


# What is taken in part


def test_what_was_taken_of_a_batch_is_not_sent_again() -> None:
    world = World(total=500, page=500, batch=500)
    answers = iter([Answer(retry=range(490, 500), error=DeliveryFailed("10 of 500"))])
    world.sink.judge = lambda _: next(answers, None)

    world.run()

    assert [len(batch.events) for batch in world.sink.batches] == [500, 10]
    assert world.arrived == list(range(500))


def test_what_was_taken_of_a_batch_is_not_sent_again_by_the_next_run() -> None:
    world = World(total=500, page=500, batch=250)
    refusing = list(range(0, 500, 50))
    world.sink.judge = lambda numbers: Answer(
        retry=[at for at, number in enumerate(numbers) if number in refusing], error=DeliveryRefused("full")
    )
    assert world.run().status == "failed"
    assert (position(world).row, len(position(world).pending), position(world).events) == (250, 5, 245)

    refusing.clear()
    assert world.run().status == "succeeded"

    assert sorted(world.arrived) == list(range(500))
    assert [len(batch.events) for batch in world.sink.batches] == [250, 5, 250]


def test_a_batch_of_which_nothing_is_taken_leaves_no_list_of_its_rows() -> None:
    world = World(total=5_000, page=5_000, batch=5_000)
    world.sink.judge = down()

    world.run()

    assert (position(world).row, position(world).pending) == (0, [])


# What is refused for good


def refusing(*numbers: int) -> Callable[[list[int]], Answer]:
    """Refuse these for good."""
    return lambda batch: Answer(refused={at: "mapping" for at, n in enumerate(batch) if n in numbers})


def test_what_is_refused_for_good_is_kept_whole_with_the_reason() -> None:
    world = World(total=10)
    world.sink.judge = refusing(3)

    assert world.run().status == "succeeded"

    (name,) = world.names("dead/")
    assert re.fullmatch(r"dead/sink/0000000001-\d{14}-3\.json", name)
    kept = json.loads(world.memory.get(name) or b"")
    assert (kept["reason"], kept["line"]["raw"]) == ("mapping", {"n": 3})
    assert sorted(world.arrived) == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    assert (position(world).dead, position(world).events) == (1, 10)


def test_what_is_refused_is_kept_before_the_position_passes() -> None:
    world = World(total=10)
    world.sink.judge = refusing(3)
    world.store.fault = lambda what, name: (
        ConfigError("denied") if (what, name[:5]) == ("put", "dead/") else None
    )

    assert world.run().status == "failed"
    assert position(world).row <= 3

    world.store.fault = lambda *_: None
    world.run()
    assert len(world.names("dead/")) == 1


def test_what_is_refused_has_a_place_of_its_own_though_the_record_was_begun_anew() -> None:
    world = World(total=2)
    world.sink.judge = refusing(0, 2)
    world.run()
    world.memory.delete([heads.NAME])
    world.total = 4

    class Later(Numbers):
        def start(self, since: datetime) -> Checkpoint:
            return super().start(since) | {"next": 2}

    world.app = Later
    world.clock.sleep(1)

    assert world.run().status == "succeeded"

    kept = [json.loads(world.memory.get(name) or b"")["line"]["raw"] for name in world.names("dead/")]
    assert kept == [{"n": 0}, {"n": 2}]


def test_a_record_that_is_refused_again_for_another_reason_holds_up_nothing() -> None:
    world = World(total=10)
    reasons = iter(["one", "two", "three"])
    world.sink.judge = lambda batch: (
        Answer(
            refused={at: next(reasons) for at, n in enumerate(batch) if n == 3},
            retry=[at for at, n in enumerate(batch) if n == 2],
            error=DeliveryFailed("part of it"),
        )
        if 3 in batch
        else None
    )
    world.run_and_die(28)
    world.run()

    assert world.run().status == "succeeded"
    assert len(world.names("dead/")) == 1
    assert {2, 4, 9} <= set(world.arrived)


def test_where_nothing_was_ever_taken_a_refusal_is_a_matter_of_the_settings() -> None:
    world = World(total=10)
    world.sink.judge = refusing(*range(10))

    outcome = world.run()

    assert (outcome.status, position(world).state) == ("failed", "configuration")
    assert isinstance(outcome.error, DeliveryRefused)
    assert "mapping" in outcome.error.message
    assert world.names("dead/") == []

    world.sink.judge = down(-1)
    world.run()
    assert world.arrived == list(range(10))


def test_a_first_event_that_is_refused_holds_up_no_others_once_one_of_them_is_taken() -> None:
    world = World(total=0, batch=1)
    world.sink.judge = refusing(0, 1)
    for _ in range(4):
        world.total += 1
        world.run()

    assert position(world).state == ""
    assert world.arrived == [2, 3]
    assert dead_rows(world) == [0, 0]


def test_settings_that_are_wrong_are_found_out_by_few_requests() -> None:
    world = World(total=100, batch=1)
    world.sink.judge = refusing(*range(100))

    world.run()

    assert (position(world).state, world.names("dead/")) == ("configuration", [])
    assert len(world.sink.batches) <= 2 * MOST_TRIALS


def test_a_trimmed_copy_that_is_not_taken_at_once_is_counted_once() -> None:
    world = World(total=1)
    world.sink.limits = Limits(bytes=1000, event_bytes=15)
    world.sink.judge = down()
    for _ in range(3):
        world.run()
    assert position(world).dead == 0

    world.sink.judge = lambda _: None
    world.run()
    assert (position(world).dead, len(world.names("dead/"))) == (1, 1)


def poisoned(*numbers: int) -> Callable[[list[int]], Answer | None]:
    """Take all of a batch or nothing: nothing where one of these is in it."""
    return lambda batch: Answer(halve="bad mapping") if set(batch) & set(numbers) else None


def dead_rows(world: World) -> list[int]:
    return sorted(int(name.rpartition("-")[2].removesuffix(".json")) for name in world.names("dead/"))


@pytest.mark.parametrize("bad", [0, 1, 249, 250, 499])
def test_one_event_that_keeps_a_batch_from_being_taken_is_found_by_halving(bad: int) -> None:
    world = World(total=500, page=500, batch=500)
    world.sink.judge = poisoned(bad)

    assert world.run().status == "succeeded"

    assert sorted(world.arrived) == [n for n in range(500) if n != bad]
    assert dead_rows(world) == [bad]
    assert len(world.sink.batches) - 1 <= 19


def test_settings_that_were_changed_have_to_prove_themselves_anew() -> None:
    world = World(total=10)
    world.run()
    world.total = 20
    world.sinks = {"sink": Outlet(world.sink, "another index")}
    world.sink.judge = refusing(*range(20))

    outcome = world.run()

    assert (outcome.status, position(world).state, world.names("dead/")) == ("failed", "configuration", [])

    world.sinks = {"sink": Outlet(world.sink, "the right index")}
    world.sink.judge = refusing(12)
    world.run()
    assert sorted(world.arrived) == [n for n in range(20) if n != 12]


def test_settings_under_which_all_or_nothing_is_refused_are_found_out_by_few_requests() -> None:
    world = World(total=500, page=500, batch=500)
    world.sink.judge = poisoned(*range(500))

    outcome = world.run()

    assert (outcome.status, position(world).state, world.names("dead/")) == ("failed", "configuration", [])
    assert len(world.sink.batches) <= 20
    assert outcome.error
    assert "bad mapping" in outcome.error.message


def test_a_row_of_events_that_are_refused_is_passed_a_part_in_each_run() -> None:
    world = World(total=40, page=40, batch=40)
    world.run()
    world.total = 90
    world.sink.judge = poisoned(*range(40, 90))

    outcomes = [world.run().status for _ in range(2)]

    assert outcomes == ["failed", "succeeded"]
    assert len(world.names("dead/")) == 50
    assert position(world).state == ""


def test_a_destination_that_raises_has_taken_nothing() -> None:
    world = World(total=10)

    def broken(_: list[int]) -> None:
        raise CredentialsError("There are no credentials.")

    world.sink.judge = broken
    outcome = world.run()

    assert (outcome.status, position(world).state) == ("failed", "configuration")
    assert position(world).error == "credentials_refused"


def test_what_is_too_large_is_halved_until_it_fits() -> None:
    world = World(total=16, page=16, batch=16)
    world.sink.judge = lambda batch: Answer(halve="It is too large.") if len(batch) > 3 else None

    assert world.run().status == "succeeded"

    assert world.arrived == list(range(16))
    assert max(len(batch) for batch in numbers_of(world.sink.batches)[1:]) == 8


def test_an_event_that_is_too_large_by_itself_is_kept_and_the_others_pass() -> None:
    world = World(total=8, page=8, batch=8)
    world.sink.judge = lambda batch: Answer(halve="It is too large.") if 5 in batch else None

    assert world.run().status == "succeeded"

    assert world.arrived == [0, 1, 2, 3, 4, 6, 7]
    assert [name[-7:] for name in world.names("dead/")] == ["-5.json"]


def large(*_: object) -> Iterator[Page]:
    event = json.dumps({"n": 1, "text": "x" * 5_000}).encode()
    yield Page([log_of(0), event, log_of(2)], {"next": 3}, more=False)


def test_of_an_event_above_the_limit_a_trimmed_copy_tells_where_the_whole_is() -> None:
    world = World(app=scripted(large))
    world.sink.limits = Limits(event_bytes=1_000)

    outcome = world.run()

    copy = json.loads(world.sink.batches[0].events[1])
    kept = json.loads(world.memory.get(copy["_truncated"]["kept"]) or b"")
    whole = json.dumps({"n": 1, "text": "x" * 5_000}).encode()
    assert len(world.sink.batches[0].events[1]) <= 1_000
    assert copy["_truncated"]["sha256"] == hashlib.sha256(whole).hexdigest()
    assert kept["line"]["raw"]["text"] == "x" * 5_000
    assert outcome.delivered["sink"].trimmed == 1


def test_a_trimmed_copy_is_counted_once_however_often_it_is_sent() -> None:
    world = World(app=scripted(large))
    world.sink.limits = Limits(event_bytes=1_000)
    answers = iter([DeliveryFailed("down"), DeliveryFailed("down")])
    world.sink.judge = lambda _: next(answers, None)

    outcome = world.run()

    assert (outcome.delivered["sink"].trimmed, position(world).dead) == (1, 1)


def test_a_trimmed_copy_that_is_refused_holds_up_nothing() -> None:
    world = World(app=scripted(large))
    world.sink.limits = Limits(event_bytes=1_000)
    world.sink.judge = refusing(1)

    assert world.run().status == "succeeded"

    assert world.arrived == [0, 2]


# A destination that fails


@pytest.mark.parametrize("batch", range(5))
@pytest.mark.parametrize("error", [DeliveryFailed, DeliveryRefused])
def test_a_delivery_that_fails_costs_neither_a_loss_nor_a_repeat(
    batch: int, error: type[DeliveryFailed]
) -> None:
    world = World(total=10, page=10, batch=2)
    world.sink.judge = down(2 * batch, error=error)
    assert world.run().status == "failed"
    assert world.record == list(range(10))
    assert world.arrived == list(range(2 * batch))

    world.sink.judge = down(-1)
    assert world.run().status == "succeeded"

    assert world.arrived == list(range(10))


def test_a_destination_that_comes_back_in_time_costs_nothing_but_is_counted() -> None:
    world = World()
    answers = iter([DeliveryFailed("down"), DeliveryFailed("down")])
    world.sink.judge = lambda _: next(answers, None)

    outcome = world.run()

    assert (outcome.status, outcome.retries) == ("succeeded", 2)
    assert world.arrived == list(range(10))


def test_the_wait_that_a_destination_wants_is_kept() -> None:
    world = World()
    answers = iter([RateLimited("slow down", retry_after=17)])
    world.sink.judge = lambda _: next(answers, None)

    assert world.run().seconds == 17


def test_a_destination_that_stays_down_is_told_within_the_time_left() -> None:
    world = World()
    world.sink.judge = down(0)

    outcome = world.run(left=10)

    assert isinstance(outcome.error, DeliveryFailed)
    assert outcome.seconds <= 10
    assert (position(world).state, position(world).error) == ("retry", "delivery_failed")


def test_after_a_run_that_failed_there_is_one_try_until_the_destination_is_back() -> None:
    world = World()
    world.sink.judge = down(0)
    world.run()
    first = len(world.sink.batches)
    world.run()

    assert (first, len(world.sink.batches) - first) == (ATTEMPTS, 1)

    world.sink.judge = down(-1)
    world.run()
    assert position(world).state == ""


def test_what_its_settings_cause_is_not_tried_again_within_a_run() -> None:
    world = World()
    world.sink.judge = down(0, error=DeliveryRefused)

    world.run()

    assert len(world.sink.batches) == 1
    assert position(world).state == "configuration"


def test_a_destination_that_breaks_is_told_without_what_it_held() -> None:
    world = World()

    def broken(_: list[int]) -> None:
        raise ValueError("s3cr3t")

    world.sink.judge = broken
    outcome = world.run()

    assert outcome.status == "failed"
    assert outcome.error
    assert outcome.error.message.startswith("The destination sink broke: ValueError at test_forward.py:")
    assert b"s3cr3t" not in world.store.read(heads.NAME).body
    assert world.record == list(range(10))


def test_a_destination_that_fails_never_stops_collection() -> None:
    world = World(total=40, page=5, seconds=SLOW)
    world.sink.judge = down()

    world.run()

    assert world.record == list(range(40))


def test_a_service_that_fails_never_stops_forwarding() -> None:
    world = World(total=10)
    world.sink.judge = down()
    world.run()
    world.sink.judge = down(-1)

    def refuse(*_: object) -> Iterator[Page]:
        raise RateLimited("slow down")

    world.app = scripted(refuse)
    world.run()

    assert world.arrived == list(range(10))


# Time


def test_a_commit_that_takes_longer_to_deliver_than_a_run_is_delivered_by_several() -> None:
    world = World(total=10, page=10, batch=2)
    world.sink.judge = lambda _: world.clock.sleep(4)

    outcomes = [world.run(left=5) for _ in range(3)]

    assert [outcome.status for outcome in outcomes] == ["partial", "partial", "succeeded"]
    assert [outcome.status for outcome in outcomes] == ["partial", "partial", "succeeded"]
    assert world.arrived == list(range(10))


def test_commits_that_wait_too_long_to_be_kept_are_read_back_from_the_journal() -> None:
    world = World(total=40, page=5, seconds=SLOW)
    world.sink.judge = down()
    world.run()
    world.sink.judge = down(-1)
    world.store.calls.clear()

    world.run()

    assert world.arrived == list(range(40))
    assert sum(what == "get" and "journal" in name for what, name in world.store.calls) == 8


def test_of_what_a_destination_does_not_take_no_more_than_two_commits_wait_in_memory() -> None:
    world = World(total=40, page=5, seconds=SLOW)
    world.sink.judge = down()
    kept: list[int] = []

    def count(_: Outcome) -> None:
        kept.append(sum(isinstance(thing, Commit) for thing in gc.get_objects()))

    gc.collect()
    world.run(progress=count)

    assert 2 <= max(kept) <= 3  # and the one that is just being sent


def test_what_is_delivered_in_the_run_that_collected_it_is_not_read_back() -> None:
    world = World(total=40, page=5, seconds=SLOW)

    world.run()

    assert world.arrived == list(range(40))
    assert not [name for what, name in world.store.calls if what == "get"]


def test_nothing_is_sent_before_its_commit_is_true() -> None:
    world = World(total=20, page=5, seconds=SLOW)
    world.sink.judge = lambda batch: sent.append((max(batch), len(world.record)))
    sent: list[tuple[int, int]] = []

    world.run()

    assert sent
    assert all(number < recorded for number, recorded in sent)


# Days of failure


def test_a_destination_that_is_down_for_eight_days_loses_nothing_and_holds_up_nothing() -> None:
    world = World(total=0, page=10, journal_days=7)
    world.sinks["slow"] = slow = Sink(world)
    slow.judge = down()
    for hour in range(8 * 24):
        world.total += 5
        outcome = world.run()
        assert outcome.events == 5, hour
        assert len(world.arrived) == world.total, hour
        world.clock.sleep(3600 - outcome.seconds)

    slow.judge = down(-1)
    world.total += 5
    world.run()

    assert world.arrived == slow.arrived == list(range(world.total))
    assert len(world.record) == 5 * (7 * 24 + 1)  # now that every destination has the rest
    assert position(world, "slow").events == world.total


def test_a_destination_that_is_back_catches_up_while_polling_goes_on() -> None:
    world = World(total=200, page=5, seconds=SLOW)
    world.sink.judge = down()
    world.run()
    world.sink.judge = lambda _: world.clock.sleep(1)
    runs = 0
    while len(world.arrived) < world.total:
        world.total += 1 if runs < 3 else 0
        runs += 1
        before = len(world.record)
        world.run(left=30)
        assert len(world.record) >= before + (1 if runs <= 3 else 0)

    assert 3 < runs < 12
    assert world.arrived == list(range(203))


# A thread for each


def test_a_slow_sink_does_not_hold_up_polling() -> None:
    world = World(total=40, page=5, seconds=SLOW)
    sending, polled = threading.Event(), threading.Event()

    def slow(_: list[int]) -> None:
        sending.set()
        assert polled.wait(20)

    def progress(outcome: Any) -> None:
        if outcome.pages == 2:
            assert sending.wait(20)
        if outcome.pages == 7:
            polled.set()

    world.sink.judge = slow
    world.run(threads=True, progress=progress)

    assert world.record == world.arrived == list(range(40))


def test_a_sink_that_hangs_does_not_keep_the_run_beyond_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "JOINING_SECONDS", 0.01)
    world = World(total=4)
    hang = threading.Event()

    def hanging(_: list[int]) -> None:
        hang.wait(30)

    world.sink.judge = hanging
    left = iter([50.0] * 12)

    outcome = world.run(threads=True, left=lambda: next(left, -1.0))

    head = world.head
    assert (outcome.status, head.lease) == ("partial", None)
    hang.set()
    let_threads_end()
    assert world.head == head  # what the thread did after its run does not count
    world.run()
    assert set(world.arrived) == {0, 1, 2, 3}


def let_threads_end() -> None:
    """Wait for the threads of sinks."""
    for thread in threading.enumerate():
        if thread.name.startswith("to "):
            thread.join(10)
            assert not thread.is_alive()


def test_threads_end_where_another_run_has_taken_over() -> None:
    world = World(total=12, page=4)

    def poll(inner: World, checkpoint: Checkpoint) -> Iterator[Page]:
        pages = inner.numbers().poll(checkpoint)
        yield next(pages)
        inner.clock.sleep(SLOW)
        yield next(pages)
        inner.clock.sleep(2 * heads.LEASE_SECONDS)
        inner.hold()
        yield Page([], {"next": 8}, more=True)

    world.app = scripted(poll)
    with pytest.raises(AlreadyRunning):
        world.run(threads=True)

    let_threads_end()


def test_forwarding_beside_collection_costs_no_event_in_a_folder_either(tmp_path: Path) -> None:
    world = World(total=60, page=5, seconds=SLOW, under=LocalStore(tmp_path, "app"))
    world.sinks["other"] = other = Sink(world)
    other.judge = down(7)

    world.run(threads=True)
    other.judge = down(-1)
    world.run(threads=True)

    assert world.record == world.arrived == other.arrived == list(range(60))


def test_one_that_is_down_for_a_day_puts_the_other_no_further_behind() -> None:
    def hourly(*, is_down: bool) -> tuple[World, Sink, list[float]]:
        world = World(total=0, page=5)
        world.sinks["other"] = other = Sink(world)
        other.judge = down() if is_down else other.judge
        lags = []
        for _ in range(24):
            world.total += 10
            lags.append(world.run().delivered["sink"].lag)
            world.clock.sleep(HOUR)
        return world, other, lags

    world, other, lags = hourly(is_down=True)
    assert lags == hourly(is_down=False)[2] == [0.0] * 24
    assert world.arrived == [*range(240)]
    assert other.arrived == []

    other.judge = down(-1)
    outcome = world.run()

    assert (outcome.status, outcome.delivered["other"].lag) == ("succeeded", 0.0)
    assert other.arrived == world.arrived == [*range(240)]


# How far behind a destination is


def test_a_destination_that_has_all_is_not_behind() -> None:
    world = World(total=10, page=5)
    assert world.run().delivered["sink"].lag == 0.0


def test_a_destination_is_behind_since_the_oldest_event_that_it_lacks_was_collected() -> None:
    world = World(total=10, page=5)
    world.run()
    world.clock.sleep(DAY)  # a quiet day puts nobody behind
    world.total = 20
    world.sink.judge = down()
    assert world.run().delivered["sink"].lag < HOUR

    world.clock.sleep(DAY)
    world.total = 30
    assert DAY <= world.run().delivered["sink"].lag < DAY + HOUR


def test_one_that_comes_through_in_part_is_behind_since_the_oldest_event_that_is_left() -> None:
    world = World(total=10, page=5)
    world.run()
    world.sink.judge = down()
    for total in (15, 20):
        world.total = total
        world.run()
        world.clock.sleep(DAY)
    world.sink.judge = down(15)

    outcome = world.run()

    assert world.arrived == [*range(15)]
    assert DAY <= outcome.delivered["sink"].lag < DAY + HOUR


def test_one_that_never_took_anything_is_behind_since_it_was_first_seen() -> None:
    world = World(total=10, page=5)
    world.sink.judge = down()
    world.run()
    world.clock.sleep(DAY)

    assert DAY <= world.run().delivered["sink"].lag < 2 * DAY
