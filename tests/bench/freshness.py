"""How soon events are on record: a simulated service, an app that runs each minute, hours of simulated time.

Two of a hundred events are late, by one to ten minutes. Beside ours is the way of 0.1.0, as a small model:
what is younger than the lag is taken as far as a memory of 224 ids reaches, and the rest when it has
settled. Time is simulated, so the figures are the same on every machine.
"""

from __future__ import annotations

import bisect
import json
import statistics
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any, ClassVar, Final

import httpx
import msgspec

from streamalert_apps.errors import PageTokenExpired
from streamalert_apps.runtime.collect import Outcome, Terms, collect
from streamalert_apps.runtime.head import Identity
from streamalert_apps.runtime.journal import entries, read
from streamalert_apps.runtime.store.memory import MemoryStore
from streamalert_apps.sdk.app import Json
from streamalert_apps.sdk.clock import Deadline
from streamalert_apps.sdk.events import Fetched
from streamalert_apps.sdk.feed import AnyOrder, Feed, NewestFirst, OldestFirst
from streamalert_apps.sdk.http import Api
from streamalert_apps.sdk.pace import Pace, Rate
from tests.simulator.world import StillClock

NOWHERE: Final = httpx.MockTransport(lambda _: httpx.Response(404))  # a real one reads certificates
REQUEST_SECONDS: Final = 0.2
PAGE: Final = 1000
RUN_SECONDS: Final = 50.0
START: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
REMEMBERED: Final = 224  # ids in a state of 0.1.0
LISTINGS: Final = 4  # that a service has under way at once


@dataclass(frozen=True, slots=True)
class Case:
    """A feed, and how long it is watched."""

    order: str
    rate: float
    lag: timedelta
    hours: float = 3.0
    page: int = PAGE
    limit: Rate | None = None
    budget: float = RUN_SECONDS
    token_seconds: float = 3600.0
    interval: float = 60.0


@dataclass(frozen=True, slots=True)
class Result:
    """How an app did.

    `p50` to `p99`: seconds from listed to on record; `late_p50` and `late_most`: of late events alone.
    `requests`: of a run, the median, the mean and the most; `pages`: of a run's new events, the median.
    """

    p50: float
    p90: float
    p99: float
    late_p50: float
    late_most: float
    lost: int
    twice: int = 0
    requests: tuple[float, float, int] = (0, 0, 0)
    pages: float = 0


class Service:
    """A list of events, in memory: at which time each happened and from when on it is listed."""

    def __init__(self, case: Case, random: Random) -> None:
        self.case = case
        self.times: list[float] = []
        self.visible: list[float] = []
        at = START.timestamp() - 3600
        end = START.timestamp() + case.hours * 3600
        while at < end:
            at += random.expovariate(case.rate)
            longest = min(600.0, case.lag.total_seconds() - 10)
            late = random.uniform(60, longest) if random.random() < 0.02 else 0.0
            self.times.append(round(at, 3))
            self.visible.append(at + late)
        self.requests = 0
        self._listings: dict[tuple[float, float, float], list[int]] = {}

    def page(self, since: float, until: float, token: Json, now: float) -> Fetched:
        """Return a page as it would be listed now; a token goes on with the list as it was at first."""
        self.requests += 1
        asked, skip = token or (now, 0)
        if token and now - asked > self.case.token_seconds:
            raise PageTokenExpired("The token is too old.")
        numbers = self._listing(since, until, asked)
        shown = numbers[skip : skip + self.case.page]
        rows = [msgspec.Raw(b'{"id":%d,"time":%f}' % (n, self.times[n])) for n in shown]
        more = skip + self.case.page < len(numbers)
        return Fetched(rows, [asked, skip + self.case.page] if more else None)

    def _listing(self, since: float, until: float, asked: float) -> list[int]:
        """Return the events between two times in the case's order, made once for all pages."""
        key = (since, until, asked)
        if (known := self._listings.get(key)) is not None:
            return known
        low, high = bisect.bisect_left(self.times, since), bisect.bisect_right(self.times, until)
        numbers = [n for n in range(low, high) if self.visible[n] <= asked]
        if self.case.order == "newest first":
            numbers.reverse()
        elif self.case.order == "unordered":
            numbers.sort(key=lambda n: (n * 2654435761) % 2**32)
        if len(self._listings) >= LISTINGS:
            del self._listings[next(iter(self._listings))]
        self._listings[key] = numbers
        return numbers


def feed_of(case: Case, service: Service, clock: StillClock) -> type[Feed]:
    """Return an app type that reads the service."""
    base = {"oldest first": OldestFirst, "newest first": NewestFirst, "unordered": AnyOrder}[case.order]

    class Timed(base):  # type: ignore[misc, valid-type]
        type = "bench_feed"
        collects = "events"
        auth = ()
        time_field = "time"
        id_fields = ("id",)
        precision = timedelta(milliseconds=1)
        lag = case.lag
        rate: ClassVar[Rate | None] = case.limit

        def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
            if wait := self.api.pace.wait():
                self.api.sleep(wait)
            clock.sleep(REQUEST_SECONDS)
            self.api.pace.request_made()
            now = clock.now().timestamp()
            return service.page(since.timestamp(), until.timestamp(), token, now)

    return Timed


