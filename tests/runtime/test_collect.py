"""One run: what it puts on record, what it tells, and how it ends."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from streamalert_apps.errors import (
    AlreadyRunning,
    AppError,
    BadResponse,
    ConfigError,
    CredentialsError,
    OutOfTime,
    PageTokenExpired,
    RateLimited,
    RequestRefused,
    StateError,
    Unavailable,
)
from streamalert_apps.runtime import head as heads
from streamalert_apps.runtime.collect import CIRCLES, COMMIT_SECONDS, Outcome
from streamalert_apps.runtime.forward import Delivered
from streamalert_apps.sdk.app import App, Checkpoint, Page
from streamalert_apps.sdk.http import Api
from streamalert_apps.sdk.pace import Rate
from tests.runtime.doubles import HOUR, START, Numbers, Remembered, World, log_of, raising, scripted

SLOW = COMMIT_SECONDS + 1  # so slow that each page is a commit


# The run


def test_all_that_there_is_is_on_record_once_and_in_order() -> None:
    world = World(total=10)

    outcome = world.run()

    assert world.record == world.arrived == list(range(10))
    assert (outcome.status, outcome.events, outcome.pages) == ("succeeded", 10, 3)


def test_a_second_run_goes_on_where_the_first_one_ended() -> None:
    world = World(total=10)
    world.run()
    world.total = 17

    outcome = world.run()

    assert world.record == world.arrived == list(range(17))
    assert outcome.events == 7


def test_an_app_that_has_never_run_looks_back_one_interval() -> None:
    world = World(total=0)
    since: list[str] = []

    def poll(_: World, checkpoint: Checkpoint) -> Iterator[Page]:
        since.append(checkpoint["since"])
        yield Page([], checkpoint, more=False)

    world.app = scripted(poll)
    world.run()

    assert since == [(START - HOUR).isoformat()]


def test_the_outcome_counts_what_was_done() -> None:
    world = World(total=10, page=4, batch=2, seconds=1.5)

    outcome = world.run()

    assert (outcome.events, outcome.pages, outcome.commits) == (10, 3, 2)
    assert outcome.delivered["sink"].events == 10
    assert outcome.delivered["sink"].bytes == 10 * len(log_of(0))
    assert outcome.seconds == 4.5


def test_progress_is_told_after_each_page() -> None:
    world = World(total=12, page=4)
    told: list[int] = []

    def progress(outcome: Outcome) -> None:
        told.append(outcome.pages)

    world.run(progress=progress)

    assert told == [1, 2]


def test_an_event_that_is_a_dict_is_put_on_record_as_json() -> None:
    world = World()
    world.app = scripted(lambda *_: iter([Page([{"n": 3, "text": "é\n"}], {"next": 1}, more=False)]))

    world.run()

    assert [json.loads(raw) for raw in world.raws()] == [{"n": 3, "text": "é\n"}]


def test_equal_events_of_an_app_without_ids_are_all_on_record() -> None:
    world = World()
    world.app = scripted(lambda *_: iter([Page([log_of(3)] * 3, {"next": 1}, more=False)]))

    world.run()

    assert world.record == [3, 3, 3]


# Commits


def test_quick_pages_share_one_commit() -> None:
    assert World(total=400, page=4, seconds=0.1).run().commits <= 1 + 10 / COMMIT_SECONDS


def test_a_page_is_on_record_as_a_whole_however_large_it_is() -> None:
    world = World(total=300_000, page=300_000)
    world.sinks = {}

    outcome = world.run()

    assert (outcome.commits, world.head.sequence) == (1, 1)
    assert len(world.raws()) == 300_000


def test_many_bytes_are_a_commit_before_the_time_for_one_has_come() -> None:
    world = World(total=300_000, page=30_000)
    world.sinks = {}

    assert world.run().commits > 2


def test_journal_memory_and_head_are_written_in_this_order() -> None:
    world = World(total=9_000, page=9_000, app=Remembered)
    world.sinks = {}

    world.run()

    written = [
        name.partition("/")[2].partition("/")[0] or name
        for what, name in world.store.calls
        if what in {"put", "write"}
    ]
    assert written == ["head.json", "journal", "memory", "head.json", "head.json"]


def test_what_is_not_on_record_yet_is_not_told_by_a_renewed_lease() -> None:
    world = World(total=8, page=4)

    def poll(inner: World, checkpoint: Checkpoint) -> Iterator[Page]:
        app = inner.numbers()
        yield from app.poll(checkpoint)

    class Waiting(Numbers):
        def poll(self, _: Checkpoint) -> Iterator[Page]:
            yield self.page([0, 1, 2, 3], {"next": 4}, more=True)
            self.world.clock.sleep(heads.RENEWED_SECONDS)
            self.api.alive()
            checkpoints.append(self.world.head.checkpoint)
            yield from poll(self.world, {"next": 4})

    checkpoints: list[Any] = []
    world.app = Waiting
    world.run()

    assert checkpoints[0]["next"] == 0
    assert world.record == list(range(8))


def test_a_checkpoint_that_moves_without_new_events_is_told_by_a_renewed_lease() -> None:
    world = World()
    checkpoints: list[Any] = []

    class Empty(Numbers):
        def poll(self, _: Checkpoint) -> Iterator[Page]:
            yield Page([], {"next": 7}, more=True)
            self.world.clock.sleep(heads.RENEWED_SECONDS)
            self.api.alive()
            checkpoints.append(self.world.head.checkpoint)
            yield Page([], {"next": 7}, more=False)

    world.app = Empty
    world.run()

    assert checkpoints == [{"next": 7}]


def test_a_commit_whose_object_can_not_be_written_is_tried_again_at_the_end() -> None:
    world = World(total=12, page=4, seconds=SLOW)
    answers = iter([StateError("The store does not answer.")])
    world.store.fault = lambda what, _: next(answers, None) if what == "put" else None

    outcome = world.run()

    assert (outcome.status, type(outcome.error)) == ("failed", StateError)
    assert world.record == world.arrived == [0, 1, 2, 3]
    world.run()
    assert world.record == world.arrived == list(range(12))


def test_a_segment_that_can_not_be_written_is_written_at_the_end() -> None:
    world = World(total=20_000, page=10_000, seconds=SLOW, app=Remembered)
    world.sinks = {}
    answers = iter([StateError("The store does not answer.")])
    world.store.fault = lambda what, name: next(answers, None) if what == "put" and "memory" in name else None

    world.run()
    world.run()

    assert world.record == list(range(20_000))
    assert {segment.name for segment in world.head.memory.segments} <= {
        name.rpartition("/")[2] for name in world.names("/memory/")
    }


def test_a_store_that_does_not_take_the_end_is_told_and_costs_nothing() -> None:
    world = World(total=4)
    world.store.fault = lambda what, _: StateError("no answer") if what == "put" else None

    with pytest.raises(StateError):
        world.run()

    world.store.fault = lambda *_: None
    world.clock.sleep(2 * heads.LEASE_SECONDS)
    world.run()
    assert world.record == world.arrived == [0, 1, 2, 3]


# What goes wrong, and how it is told


@pytest.mark.parametrize(
    "error",
    [
        CredentialsError("refused"),
        RequestRefused("refused"),
        Unavailable("down"),
        BadResponse("not JSON"),
        ConfigError("wrong"),
        PageTokenExpired("expired"),
    ],
    ids=lambda error: error.code,
)
def test_a_failed_run_keeps_the_reason_in_the_head(error: AppError) -> None:
    world = World()
    world.app = raising(error)

    outcome = world.run()

    assert (outcome.status, outcome.error) == ("failed", error)
    assert (world.head.status, world.head.lease) == ("failed", None)
    assert (world.head.runs[-1].error, world.head.runs[-1].message) == (error.code, error.message)


@pytest.mark.parametrize(
    "error",
    [RateLimited("slow down", retry_after=300), OutOfTime("no time")],
    ids=lambda error: error.code,
)
def test_a_run_that_time_will_mend_is_partial(error: AppError) -> None:
    world = World()
    world.app = raising(error)

    outcome = world.run()

    assert (outcome.status, outcome.error) == ("partial", error)
    assert (world.head.status, world.head.runs[-1].error) == ("partial", error.code)


def test_another_run_follows_one_that_got_somewhere() -> None:
    assert Outcome("partial", pages=1).calls_for_another(60)
    assert Outcome("partial", delivered={"siem": Delivered(events=1)}).calls_for_another(60)


def test_no_other_run_follows_one_that_got_nowhere() -> None:
    assert not Outcome("partial").calls_for_another(60)


def test_no_other_run_follows_where_most_of_it_would_be_a_wait() -> None:
    assert not Outcome("partial", pages=1, retry_after=31).calls_for_another(60)


def test_a_limit_tells_when_to_come_back() -> None:
    world = World()
    world.app = raising(RateLimited("slow down", retry_after=300))

    assert world.run().retry_after == 300


def test_an_app_that_breaks_is_a_failed_run_that_names_the_place_and_no_value() -> None:
    world = World()
    world.app = raising(ValueError("s3cr3t-value"))

    outcome = world.run()

    assert outcome.status == "failed"
    assert isinstance(outcome.error, BadResponse)
    assert outcome.error.message.startswith("The app broke: ValueError at doubles.py:")
    assert b"s3cr3t" not in world.store.read(heads.NAME).body


def test_an_app_that_can_not_be_made_is_a_failed_run_that_says_why() -> None:
    world = World()

    def make(_: World, __: Api) -> App:
        raise CredentialsError("There are no credentials.")

    world.app = make

    assert world.run().status == "failed"
    assert world.head.runs[-1].message == "There are no credentials."


def test_after_runs_that_failed_at_once_the_first_good_one_begins_where_they_would_have() -> None:
    world = World()
    world.app = raising(CredentialsError("refused"))
    for _ in range(3):
        world.run()
        world.clock.sleep(3600)
    since: list[str] = []

    def poll(_: World, checkpoint: Checkpoint) -> Iterator[Page]:
        since.append(checkpoint["since"])
        yield Page([], checkpoint, more=False)

    world.app = scripted(poll)
    world.run()

    assert since == [(START - HOUR).isoformat()]


def test_what_came_before_an_error_is_on_record_and_delivered() -> None:
    world = World(total=12, page=4, batch=100)
    world.app = raising(Unavailable("down"), after=2)

    assert world.run().status == "failed"
    assert world.record == world.arrived == list(range(8))


def test_a_long_message_is_cut_in_the_head() -> None:
    world = World()
    world.app = raising(Unavailable("x" * 10_000))

    world.run()

    assert len(world.store.read(heads.NAME).body) < 1500


def test_the_head_keeps_the_last_runs_and_no_more() -> None:
    world = World(total=0)
    for _ in range(heads.RUNS + 5):
        world.run()

    assert len(world.head.runs) == heads.RUNS


def test_the_head_stays_small() -> None:
    world = World(total=3_999, page=4_000, app=Remembered)
    world.run()
    world.app = raising(Unavailable("z" * 1_000))
    for _ in range(heads.RUNS):
        world.run()

    assert len(world.store.read(heads.NAME).body) < 128 << 10


# Ctrl-C


def test_ctrl_c_gives_the_lease_back_and_keeps_what_was_collected() -> None:
    world = World(total=12, page=4)
    world.app = raising(KeyboardInterrupt(), after=2)

    with pytest.raises(KeyboardInterrupt):
        world.run()

    assert (world.head.status, world.head.lease) == ("partial", None)
    assert world.record == world.arrived == list(range(8))
    world.app = Numbers
    world.run()
    assert world.record == world.arrived == list(range(12))


# Time


def test_at_the_deadline_a_run_ends_partial_and_the_next_one_goes_on() -> None:
    world = World(total=100, page=4, seconds=10)
    runs = 0

    while (outcome := world.run(left=45)).status == "partial":
        assert outcome.error is None
        assert outcome.status == "partial"
        assert outcome.seconds <= 45
        runs += 1

    assert (outcome.status, runs) == ("succeeded", 6)
    assert world.record == world.arrived == list(range(100))


def test_a_page_is_not_begun_that_would_take_longer_than_the_time_left() -> None:
    outcome = World(total=100, page=4, seconds=10).run(left=25)

    assert (outcome.pages, outcome.seconds) == (2, 20)


def test_even_a_run_without_time_for_two_pages_makes_one() -> None:
    world = World(total=12, page=4, seconds=10)
    runs = 1

    while world.run(left=11).status == "partial":
        runs += 1

    assert runs == 3


# Pages that lead nowhere


def test_empty_pages_with_more_behind_them_are_walked_through() -> None:
    world = World(total=4)

    def poll(inner: World, checkpoint: Checkpoint) -> Iterator[Page]:
        for n in range(3 * CIRCLES):
            yield Page([], {"next": 0, "token": n}, more=True)
        yield from inner.numbers().poll(checkpoint)

    world.app = scripted(poll)

    assert world.run().status == "succeeded"
    assert world.record == list(range(4))


@pytest.mark.parametrize("circle", [1, 2, 7])
def test_empty_pages_in_a_circle_end_the_run_with_a_reason(circle: int) -> None:
    world = World()

    def poll(_: World, __: Checkpoint) -> Iterator[Page]:
        n = 0
        while True:
            assert n < 10_000, "the run does not end"
            yield Page([], {"next": 0, "token": n % circle}, more=True)
            n += 1

    world.app = scripted(poll)
    outcome = world.run()

    assert outcome.status == "failed"
    assert isinstance(outcome.error, BadResponse)
    assert "empty pages" in outcome.error.message


def test_empty_pages_without_end_take_no_more_than_the_time_left() -> None:
    world = World()

    def poll(inner: World, checkpoint: Checkpoint) -> Iterator[Page]:
        n = checkpoint.get("token", 0)
        while True:
            inner.clock.sleep(1)
            n += 1
            yield Page([], {"next": 0, "token": n}, more=True)

    world.app = scripted(poll)

    assert world.run(left=60).status == "partial"
    assert world.head.checkpoint["token"] >= 55  # type: ignore[index]


# An idle run


def test_an_idle_run_reads_the_head_takes_the_lease_and_ends() -> None:
    world = World(total=4)
    world.run()
    world.store.calls.clear()

    world.run()

    assert world.store.calls == [("read", "head.json"), ("write", "head.json"), ("write", "head.json")]


def test_an_idle_run_that_meets_events_on_record_reads_the_youngest_segment_besides() -> None:
    class Meeting(Remembered):
        def walk(self, checkpoint: Checkpoint, memory: Any) -> Iterator[Page]:
            if checkpoint["next"]:
                page = self.page([8_990, 8_991], checkpoint, more=False)
                assert memory.known(page.ids, page.times) == set(page.ids)
                yield Page([], checkpoint, more=False)
            else:
                yield from self.poll(checkpoint)

    world = World(total=9_000, page=9_000, app=Meeting)
    world.run()
    world.store.calls.clear()

    world.run()

    assert [what for what, _ in world.store.calls] == ["read", "write", "get", "write"]


# The memory


def test_a_part_of_the_memory_that_is_missing_is_made_anew_from_the_journal() -> None:
    world = World(total=9_000, page=9_000, app=Remembered)
    world.run()
    world.memory.delete(world.names("/memory/"))
    known: list[int] = []

    class Asking(Remembered):
        def walk(self, checkpoint: Checkpoint, memory: Any) -> Iterator[Page]:
            page = self.page([0, 8_999, 9_000], checkpoint, more=False)
            known.append(len(memory.known(page.ids, page.times)))
            yield Page([], checkpoint, more=False)

    world.app = Asking
    assert world.run().status == "succeeded"
    assert world.run().status == "succeeded"

    assert known == [2, 2]
    assert len(world.names("/memory/")) == 1


def test_a_run_whose_memory_is_gone_because_another_one_took_over_ends() -> None:
    world = World(total=9_000, page=9_000, app=Remembered)
    world.run()

    class Late(Remembered):
        def walk(self, checkpoint: Checkpoint, memory: Any) -> Iterator[Page]:
            self.world.clock.sleep(2 * heads.LEASE_SECONDS)
            self.world.hold()
            self.world.memory.delete(self.world.names("/memory/"))
            page = self.page([1], checkpoint, more=False)
            memory.known(page.ids, page.times)
            yield page

    world.app = Late
    with pytest.raises(AlreadyRunning, match="taken over"):
        world.run()

    assert world.names("/memory/") == []


# What is kept of the service's limit


def test_a_limit_is_kept_across_runs() -> None:
    world = World(total=1, rate=Rate(2, 60))
    recent: list[list[float]] = []

    class Asking(Numbers):
        def poll(self, checkpoint: Checkpoint) -> Iterator[Page]:
            recent.append(list(self.api.pace.recent))
            self.api.pace.request_made()
            yield Page([], checkpoint, more=False)

    world.app = Asking
    for _ in range(4):
        world.run()
        world.clock.sleep(10)

    made = [world.clock.now().timestamp() - 10 * n for n in (4, 3, 2, 1)]
    assert recent == [[], made[:1], made[:2], made[1:3]]


def test_a_limit_is_kept_across_a_run_that_failed() -> None:
    world = World(rate=Rate(2, 60))

    class Failing(Numbers):
        def poll(self, checkpoint: Checkpoint) -> Iterator[Page]:
            self.api.pace.request_made()
            yield Page([], checkpoint, more=True)
            raise Unavailable("down")

    world.app = Failing
    world.run()

    assert world.head.requests == [world.clock.now().timestamp()]


def test_a_wait_that_a_service_wanted_is_kept_until_it_is_over() -> None:
    world = World()
    waits: list[float] = []

    class Resting(Numbers):
        def poll(self, checkpoint: Checkpoint) -> Iterator[Page]:
            waits.append(self.api.pace.wait())
            if len(waits) == 1:
                self.api.pace.rest(100)
            yield Page([], checkpoint, more=False)

    world.app = Resting
    for _ in range(3):
        world.run()
        world.clock.sleep(60)

    assert waits == [0, 40, 0]


# What an earlier version left


class Adopting(Numbers):
    """Shows from when it starts."""

    def start(self, since: Any) -> Checkpoint:
        return {"next": 0, "since": since.timestamp()}

    def poll(self, checkpoint: Checkpoint) -> Iterator[Page]:
        self.world.told.append(("since", checkpoint.get("since")))
        yield Page([], checkpoint, more=False)


@pytest.mark.parametrize(
    "last_timestamp",
    [1_700_000_000, "2023-11-14T22:13:20Z", "2023-11-14T22:13:20+00:00", 1_700_000_000.0],
)
def test_a_last_timestamp_in_any_of_streamalerts_forms_is_honoured(last_timestamp: Any) -> None:
    world = World(adopted={"last_timestamp": last_timestamp, "context": {}}, app=Adopting)

    world.run()

    assert ("since", 1_700_000_000) in world.told
    assert world.head.adopted is None


@pytest.mark.parametrize("last_timestamp", [None, 0, ""])
def test_a_state_without_a_timestamp_is_that_of_a_first_run(last_timestamp: Any) -> None:
    world = World(adopted={"last_timestamp": last_timestamp, "context": {}}, app=Adopting)

    world.run()

    assert ("since", (START - HOUR).timestamp()) in world.told


def test_what_was_taken_over_outlives_a_run_that_failed_at_once() -> None:
    world = World(adopted={"last_timestamp": 1_700_000_000, "context": {}})

    def make(_: World, __: Api) -> App:
        raise CredentialsError("There are no credentials.")

    world.app = make
    world.run()
    world.adopted, world.app = None, Adopting
    world.run()

    assert ("since", 1_700_000_000) in world.told


# The lease, seen from a run


def test_a_run_under_way_is_left_alone() -> None:
    world = World()
    world.hold()
    told = list(world.told)

    with pytest.raises(AlreadyRunning):
        world.run()

    assert world.told == told


def test_a_run_without_a_deadline_keeps_its_lease() -> None:
    world = World(total=400, page=4, seconds=SLOW)

    class Checking(Numbers):
        def poll(self, checkpoint: Checkpoint) -> Iterator[Page]:
            for page in super().poll(checkpoint):
                self.api.alive()
                assert self.world.head.lease
                assert self.world.head.lease.until > self.world.clock.now().timestamp()
                yield page

    world.app = Checking

    assert world.run().seconds > 2 * heads.LEASE_SECONDS


def test_a_run_that_outlived_its_lease_puts_nothing_on_record_where_another_took_over() -> None:
    world = World(total=8, page=4)

    def poll(inner: World, checkpoint: Checkpoint) -> Iterator[Page]:
        pages = inner.numbers().poll(checkpoint)
        yield next(pages)
        inner.clock.sleep(2 * heads.LEASE_SECONDS)
        inner.app = Numbers
        inner.run()
        yield from pages

    world.app = scripted(poll)
    with pytest.raises(AlreadyRunning, match="Another run has taken over"):
        world.run()

    assert world.record == world.arrived == list(range(8))


def test_a_run_that_outlived_its_lease_goes_on_where_nobody_took_over() -> None:
    world = World(total=12, page=4, seconds=2 * heads.LEASE_SECONDS)

    assert world.run().status == "succeeded"
    assert world.record == list(range(12))


# The log


class Dated(Numbers):
    """Numbers whose checkpoint tells a time: a minute a number."""

    def watermark(self, checkpoint: Checkpoint) -> datetime | None:
        return START - timedelta(hours=1) + timedelta(minutes=checkpoint["next"])


@pytest.fixture
def lines() -> Iterator[Callable[[str], list[dict[str, Any]]]]:
    """Return the lines of a message that are written from now on, oldest first."""
    found: list[dict[str, Any]] = []

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append({"message": record.getMessage(), **getattr(record, "fields", {})})

    product, handler = logging.getLogger("streamalert_apps"), Lines()
    before = product.level
    product.addHandler(handler)
    product.setLevel(logging.INFO)
    yield lambda message: [line for line in found if message in line["message"]]
    product.setLevel(before)
    product.removeHandler(handler)


def test_a_line_a_page_says_what_it_held_and_how_long_it_took(lines: Callable[[str], Any]) -> None:
    World(total=10, page=4, seconds=1.5).run()

    pages = lines("page polled")
    assert [page["page"] for page in pages] == [1, 2, 3]
    assert [page["events"] for page in pages] == [4, 4, 2]
    assert [page["more"] for page in pages] == [True, True, False]
    assert {page["seconds"] for page in pages} == {1.5}


def test_a_line_a_commit_says_what_is_on_record(lines: Callable[[str], Any]) -> None:
    outcome = World(total=12, page=4, seconds=SLOW).run()

    commits = lines("on record")
    assert [commit["commit"] for commit in commits] == [1, 2, 3]
    assert sum(commit["events"] for commit in commits) == outcome.events == 12


def test_nothing_is_written_where_nobody_listens(lines: Callable[[str], Any]) -> None:
    logging.getLogger("streamalert_apps").setLevel(logging.WARNING)

    World(total=10).run()

    assert lines("") == []


def test_the_outcome_says_how_far_the_app_is() -> None:
    assert World(total=10, app=Dated).run().cursor == START - timedelta(minutes=50)


def test_what_has_been_shown_since_the_floor_counts_for_how_far_the_app_is() -> None:
    class Looked(Dated):
        def recorded(self, _: Checkpoint) -> datetime:
            return START

    assert World(total=10, app=Looked).run().cursor == START


def test_an_app_that_tells_no_time_has_no_cursor() -> None:
    assert World(total=1).run().cursor is None
