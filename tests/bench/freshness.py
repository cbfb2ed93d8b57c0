"""How soon events are on record: a simulated service, an app that runs each minute, hours of simulated time.

Beside it the way of 0.1.0, as a small model: what is younger than the lag is taken as far as a memory of
224 ids reaches, and the rest when it has settled.
"""

from __future__ import annotations

import bisect
import json
import statistics
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, ClassVar, Final

import httpx
import msgspec

from streamalert_apps.errors import PageTokenExpired
from streamalert_apps.runtime.collect import Outcome, Terms, collect
from streamalert_apps.runtime.head import Identity
from streamalert_apps.runtime.journal import entries, read
from streamalert_apps.runtime.store.memory import MemoryStore
from streamalert_apps.sdk.app import Json, Rate
from streamalert_apps.sdk.clock import Deadline
from streamalert_apps.sdk.events import Fetched
from streamalert_apps.sdk.feed import AnyOrder, Feed, NewestFirst, OldestFirst
from streamalert_apps.sdk.http import Api
from streamalert_apps.sdk.pace import Pace
from streamalert_apps.testing.clock import ManualClock

NOWHERE: Final = httpx.MockTransport(lambda _: httpx.Response(404))  # a real one reads certificates
REQUEST_SECONDS: Final = 0.2
PAGE: Final = 1000
RUN_SECONDS: Final = 50.0
START: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)


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
    """Seconds from visible to on record, of prompt and of late events; requests a run; what went wrong."""

    p50: float
    p90: float
    p99: float
    late_worst: float
    requests: tuple[float, float, int]
    pages: float
    lost: int
    twice: int


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

    def page(self, since: float, until: float, token: Json, now: float, order: str) -> Fetched:
        """Return a page as it would be listed now."""
        self.requests += 1
        asked, skip = token or (now, 0)
        if token and now - asked > self.case.token_seconds:
            raise PageTokenExpired("The token is too old.")
        low, high = bisect.bisect_left(self.times, since), bisect.bisect_right(self.times, until)
        numbers = [n for n in range(low, high) if self.visible[n] <= asked]
        if order == "newest first":
            numbers.reverse()
        elif order == "unordered":
            numbers.sort(key=lambda n: (n * 2654435761) % 2**32)
        shown = numbers[skip : skip + self.case.page]
        rows = [msgspec.Raw(b'{"id":%d,"time":%f}' % (n, self.times[n])) for n in shown]
        more = skip + self.case.page < len(numbers)
        return Fetched(rows, [asked, skip + self.case.page] if more else None)


def feed_of(case: Case, service: Service, clock: ManualClock) -> type[Feed]:
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
            return service.page(since.timestamp(), until.timestamp(), token, now, case.order)

    return Timed


def measure(case: Case, seed: int = 1) -> Result:
    """Run a case."""
    clock = ManualClock(START)
    service = Service(case, Random(seed))
    kind = feed_of(case, service, clock)
    store = MemoryStore(clock)
    requests: list[int] = []
    pages: list[float] = []
    end = START + timedelta(hours=case.hours)
    number = 0
    while clock.now() < end:
        tick = clock.now()
        before = service.requests
        outcome = run(kind, store, clock, case.budget, f"run-{number}", tick - START)
        number += 1
        requests.append(service.requests - before)
        pages.append(-(-outcome.events // case.page))
        clock.sleep_until(max(clock.now(), tick + timedelta(seconds=case.interval)))
    return judge(service, store, end, requests, pages)


def run(
    kind: type[Feed], store: MemoryStore, clock: ManualClock, budget: float, holder: str, since: timedelta
) -> Outcome:
    """Run once."""
    ends = clock.now() + timedelta(seconds=budget)
    deadline = Deadline(lambda: (ends - clock.now()).total_seconds())

    def build() -> Feed:
        api = Api(clock=clock, deadline=deadline, pace=Pace(kind.rate, clock), transport=NOWHERE)
        api.dated = True
        return kind({}, api)

    terms = Terms(
        Identity("bench", holder), clock, deadline, first_look=since + timedelta(minutes=1), threads=False
    )
    outcome = collect(build, store, {}, terms)
    if outcome.error and outcome.status == "failed":
        raise outcome.error
    return outcome


def judge(
    service: Service, store: MemoryStore, end: datetime, requests: list[int], pages: list[float]
) -> Result:
    """Compare what is on record with what there was."""
    head = json.loads(store.read("head.json").body)
    got: dict[int, float] = {}
    counts: Counter[int] = Counter()
    for entry in entries(store, head["birth"], up_to=head["sequence"]):
        body = store.get(entry.name)
        assert body is not None
        for _, line in read(body):
            number = json.loads(bytes(line.raw))["id"]
            got.setdefault(number, entry.written)
            counts[number] += 1
    began = START.timestamp()
    settled = end.timestamp() - 2 * service.case.lag.total_seconds() - 600
    wanted = [n for n, at in enumerate(service.times) if began <= at < settled or (began <= at and n in got)]
    waits = sorted(got[n] - service.visible[n] for n in wanted if n in got)
    late = [
        got[n] - service.visible[n] for n in wanted if n in got and service.visible[n] > service.times[n] + 1
    ]
    return Result(
        *(waits[min(len(waits) - 1, int(len(waits) * share))] for share in (0.5, 0.9, 0.99)),
        max(late, default=0.0),
        (statistics.median(requests), statistics.fmean(requests), max(requests)),
        statistics.median(pages),
        sum(n not in got for n in wanted),
        sum(count > 1 for count in counts.values()),
    )


def cases() -> Iterator[Case]:
    """Yield all cases."""
    for order in ("oldest first", "newest first", "unordered"):
        for rate in (0.3, 3.0, 30.0):
            for minutes in (5, 60, 240):
                hours = max(3.0, minutes / 60 * 3)
                yield Case(order, rate, timedelta(minutes=minutes), hours=hours)
    yield Case("oldest first", 10.0, timedelta(minutes=5), limit=Rate(2, 60), budget=80.0)


def main() -> None:
    """Print a line for each case."""
    only = sys.argv[2:]
    print(
        f"{'':34}{'p50':>6}{'p90':>6}{'p99':>6}{'late':>7}{'req med':>9}{'mean':>7}{'most':>6}{'lost':>6}{'twice':>6}"
    )
    for case in cases():
        name = f"{case.order}, {case.rate:g}/s, lag {case.lag}{' limited' if case.limit else ''}"
        if only and not all(word in name for word in only):
            continue
        result = measure(case)
        median, mean, most = result.requests
        print(
            f"{name:34}{result.p50:6.0f}{result.p90:6.0f}{result.p99:6.0f}{result.late_worst:7.0f}"
            f"{median:6.0f}/{result.pages:.0f}{mean:7.1f}{most:6d}{result.lost:6d}{result.twice:6d}",
            flush=True,
        )


if __name__ == "__main__":
    main()
