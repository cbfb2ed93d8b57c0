"""What has to hold, whatever happens: looked at as it happens, judged when the dust has settled."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from tests.simulation.repeats import Repeats
from tests.simulation.timeline import START, Killed

if TYPE_CHECKING:
    from tests.simulation.timeline import Process
    from tests.simulation.world import World

STATE_CHARACTERS: Final = 4096
DEEPEST: Final = 8
LONGEST_WAIT: Final = 24 * 60.0  # for a dead run's lease: the longest one, and 4 minutes for each clock


@dataclass(slots=True)
class _Run:
    """What one process did, and what of it no state knows yet."""

    clock: datetime
    works: bool = False
    turned_away: bool = False
    read_stale: bool = False
    unsaved: Counter[bytes] = field(default_factory=Counter)
    unsaved_requests: bool = False
    unsaved_rest: float = 0.0


class Judge:
    """Sees every effect."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.violations: list[str] = []
        self.since: datetime | None = None  # what the app has promised to collect from
        self.arrived: Counter[bytes] = Counter()
        self.repeats = Repeats(world.plan, world.vendor)
        self.events = 0
        self._runs: dict[Process, _Run] = {}
        self._floor: datetime | None = None
        self._went_back: Process | None = None  # it wrote an older state, and must put the newer one back
        self._closed_until = 0.0
        self._last_lived = 0.0  # when a run that had the lease last did something
        seed_style = world.plan.shape == "seed style"  # has what was at its last timestamp
        self._counts_since = timedelta(0) if seed_style else timedelta(microseconds=1)
        self._forgiven = 0.0  # until when a request may come too early: what was known of it died

    def violated(self, rule: str) -> None:
        """Note that a promise was broken."""
        self.violations.append(rule)
        self._world.say(f"!!! {rule}")

    def began(self, process: Process) -> None:
        """A process began."""
        self._runs[process] = _Run(process.clock())
        self.repeats.clock_was_wrong |= process.jump is not None

    def ended(self, process: Process) -> None:
        """A process ended, in whatever way."""
        run = self._runs.pop(process)
        if not run.turned_away:
            self._last_lived = self._world.timeline.now
        reason = "killed before its checkpoint" if isinstance(process.error, Killed) else "state not written"
        for log, count in run.unsaved.items():
            self.repeats.excuse(log, reason, count)
        if process is self._went_back:
            self._went_back = self._floor = None
        if run.read_stale and process.error is not None:
            self.repeats.older_state_left = True
            self._forgiven = max(self._forgiven, self._closed_until)
        if run.unsaved_requests and self._world.plan.rate:
            self._forgiven = max(self._forgiven, self._world.timeline.now + self._world.plan.rate[1])
        self._forgiven = max(self._forgiven, run.unsaved_rest)

    def turned_away(self, process: Process) -> None:
        """A run was told that another one has the lease."""
        self._runs[process].turned_away = True
        waited = self._world.timeline.now - self._last_lived
        if waited > LONGEST_WAIT and not any(other is not process for other in self._runs):
            self.violated(f"{process.name} is turned away {waited:.0f} s after the last run's end")

    def asked(self, process: Process) -> None:
        """A process made a request or a delivery: it must be the only one that does."""
        run = self._runs[process]
        run.works = run.unsaved_requests = True
        if self._went_back is process:
            self.violated(f"{process.name} works from an older state")
        for other, others in self._runs.items():
            if others.works and other is not process and not other.dead and not self._may_steal():
                self.violated(f"{process.name} works while {other.name} does")

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
        return self.repeats.clock_was_wrong or self._world.timeline.now < self._forgiven

    def _may_steal(self) -> bool:
        return self.repeats.clock_was_wrong  # by a wrong clock a living lease has ended

    def delivered(self, payload: bytes, *, answered: bool) -> None:
        """The classifier accepted a batch."""
        process = self._world.process
        self.asked(process)
        for log in _split(payload.partition(b'"logs":[')[2][:-4]):
            self.arrived[log] += 1
            self._runs[process].unsaved[log] += 1
            if not answered:
                self.repeats.excuse(log, "accepted, the answer lost")
            if self.repeats.delivered(log, process.name):
                self._world.say(f"  again: {log.decode()}")

    def state_written(self, text: str) -> None:
        """Parameter Store took a state."""
        run = self._runs[self._world.process]
        run.unsaved.clear()
        run.unsaved_requests, run.unsaved_rest = False, 0.0
        state = json.loads(text)
        run.works &= state["current_state"] == "running"
        checkpoint = (state.get("sa_apps") or {}).get("checkpoint")
        self._world.say(f"  {state['current_state']} {checkpoint}")
        half = (state.get("sa_apps") or {}).get("delivered") or {"logs": 0, "digest": ""}
        self.repeats.half_delivered(half["logs"], half["digest"])
        if len(text) > STATE_CHARACTERS:
            self.violated(f"a state of {len(text)} characters")
        if self.since is None:
            self.since = run.clock - timedelta(minutes=self._world.plan.interval_minutes)
        if checkpoint and "floor" in checkpoint:
            self._floor_written(datetime.fromisoformat(checkpoint["floor"]))

    def _floor_written(self, floor: datetime) -> None:
        went_back = self._floor and floor < self._floor
        if went_back and not self.repeats.clock_was_wrong:
            self._went_back = self._world.process
        else:
            self._floor, self._went_back = floor, None

    def state_read_stale(self) -> None:
        """Parameter Store gave an older state to the running process, who may lose a race by it."""
        self._runs[self._world.process].read_stale = True

    def invoked(self, event: Any) -> None:
        """A run invoked its successor."""
        if event["depth"] > DEEPEST:
            self.violated("a succession too deep")

    def sleeps(self, process: Process, seconds: float) -> None:
        """A process waits of its own will."""
        if self._world.timeline.now + seconds >= process.limit and not process.jump:
            self.violated(f"{process.name} sleeps {seconds:.1f} s, past its time limit")

    def settled(self, state: Any) -> None:
        """Judge the whole."""
        due: Counter[bytes] = Counter()
        for event in self._world.vendor.every:
            if self.since and START + timedelta(microseconds=event.time) > self.since - self._counts_since:
                due.update(event.logs)
        self.events = due.total()
        for log, count in due.items():
            if self.arrived[log] < count:
                self.violated(f"lost: {log.decode()}")
        for log in self.repeats.unexplained():
            self.violated(f"delivered {self.arrived[log]} times: {log.decode()}")
        seen = (state["sa_apps"]["checkpoint"] or {}).get("seen") if self.since else None
        if seen and not self._world.plan.unreadable:
            self.violated(f"ids of events that have settled stay in the memory: {seen}")
        if state.get("current_state") != "succeeded":
            self.violated(f"the state stays {state.get('current_state')}")


def _split(logs: bytes) -> list[bytes]:
    """Return the logs of a payload: flat objects, none of which holds what stands between two."""
    return [b"{" + log + b"}" for log in logs[1:-1].split(b"},{")] if logs else []
