"""Looks and sweeps take turns: a run ends, and neither starves, however slow the service is."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import ClassVar

from streamalert_apps.errors import OutOfTime
from streamalert_apps.sdk.app import AuthField, Checkpoint, Json, NoMemory, Page
from streamalert_apps.sdk.clock import Deadline
from streamalert_apps.sdk.events import Fetched, Row
from streamalert_apps.sdk.feed import OldestFirst
from streamalert_apps.sdk.feed.place import Place
from streamalert_apps.sdk.http import Api
from tests.simulator.world import StillClock

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
FOREVER = float("inf")
ENDLESS = 200  # pages of a run that does not come to an end


class Slow(OldestFirst):
    """Twenty events of one moment, ten a page; each page takes its time."""

    type = "slow_events"
    auth: ClassVar[tuple[AuthField, ...]] = ()
    time_field = "at"
    id_fields = ("id",)
    lag = 5 * MINUTE

    def __init__(self, clock: StillClock, seconds: float, left: float = FOREVER) -> None:
        ends = clock.now() + timedelta(seconds=left) if left < FOREVER else None
        self.deadline = Deadline(lambda: (ends - clock.now()).total_seconds() if ends else FOREVER)
        super().__init__({}, Api(clock=clock, deadline=self.deadline))
        self.seconds = seconds

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        if self.deadline.left() < self.seconds:
            raise OutOfTime("There is no time left.")
        self.api.clock.sleep(self.seconds)
        first = token or 0
        at = NOW - timedelta(seconds=30)
        shown = range(20) if since <= at <= until else range(0)
        rows = [json.dumps({"id": number, "at": at.isoformat()}) for number in shown[first : first + 10]]
        more = first + 10 < len(shown)
        return Fetched([Row(row.encode()) for row in rows], first + 10 if more else None)


def run(app: Slow, checkpoint: Checkpoint) -> tuple[Checkpoint, list[Page]]:
    pages: list[Page] = []
    try:
        for page in islice(app.walk(checkpoint, NoMemory()), ENDLESS):
            pages.append(page)
            if not page.more:
                break
    except OutOfTime:
        pass
    return pages[-1].checkpoint if pages else checkpoint, pages


def test_a_run_ends_though_a_look_takes_longer_than_the_time_to_the_next_one() -> None:
    clock = StillClock(NOW)
    checkpoint, pages = run(Slow(clock, 40), Place(NOW - 60 * MINUTE).checkpoint())

    assert not pages[-1].more
    clock.sleep(600)
    _, pages = run(Slow(clock, 40), checkpoint)
    assert not pages[-1].more


def test_the_last_page_of_a_run_says_so_though_there_is_no_time_for_another_one() -> None:
    _, pages = run(Slow(StillClock(NOW), 10, left=45), Place(NOW - 60 * MINUTE).checkpoint())

    assert (len(pages[-1].logs), pages[-1].more) == (10, False)


def test_a_sweep_gets_a_request_though_a_look_takes_the_time_of_every_run() -> None:
    clock = StillClock(NOW)
    before = Place(NOW - 60 * MINUTE, newest=NOW - MINUTE, looked=NOW, swept=NOW - 10 * MINUTE)
    checkpoint = before.checkpoint()
    rows = []
    for _ in range(8):
        checkpoint, _ = run(Slow(clock, 10, left=12), checkpoint)
        sweep = Place.of(checkpoint).sweep
        rows.append(sweep.window.rows if sweep and sweep.window else 0)
        clock.sleep(300)

    assert max(rows) > 0


def test_a_look_at_a_feed_in_which_hardly_anything_happens_goes_back_no_further_than_others() -> None:
    place = Place(NOW - 60 * MINUTE, newest=NOW - MINUTE, looked=NOW, rate=1e-12, size=1000)

    _, pages = run(Slow(StillClock(NOW), 0), place.checkpoint())

    assert not pages[-1].more
