"""Lambda: asynchronous invocations of the app and of the classifier, tries again, time limits, kills."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from streamalert_apps.errors import AlreadyRunning, AppError
from streamalert_apps.runtime import handler
from tests.simulation.parameters import refusal
from tests.simulation.timeline import Killed, Process

if TYPE_CHECKING:
    from tests.simulation.world import World

ENDPOINT: Final = "https://lambda.test"
OLDEST_SECONDS: Final = 6 * 3600.0  # Lambda drops what waited for longer
LONGEST_BACKOFF_SECONDS: Final = 300.0
TRIES_AGAIN_AFTER: Final = (60.0, 120.0)
JUMPS: Final = (30.0, 240.0, 3600.0, 86400.0)


@dataclass(frozen=True, slots=True)
class Order:
    """One asynchronous invocation in Lambda's queue."""

    event: str
    request_id: str
    made: float
    tries: int = 0
    throttled: int = 0
    copy: str = ""


@dataclass(slots=True)
class Context:
    """What Lambda tells an invocation. The deadline is in AWS's time; what is left, its own clock tells."""

    function_name: str
    aws_request_id: str
    process: Process = field(repr=False)

    @property
    def invoked_function_arn(self) -> str:
        """Its ARN, with the alias."""
        return f"arn:aws:lambda:us-east-1:123456789012:function:{self.function_name}:production"

    @invoked_function_arn.setter
    def invoked_function_arn(self, _: str) -> None:
        raise AttributeError

    def get_remaining_time_in_millis(self) -> int:
        """Return what is left, by the process's own clock."""
        return int((self.process.limit - self.process.timeline.now - self.process.skew) * 1000)


class Lambda:
    """What `boto3.client("lambda")` is to the collector."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._busy = 0
        self._ids = 0

    def invoke(self, *, FunctionName: str, Payload: Any, **_: str) -> dict[str, Any]:  # noqa: N803 (boto3's)
        """Invoke the app's function or the classifier."""
        if FunctionName == self._world.function:
            return self._world.step("invokes its successor", 0.05, lambda: self._succeed(Payload))
        count = len(json.loads(Payload)["Records"][0]["logs"])
        return self._world.step(f"delivers {count} logs", 0.05, lambda: self._deliver(Payload))

    def submit(self, event: str, delay: float) -> None:
        """Queue an invocation, as EventBridge does."""
        self._ids += 1
        order = Order(event, f"run-{self._ids}", self._world.timeline.now)
        self._later(order, delay)
        if self._world.plan.alone and self._world.strikes("invocation delivered twice"):
            later = self._world.luck.of("invocation delivered twice").uniform(0, 200)
            self._later(replace(order, copy="b"), delay + later)

    def _succeed(self, payload: str) -> dict[str, Any]:
        if self._world.strikes("successor lost"):
            raise refusal("TooManyRequestsException", "Invoke", 429)
        self._world.judge.invoked(json.loads(payload))
        self.submit(payload, delay=0.1)
        if self._world.strikes("successor invoked, answer lost"):
            raise ReadTimeoutError(endpoint_url=ENDPOINT)
        return {"StatusCode": 202, "Payload": BytesIO()}

    def _deliver(self, payload: bytes) -> dict[str, Any]:
        if self._world.strikes("classifier throttles"):
            raise refusal("TooManyRequestsException", "Invoke", 429)
        if self._world.strikes("delivery fails"):
            self._world.hang(10)
            raise ConnectionClosedError(endpoint_url=ENDPOINT)
        lost = self._world.strikes("delivery accepted, answer lost")
        self._world.judge.delivered(payload, answered=not lost)
        if lost:
            self._world.hang(10)
            raise ReadTimeoutError(endpoint_url=ENDPOINT)
        return {"StatusCode": 202, "Payload": BytesIO()}

    def _later(self, order: Order, delay: float) -> None:
        self._world.timeline.at(self._world.timeline.now + delay, lambda: self._start(order))

    def _start(self, order: Order) -> None:
        if self._busy and self._world.plan.alone:  # reserved concurrency 1: it stays in the queue
            if self._world.timeline.now - order.made < OLDEST_SECONDS:
                longest = min(LONGEST_BACKOFF_SECONDS, 2.0 ** min(order.throttled, 9))
                wait = longest * self._world.luck.of("queue").uniform(0.5, 1)
                self._later(replace(order, throttled=order.throttled + 1), wait)
            return
        self._busy += 1
        process = self._process(order)
        self._world.begin(process, lambda: self._handle(order, process))

    def _process(self, order: Order) -> Process:
        """Return the process of an invocation, with the luck that it will have."""
        world = self._world
        process = Process(
            f"{order.request_id}.{order.tries}{order.copy}",
            world.timeline,
            on_end=lambda process: self._ended(process, order),
            limit=world.timeline.now + world.deployed.time_limit,
            skew=world.luck.of("skew").uniform(-world.plan.skew, world.plan.skew),
        )
        doom(world, process)
        return process

    def _handle(self, order: Order, process: Process) -> None:
        os.environ["SA_APPS_BATCH_BYTES"] = str(self._world.deployed.batch_bytes)
        context = Context(self._world.function, order.request_id, process)
        summary = handler.handler(json.loads(order.event), context)
        self._world.say(f"ends: {summary}")
        if summary["status"] == AlreadyRunning.code:
            self._world.judge.turned_away(process)

    def _ended(self, process: Process, order: Order) -> None:
        self._busy -= 1
        self._world.end(process)
        tries_left = process.error is not None and order.tries < len(TRIES_AGAIN_AFTER)
        if tries_left and not self._world.strikes("not tried again"):
            self._later(replace(order, tries=order.tries + 1, throttled=0), TRIES_AGAIN_AFTER[order.tries])


def doom(world: World, process: Process) -> None:
    """Decide whether a process will be killed, and when; whether its clock is wrong, or will be."""
    sick = world.strikes("killed with a wrong clock")
    if sick or world.strikes("killed"):
        luck = world.luck.of("killed")
        process.fuse = luck.choice((1, 2, 3, 4, 5, luck.randint(1, 60)))
        process.fuse_after = luck.random() < 0.5
    if sick or world.strikes("clock jumps"):
        luck = world.luck.of("clock jumps")
        process.jump = (0 if sick else luck.choice((0, 1, 3, 10)), luck.choice((-1, 1)) * luck.choice(JUMPS))
        if not process.jump[0]:
            process.skew += process.jump[1]


def end_of(process: Process) -> str:
    """Return how a process ended, in a word; "" for what no process may end with."""
    match process.error:
        case None:
            return "done"
        case AppError():
            return "failed"
        case Killed():
            return "killed at its time limit" if process.fuse != process.steps else "killed in its course"
        case _:
            return ""
