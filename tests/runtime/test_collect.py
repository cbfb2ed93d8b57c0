"""One run: what it forwards and saves, in which order, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from streamalert_apps.errors import (
    AlreadyRunning,
    AppError,
    BadResponse,
    ConfigError,
    CredentialsError,
    DeliveryFailed,
    DeliveryRefused,
    OutOfTime,
    PageTokenExpired,
    RateLimited,
    RequestRefused,
    StateError,
    Unavailable,
)
from streamalert_apps.runtime.collect import EMPTY_PAGES, SECONDS_BETWEEN_SAVES, Outcome
from streamalert_apps.sdk.app import App, Checkpoint, Page
from streamalert_apps.sdk.http import Api
from streamalert_apps.sdk.pace import Rate
from tests.runtime.doubles import HOUR, LEASE, Numbers, World, failing, log_of

SLOW = SECONDS_BETWEEN_SAVES + 1  # so slow that each page is saved


def app_of(poll: Callable[[World, Checkpoint], Iterator[Page]]) -> Callable[[World, Api], App]:
    """Return what makes an app that polls so."""

    class Scripted(Numbers):
        def poll(self, checkpoint: Checkpoint) -> Iterator[Page]:
            return poll(self.world, checkpoint)

    return Scripted


def raising(error: BaseException, after: int = 0) -> Callable[[World, Api], App]:
    """Return what makes an app that collects so many pages and then breaks."""

    def poll(world: World, checkpoint: Checkpoint) -> Iterator[Page]:
        pages = Numbers(world, None).poll(checkpoint)  # type: ignore[arg-type]
        for _ in range(after):
            yield next(pages)
        raise error

    return app_of(poll)


# The run


def test_all_that_there_is_is_forwarded_once_and_in_order() -> None:
    world = World(total=10)

    outcome = world.run()

    assert world.arrived == list(range(10))
    assert (outcome.status, outcome.logs, outcome.pages) == ("succeeded", 10, 3)


def test_a_second_run_goes_on_where_the_first_one_ended() -> None:
    world = World(total=10)
    world.run()
    world.total = 17

    outcome = world.run()

    assert world.arrived == list(range(17))
    assert outcome.logs == 7


def test_a_run_without_anything_new_forwards_nothing() -> None:
    world = World(total=0)

    assert world.run().status == "succeeded"
    assert [event for event, _ in world.journal] == ["leased", "polled", "saved"]


def test_an_app_that_has_never_run_looks_back_one_interval() -> None:
    world = World(total=0)
    since: list[str] = []

    def poll(_: World, checkpoint: Checkpoint) -> Iterator[Page]:
        since.append(checkpoint["since"])
        yield Page([], checkpoint, more=False)

    world.app = app_of(poll)
    world.run()

    assert since == [(world.clock.now() - HOUR).isoformat()]


def test_the_outcome_counts_what_was_done() -> None:
    world = World(total=10, page=4, batch=2, seconds=1.5)

    outcome = world.run()

    assert (outcome.logs, outcome.batches, outcome.pages, outcome.seconds) == (10, 5, 3, 4.5)
    assert outcome.bytes == 10 * len(log_of(0))


def test_progress_is_told_after_each_page() -> None:
    world = World(total=12, page=4)
    told: list[int] = []

    def progress(outcome: Outcome) -> None:
        told.append(outcome.pages)

    world.run(progress=progress)

    assert told == [1, 2]


# Delivery first, checkpoint second


def test_a_checkpoint_is_saved_only_after_all_before_it_was_accepted() -> None:
    world = World(total=40, page=5, batch=3, seconds=SLOW)
    saved_and_accepted: list[tuple[int, int]] = []

    def note(state: Mapping[str, Any]) -> None:
        checkpoint = state["sa_apps"]["checkpoint"] or {"next": 0}
        saved_and_accepted.append((checkpoint["next"], len(world.arrived)))

    world.on_save = note
    world.run()

    assert len(saved_and_accepted) >= 8
    assert all(saved <= accepted for saved, accepted in saved_and_accepted)


def test_deliveries_and_saves_alternate() -> None:
    world = World(total=8, page=4, batch=2, seconds=SLOW)

    world.run()

    assert world.journal == [
        ("leased", "running"),
        ("polled", 0),
        ("forwarded", [0, 1]),
        ("forwarded", [2, 3]),
        ("saved", "running"),
        ("polled", 4),
        ("forwarded", [4, 5]),
        ("forwarded", [6, 7]),
        ("saved", "succeeded"),
    ]


def test_quick_pages_share_one_save() -> None:
    world = World(total=400, page=4, seconds=0.1)

    world.run()

    saves = [event for event, _ in world.journal].count("saved")
    assert saves <= 1 + 10 / SECONDS_BETWEEN_SAVES


def test_small_pages_share_a_batch() -> None:
    world = World(total=10, page=1, batch=5)

    assert world.run().batches == 2


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
def test_a_failed_run_keeps_the_reason_in_the_state(error: AppError) -> None:
    world = World()
    world.app = raising(error)

    outcome = world.run()

    assert (outcome.status, outcome.error) == ("failed", error)
    assert world.state["current_state"] == "failed"
    assert world.state["sa_apps"]["last_run"]["error"] == error.code
    assert world.state["sa_apps"]["last_run"]["message"] == error.message


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
    assert world.state["current_state"] == "partial"
    assert world.state["sa_apps"]["last_run"]["error"] == error.code


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
    assert outcome.error.message.startswith("The app broke: ValueError at test_collect.py:")
    assert "s3cr3t" not in json.dumps(world.state)


def test_an_app_that_can_not_be_made_is_a_failed_run_that_says_why() -> None:
    world = World()

    def make(_: World, __: Api) -> App:
        raise CredentialsError("There are no credentials.")

    world.app = make
    outcome = world.run()

    assert outcome.status == "failed"
    assert world.state["current_state"] == "failed"
    assert world.state["sa_apps"]["last_run"]["message"] == "There are no credentials."


def test_after_a_run_whose_app_could_not_be_made_the_next_one_begins_at_its_own_interval() -> None:
    world = World(total=5)
    working = world.app
    world.app = raising(CredentialsError("refused"))
    world.run()
    world.app = working

    assert world.run().status == "succeeded"
    assert world.arrived == list(range(5))


def test_what_came_before_an_error_is_delivered_and_saved() -> None:
    world = World(total=12, page=4, batch=100)
    world.app = raising(Unavailable("down"), after=2)

    outcome = world.run()

    assert world.arrived == list(range(8))
    assert outcome.status == "failed"
    assert world.state["sa_apps"]["checkpoint"] == {"next": 8}


def test_a_long_message_is_cut_in_the_state() -> None:
    world = World()
    world.app = raising(Unavailable("x" * 10_000))

    world.run()

    assert len(world.slot.stored.text) < 1000  # type: ignore[union-attr]


def test_the_reason_of_a_failure_is_gone_after_a_good_run() -> None:
    world = World()
    working = world.app
    world.app = raising(Unavailable("down"))
    world.run()
    world.app = working

    world.run()

    assert "error" not in world.state["sa_apps"]["last_run"]


# A destination that fails


@pytest.mark.parametrize("batch", range(5))
@pytest.mark.parametrize("error", [DeliveryFailed, DeliveryRefused])
def test_a_delivery_that_fails_costs_neither_a_loss_nor_a_repeat(batch: int, error: type[Exception]) -> None:
    world = World(total=10, page=10, batch=2)
    world.on_delivery = failing(2 * batch, error=error)
    assert world.run().status == "failed"
    assert world.arrived == list(range(2 * batch))

    world.on_delivery = failing()
    world.clock.sleep(60)
    assert world.run().status == "succeeded"

    assert world.arrived == list(range(10))


@pytest.mark.parametrize("page", [1, 3, 4, 7])
@pytest.mark.parametrize("batch", [1, 2, 3, 5])
def test_batches_that_cross_pages_are_gone_on_with_in_the_middle(page: int, batch: int) -> None:
    world = World(total=20, page=page, batch=batch)
    for broken in (0, 7, 8, 13, 19):
        world.on_delivery = failing(broken)
        world.run()
    world.on_delivery = failing()
    world.run()

    assert (world.lost, world.repeated) == (set(), {})


def test_what_was_delivered_is_not_skipped_where_the_service_gives_something_else() -> None:
    world = World(total=10, page=10, batch=2)
    world.on_delivery = failing(4)
    world.run()
    world.on_delivery = failing()

    def poll(_: World, __: Checkpoint) -> Iterator[Page]:
        yield Page([log_of(n) for n in range(100, 110)], {"next": 10}, more=False)

    world.app = app_of(poll)
    world.run()

    assert world.arrived == [0, 1, 2, 3, *range(100, 110)]


def test_an_empty_page_in_front_does_not_make_a_delivered_log_come_again() -> None:
    world = World(total=10, page=10, batch=2)

    def poll(inner: World, checkpoint: Checkpoint) -> Iterator[Page]:
        yield Page([], checkpoint, more=True)
        yield from Numbers(inner, None).poll(checkpoint)  # type: ignore[arg-type]

    world.app = app_of(poll)
    world.on_delivery = failing(4)
    world.run()
    world.on_delivery = failing()
    world.run()

    assert world.arrived == list(range(10))


def test_a_page_whose_deliveries_take_longer_than_a_run_is_delivered_by_several() -> None:
    world = World(total=10, page=10, batch=2)

    def slow(_: list[int]) -> None:
        world.clock.sleep(4)

    world.on_delivery = slow
    outcomes = [world.run(left=5).status for _ in range(3)]

    assert outcomes == ["partial", "partial", "succeeded"]
    assert world.arrived == list(range(10))


def test_a_destination_that_comes_back_in_time_costs_nothing() -> None:
    world = World(total=10)
    answers = iter([DeliveryFailed("down"), DeliveryFailed("down")])
    world.on_delivery = lambda _: next(answers, None)

    assert world.run().status == "succeeded"
    assert world.arrived == list(range(10))


def test_a_destination_that_stays_down_is_told() -> None:
    world = World()
    world.on_delivery = failing(0)

    outcome = world.run(left=10)

    assert isinstance(outcome.error, DeliveryFailed)
    assert outcome.seconds <= 10


def test_a_destination_that_fails_while_an_error_is_told_is_the_error() -> None:
    world = World(total=8, page=4, batch=100)
    world.app = raising(RateLimited("slow down"), after=1)
    world.on_delivery = failing(0)

    outcome = world.run()

    assert outcome.status == "failed"
    assert isinstance(outcome.error, DeliveryFailed)
    assert world.arrived == []


# Ctrl-C


def test_ctrl_c_releases_the_lease_and_keeps_what_was_accepted() -> None:
    world = World(total=12, page=4, batch=2, seconds=SLOW)
    world.app = raising(KeyboardInterrupt(), after=2)

    with pytest.raises(KeyboardInterrupt):
        world.run(holder="first")

    assert world.state["current_state"] == "partial"
    assert "lease" not in world.state["sa_apps"]
    world.app = Numbers
    assert world.run(holder="second").status == "succeeded"
    assert world.arrived == list(range(12))


def test_ctrl_c_in_the_middle_of_a_page_costs_neither_a_loss_nor_a_repeat() -> None:
    world = World(total=10, page=10, batch=2)

    def interrupt(numbers: list[int]) -> Exception | None:
        if 6 in numbers:
            raise KeyboardInterrupt
        return None

    world.on_delivery = interrupt
    with pytest.raises(KeyboardInterrupt):
        world.run()
    world.on_delivery = failing()
    world.run()

    assert world.arrived == list(range(10))


# Time


def test_at_the_deadline_a_run_ends_partial_and_the_next_one_goes_on() -> None:
    world = World(total=100, page=4, batch=2, seconds=10)
    runs = 0

    while (outcome := world.run(left=45)).status == "partial":
        assert outcome.error is None
        assert outcome.seconds <= 45
        runs += 1

    assert outcome.status == "succeeded"
    assert runs == 6
    assert world.arrived == list(range(100))


def test_a_page_is_not_begun_that_would_take_longer_than_the_time_left() -> None:
    world = World(total=100, page=4, seconds=10)

    outcome = world.run(left=25)

    assert outcome.pages == 2
    assert outcome.seconds == 20


def test_even_a_run_without_time_for_two_pages_makes_one() -> None:
    world = World(total=12, page=4, seconds=10)
    runs = 1

    while world.run(left=11).status == "partial":
        runs += 1

    assert runs == 3
    assert world.arrived == list(range(12))


# Pages that lead nowhere


def test_empty_pages_with_more_behind_them_are_walked_through() -> None:
    world = World(total=4)

    def poll(inner: World, checkpoint: Checkpoint) -> Iterator[Page]:
        for n in range(3 * EMPTY_PAGES):
            yield Page([], {"next": 0, "token": n}, more=True)
        yield from Numbers(inner, None).poll(checkpoint)  # type: ignore[arg-type]

    world.app = app_of(poll)

    assert world.run().status == "succeeded"
    assert world.arrived == list(range(4))


@pytest.mark.parametrize("circle", [1, 2, 7])
def test_empty_pages_in_a_circle_end_the_run_with_a_reason(circle: int) -> None:
    world = World()

    def poll(_: World, __: Checkpoint) -> Iterator[Page]:
        n = 0
        while True:
            assert n < 10_000, "the run does not end"
            yield Page([], {"next": 0, "token": n % circle}, more=True)
            n += 1

    world.app = app_of(poll)
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

    world.app = app_of(poll)

    assert world.run(left=60).status == "partial"
    assert world.state["sa_apps"]["checkpoint"]["token"] >= 55


# What is stored


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

    assert world.state["sa_apps"]["requests"] == [world.clock.now().timestamp()]


def test_the_state_stays_small() -> None:
    world = World(total=4, rate=Rate(10, 60))

    class Full(Numbers):
        def poll(self, checkpoint: Checkpoint) -> Iterator[Page]:
            for _ in range(10):
                self.api.pace.request_made()
            yield Page([], checkpoint | {"x": "y" * 2930}, more=True)
            raise Unavailable("z" * 1000)

    world.app = Full
    world.run(holder="12345678-1234-1234-1234-123456789012")

    assert len(world.slot.stored.text) <= 4096  # type: ignore[union-attr]


# A state of StreamAlert


def streamalert(status: str = "succeeded", last_timestamp: Any = 1_700_000_000, **context: Any) -> str:
    return json.dumps({"current_state": status, "last_timestamp": last_timestamp, "context": context})


class Adopting(Numbers):
    """Shows from when it starts."""

    def start(self, since: Any) -> Checkpoint:
        return {"next": 0, "since": since.timestamp()}

    def poll(self, checkpoint: Checkpoint) -> Iterator[Page]:
        self.world.journal.append(("since", checkpoint.get("since")))
        yield Page([], {"next": 0, "since": checkpoint["since"] + 5}, more=False)

    def last_timestamp(self, checkpoint: Checkpoint) -> Any:
        return checkpoint["since"]


@pytest.mark.parametrize("status", ["running", "partial", "failed", "succeeded"])
def test_a_state_of_streamalert_is_taken_over_whatever_it_says(status: str) -> None:
    world = World(text=streamalert(status))
    world.app = Adopting

    assert world.run().status == "succeeded"
    assert ("since", 1_700_000_000) in world.journal


@pytest.mark.parametrize(
    "last_timestamp", ["2023-11-14T22:13:20Z", "2023-11-14T22:13:20+00:00", 1_700_000_000.0]
)
def test_a_last_timestamp_in_any_of_streamalerts_forms_is_honoured(last_timestamp: Any) -> None:
    world = World(text=streamalert(last_timestamp=last_timestamp))
    world.app = Adopting

    world.run()

    assert ("since", 1_700_000_000) in world.journal


@pytest.mark.parametrize("last_timestamp", [None, 0, ""])
def test_a_state_of_streamalert_without_a_timestamp_is_that_of_a_first_run(last_timestamp: Any) -> None:
    world = World(text=streamalert(last_timestamp=last_timestamp))
    world.app = Adopting

    world.run()

    assert ("since", (world.clock.now() - HOUR).timestamp()) in world.journal


def test_how_far_the_app_is_is_written_in_streamalerts_own_form() -> None:
    world = World(text=streamalert())
    world.app = Adopting

    world.run()

    assert world.state["current_state"] == "succeeded"
    assert world.state["last_timestamp"] == 1_700_000_005


def test_streamalerts_own_words_outlive_a_run_that_failed_at_once() -> None:
    world = World(text=streamalert(position="p1"))

    def make(_: World, __: Api) -> App:
        raise CredentialsError("There are no credentials.")

    world.app = make
    world.run()

    assert world.state["last_timestamp"] == 1_700_000_000
    assert world.state["context"] == {"position": "p1"}
    world.app = Adopting
    world.run()
    assert ("since", 1_700_000_000) in world.journal


def test_a_state_that_is_none_ends_the_run_and_stays_as_it_is() -> None:
    world = World(text='{"current_state": 1')

    with pytest.raises(StateError, match="not readable"):
        world.run()

    assert world.slot.stored.text == '{"current_state": 1'  # type: ignore[union-attr]


# The lease, seen from a run


def test_a_run_under_way_is_left_alone() -> None:
    world = World()
    world.run_and_die(7, holder="first")
    world.clock.time -= 2 * LEASE
    journal = list(world.journal)

    with pytest.raises(AlreadyRunning):
        world.run(holder="second")

    assert world.journal == journal


def test_the_lease_ends_no_later_than_the_run_may_last() -> None:
    world = World(total=1000, page=4, seconds=SLOW)
    began = world.clock.now()

    world.run_and_die(150, left=LEASE.total_seconds() - 10)

    assert world.journal.count(("saved", "running")) > 10
    assert world.state["sa_apps"]["lease"]["until"] == (began + LEASE).isoformat()


def test_a_run_without_a_deadline_renews_its_lease() -> None:
    world = World(total=400, page=4, seconds=SLOW)

    class Checking(Numbers):
        def poll(self, checkpoint: Checkpoint) -> Iterator[Page]:
            for page in super().poll(checkpoint):
                assert self.world.state["sa_apps"]["lease"]["until"] > self.world.clock.now().isoformat()
                yield page

    world.app = Checking

    assert world.run().seconds > 2 * LEASE.total_seconds()


def test_a_run_that_outlived_its_lease_does_not_overwrite_the_one_that_took_over() -> None:
    world = World(total=8, page=4)
    other = json.dumps({
        "current_state": "running",
        "sa_apps": {
            "checkpoint": {"next": 0},
            "lease": {"holder": "other", "until": (world.clock.now() + 9 * LEASE).isoformat()},
        },
    })

    def poll(inner: World, checkpoint: Checkpoint) -> Iterator[Page]:
        pages = Numbers(inner, None).poll(checkpoint)  # type: ignore[arg-type]
        yield next(pages)
        inner.clock.sleep(2 * LEASE.total_seconds())
        inner.slot._slot.write(other)
        yield from pages

    world.app = app_of(poll)
    with pytest.raises(AlreadyRunning, match="another run has taken over"):
        world.run(holder="slow")

    assert world.slot.stored.text == other  # type: ignore[union-attr]


def test_a_run_that_outlived_its_lease_goes_on_where_nobody_took_over() -> None:
    world = World(total=12, page=4, seconds=2 * LEASE.total_seconds())

    assert world.run().status == "succeeded"
    assert world.arrived == list(range(12))


# A state that can't be saved


def test_a_save_that_fails_on_the_way_ends_the_run_with_its_reason() -> None:
    world = World(total=12, page=4, seconds=SLOW)
    answers = iter([None, StateError("throttled")])
    world.on_save = lambda _: next(answers, None)

    outcome = world.run()

    assert isinstance(outcome.error, StateError)
    assert world.state["current_state"] == "failed"
    world.run()
    assert (world.lost, world.repeated) == (set(), {})


def test_a_state_that_can_not_be_saved_at_the_end_is_raised_and_costs_at_most_a_repeat() -> None:
    world = World(total=4)
    world.on_save = lambda state: None if state["current_state"] == "running" else StateError("throttled")

    with pytest.raises(StateError):
        world.run(holder="first")

    world.on_save = lambda _: None
    world.run(holder="second", after="first")
    assert world.lost == set()
