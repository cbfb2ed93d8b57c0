"""Any service, any events, runs cut anywhere: in the end all is there, and each once.

The memory of ids is made small, so that few events fill it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamalert_apps.sdk import ids
from streamalert_apps.sdk.watermark import AnyOrder, NewestFirst, OldestFirst, newest_first
from tests.sdk.feed import MILLISECOND, NOW, SECOND, Collector, Service

LONGEST = 20 * SECOND  # that events happen before NOW and after it, and that one may be late
LAGS = [timedelta(0), 3 * SECOND, LONGEST]

a_run = st.tuples(st.none() | st.integers(1, 4), st.sampled_from([0, 0.1, 1, 2.5, 10]))
a_time = st.one_of(
    st.integers(0, 40_000),
    st.integers(0, 40).map(lambda second: second * 1000),
    st.sampled_from([0, 20_000, 20_001, 20_500]),
)


@pytest.fixture(autouse=True)
def _small_memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(ids, "CAPACITY", 6)
    monkeypatch.setattr(newest_first, "FRESH_IDS", 4)
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@st.composite
def services(draw: st.DrawFn, order: Any) -> Service:
    """Draw a service with its events, up to 30 of them in 40 seconds, many at one time."""
    service = Service(
        order,
        ids=draw(st.booleans()),
        page=draw(st.integers(1, 7)),
        precision=draw(st.sampled_from([SECOND, MILLISECOND])),
        lag=draw(st.sampled_from(LAGS)),
        inclusive=draw(st.booleans()),
        exact=draw(st.booleans()),
        by_offset=draw(st.booleans()),
        expired=draw(st.frozensets(st.integers(1, 8), max_size=3)),
        cost=draw(st.sampled_from([0.0, 0.3, 1.7])),
    )
    lateness = st.integers(0, service.lag // MILLISECOND)
    for at, late in draw(st.lists(st.tuples(a_time, lateness), max_size=30)):
        service.happen(NOW - LONGEST + at * MILLISECOND, late=late * MILLISECOND)
    return service


def collected(service: Service, runs: list[tuple[int | None, float]], since: timedelta) -> Collector:
    """Collect in runs, each cut after so many pages, with so many seconds between them."""
    collector = Collector(service, since=NOW - since)
    for pages, seconds in runs:
        collector.run(pages=pages)
        service.clock.sleep(seconds)
    collector.finish()
    return collector


def equal_events_came_again(service: Service) -> bool:
    """Tell whether a run cut after an expired token may have lost count of equal events without ids."""
    return bool(service.expired) and not service.ids


thorough = settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
some_runs = st.lists(a_run, max_size=8)
some_start = st.sampled_from([60 * SECOND, LONGEST, LONGEST / 2])


@thorough
@given(service=services(OldestFirst), runs=some_runs, since=some_start)
def test_oldest_first_loses_nothing_and_repeats_nothing_that_can_be_told_apart(
    service: Service, runs: Any, since: timedelta
) -> None:
    collector = collected(service, runs, since)

    assert not collector.lost
    assert equal_events_came_again(service) or not collector.repeated


@thorough
@given(service=services(NewestFirst), runs=some_runs, since=some_start)
def test_newest_first_loses_nothing_and_repeats_nothing_but_what_a_growing_list_moved(
    service: Service, runs: Any, since: timedelta
) -> None:
    collector = collected(service, runs, since)

    assert not collector.lost
    assert service.by_offset or equal_events_came_again(service) or not collector.repeated


@thorough
@given(service=services(AnyOrder), runs=some_runs, since=some_start)
def test_any_order_loses_nothing_and_repeats_nothing_but_after_an_expired_token(
    service: Service, runs: Any, since: timedelta
) -> None:
    collector = collected(service, runs, since)

    assert not collector.lost
    assert service.expired or not service.ids or not collector.repeated
