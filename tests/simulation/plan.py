"""What a seed decides: the service, the app, its sinks, and which faults are about, how often."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import Final, Literal

Date = Literal["always", "never", "sometimes", "cached"]
Shape = Literal[
    "oldest first",
    "newest first",
    "any order",
    "numbered",
    "whole seconds",
    "stream",
    "catalogue",
    "seed style",
]

SHAPES: Final[tuple[Shape, ...]] = (
    "oldest first",
    "oldest first",
    "oldest first",
    "newest first",
    "newest first",
    "newest first",
    "any order",
    "any order",
    "numbered",
    "whole seconds",
    "stream",
    "catalogue",
    "seed style",
)
DATES: Final[tuple[Date, ...]] = ("always", "always", "never", "sometimes", "cached")
BY_TIME: Final = {"oldest first", "newest first", "any order"}

# Faults by kind, with the chance that one has at each occasion where it is about.
FAULTS: Final = {
    # requests
    "429": 0.04,
    "5xx": 0.05,
    "request hangs": 0.02,
    "connection cut": 0.04,
    "slow answer": 0.05,
    "page token expired": 0.08,
    "pages in a circle": 0.02,
    "file unreadable": 0.1,
    # the store
    "store read fails": 0.04,
    "put fails": 0.05,
    "put lands, answer lost": 0.05,
    "put lands late": 0.04,
    "write fails": 0.05,
    "write lands, answer lost": 0.06,
    "write lands, answered 412": 0.05,
    "write lands late": 0.06,
    "write answered 409": 0.05,
    "store slow": 0.05,
    # sinks
    "delivery fails": 0.06,
    "delivery accepted, answer lost": 0.05,
    "half of a batch taken": 0.15,
    "batch too large": 0.05,
    "sink refuses its settings": 0.02,
    # processes
    "killed": 0.15,
    "paused": 0.004,
    "tick lost": 0.1,
    "tick doubled": 0.15,
    "not tried again": 0.3,
    "successor lost": 0.2,
    "run from a laptop": 0.06,
    "run with other destinations": 0.06,
    "run of another project": 0.03,
    "a thread thaws": 0.1,
    "clock jumps": 0.08,
    # the head
    "head restored": 0.04,
    "head removed": 0.025,
}

STORMS: Final = ("429", "5xx", "store read fails", "put fails", "write fails", "delivery fails")


@dataclass(frozen=True, slots=True)
class Storm:
    """A time in which one kind of fault is nearly all there is."""

    kind: str
    begins: float
    ends: float


@dataclass(frozen=True, slots=True)
class SinkPlan:
    """A destination. `idempotent`: a batch that comes again under its id counts once."""

    name: str
    events: int
    bytes: int
    event_bytes: int
    idempotent: bool
    picky: bool  # some events are never taken
    wrong_until: float  # it is set up wrongly, and refuses each event, until then
    hold: float  # for how long it waits for more
    window: int  # bytes that are enough


@dataclass(frozen=True, slots=True)
class Plan:
    """One service, one app, one run of bad luck. Times in seconds."""

    seed: int
    shape: Shape
    quiet: bool  # nothing goes wrong, so events have to come soon
    # the service
    ids: bool
    twins: bool  # events that are equal in all they say; only where there are no ids
    unit: int  # microseconds in which the service compares times
    rounds: bool  # bounds to the nearest unit, not down
    finer: bool  # events are told finer than bounds are compared
    since_counts: bool
    until_counts: bool
    no_since: bool  # the lower bound means nothing to the service
    no_until: bool
    lag: float
    tokens: Literal["cursor", "offset", "snapshot"]
    numbers: bool  # page tokens are numbers beyond 2^53
    single_use: bool  # a page token is good for one request
    strict: bool  # a page token is refused with another query than the one that gave it
    token_life: float
    empty_pages: bool
    unreadable: bool  # some events have a time that can't be read
    future: bool  # some events are ahead of the clock, some in the year 2038
    moves: bool  # some events change, and their time with them
    tardy: bool  # some events come later than the lag; now and then somebody looks for what is missing
    turns_at: float  # from when on the list is in the opposite order
    shrinks_at: float  # from when on pages hold half as much
    date: Date
    page: int
    events: int
    burst: int
    span: float
    latency: float
    rate: tuple[int, float] | None
    # the app
    interval: float
    time_limit: float
    commit_bytes: int
    inline: int  # ids in the head
    merged: int
    most_rows: int  # of a window
    journal_days: float
    skew: float
    ahead: float  # by how much all clocks are wrong
    sinks: tuple[SinkPlan, ...]
    # the luck
    faults: dict[str, float]
    storms: tuple[Storm, ...]

    @property
    def overlapping(self) -> bool:
        """Whether a row may stand on two pages of a listing."""
        return self.shape in {"numbered", "whole seconds"} or self.tokens == "offset"


def plan(seed: int) -> Plan:
    """Return what a seed decides."""
    luck = Random(seed)
    shape = luck.choice(SHAPES)
    by_time = shape in BY_TIME
    quiet = luck.random() < 0.15
    busy = quiet and by_time and luck.random() < 0.5  # sweeps take many runs, and looks are to go first
    events = luck.choice((30, 120, 120, 250, 400) if shape != "catalogue" else (10, 30, 60))
    rate = luck.choice((None, None, None, None, (10, 60.0), (5, 1.0))) if not quiet else None
    page = luck.choice((1, 3, 10, 50, 100, 300)) if not quiet or busy else 100
    latency = luck.choice((0.1, 0.3, 1.0)) if not quiet else 0.2
    if busy:
        events, page, latency = 150, 5, 1.0
    long = rate is None and latency < 1 and luck.random() < 0.1
    page = max(page, events // (300 if long or busy else 25))  # a run gets somewhere
    page = max(page, events // 5) if shape == "numbered" and rate else page
    ids = luck.random() < 0.7 or shape in {"stream", "catalogue", "seed style"}
    page = max(page, 10) if shape in {"catalogue", "numbered"} or not ids else page
    page = max(page, 50) if shape == "whole seconds" else page
    interval = luck.choice((1, 2, 5, 15, 60) if not busy else (2, 5)) * 60.0
    span = interval * luck.randint(5, 14 if not busy else 8)
    lag = luck.choice((0.0, 20.0, 120.0, 600.0, 3600.0) if not busy else (3600.0,))
    kinds = [kind for kind in FAULTS if luck.random() < 0.4] if not quiet else []
    if not ids:  # a circle of rows without ids is not to be told from rows that are equal
        kinds = [kind for kind in kinds if kind != "pages in a circle"]
    date: Date = luck.choice(DATES)
    future = (
        luck.random() < 0.15 and by_time and not busy and (date == "always" or "clock jumps" not in kinds)
    )
    turns = luck.random() < 0.08 and shape in {"oldest first", "newest first"}
    moves = luck.random() < 0.1 and by_time and lag >= 600 and not turns
    no_since = luck.random() < 0.1 and shape == "newest first" and not turns
    made = Plan(
        seed=seed,
        shape=shape,
        quiet=quiet,
        ids=ids,
        twins=(twins := luck.random() < 0.3),
        unit=luck.choice((1_000, 1_000_000)) if shape not in {"seed style", "whole seconds"} else 1_000_000,
        rounds=luck.random() < 0.3,
        finer=luck.random() < 0.4 and shape != "seed style",
        since_counts=luck.random() < 0.6,
        until_counts=luck.random() < 0.6,
        no_since=no_since,
        no_until=luck.random() < (0.5 if future else 0.1) and by_time and not busy,
        lag=lag if shape != "seed style" else 0.0,
        tokens="snapshot" if turns or moves else luck.choice(("cursor", "cursor", "offset", "snapshot")),
        numbers=luck.random() < 0.3,
        single_use=luck.random() < 0.1,
        strict=luck.random() < 0.5,
        token_life=luck.choice(
            (30.0, 300.0, 1e9, 1e9) if rate in {None, (5, 1.0)} and not busy else (300.0, 1e9)
        ),
        empty_pages=luck.random() < 0.15,
        unreadable=luck.random() < 0.08 and shape != "seed style",
        future=future,
        moves=moves,
        tardy=False,
        turns_at=luck.uniform(0, span) if turns else float("inf"),
        shrinks_at=luck.uniform(0, span) if luck.random() < 0.2 and not busy else float("inf"),
        date=date,
        page=page,
        events=events,
        burst=(
            burst := luck.choice(
                (1, 1, 5, 20, 100) if shape not in {"catalogue", "whole seconds"} and not busy else (1, 5, 10)
            )
        ),
        span=span,
        latency=latency,
        rate=rate,
        interval=interval,
        time_limit=luck.choice((20.0, 60.0, 60.0, 300.0) if rate is None and latency < 1 else (150.0, 300.0))
        if not quiet
        else (20.0 if busy else 300.0),
        commit_bytes=luck.choice((200, 1000, 5000, 4 << 20)),
        inline=luck.choice((4, 20, 20, 100, 4000)),
        merged=luck.choice((10, 100, 100_000)),
        most_rows=max(luck.choice((30 * page, 50_000, 50_000)), 4 * burst * (1 + twins)),  # a second fits in
        journal_days=luck.choice((0.0, 7.0)),
        skew=luck.choice((0.0, 0.0, 0.5, 3.0)),
        ahead=luck.choice((0.0, 0.0, 0.0, 600.0, 200_000.0 if not quiet else 600.0)) if not future else 0.0,
        sinks=tuple(
            _sink(luck, name, seed) for name in ("lake", "queue", "siem")[: luck.choice((0, 1, 1, 2, 3))]
        ),
        faults={kind: FAULTS[kind] * luck.choice((0.3, 1.0, 2.0)) for kind in kinds},
        storms=tuple(_storm(luck, span) for _ in range(luck.choice((0, 0, 1, 2)))) if kinds else (),
    )
    # Nobody can tell that an event came late which does not tell its time.
    may_be_tardy = ids and by_time and made.journal_days and not (quiet or moves or turns or made.unreadable)
    return replace(made, tardy=bool(may_be_tardy) and Random(f"{seed} tardy").random() < 0.4)


def _sink(luck: Random, name: str, seed: int) -> SinkPlan:
    waiting = Random(f"{seed} {name}")
    return SinkPlan(
        name,
        events=luck.choice((1, 3, 10, 1000)),
        bytes=luck.choice((300, 2000, 256 << 10)),
        event_bytes=luck.choice((300, 1 << 20, 1 << 20)),
        idempotent=luck.random() < 0.5,
        picky=luck.random() < 0.2,
        wrong_until=luck.choice((0.0, 0.0, 0.0, 0.0, 0.0, 600.0)),
        hold=waiting.choice((0.0, 0.0, 0.0, 5.0, 60.0, 300.0)),
        window=waiting.choice((500, 5_000, 4 << 20)),
    )


def _storm(luck: Random, span: float) -> Storm:
    begins = luck.uniform(0, span)
    return Storm(luck.choice(STORMS), begins, begins + luck.uniform(5, span / 3))
