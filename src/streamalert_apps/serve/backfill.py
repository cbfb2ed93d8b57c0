"""Backfilling: a span of time that was never collected, into a record of its own beside the app's.

It has a head, a journal, a memory and positions of its own, so that the app's runs are not held up and
one that was cut off goes on. It keeps to half of the service's limit.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from streamalert_apps.deploy import cost
from streamalert_apps.errors import UsageError
from streamalert_apps.runtime import head as heads
from streamalert_apps.runtime import inbox, journal, ledger, pace, record
from streamalert_apps.runtime.collect import Outcome, Terms, collect
from streamalert_apps.runtime.delivery import BATCH_BYTES, Outlet
from streamalert_apps.runtime.encode import as_bytes
from streamalert_apps.runtime.head import Backfill, Head, Identity
from streamalert_apps.runtime.sink import Sink
from streamalert_apps.runtime.store import Conflict, Read
from streamalert_apps.runtime.store.part import Part
from streamalert_apps.sdk.app import App, Checkpoint, Memory, NoMemory, Page
from streamalert_apps.sdk.clock import Deadline
from streamalert_apps.sdk.count import counted
from streamalert_apps.serve import asking, estimate
from streamalert_apps.serve.estimate import Estimate
from streamalert_apps.serve.holding import holding
from streamalert_apps.serve.process import is_dead, this_process
from streamalert_apps.serve.turn import LONGEST_WAIT_SECONDS, Place
from streamalert_apps.serve.verify import Asker

DAY: Final = 86_400.0
WEEK_HOURS: Final = 7 * 24
MARGIN: Final = timedelta(minutes=10)  # of what a service keeps
GB: Final = 1e9
INVOCATION: Final = 0.2e-6  # dollars
_TIME: Final = "%Y-%m-%d %H:%M:%S"
_ID: Final = re.compile(r"[^0-9]")


@dataclass(slots=True)
class Plan:
    """What is about to be done.

    `known_from`: from when on what is on record is left out, where the span gets there. `estimate` is
    None for one that is continued. `bytes` is of the events, `dollars` what AWS takes.
    """

    since: datetime
    until: datetime
    to: str = ""
    resumed: bool = False
    estimate: Estimate | None = None
    bytes: int = 0
    dollars: float = 0.0
    known_from: datetime | None = None
    warnings: list[str] = field(default_factory=list)

    @property
    def folder(self) -> str:
        """Where its record is kept."""
        since, until = (
            _ID.sub("", f"{time.astimezone(UTC):%Y%m%d%H%M%S}") for time in (self.since, self.until)
        )
        return f"{record.BACKFILL}{since}-{until}/"


@dataclass(frozen=True, slots=True)
class _Beside(Part):
    """The store of a backfill: it shares the pace with the app's runs."""

    def read(self, name: str) -> Read:
        """Return a small mutable object with its version; consistent."""
        return self.store.read(name if name == pace.NAME else self.prefix + name)


def unfinished(place: Place) -> list[Plan]:
    """Return the backfills that were cut off."""
    return [
        Plan(told.since, told.until, told.to, resumed=True)
        for one in record.backfills(place.store)
        if (told := one.head.backfill) and not told.done
    ]


def plan(
    asker: Asker,
    since: datetime,
    until: datetime | None,
    to: str,
    outlets: Mapping[str, Outlet],
    *,
    local: bool = False,
    journal_days: float = 7.0,
) -> Plan:
    """Reckon what a backfill takes, from one request. `until`: else where the record begins.

    Raises UsageError where the span is none that can be backfilled.
    """
    head, now = asker.head()
    with asker.app() as app:
        settled = app.settled(head.checkpoint) if head.checkpoint else None
        begins = datetime.fromtimestamp(head.begins, UTC)
        if settled is None:
            raise UsageError(
                "The app does not tell yet up to when its record is complete.", hint="Run it first."
            )
        made = Plan(_second(since), _second(min(until or begins, max(settled, begins))), to)
        if app.retention and made.since < now - app.retention + MARGIN:
            made.since = _second(now - app.retention + MARGIN)
            made.warnings.append(
                f"The service keeps events for {app.retention.days} days; older ones are gone."
            )
        if made.since >= made.until:
            raise UsageError(
                f"There is nothing to backfill: the record begins at {begins:{_TIME}} UTC.",
                hint="--since has to be before it, and within what the service keeps.",
            )
        _check_overlap(asker.place, made)
        _warn_of_repeats(made, head, record.hours(record.of(asker.place.store, head)))
        made.warnings += _ages(outlets, made.since, now)
        _reckon(made, app, head, asker.place)
    made.dollars = 0.0 if local else _dollars(made, journal_days)
    return made


