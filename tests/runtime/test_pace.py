"""The service's limit holds for all that ask: runs, and commands beside them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from streamalert_apps.errors import RateLimited, StateError
from streamalert_apps.runtime import pace as shared
from streamalert_apps.runtime.pace import NAME, Told
from streamalert_apps.runtime.store import Conflict, Unsettled
from streamalert_apps.sdk.app import Checkpoint, Page
from streamalert_apps.sdk.clock import Deadline
from streamalert_apps.sdk.http import Api
from streamalert_apps.sdk.pace import Pace, Rate
from tests.runtime.doubles import START, Numbers, World
from tests.simulator.world import StillClock

TWO_A_MINUTE = Rate(2, 60)
NOW = START.timestamp()


class Service:
    """Answers two requests a minute, and refuses others."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.asked: list[float] = []
        self.refused = 0

    def answer(self, _: httpx.Request) -> httpx.Response:
        now = self.world.clock.now().timestamp()
        if sum(time > now - 60 for time in self.asked) >= 2:
            self.refused += 1
            return httpx.Response(429, headers={"Retry-After": "60"})
        self.asked.append(now)
        return httpx.Response(200, json={})

    def api(self, pace: Pace, left: float = float("inf")) -> Api:
        deadline = Deadline(lambda: left)
        return Api(
            clock=self.world.clock, deadline=deadline, pace=pace, transport=httpx.MockTransport(self.answer)
        )

    def ask(self, requests: int) -> None:
        """Ask as a command does."""
        pace = Pace(TWO_A_MINUTE, self.world.clock)
        shared.remind(pace, shared.read_all(self.world.store), self.world.clock.now())
        api = self.api(pace)
        try:
            for _ in range(requests):
                api.get("https://api.example.com/")
        finally:
            shared.note(self.world.store, pace)


@pytest.fixture
def world() -> World:
    return World(rate=TWO_A_MINUTE)


@pytest.fixture
def service(world: World) -> Service:
    service = Service(world)

    class Asking(Numbers):
        rate = TWO_A_MINUTE

        def poll(self, checkpoint: Checkpoint) -> Iterator[Page]:
            service.api(self.api.pace).get("https://api.example.com/")
            yield Page([], checkpoint, more=False)

    world.app = Asking
    return service


def pace_of(world: World, *recent: float) -> Pace:
    return Pace(TWO_A_MINUTE, world.clock, recent)


def test_three_commands_within_a_minute_meet_no_429(world: World, service: Service) -> None:
    for _ in range(3):
        service.ask(1)
        world.clock.sleep(1)

    assert (service.refused, len(service.asked)) == (0, 3)


def test_runs_and_commands_that_take_turns_meet_no_429(world: World, service: Service) -> None:
    for _ in range(5):
        service.ask(1)
        world.clock.sleep(2)
        world.run()
        world.clock.sleep(2)

    assert (service.refused, len(service.asked)) == (0, 10)


def test_a_wait_that_was_told_to_a_command_is_kept_by_the_next_run(world: World, service: Service) -> None:
    service.asked = [NOW, NOW]  # by somebody else
    pace = pace_of(world)
    with pytest.raises(RateLimited):
        service.api(pace, left=5.0).get("https://api.example.com/")
    shared.note(world.store, pace)

    assert world.run().status == "succeeded"

    assert service.refused == 1
    assert service.asked[2:] == [NOW + 60]


def test_a_run_without_a_limit_asks_the_store_for_nothing_more() -> None:
    world = World(total=0)
    world.run()

    assert not [name for _, name in world.store.calls if name == NAME]


def test_a_run_with_a_limit_asks_the_store_once(world: World, service: Service) -> None:
    world.run()

    assert [call for call in world.store.calls if call[1] == NAME] == [("read", NAME)]
    assert len(service.asked) == 1


