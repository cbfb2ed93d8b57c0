"""What has to hold, whatever happens: looked at as it happens, judged when the dust has settled."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from streamalert_apps.errors import AlreadyRunning, AppError
from streamalert_apps.runtime import journal
from streamalert_apps.runtime.head import LEASE_SECONDS, Head, Position, parse
from tests.simulation.events import WITHOUT_TIME
from tests.simulation.sinks import WRONG_SETTINGS, whole_of
from tests.simulation.timeline import START, Killed

if TYPE_CHECKING:
    from streamalert_apps.runtime.delivery import Batch
    from tests.simulation.timeline import Process
    from tests.simulation.world import World

LATE_START: Final = 6.0  # seconds that a lease may be said to last longer: dates have no fractions
HOUR: Final = 3600.0
DAY: Final = 86_400.0


@dataclass(slots=True)
class _Run:
    """What one process did, and what of it no head knows yet."""

    holder: str = ""
    fence: int = 0
    ended: bool = False
    lived: float = 0.0
    asleep: bool = False
    troubled: bool = False
    unsettled: bool = False
    failing: dict[str, int] = field(default_factory=dict)
    unsaved: dict[str, Counter[bytes]] = field(default_factory=lambda: defaultdict(Counter))
    unsaved_requests: bool = False
    unsaved_rest: float = 0.0


class Judge:
    """Sees every effect."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.violations: list[str] = []
        self.repeats: Counter[str] = Counter()
        self.events = 0
        self.head: Head | None = None
        self._rows = {
            log: event.id if world.plan.shape != "catalogue" else ""
            for event in world.vendor.every
            for log in event.logs
        }
        self._allowed: Counter[Any] = Counter()
        for event in world.vendor.every:
            if event.replaces is None:
                self._allowed.update(map(self._key, event.logs))
        self._of_digest = {hashlib.sha256(log).hexdigest(): log for log in self._rows}
        self._record: dict[str, list[list[bytes]]] = {}
        self._counts: dict[str, Counter[Any]] = {}
        self._soon: dict[Any, float] = {}
        self._together: set[tuple[int, int]] = set()  # first and last of commits that were sent together
        self._added: Counter[bytes] = Counter()
        self._sequence_of: dict[bytes, int] = {}
        self._accepted: dict[str, Counter[bytes]] = defaultdict(Counter)
        self._excused: dict[str, Counter[bytes]] = defaultdict(Counter)
        self._dead: set[tuple[str, bytes]] = set()
        self._starts: dict[tuple[str, str], int] = {}
        self._runs: dict[Process, _Run] = {}
        self._written_at: dict[str, float] = {}
        self._replaced = 0.0  # when the head was last restored or removed
        self._closed_until = 0.0
        self._forgiven = 0.0  # until when a request may come too early: what was known of it died
        self._ever_wrong_clock = world.plan.ahead > DAY

    def violated(self, rule: str) -> None:
        """Note that a promise was broken."""
        self.violations.append(rule)
        self._world.say(f"!!! {rule}")

    # Runs

    def began(self, process: Process, holder: str) -> None:
        """A process began."""
        self._runs[process] = _Run(holder, lived=self._world.timeline.now)
        self._ever_wrong_clock |= process.jump is not None

    def lives(self, process: Process) -> None:
        """A process did something."""
        if process in self._runs:
            self._runs[process].lived = self._world.timeline.now

    def sleeps(self, process: Process) -> None:
        """A process is paused; others may take its lease."""
        self._runs[process].asleep = True

    def troubled(self, process: Process) -> None:
        """Something besides the service went wrong for a process: it may be slow."""
        if process in self._runs:
            self._runs[process].troubled = True

    def closed(self, process: Process) -> None:
        """A run has returned: what it left behind may write no more."""
        self._runs[process].ended = True

    def ended(self, process: Process) -> None:
        """A process ended, in whatever way."""
        run = self._runs.pop(process)
        for name, rows in run.unsaved.items():
            self._excused[name].update(rows)
            commits = {self._sequence_of[raw] for raw in rows if self._allowed[self._key(raw)] == 1}
            apart = not any(
                first <= min(commits, default=0) and max(commits, default=0) <= last
                for first, last in self._together
            )
            if len(commits) > 1 and apart and not run.unsettled and not self._replaced:
                self.violated(f"a run left deliveries of {len(commits)} commits to {name} in no head")
        rate = self._world.plan.rate
        if run.unsaved_requests and rate:
            self._forgiven = max(self._forgiven, self._world.timeline.now + rate[1])
        self._forgiven = max(self._forgiven, run.unsaved_rest)
        if isinstance(process.error, AlreadyRunning):
            self._turned_away(run)
        elif process.error is not None and not isinstance(process.error, AppError | Killed):
            self.violated(f"a run broke: {process.error!r}")

    def _turned_away(self, run: _Run) -> None:
        now, lease = self._world.timeline.now, self.head.lease if self.head else None
        if run.fence:
            if self.head and self.head.fence == run.fence and now - self._replaced > HOUR:
                self.violated("a run was stopped by itself")
            return
        if lease is None or self._replaced or run.asleep:
            return
        if lease.holder == run.holder:
            self.violated("a run that is tried again is turned away by its own lease")
        other = max(
            (other.lived for other in self._runs.values() if other.holder == lease.holder),
            default=self._last_lived,
        )
        if now - other > LEASE_SECONDS + LATE_START and lease.holder != run.holder:
            self.violated(f"a run is turned away by one that did nothing for {now - other:.0f} s")

    _last_lived = 0.0

    def waits(self, process: Process, seconds: float) -> None:
        """A process waits of its own will."""
        if self._world.timeline.now + seconds > process.limit and not self._ever_wrong_clock:
            self.violated(f"{process.name} waits {seconds:.1f} s, past its time limit")

    # Requests

    def asked(self) -> None:
        """A process made a request."""
        self._runs[self._world.process].unsaved_requests = True

    def asked_too_often(self, seconds: float) -> None:
        """A request came `seconds` too early by the service's limit."""
        if seconds > 2 * self._world.plan.skew + 0.01 and not self._may_be_early():
            self.violated(f"a request {seconds:.2f} s before the service's limit allowed it")

    def asked_while_closed(self) -> None:
        """A request came; perhaps the service had said that it wants none yet."""
        early = self._closed_until - self._world.timeline.now
        if early > 2 * self._world.plan.skew + 1 and not self._may_be_early():
            self.violated(f"a request {early:.2f} s before Retry-After allowed it")

    def told_to_rest(self, until: float) -> None:
        """The running process heard that the service wants no request until then."""
        self._closed_until = until
        self._runs[self._world.process].unsaved_rest = until

    def _may_be_early(self) -> bool:
        asleep = any(run.asleep for run in self._runs.values())
        return (
            asleep
            or self._ever_wrong_clock
            or bool(self._replaced)
            or self._world.timeline.now < self._forgiven
        )

    # The store

    def put(self, name: str, body: bytes) -> None:
        """An object was put."""
        self._written_at[name] = self._world.timeline.now
        if name.startswith("dead/"):
            raw = bytes(
                journal.raws(json.dumps(json.loads(body)["line"], separators=(",", ":")).encode() + b"\n")[0]
            )
            if raw not in self._rows:
                self.violated(f"what is dead is not whole: {raw[:80]!r}")
            process = self._world.timeline.current
            slept = process is None or self._runs[process].asleep  # the settings may be right by now
            if json.loads(body)["reason"] == WRONG_SETTINGS and not slept:
                self.violated(f"{name} is dead, and only the settings were wrong")
            self._dead.add((name.split("/")[1], raw))

    def head_replaced(self, body: bytes | None) -> None:
        """An operator put an old copy of the head back, or removed it."""
        self._replaced = self._world.timeline.now
        if body is None:
            self.head = None
            return
        self.head, _ = parse(body)
        record = self._record[self.head.birth]
        for lines in record[self.head.sequence :]:
            self._counts[self.head.birth].subtract(map(self._key, lines))
        del record[self.head.sequence :]
        for name, position in self.head.positions.items():
            for lines in record[position.sequence - 1 :]:
                self._excused[name].update(lines)
        for name in self._accepted:
            if name not in self.head.positions:
                self._starts.pop((self.head.birth, name), None)

    def head_landed(self, body: bytes, process: Process) -> None:
        """A run's write of the head took place."""
        head, _ = parse(body)
        before, self.head = self.head, head
        run = self._runs.get(process)
        self._world.say(f"  head {head.sequence} {head.status} {head.positions} {head.checkpoint}")
        if run is None:
            run = _Run(unsettled=True)  # it is gone; its last write lands now
        if run.ended:
            self.violated("a run wrote after its end")
        if before is None and head.birth in self._record:
            self.violated("a removed head was made anew")
        if run.fence != head.fence:
            self._took(before, head, process)
        run.fence = head.fence
        self._grow(head)
        for name in {*head.positions, *(before.positions if before and before.birth == head.birth else ())}:
            self._moved(
                head, name, before.positions.get(name) if before and before.birth == head.birth else None
            )
        run.unsaved.clear()
        run.unsaved_requests, run.unsaved_rest = False, 0.0
        run.unsettled = run.troubled = False
        run.asleep = run.asleep and self._world.timeline.current is not process  # a late write wakes nobody
        self._last_lived = self._world.timeline.now

    def _took(self, before: Head | None, head: Head, process: Process) -> None:
        """Judge that a run took the lease."""
        lease, now = before.lease if before else None, self._now()
        if before and before.owner != head.owner:
            self.violated("a run of another project took the record")
        if lease is None or head.lease is None or lease.holder == head.lease.holder:
            return
        if now + 1 < lease.until <= now + LEASE_SECONDS + 1 - LATE_START:
            self.violated(f"{process.name} took a lease that had {lease.until - now:.0f} s to live")
        for other in self._runs.values():
            sound = not (
                other.troubled or other.asleep or other.ended or self._replaced or self._ever_wrong_clock
            )
            if other.holder == lease.holder and other.fence == (before.fence if before else 0) and sound:
                self.violated("a run that was well lost its lease")

    def _grow(self, head: Head) -> None:
        """Note the commits that have become true."""
        objects = self._world.bucket.objects
        record = self._record.setdefault(head.birth, [])
        counts = self._counts.setdefault(head.birth, Counter())
        for sequence in range(len(record) + 1, head.sequence + 1):
            name = journal.name_of(head.birth, sequence, head.fence)
            if name not in objects:
                self.violated(f"commit {sequence} is true, but is not there")
                record.append([])
                continue
            lines = journal.raws(objects[name].body)
            record.append(lines)
            for raw in lines:
                if raw not in self._rows:
                    self.violated(f"on record, but never happened: {raw[:80]!r}")
                key = self._key(raw)
                counts[key] += 1
                self._added[raw] += 1
                self._sequence_of[raw] = sequence
                self._soon.setdefault(key, self._world.timeline.now)
                if counts[key] > self._allowed[key]:
                    self.violated(f"on record {counts[key]} times: {raw[:80]!r}")

    def _moved(self, head: Head, name: str, before: Position | None) -> None:
        """Judge that what a position has passed is delivered or kept as dead."""
        position = head.positions.get(name)
        if position is None:
            self.violated(f"the position of {name} was dropped")
            return
        self._together.add((position.sequence, position.end))
        if before is None:
            self._starts.setdefault((head.birth, name), position.sequence)
            if position.row or position.pending:
                before = Position(position.sequence)
        if before is None or (before.sequence, before.row, before.pending) == (
            position.sequence,
            position.row,
            position.pending,
        ):
            return
        same = (before.sequence, before.end) == (position.sequence, position.end)
        is_taken = before.row or before.pending  # of what was refused as a whole, more may be tried together
        if before.end >= position.sequence and not same and is_taken:
            self.violated(f"what {name} is sent together was cut anew")
        record = self._record[head.birth]
        for sequence in range(before.sequence, min(max(position.sequence, position.end), len(record)) + 1):
            for row, raw in enumerate(record[sequence - 1]):
                if _has_passed(record, position, sequence, row) and not _has_passed(
                    record, before, sequence, row
                ):
                    self._check_taken(name, raw)

    def _check_taken(self, name: str, raw: bytes) -> None:
        if not self._accepted[name][raw] and (name, raw) not in self._dead:
            self.violated(f"{name} was never given {raw[:80]!r}, which its position has passed")

    def deleted(self, name: str) -> None:
        """A run deletes something."""
        head = self.head
        if head is None or not name.startswith(f"{head.birth}/"):
            return
        stem = name.rpartition("/")[2].removesuffix(".jsonl")
        if "/memory/" in name and stem in {segment.name for segment in head.memory.segments}:
            self.violated("a segment of the memory that the head names was deleted")
        if "/memory/" in name and self._now_passed(name) < HOUR - 60:
            self.violated("a segment of the memory was deleted too soon")
        if "/journal/" not in name:
            return
        sequence, _ = map(int, stem.split("-"))
        same = [
            entry
            for entry in self._world.bucket.objects
            if f"/journal/{sequence:010d}-" in entry and entry.startswith(head.birth)
        ]
        if sequence > head.sequence or max(same) != name:
            return
        days = self._world.plan.journal_days
        if any(position.sequence <= sequence for position in head.positions.values()):
            self.violated(f"commit {sequence} was deleted before every destination had it")
        if self._now_passed(name) < days * DAY - 60:
            self.violated(f"commit {sequence} was deleted too soon")

    def _now_passed(self, name: str) -> float:
        return self._world.timeline.now - self._written_at.get(name, 0.0)

    # Destinations

    def sent(self, name: str, batch: Batch) -> None:
        """A batch reached a destination."""
        run = self._runs[self._world.process]
        self.lives(self._world.process)
        if not batch.events:
            self.violated(f"an empty batch for {name}")
        run.failing.setdefault(name, 0)

    def accepted(self, name: str, event: bytes, *, new: bool, answered: bool) -> None:
        """A destination accepted an event."""
        raw = self._of_digest.get(whole_of(event), event)
        if raw not in self._rows:
            self.violated(f"{name} was given what never happened: {event[:80]!r}")
            return
        if not self._added[raw]:
            self.violated(f"{name} was given what is not on record: {raw[:80]!r}")
            return
        if not new:
            self.repeats["the same batch again, which the sink knows"] += 1
            return
        self._accepted[name][raw] += 1
        self._runs[self._world.process].unsaved[name][raw] += 1
        if not answered:
            self.repeats["accepted, the answer lost"] += 1
            self._excused[name][raw] += 1

    # The whole

    def settled(self) -> None:
        """Judge the whole."""
        head = self.head
        if head is None:
            self.violated("there is no head")
            return
        if head.status != "succeeded":
            self.violated(f"the app stays {head.status}: {head.runs[-1].message if head.runs else ''}")
        self._judge_record(head)
        self._judge_journal(head)
        self._judge_floor(head)
        for sink in self._world.plan.sinks:
            self._judge_destination(head, sink.name)

    def _judge_record(self, head: Head) -> None:
        """Judge that what happened since the head was born is there."""
        plan, counts = self._world.plan, self._counts[head.birth]
        gaps = (head.checkpoint or {}).get("gaps", [])
        if gaps and plan.quiet:
            self.violated(f"a gap is told: {gaps}")
        since = (head.since or START) + timedelta(seconds=1)
        now = self._world.timeline.now
        due: Counter[Any] = Counter()
        for event in self._world.vendor.every:
            at = START + timedelta(microseconds=event.time)
            if event.replaces is not None:
                continue
            if at <= since or event.published > now or (event.time > now * 1e6 and not plan.no_until):
                continue
            if any(_time(begin) - timedelta(seconds=2) <= at <= _time(end) for begin, end in gaps):
                continue
            due.update(map(self._key, event.logs))
            self._judge_soon(
                event.published, self._key(event.logs[0]) if event.logs else None, late=event.late
            )
        self.events = due.total()
        for key, count in due.items():
            wanted = 1 if plan.overlapping else count  # equal rows of pages that overlap
            if counts[key] < wanted:
                self.violated(f"lost: {key}, {count - counts[key]} of {count}")

    def _judge_soon(self, published: float, key: Any, *, late: bool) -> None:
        plan = self._world.plan
        if not plan.quiet or key not in self._soon or plan.shape == "seed style":
            return
        waited = self._soon[key] - max(published, 0.0)
        interval = plan.interval if published < plan.span - plan.interval else self._world.calm_interval
        longest = 2 * interval + 60 + (plan.lag if late else 0.0)
        if self._allowed[key] == 1 and waited > longest:
            self.violated(f"on record {waited:.0f} s after it could be listed: {key}")

    def _judge_journal(self, head: Head) -> None:
        """Judge that a reader of the journal finds what has become true."""
        objects, record = self._world.bucket.objects, self._record[head.birth]
        listing = self._world.listing(journal.folder(head.birth))
        for entry in journal.entries(listing, head.birth, since=head.first, up_to=head.sequence):
            if journal.raws(objects[entry.name].body) != record[entry.sequence - 1]:
                self.violated(f"commit {entry.sequence} reads otherwise than what became true")

    def _judge_floor(self, head: Head) -> None:
        """Judge that the floor follows, and that the memory forgets."""
        plan, place = self._world.plan, head.checkpoint or {}
        if "floor" not in place:
            return
        floor = _time(place["floor"])
        now = START + timedelta(seconds=self._world.timeline.now)
        seen = sorted(
            event.time
            for event in self._world.vendor.every
            if event.published <= self._world.timeline.now
            and WITHOUT_TIME not in event.row
            and event.time <= plan.span * 1e6
        )
        born = head.since or START
        if seen:
            newest = seen[-1] if plan.date == "always" else seen[len(seen) * 4 // 5]
            lag = timedelta(seconds=plan.lag + 2 * plan.skew + 8)
            wanted = min(now, START + timedelta(microseconds=newest)) - lag
            if plan.shape == "stream":
                wanted = now - timedelta(days=1) - timedelta(seconds=self._world.calm_interval * 2 + 60)
            if floor < wanted and wanted > born and plan.rate is None:
                self.violated(f"the floor stays at {floor}, while everything was listed up to {wanted + lag}")
        second = int(floor.timestamp())
        if any(segment.until < second for segment in head.memory.segments):
            self.violated("the memory keeps what the floor has passed")

    def _judge_destination(self, head: Head, name: str) -> None:
        position = head.positions.get(name)
        hold = next(sink.hold for sink in self._world.plan.sinks if sink.name == name)
        due = position.opened + hold + self._world.calm_interval + 60 if position and position.opened else 0.0
        if position is None or (position.sequence != head.sequence + 1 and due < self._now()):
            self.violated(f"{name} stays behind: {position}")
            return
        start = self._starts.get((head.birth, name), 1)
        for lines in self._record[head.birth][start - 1 : position.sequence - 1]:
            for raw in lines:
                self._check_taken(name, raw)
        for raw, count in self._accepted[name].items():
            most = self._added[raw] + self._excused[name][raw]
            if count > most:
                self.violated(f"{name} was given {count} times, not {most}: {raw[:80]!r}")
            self.repeats["sent again after a kill, or beside a run that slept"] += max(
                0, count - self._added[raw]
            )

    def cleaned(self, before: Head) -> None:
        """Judge what is left long after everything was delivered. `before`: when the last run began."""
        head = self.head
        if head is None or head.birth != before.birth:
            return
        floor = (before.checkpoint or {}).get("floor")
        kept_from = _time(floor).timestamp() if floor else float("inf")
        named = {segment.name for of in (before, head) for segment in of.memory.segments}
        for name in self._world.bucket.objects:
            at = self._written_at.get(name, 0.0)
            is_old = self._world.timeline.now - at > 8 * DAY and START.timestamp() + at < kept_from
            commit = name.startswith(f"{head.birth}/journal/") and is_old
            part = name.startswith(f"{head.birth}/memory/") and name.rpartition("/")[2] not in named
            if commit or part:
                self.violated(f"{name} stays for ever")
                return

    def _key(self, raw: bytes) -> Any:
        """Return what tells an event from others: its id, or all that it says."""
        return self._rows.get(raw) if self._world.plan.ids and self._rows.get(raw) else raw

    def _now(self) -> float:
        return START.timestamp() + self._world.timeline.now


def _has_passed(record: Sequence[Sequence[bytes]], position: Position, sequence: int, row: int) -> bool:
    if not position.sequence <= sequence <= max(position.sequence, position.end):
        return sequence < position.sequence
    row += sum(len(record[before - 1]) for before in range(position.sequence, sequence))
    return row < position.row and row not in position.pending


def _time(text: Any) -> datetime:
    return datetime.fromisoformat(text) if isinstance(text, str) else text
