"""What a seed decides: the service, the app, and which faults are about, how often."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final, Literal

Shape = Literal["oldest first", "newest first", "any order", "stream", "catalogue", "seed style"]

SHAPES: Final[tuple[Shape, ...]] = (
    "oldest first",
    "oldest first",
    "newest first",
    "newest first",
    "any order",
    "stream",
    "catalogue",
    "seed style",
)

# Faults by kind, with the chance that one has at each occasion where it is about.
FAULTS: Final = {
    "429": 0.06,
    "5xx": 0.06,
    "request hangs": 0.03,
    "connection cut": 0.05,
    "answer cut short": 0.02,
    "slow answer": 0.1,
    "page token expired": 0.08,
    "throttled by Parameter Store": 0.08,
    "Parameter Store fails": 0.05,
    "put fails": 0.05,
    "put succeeds, answer lost": 0.05,
    "stale read": 0.15,
    "classifier throttles": 0.1,
    "delivery fails": 0.05,
    "delivery accepted, answer lost": 0.05,
    "killed": 0.2,
    "killed with a wrong clock": 0.03,
    "tick lost": 0.1,
    "tick doubled": 0.15,
    "invocation delivered twice": 0.05,
    "not tried again": 0.2,
    "successor lost": 0.2,
    "successor invoked, answer lost": 0.1,
    "run from a laptop": 0.05,
    "redeployed": 0.1,
    "credentials rotated": 0.05,
    "clock jumps": 0.08,
}

STORMS: Final = (
    "429",
    "5xx",
    "request hangs",
    "throttled by Parameter Store",
    "Parameter Store fails",
    "classifier throttles",
    "delivery fails",
)


@dataclass(frozen=True, slots=True)
class Storm:
    """A time in which one kind of fault is nearly all there is."""

    kind: str
    begins: float
    ends: float


@dataclass(frozen=True, slots=True)
class Plan:
    """One service, one app, one run of bad luck. Times in seconds."""

    seed: int
    shape: Shape
    # the service
    ids: bool
    twins: bool  # events that are equal in all they say; only where there are no ids
    unit: int  # microseconds in which the service compares times
    rounds: bool  # bounds to the nearest unit, not down
    finer: bool  # events are told finer than bounds are compared
    since_counts: bool
    until_counts: bool
    lag: float
    tokens: Literal["cursor", "offset", "snapshot"]
    numbers: bool  # page tokens are numbers beyond 2^53
    single_use: bool  # a page token is good for one request
    strict: bool  # a page token is refused with another query than the one that gave it
    token_life: float
    empty_pages: bool
    unreadable: bool  # some events have a time that can't be read
    page: int
    events: int
    burst: int
    span: float
    latency: float
    rate: tuple[int, float] | None
    # the app
    interval_minutes: int
    time_limit: float
    alone: bool  # reserved concurrency 1
    in_aws: bool  # requests with a wrong time are refused; a store on a laptop has no such check
    batch_bytes: int
    memory: int  # ids
    adopted: bool  # StreamAlert ran it before
    skew: float
    # the luck
    faults: dict[str, float]
    storms: tuple[Storm, ...]


def plan(seed: int) -> Plan:
    """Return what a seed decides."""
    luck = Random(seed)
    shape = luck.choice(SHAPES)
    events = luck.choice((30, 120, 120, 400, 900) if shape != "catalogue" else (10, 30, 100))
    rate = luck.choice((None, None, None, (2, 60.0), (10, 60.0), (5, 1.0)))
    page = luck.choice((1, 3, 10, 50, 100, 300))
    latency = luck.choice((0.1, 0.3, 1.0, 4.0) if rate is None else (0.1, 0.3, 1.0))
    page = max(page, events // (40 if rate is None and latency < 4 else 10))  # a run gets somewhere
    page = max(page, 10) if shape == "catalogue" else page
    interval = luck.choice((1, 2, 5, 15, 60))
    span = interval * 60.0 * luck.randint(5, 14)
    lag = luck.choice((0.0, 20.0, 120.0, 600.0, 3600.0))
    ids = luck.random() < 0.7
    kinds = [kind for kind in FAULTS if luck.random() < 0.4] if luck.random() < 0.95 else []
    return Plan(
        seed=seed,
        shape=shape,
        ids=ids or shape in {"stream", "catalogue", "seed style"},
        twins=luck.random() < 0.3,
        unit=luck.choice((1_000, 1_000_000)) if shape != "seed style" else 1_000_000,
        rounds=luck.random() < 0.3,
        finer=luck.random() < 0.4 and shape != "seed style",
        since_counts=luck.random() < 0.6,
        until_counts=luck.random() < 0.6,
        lag=lag if shape != "seed style" else 0.0,
        tokens=luck.choice(("cursor", "cursor", "offset", "snapshot")),
        numbers=luck.random() < 0.3,
        single_use=luck.random() < 0.1,
        strict=luck.random() < 0.5,
        token_life=luck.choice((30.0, 300.0, 1e9, 1e9) if rate in {None, (5, 1.0)} else (300.0, 1e9)),
        empty_pages=luck.random() < 0.15,
        unreadable=luck.random() < 0.05 and shape != "seed style",
        page=page,
        events=events,
        burst=luck.choice((1, 1, 5, 20, 150) if shape != "catalogue" else (1, 5, 20)),
        span=span,
        latency=latency,
        rate=rate,
        interval_minutes=interval,
        time_limit=luck.choice((10.0, 20.0, 60.0, 300.0) if rate is None and latency < 4 else (150.0, 300.0)),
        alone=luck.random() < 0.5,
        in_aws=luck.random() < 0.6,
        batch_bytes=luck.choice((200, 1000, 5000, 256 << 10)),
        memory=luck.choice((8, 40, 224, 224)),
        adopted=luck.random() < 0.1,
        skew=luck.choice((0.0, 0.0, 0.5, 3.0)),
        faults={kind: FAULTS[kind] * luck.choice((0.3, 1.0, 2.0)) for kind in kinds},
        storms=tuple(_storm(luck, span) for _ in range(luck.choice((0, 0, 1, 2)))) if kinds else (),
    )


def _storm(luck: Random, span: float) -> Storm:
    begins = luck.uniform(0, span)
    return Storm(luck.choice(STORMS), begins, begins + luck.uniform(5, span / 3))
