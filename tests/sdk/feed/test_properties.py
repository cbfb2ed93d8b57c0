"""Any service, any events, runs cut or killed anywhere: all is on record in the end, exactly once.

And at no time has the floor passed an event that is not on record.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamalert_apps.sdk.feed import AnyOrder, NewestFirst, OldestFirst, sweep
from tests.sdk.feed.world import (
    FOREVER,
    MILLISECOND,
    NOW,
    ORDERS,
    SECOND,
    Killed,
    Runs,
    Service,
    exactly_once,
)

LONGEST = 20 * SECOND  # that events happen before NOW and after it, and that one may be late
LAGS = [timedelta(0), 3 * SECOND, LONGEST]

a_time = st.one_of(
    st.integers(0, 40_000),
    st.integers(0, 40).map(lambda second: second * 1000),
    st.sampled_from([0, 20_000, 20_001, 20_500]),
)
# How long a run has, at which of its requests it is killed, and when the next one begins.
a_run = st.tuples(
    st.sampled_from([FOREVER, FOREVER, 1.0, 4.0, 9.0]),
    st.sampled_from([0, 0, 0, 1, 2, 3, 5]),
    st.sampled_from([0, 0.1, 1, 2.5, 10, 60]),
)
some_runs = st.lists(a_run, max_size=8)
some_start = st.sampled_from([60 * SECOND, LONGEST, LONGEST / 2])


@pytest.fixture(autouse=True)
def _small_windows(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sweep, "MOST_ROWS", 12)
    monkeypatch.setattr(sweep, "MOST_COUNTED", 5)
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@st.composite
def services(draw: st.DrawFn) -> Service:
    """Draw a service with its events, up to 30 of them in 40 seconds, many at one time."""
    order = draw(st.sampled_from(ORDERS))
    ids = draw(st.booleans())
    service = Service(
        order,
        ids=ids,
        page=draw(st.integers(2, 7)),
        precision=draw(st.sampled_from([SECOND, MILLISECOND])),
        lag=draw(st.sampled_from(LAGS)),
        inclusive=draw(st.booleans()),
        exact=draw(st.booleans()),
        by_offset=ids and draw(st.booleans()),  # rows that move while they are counted can't be told apart
        token_seconds=draw(st.sampled_from([FOREVER, FOREVER, 3.0, 1.0])),
        cost=draw(st.sampled_from([0.0, 0.3, 0.9])),
        says=draw(st.sampled_from([None, None, None, OldestFirst, NewestFirst, AnyOrder])),
    )
    assert service.lag is not None
    lateness = st.integers(0, service.lag // MILLISECOND)
    for at, late in draw(st.lists(st.tuples(a_time, lateness), max_size=30)):
        service.happen(NOW - LONGEST + at * MILLISECOND, late=late * MILLISECOND)
    return service


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(service=services(), plan=some_runs, since=some_start)
def test_all_is_on_record_once_and_the_floor_passes_nothing_unread(
    service: Service, plan: list[Any], since: timedelta
) -> None:
    runs = Runs(service, since=NOW - since)
    for seconds, killed, pause in plan:
        with suppress(Killed):
            runs.run(seconds=seconds, killed=killed)
        service.clock.sleep(pause)
        if runs.store.read("head.json").version and b'"checkpoint"' in runs.store.read("head.json").body:
            assert not runs.unread_below_the_floor
    runs.finish()

    assert exactly_once(runs)