def _second(time: datetime) -> datetime:
    return time.astimezone(UTC).replace(microsecond=0)


def _check_overlap(place: Place, made: Plan) -> None:
    """Raise UsageError where another backfill has a part of the span, or a run has to go first."""
    for one in record.backfills(place.store):
        told = one.head.backfill
        if told and told.since < made.until and made.since < told.until:
            how = "is done" if told.done else "is not finished"
            raise UsageError(
                f"A backfill from {told.since:{_TIME}} to {told.until:{_TIME}} UTC {how}.",
                hint="Choose a span beside it." if told.done else "Without --since it is continued.",
            )
    if place.store.list(inbox.FOLDER):
        raise UsageError("Events wait in the inbox for the next run.", hint="Run the app first.")


def _warn_of_repeats(made: Plan, head: Head, hours: ledger.Hours) -> None:
    """Say what is on record of the span, and from when on it is left out."""
    begin, end = made.since.timestamp(), made.until.timestamp()
    if not any(begin <= (hour + 1) * ledger.HOUR and hour * ledger.HOUR < end for hour in hours):
        return
    reach = max(head.expired, begin)
    if reach < end:
        made.known_from = datetime.fromtimestamp(reach, UTC)
    before = round(estimate.of_hours(hours)(begin, min(reach, end)))
    if before:
        until = datetime.fromtimestamp(min(reach, end), UTC)
        made.warnings.append(
            f"About {counted(before, 'event')} from before {until:{_TIME}} UTC will be collected again: "
            "the journal no longer has them."
        )


def _ages(outlets: Mapping[str, Outlet], since: datetime, now: datetime) -> Iterator[str]:
    for name, outlet in outlets.items():
        rule = outlet.destination.too_old if isinstance(outlet.destination, Sink) else None
        if rule and now - since > rule[0]:
            yield f"{name}: events are older than {rule[0].days} days; {rule[1]}."


def _reckon(made: Plan, app: App, head: Head, place: Place) -> None:
    """Ask for the first page; reckon what all takes."""
    rows: Sequence[bytes] = ()
    times: Sequence[float] = ()
    most = estimate.fullest(head.checkpoint)
    for page in app.list_span(app.span(made.since, made.until), NoMemory(bytes.fromhex(head.key))):
        rows, times = as_bytes(page.logs), page.times
        most = max(most, len(rows) + page.repeats)
        if app.api.requests and (rows or not page.more):
            break
    density = _density(made, head, place, times)
    made.estimate = estimate.of_listing(app, made.since, made.until, density, most)
    each = sum(map(len, rows)) / len(rows) if rows else _mean_size(place, head)
    made.bytes = round(made.estimate.events * each)


def _density(made: Plan, head: Head, place: Place, times: Sequence[float]) -> estimate.Density:
    """Return how dense events are: as in the weeks on record, or days; else as on the first page."""
    hours = record.hours(record.of(place.store, head))
    known = range(ledger.next_hour(head.begins), max(hours, default=0))
    whole = len(known) // WEEK_HOURS * WEEK_HOURS or len(known) // 24 * 24
    if whole:
        some = [hours.get(hour, ledger.Count()).events for hour in known[-whole:]]
        rate = sum(some) / (whole * ledger.HOUR)
    else:
        extent = max(times, default=0.0) - min(times, default=0.0)
        rate = len(times) / extent if extent else len(times) / (made.until - made.since).total_seconds()
    return lambda since, until: rate * (until - since)


def _mean_size(place: Place, head: Head) -> float:
    """Return the mean size of the events of the last commit; 0 where there is none."""
    entries = journal.entries(place.store, head.birth, since=head.first, up_to=head.sequence)
    events = [event for entry in entries[-1:] for event in journal.raws(place.store.get(entry.name) or b"")]
    return sum(map(len, events)) / len(events) if events else 0.0