def measure(case: Case, seed: int = 1) -> Result:
    """Run a case."""
    clock = StillClock(START)
    service = Service(case, Random(seed))
    kind = feed_of(case, service, clock)
    store = MemoryStore(clock)
    requests: list[int] = []
    pages: list[float] = []
    end = START + timedelta(hours=case.hours)
    for number in count():
        tick = clock.now()
        if tick >= end:
            break
        before = service.requests
        outcome = run(kind, store, clock, case.budget, number)
        requests.append(service.requests - before)
        pages.append(-(-outcome.events // case.page))
        clock.sleep(max(0.0, case.interval - (clock.now() - tick).total_seconds()))
    got, twice = recorded(store)
    told = (statistics.median(requests), statistics.fmean(requests), max(requests))
    return judge(service, got, twice=twice, requests=told, pages=statistics.median(pages))


def measure_before(case: Case, seed: int = 1) -> Result:
    """Run a case in the way of 0.1.0, whose requests are not counted and take no time."""
    service = Service(case, Random(seed))
    order = sorted(range(len(service.times)), key=service.visible.__getitem__)
    lag = case.lag.total_seconds()
    got: dict[int, float] = {}
    waiting: list[int] = []
    remembered: list[int] = []
    shown = 0
    for turn in range(int(case.hours * 3600 / case.interval)):
        now = START.timestamp() + turn * case.interval
        while shown < len(order) and service.visible[order[shown]] <= now:
            bisect.insort(waiting, order[shown])  # numbered by time
            shown += 1
        settled = bisect.bisect_left(service.times, now - lag)
        remembered = [number for number in remembered if number >= settled]
        taken = bisect.bisect_left(waiting, settled) + REMEMBERED - len(remembered)
        remembered += [number for number in waiting[:taken] if number >= settled]
        got |= dict.fromkeys(waiting[:taken], now)
        del waiting[:taken]
    return judge(service, got)


def run(kind: type[Feed], store: MemoryStore, clock: StillClock, budget: float, number: int) -> Outcome:
    """Run once."""
    ends = clock.now() + timedelta(seconds=budget)

    def left() -> float:
        return (ends - clock.now()).total_seconds()

    deadline = Deadline(left)

    def build() -> Feed:
        api = Api(clock=clock, deadline=deadline, pace=Pace(kind.rate, clock), transport=NOWHERE)
        api.dated = True
        return kind({}, api)

    holder = Identity("bench", f"run-{number}")
    terms = Terms(holder, clock, deadline, first_look=timedelta(minutes=1), threads=False)
    outcome = collect(build, store, {}, terms)
    if outcome.error and outcome.status == "failed":
        raise outcome.error
    return outcome


def recorded(store: MemoryStore) -> tuple[dict[int, float], int]:
    """Return when each event came on record, and how many did so more than once."""
    head = json.loads(store.read("head.json").body)
    got: dict[int, float] = {}
    counts: Counter[int] = Counter()
    for entry in entries(store, head["birth"], since=head.get("first", 1), up_to=head["sequence"]):
        body = store.get(entry.name)
        assert body is not None
        for _, line in read(body):
            number = json.loads(bytes(line.raw))["id"]
            got.setdefault(number, entry.written)
            counts[number] += 1
    return got, sum(times > 1 for times in counts.values())


def judge(service: Service, got: dict[int, float], **told: Any) -> Result:
    """Compare what is on record with what there was; the youngest events may still be missing."""
    case = service.case
    began = START.timestamp()
    settled = began + case.hours * 3600 - 2 * case.lag.total_seconds() - 600
    wanted = [n for n, at in enumerate(service.times) if began <= at and (at < settled or n in got)]
    found = [n for n in wanted if n in got]
    waits = sorted(got[n] - service.visible[n] for n in found)
    late = sorted(got[n] - service.visible[n] for n in found if service.visible[n] > service.times[n] + 1)
    p50, p90, p99 = (waits[min(len(waits) - 1, int(len(waits) * share))] for share in (0.5, 0.9, 0.99))
    return Result(
        p50,
        p90,
        p99,
        late_p50=late[len(late) // 2] if late else 0.0,
        late_most=late[-1] if late else 0.0,
        lost=len(wanted) - len(found),
        **told,
    )


def cases() -> Iterator[Case]:
    """Yield all cases."""
    for order in ("oldest first", "newest first", "unordered"):
        for rate in (0.3, 3.0, 30.0):
            for minutes in (5, 60, 240):
                yield Case(order, rate, timedelta(minutes=minutes), hours=max(3.0, minutes / 60 * 3))
    yield Case("oldest first", 10.0, timedelta(minutes=5), limit=Rate(2, 60), budget=80.0)


def main(only: Sequence[str] = ()) -> None:
    """Print a line for each case whose name has all the words."""
    print(
        f"{'seconds until on record':50}{'0.1.0: p50':>9}{'p90':>7}{'ours: p50':>11}{'p90':>5}{'p99':>6}"
        f"{'late p50':>10}{'most':>6}{'requests a run':>17}{'pages':>7}{'lost':>6}{'twice':>6}"
    )
    for case in cases():
        limited = ", 2 requests a minute" if case.limit else ""
        name = f"{case.order}, {case.rate:g}/s, lag {int(case.lag.total_seconds() / 60)} min{limited}"
        if not all(word in name for word in only):
            continue
        before, ours = measure_before(case), measure(case)
        median, mean, most = ours.requests
        print(
            f"{name:50}{before.p50:9.0f}{before.p90:7.0f}"
            f"{ours.p50:11.0f}{ours.p90:5.0f}{ours.p99:6.0f}"
            f"{ours.late_p50:10.0f}{ours.late_most:6.0f}{f'{median:.0f} / {mean:.1f} / {most}':>17}"
            f"{ours.pages:7.0f}{ours.lost:6d}{ours.twice:6d}",
            flush=True,
        )


if __name__ == "__main__":
    main(sys.argv[1:])
