from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamalert_apps.errors import UsageError
from streamalert_apps.simulator.store import (
    SECOND,
    Event,
    Feed,
    Plan,
    by_arrival,
    micros,
    moment,
    seeded,
)
from tests.simulator.world import NOW, StillClock

ZERO = micros(NOW)


def event(name: str, at: int, visible: int | None = None) -> Event:
    """Return an event that happens and is visible these seconds from now."""
    return Event(ZERO + at * SECOND, name, ZERO + (at if visible is None else visible) * SECOND, b"{}")


def names(feed: Feed, **options: object) -> list[str]:
    window = {"low": ZERO - 100 * SECOND, "high": ZERO + 100 * SECOND, "limit": 100} | options
    return [event.id for event in feed.page(**window).events]  # type: ignore[arg-type]


def test_a_page_lists_events_by_time_whatever_the_order_they_came_in() -> None:
    feed = Feed(StillClock())

    feed.add([event("b", -1), event("a", -2), event("c", -1)])

    assert names(feed) == ["a", "b", "c"]


def test_both_bounds_are_inclusive() -> None:
    feed = Feed(StillClock())
    feed.add([event("a", -3), event("b", -2), event("c", -1)])

    assert names(feed, low=ZERO - 2 * SECOND, high=ZERO - SECOND) == ["b", "c"]
    assert names(feed, low=ZERO - 2 * SECOND + 1, high=ZERO - SECOND - 1) == []


def test_an_event_is_invisible_until_its_time() -> None:
    clock = StillClock()
    feed = Feed(clock)
    feed.add([event("early", -20), event("late", -30, visible=5)])

    assert names(feed) == ["early"]
    clock.sleep(5)
    assert names(feed) == ["late", "early"]


def test_a_page_goes_on_after_an_event_even_if_others_came_in_before_it() -> None:
    clock = StillClock()
    feed = Feed(clock)
    feed.add([event(str(n), -50 + n) for n in range(3)])
    (first,) = feed.page(low=0, high=ZERO, limit=1).events

    feed.add([event("before", -60), event("after", -49)])

    assert names(feed, after=first) == ["1", "after", "2"]


def test_newest_first_pages_walk_down() -> None:
    feed = Feed(StillClock())
    feed.add([event(str(n), -n) for n in range(1, 6)])

    first = feed.page(low=0, high=ZERO, limit=2, newest_first=True)
    second = feed.page(low=0, high=ZERO, limit=3, after=first.events[-1], newest_first=True)

    assert [event.id for event in first.events] == ["1", "2"]
    assert [event.id for event in second.events] == ["3", "4", "5"]
    assert (first.more, second.more) == (True, False)


def test_a_feed_ordered_by_arrival_shows_a_late_event_last() -> None:
    clock = StillClock(NOW + timedelta(seconds=50))
    feed = Feed(clock, by_arrival)

    feed.add([event("late", -30, visible=5), event("prompt", -20)])

    assert names(feed) == ["prompt", "late"]


def test_an_id_is_held_once() -> None:
    feed = Feed(StillClock())
    feed.add([event("a", -2)])

    with pytest.raises(ValueError, match="already holds"):
        feed.add([event("a", -1)])


def test_a_feed_knows_when_everything_is_visible() -> None:
    feed = Feed(StillClock())

    feed.add([event("a", -2), event("b", -1, visible=70)])

    assert feed.complete() == NOW + timedelta(seconds=70)


@given(
    times=st.lists(st.tuples(st.integers(-50, 0), st.integers(0, 30)), max_size=30),
    limit=st.integers(1, 5),
    newest_first=st.booleans(),
)
def test_pages_hold_each_visible_event_once_and_in_order(
    times: list[tuple[int, int]], limit: int, newest_first: bool
) -> None:
    feed = Feed(StillClock())
    feed.add([event(f"{n:02}", at, at + lag) for n, (at, lag) in enumerate(times)])

    walked: list[Event] = []
    more = True
    while more:
        page = feed.page(
            low=0, high=ZERO, limit=limit, after=walked[-1] if walked else None, newest_first=newest_first
        )
        walked += page.events
        more = page.more

    expected = sorted((at, f"{n:02}") for n, (at, lag) in enumerate(times) if at + lag <= 0)
    assert [event.id for event in walked] == [
        name for _, name in (expected[::-1] if newest_first else expected)
    ]
    assert page.total == len(expected)


def plan(**options: object) -> list[tuple[int, int]]:
    defaults = {"events": 1000, "start": NOW - timedelta(hours=1), "end": NOW}
    return Plan(**(defaults | options)).times(seeded(1))  # type: ignore[arg-type]


def test_a_plan_is_the_same_for_the_same_seed() -> None:
    options = (50, NOW - timedelta(hours=1), NOW, 20, 10)

    assert Plan(*options).times(seeded(3)) == Plan(*options).times(seeded(3))
    assert Plan(*options).times(seeded(3)) != Plan(*options).times(seeded(4))


def test_a_plan_makes_so_many_events_between_start_and_end() -> None:
    times = [at for at, _ in plan(burst=300, late=20)]

    assert len(times) == 1000
    assert min(times) >= ZERO - 3600 * SECOND
    assert max(times) <= ZERO


def test_a_burst_happens_within_one_second_and_half_of_it_within_one_millisecond() -> None:
    times = [at for at, _ in plan(events=300, burst=300)]

    assert len({at // SECOND for at in times}) == 1
    assert max(Counter(at // 1000 for at in times).values()) >= 150


def test_some_events_share_their_very_moment() -> None:
    assert len({at for at, _ in plan()}) < 1000


def test_late_events_happen_last_and_show_up_after_others_of_their_time() -> None:
    delay, lateness = timedelta(seconds=120), timedelta(seconds=60)

    late = [
        pair for pair in plan(late=50, delay=delay, lateness=lateness) if pair[1] - pair[0] > 120 * SECOND
    ]

    assert len(late) == 50
    assert all(at >= ZERO - 120 * SECOND for at, _ in late)
    assert all(visible - at <= 180 * SECOND for at, visible in late)


def test_a_vendor_that_counts_seconds_has_whole_seconds() -> None:
    start = NOW - timedelta(seconds=90.5)

    times = [at for at, _ in plan(start=start, burst=100, late=10, precision=SECOND)]

    assert {at % SECOND for at in times} == {0}
    assert moment(min(times)) >= start


@pytest.mark.parametrize(
    "options",
    [{"burst": 900, "late": 101}, {"late": -1}, {"start": NOW}, {"start": NOW - timedelta(seconds=1)}],
)
def test_a_plan_that_cannot_be_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        plan(**options)
