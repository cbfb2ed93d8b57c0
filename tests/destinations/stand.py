"""A sink on a real socket: its twin, what is done to its answers, and the account of what arrived.

A sink that is new gets a file here with its twin and its `CASE`, and a line in `cases.py`; `test_suite.py`
then does to it all that can go wrong between two machines.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import httpx
from botocore.config import Config
from botocore.credentials import Credentials

from streamalert_apps.runtime import kinds
from streamalert_apps.runtime.collect import Outcome
from streamalert_apps.runtime.delivery import Answer, Batch, Destination, Outlet
from streamalert_apps.runtime.outlets import Definition, outlet
from streamalert_apps.runtime.sink import Setup, Sink, Source
from streamalert_apps.sdk.clock import Clock, Deadline
from streamalert_apps.sdk.http import Api
from streamalert_apps.simulator.contract import Request, Response, Twin
from streamalert_apps.simulator.faults import Delivery, Fault
from streamalert_apps.simulator.server import Server, serve
from tests.runtime.doubles import Killer, World, number_of

NAME = "sink"
SOURCE = Source("collector", "numbers_all", "acme_prod_numbers_all_collector_app")


class SinkTwin:
    """What a sink does with events, as far as it is the same for all. A subclass knows requests.

    `poison`: numbers it never takes. `busy`: numbers it does not take this time, one round for each request.
    `largest`: bytes of a request that it takes. `cuts`: an event with more bytes is cut without a word.
    `folder`: where paths begin.
    `is_wrong`: it is set up wrongly and takes nothing. `expired`: the credentials are valid no more.
    """

    folder = Path()

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.arrived: list[bytes] = []
        self.poison: set[int] = set()
        self.busy: list[set[int]] = []
        self.largest = 1 << 40
        self.cuts = 1 << 40
        self.is_wrong = False
        self.expired = False

    @property
    def numbers(self) -> list[int]:
        """The numbers of the events that arrived."""
        return [self.number(event) for event in self.arrived]

    def number(self, event: bytes) -> int:
        """Return the number of an event as it arrived."""
        return number_of(event)

    def take(self, events: Iterable[bytes]) -> None:
        """Keep events; what is too long is cut, as some vendors do."""
        self.arrived += [event[: self.cuts] for event in events]

    def turn(self) -> set[int]:
        """Return the numbers that are not taken this time."""
        return self.busy.pop(0) if self.busy else set()

    def handle(self, request: Request) -> Response:
        """Answer a request."""
        raise NotImplementedError

    def close(self) -> None:
        """Leave nothing behind."""

    def failure(self, status: int) -> Response:
        """Word an answer of this status the way the vendor does."""
        return Response(status, b'{"error": "says the test"}')


@dataclass(frozen=True)
class Case:
    """A kind of sink, and what is known of it.

    `settings` for the URL of its twin. `per_event`: it names the events that it refuses. `refuses`: it looks
    at events at all. `is_idempotent`: what comes again counts once.
    `sized`: too large a request is refused. `strict`: it tells a success by certain statuses of all 2xx.
    `event_limit`: of one event, where the settings say one.
    """

    kind: str
    twin: Callable[[Clock], SinkTwin]
    settings: Callable[[str], Mapping[str, Any]]
    credentials: Mapping[str, str] = field(default_factory=dict)
    per_event: bool = False
    refuses: bool = True
    sized: bool = True
    strict: bool = True
    is_idempotent: bool = False
    event_limit: int = 0
    many: int = 500
    """How many events are many: as many as its twin takes without being slow."""
    partial: bool = False
    """It takes some events of a batch and asks for others again."""
    one_event: int = 400
    """Bytes that a request with one small event fits into, and one with all of the suite does not."""
    path: str = "*"
    """A glob of the paths of requests that carry events: faults hit these."""
    over_network: bool = True
    """What goes wrong between two machines may go wrong."""
    simulated: bool = False
    """Its requests go to its twin whatever host they are meant for."""

    def __str__(self) -> str:
        return self.kind


@dataclass
class Stand:
    """A world whose one destination is a sink, in front of its twin."""

    case: Case
    twin: SinkTwin
    server: Server
    world: World
    left: Callable[[], float] = lambda: float("inf")
    aws_credentials: Callable[[], Any] = lambda: Credentials("testing", "testing", "t0ken")
    said: list[str] = field(default_factory=list)
    opened: ExitStack = field(default_factory=ExitStack)

    def outlet(self, **settings: Any) -> Outlet:
        """Return the destination, made as the runtime makes it."""
        given = {"type": self.case.kind, **self.case.settings(self.server.url), **settings}
        made = outlet(Definition(NAME, given), kinds.find, self._setup)
        if isinstance(made.destination, Sink):
            self.opened.callback(made.destination.close)
        return made

    def use(self, **settings: Any) -> None:
        """Have events sent there."""
        self.world.sinks = {NAME: self.outlet(**settings)}

    def run(self, **terms: Any) -> Outcome:
        """Collect and forward."""
        outcome = self.world.run(**terms)
        self.said += [
            repr(outcome),
            repr(outcome.error),
            self.world.store.store.read("head.json").body.decode(),
        ]
        return outcome

    def batches(self, events: int) -> int:
        """Return how many batches so many events are, as far as their number matters."""
        most: int = self.world.sinks[NAME].destination.limits.events
        return -(-events // most)

    @property
    def lost(self) -> set[int]:
        """The numbers that neither arrived nor are kept as dead."""
        return set(range(self.world.total)) - set(self.twin.numbers) - set(self.dead)

    @property
    def repeated(self) -> Counter[int]:
        """The numbers that arrived more than once, and how often."""
        return Counter(self.twin.numbers) - Counter(set(self.twin.numbers))

    @property
    def dead(self) -> list[int]:
        """The numbers that are kept as dead."""
        bodies = [self.world.memory.get(name) or b"" for name in self.world.names("dead/")]
        return sorted(number_of(body.partition(b'"raw":')[2][:-2]) for body in bodies)

    def _setup(self, definition: Definition, settings: dict[str, Any]) -> Setup:
        deadline = Deadline(lambda: self.left())  # noqa: PLW0108 (a test sets another)
        return Setup(
            definition.name,
            settings,
            lambda: self.case.credentials,
            SOURCE,
            self.world.clock,
            deadline,
            cache(self._client),
            lambda: self._api(deadline),
            lambda: self.aws_credentials(),  # noqa: PLW0108 (as above)
            self.twin.folder,
        )

    def _api(self, deadline: Deadline) -> Api:
        if self.case.simulated:
            return Api(clock=self.world.clock, deadline=deadline, simulator=self.server.url)
        return Api(clock=self.world.clock, deadline=deadline, transport=_plain(), loopback=True)

    def _client(self, service: str, region: str) -> Any:
        make: Any = boto3.client
        client = make(
            service,
            region_name=region or "us-east-1",
            endpoint_url=self.server.url,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            config=Config(
                retries={"total_max_attempts": 1},
                read_timeout=2,
                s3={"addressing_style": "path"},
            ),
        )
        self.opened.callback(client.close)
        return client


def _plain() -> httpx.BaseTransport:
    """Return the way to this machine, without the certificates that take a while to read."""
    return httpx.HTTPTransport(verify=False, trust_env=False)


@contextmanager
def stand(case: Case, *faults: Fault, **world: Any) -> Iterator[Stand]:
    """Set up a sink in front of its twin, with faults between them."""
    made = World(**{"total": 10, "page": 10} | world)
    twin = case.twin(made.clock)
    aimed = [replace(fault, path=case.path) for fault in faults]
    with serve(twin, faults=aimed) as server:  # type: ignore[arg-type] # it is asked for no more than this
        one = Stand(case, twin, server, made)
        with one.opened:
            one.opened.callback(twin.close)
            one.use()
            yield one


class Killing:
    """A destination around which the process may die."""

    def __init__(self, outlet: Outlet, killer: Callable[[], Killer]) -> None:
        self.limits = outlet.destination.limits
        self._destination: Destination = outlet.destination
        self._killer = killer

    def send(self, batch: Batch) -> Answer:
        """Send, unless it dies before or after."""
        self._killer().step()
        answer = self._destination.send(batch)
        self._killer().step()
        return answer


# What happens to an answer, besides the effects of the simulator


@dataclass(frozen=True)
class TakenBut:
    """The request is carried out, and an error told."""

    status: int

    def deliver(self, twin: Twin, request: Request) -> Delivery:
        """Return what goes out."""
        twin.handle(request)
        return Delivery(twin.failure(self.status))


@dataclass(frozen=True)
class TakenInSilence:
    """The request is carried out, and the connection ends after `seconds`."""

    seconds: float = 0.0

    def deliver(self, twin: Twin, request: Request) -> Delivery:
        """Return what goes out."""
        twin.handle(request)
        return Delivery(None, wait=self.seconds)


logging.getLogger("urllib3").setLevel(logging.ERROR)