def test_after_a_429_of_its_own_a_run_learns_what_commands_have_asked(world: World, service: Service) -> None:
    known: list[list[float]] = []

    class Refused(Numbers):
        rate = TWO_A_MINUTE

        def poll(self, _: Checkpoint) -> Iterator[Page]:
            service.ask(2)  # beside this run
            with suppress(RateLimited):
                self.api.get("https://api.example.com/")
            known.append([*self.api.pace.recent])
            yield Page([], {"next": 0}, more=False)

    world.app, world.transport = Refused, httpx.MockTransport(service.answer)
    world.run(left=5.0)

    assert service.refused == 1
    assert known == [[NOW, NOW]]


# The object


def test_nothing_is_noted_where_nothing_was_asked(world: World) -> None:
    shared.note(world.store, pace_of(world))

    assert world.memory.read(NAME).version is None


def test_what_was_noted_is_told(world: World) -> None:
    pace = pace_of(world, NOW - 5)
    pace.rest(30)

    shared.note(world.store, pace)

    assert shared.read(world.store) == Told([NOW - 5], NOW + 30)


def test_what_several_note_is_merged(world: World) -> None:
    shared.note(world.store, pace_of(world, NOW - 5))
    shared.note(world.store, pace_of(world, NOW - 5, NOW - 3))

    assert shared.read(world.store).requests == [NOW - 5, NOW - 3]


def test_only_as_many_requests_are_kept_as_the_limit_counts(world: World) -> None:
    for second in range(10):
        shared.note(world.store, pace_of(world, NOW + second))

    assert shared.read(world.store).requests == [NOW + 8, NOW + 9]


@pytest.mark.parametrize("error", [Conflict("first"), Unsettled("no answer")], ids=["conflict", "unsettled"])
def test_a_note_that_somebody_else_came_before_is_made_again(world: World, error: StateError) -> None:
    answers = iter([error])
    world.store.fault = lambda what, _: next(answers, None) if what == "write" else None

    shared.note(world.store, pace_of(world, NOW))

    assert shared.read(world.store).requests == [NOW]


def test_a_note_that_can_never_be_made_is_told(world: World) -> None:
    world.store.fault = lambda what, _: Conflict("first") if what == "write" else None

    with pytest.raises(StateError, match=r"pace\.json can't be written"):
        shared.note(world.store, pace_of(world, NOW))


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"requests": "x"}'])
def test_an_object_that_can_not_be_read_says_nothing_and_is_replaced(world: World, body: bytes) -> None:
    world.memory.write(NAME, body, replacing=None)

    assert shared.read(world.store) == Told()
    shared.note(world.store, pace_of(world, NOW))
    assert json.loads(world.memory.read(NAME).body)["requests"] == [NOW]


@pytest.mark.parametrize("told", [Told([NOW + 366 * 86_400]), Told([], NOW + 366 * 86_400)])
def test_what_a_wrong_clock_noted_does_not_stop_anybody_for_long(world: World, told: Any) -> None:
    pace = pace_of(world)

    shared.remind(pace, told, START)

    assert pace.wait() <= timedelta(days=1).total_seconds()
    assert not pace.recent


class Wrong(StillClock):
    """A clock that is a day ahead."""

    def now(self) -> datetime:
        return super().now() + timedelta(days=1)


def wrong(world: World) -> World:
    """Let a world's runs have a wrong clock; its store keeps the right one."""
    world.clock = Wrong(world.clock.time)
    return world


def test_a_wait_that_a_wrong_clock_noted_is_as_long_as_the_service_wants() -> None:
    world = wrong(World())

    def resting(world: World, api: Api) -> Numbers:
        api.pace.rest(60)
        return Numbers(world, api)

    world.app = resting
    world.run()

    assert world.head.not_before - NOW == pytest.approx(60)


def test_where_the_service_has_told_no_time_the_store_does() -> None:
    world = wrong(World())
    apis: list[Api] = []

    def kept(world: World, api: Api) -> Numbers:
        apis.append(api)
        return Numbers(world, api)

    world.app = kept
    world.run()

    assert apis[0].ahead == timedelta(days=1)