def _dollars(made: Plan, journal_days: float) -> float:
    """Return what S3 takes for the record, a commit for each request, and Lambda for the classifier."""
    requests = made.estimate.requests if made.estimate else 0
    puts = requests * (cost.COMMIT_PUTS + 1) * cost.PUT
    kept = made.bytes / GB * cost.GB_MONTH * journal_days / cost.MONTH_DAYS
    return puts + kept + made.bytes / BATCH_BYTES * INVOCATION


def run(
    asker: Asker,
    made: Plan,
    outlets: Mapping[str, Outlet],
    show: Callable[[Outcome], None] = lambda _: None,
    *,
    journal_days: float = 7.0,
    threads: bool = True,
) -> Outcome:
    """Backfill; return how it ended. Raises AlreadyRunning where it is under way elsewhere."""
    place = asker.place
    live, _ = asker.head()
    part = _Beside(place.store, made.folder)
    terms = Terms(
        Identity(place.owner, secrets.token_hex(8), this_process(), is_dead),
        asker.clock,
        Deadline(lambda: LONGEST_WAIT_SECONDS),
        first_look=timedelta(0),
        journal_days=journal_days,
        threads=threads,
        progress=show,
    )
    with asker.app() as app:
        _begin(part, live, made, app)
        known = _on_record(asker, live, made)
        kind = _filling(asker, made, known)
        outcome = collect(lambda: kind(app.credentials, app.api), part, outlets, terms)
    if outcome.status == "succeeded":
        with holding(Place(part, place.owner)) as held:
            if held.head.backfill:
                held.head.backfill.done = True
    return outcome


def _begin(part: Part, live: Head, made: Plan, app: App) -> None:
    """Write the head, unless it is there: with the app's key, as ids are compared with those on record."""
    head = Head(
        live.owner,
        f"{made.since:%Y%m%d}-{secrets.token_hex(6)}",
        live.key,
        0,
        since=made.since,
        begins=made.since.timestamp(),
        checkpoint=app.span(made.since, made.until),
        backfill=Backfill(made.since, made.until, made.to),
    )
    with suppress(Conflict):
        part.write(heads.NAME, msgspec.json.encode(head), replacing=None)


def _on_record(asker: Asker, live: Head, made: Plan) -> record.Ids:
    """Return the ids of events of the span that are on record; one without a time has that of its meeting."""
    if made.until.timestamp() <= live.begins - DAY:
        return record.Ids(())
    end = made.until.timestamp()
    marks = record.marks([record.Record(asker.place.store, live)], lambda _: True, lambda: None)
    return record.Ids(int(mark.id, 16) for mark in marks if mark.at < end or mark.at == mark.got)


def _filling(asker: Asker, made: Plan, known: record.Ids) -> type[App]:
    """Return the app's type as one that walks through a span, and leaves out what is on record."""
    kind, end = asker.kind, made.until.timestamp()

    def walk(self: App, checkpoint: Checkpoint, memory: Memory) -> Iterator[Page]:
        pages = self.list_span(checkpoint, memory)
        while True:
            began = (self.api.clock.now() - self.api.ahead).timestamp()
            page = next(pages, None)
            if page is None:
                return
            if self.rate:
                asking.keep_to(self.api.pace, asker.place.store, asker.clock)
            yield _fresh(page, known, end, began, more=self.span_left(page.checkpoint) is not None)

    def watermark(self: App, checkpoint: Checkpoint) -> datetime | None:
        left = self.span_left(checkpoint) or made.until
        return left - 2 * getattr(self, "precision", timedelta(seconds=1))

    methods = {
        "walk": walk,
        "watermark": watermark,
        "recorded": watermark,
        "__module__": kind.__module__,
    }
    return type(kind.__name__, (kind,), methods)


def _fresh(page: Page, known: record.Ids, end: float, began: float, *, more: bool) -> Page:
    """Return the events of a page that belong to the span and are not on record.

    One without a readable time has that of its meeting, and belongs there.
    """
    kept = [
        row
        for row, (identity, time) in enumerate(zip(page.ids, page.times, strict=True))
        if (time < end or time >= began) and int.from_bytes(identity, "big") not in known
    ]
    left_out = len(page.ids) - len(kept)
    return replace(page.only(kept, more=more), repeats=page.repeats + left_out)
