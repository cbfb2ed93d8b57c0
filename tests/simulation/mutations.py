"""Broken on purpose: each guarantee undone in one place, to see that the simulation notices.

`MUTATIONS`: in words what is wrong, the patches that make it so, and a seed that notices.
"""

from __future__ import annotations

import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Final
from unittest import mock

from streamalert_apps.runtime import clean, collect, forward, inbox, journal, memory, window
from streamalert_apps.runtime import head as heads
from streamalert_apps.sdk import catalogue, events, http, retry, stream
from streamalert_apps.sdk.feed import listing, look, reader, sweep, walk
from streamalert_apps.sdk.pace import Pace

Patch = Callable[[], "AbstractContextManager[Any]"]


@dataclass(frozen=True, slots=True)
class Mutation:
    """What is broken, as patches; `seed`: one that is known to notice."""

    seed: int
    patches: tuple[Patch, ...]


def _by(seed: int, *patches: Patch) -> Mutation:
    return Mutation(seed, patches)


def _edit(owner: Any, name: str, *changes: tuple[str, str]) -> Patch:
    """Return a patch of a function in whose source something has another thing's place."""

    @contextmanager
    def patched() -> Iterator[None]:
        source = textwrap.dedent(inspect.getsource(inspect.getattr_static(owner, name)))
        for old, new in changes:
            if source.count(old) != 1:
                raise LookupError(f"{name} has {source.count(old)} times {old!r}")
            source = source.replace(old, new)
        module = sys.modules[owner.__module__ if inspect.isclass(owner) else owner.__name__]
        made: dict[str, Any] = {}
        code = compile(f"from __future__ import annotations\n{source}", f"<{name}, broken>", "exec")
        exec(code, vars(module), made)
        with mock.patch.object(owner, name, made[name]):
            yield

    return patched


def _method(owner: Any, name: str, instead: Callable[..., Any]) -> Patch:
    return lambda: mock.patch.object(owner, name, instead)


def _value(owner: Any, name: str, value: Any) -> Patch:
    return lambda: mock.patch.object(owner, name, value)


class _Later:
    """A store whose puts wait until the head has been written."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self._waiting: list[tuple[str, bytes]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def put(self, name: str, body: bytes) -> None:
        self._waiting.append((name, body))

    def catch_up(self) -> None:
        for name, body in self._waiting:
            self._store.put(name, body)


_commit = collect._Run._commit


def _head_first(run: Any) -> None:
    store = run.store
    run.store = later = _Later(store)
    try:
        _commit(run)
    finally:
        run.store = store
    later.catch_up()


_note = collect._Run.note


def _drop_positions(run: Any) -> None:
    _note(run)
    names = {forwarder.name for forwarder in run.forwarders}
    run.held.head.positions = {n: p for n, p in run.held.head.positions.items() if n in names}


MUTATIONS: Final[dict[str, Mutation]] = {
    # what is on record
    "writes the head before the journal": _by(0, _method(collect._Run, "_commit", _head_first)),
    "reads the commit that came first, not the one that counts": _by(
        4,
        _edit(
            journal, "commits", ("found[entry.sequence] = entry", "found.setdefault(entry.sequence, entry)")
        ),
    ),
    "counts fences without the clock": _by(
        0, _edit(heads, "take", ("max(head.fence + 1, int(now.timestamp() * 1000))", "head.fence + 1"))
    ),
    "gives a record that is begun anew its old name": _by(
        0, _edit(heads, "_born", ('f"{now:%Y%m%d}-{secrets.token_hex(6)}"', '"20260302-000000000000"'))
    ),
    "does not know a write of its own again": _by(
        0,
        _edit(
            heads.HeldHead,
            "_settled",
            ("nonce == self.head.nonce", "False"),
            ("if nonce in self._open:", "if False:"),
        ),
    ),
    "takes no answer for a yes": _by(
        1, _edit(heads.HeldHead, "_settled", ("there = self._reread(error)", "return str(self.version)"))
    ),
    "makes a removed head anew": _by(
        7,
        _edit(
            heads.HeldHead,
            "_settled",
            (
                'raise AlreadyRunning("The app\'s record was removed during the run.") from None',
                "return self.store.write(NAME, body, replacing=None)",
            ),
        ),
    ),
    "writes after its end": _by(0, _edit(heads.HeldHead, "write", ("if self.closed:", "if False:"))),
    # one at a time
    "forgets that a lease ends": _by(
        4,
        _edit(
            heads,
            "_check_lease",
            ("not now.timestamp() < lease.until <= now.timestamp() + LEASE_SECONDS + 1", "False"),
        ),
    ),
    "takes a living lease": _by(0, _method(heads, "_check_lease", lambda *_: None)),
    "waits out the lease of a wrong clock": _by(
        23, _edit(heads, "_check_lease", (" <= now.timestamp() + LEASE_SECONDS + 1", ""))
    ),
    "is turned away by its own lease": _by(
        0, _edit(heads, "_check_lease", ("lease.holder in {identity.holder, after} or ", ""))
    ),
    "tells the time by its own clock": _by(
        0,
        _edit(heads, "take", ("offset = there.now - clock.now()", "offset = timedelta(0)")),
        _edit(
            heads,
            "_check_lease",
            (
                "lease = head.lease",
                "lease, now = head.lease, datetime.fromtimestamp(head.lease.until if head.lease else 0, UTC)",
            ),
        ),
    ),
    "never renews its lease": _by(0, _method(heads.HeldHead, "renew", lambda _: None)),
    "does not show that it lives while it waits": _by(13, _edit(http.Api, "_wait", ("self.alive()", "pass"))),
    "works on another's record": _by(0, _method(heads, "_check_owner", lambda *_: None)),
    # what is deleted
    "deletes what a destination does not have yet": _by(
        57, _edit(clean, "_old_commits", ("entry.sequence < passed and ", ""))
    ),
    "deletes the memory that the head names": _by(
        0, _edit(clean, "_old", ("item.name not in named and ", ""))
    ),
    "deletes at once what no head names any more": _by(
        10, _edit(clean, "_old", ("age > UNNAMED_SECONDS", "True"))
    ),
    "deletes nothing": _by(0, _method(collect, "clean", lambda *_, **__: None)),
    "cleans only where time is left": _by(
        0, _edit(clean, "clean", ("(2 * pause if overdue else pause)", "(1e12 if overdue else pause)"))
    ),
    "deletes the journal that the memory is made from": _by(
        0, _edit(clean, "clean", ("if floor is not None:", "if False:"))
    ),
    # the inbox
    "takes from the inbox what commits have brought since": _by(
        97,
        _edit(
            inbox.Judged,
            "precedes",
            ("entry.sequence > self.sequence or entry.written >= self.at - LEASE_SECONDS", "False"),
        ),
    ),
    "takes the same from two objects of the inbox": _by(
        201,
        _edit(
            collect._Run,
            "_empty_inbox",
            ("known.update(identity.hex() for identity in self.ids)", "pass"),
        ),
    ),
    "never looks into the inbox": _by(25, _method(collect._Run, "_empty_inbox", lambda _: None)),
    # the memory
    "can't do without a part of its memory": _by(
        0,
        _edit(
            collect._Run,
            "_segment",
            (
                "if body is not None:",
                "if body is None:\n        raise BadResponse('It is missing.')\n    else:",
            ),
        ),
    ),
    "rebuilds a part of the memory without what lies between": _by(
        0, _edit(collect._Run, "_from_journal", ("if time >= floor:", "if time >= floor + 600:"))
    ),
    "names parts of the memory without their fence": _by(
        0, _edit(collect._Run, "_commit", ("{sequence:010d}-{head.fence:014d}-", "{sequence:010d}-"))
    ),
    "knows nothing": _by(0, _method(memory.Memory, "known", lambda *_: set())),
    "lets the time of a known event stay": _by(
        0, _edit(memory.Memory, "known", ("if found.get(identity, _LATEST) + 1 <= now:", "if False:"))
    ),
    "forgets the oldest where there are many": _by(
        0, _edit(memory.Memory, "_merged", ("[*kept, Segment(", "[*kept[1:], Segment("))
    ),
    "never forgets": _by(0, _method(memory.Memory, "forget", lambda *_: None)),
    # rows
    "gives events without a time that of the beginning": _by(
        0, _edit(events.Events, "marked", ("now if time is NEVER", "0.0 if time is NEVER"))
    ),
    "counts equal rows of pages that overlap over all of them": _by(
        0,
        _edit(reader.Reader, "read", ("Counter() if self.feed.overlapping else listing.met", "listing.met")),
    ),
    "counts equal rows page by page": _by(
        0, _edit(reader.Reader, "read", ("Counter() if self.feed.overlapping else listing.met", "Counter()"))
    ),
    # looks and sweeps
    "sweeps before it looks": _by(
        0,
        _edit(
            walk, "walk", ("elif looks.is_due(sweeping=due):", "elif looks.is_due(sweeping=due) and not due:")
        ),
    ),
    "lets a look move the floor": _by(
        0,
        _edit(
            look.Looks,
            "_pages",
            (
                "place.turns += 1",
                "place.turns += 1\n        place.floor = max(place.floor, place.newest or place.floor)",
            ),
        ),
    ),
    "begins a look where the last one began, by a wrong clock": _by(
        0,
        _edit(
            look.Looks, "_span", ("since = last if place.cut else min(last, place.newest)", "since = last")
        ),
    ),
    "goes no way back": _by(0, _edit(look.Looks, "_span", ("since -= self._overlap(now - since)", "pass"))),
    "believes events that are ahead of the clock": _by(
        0, _edit(reader.Reader, "read", ("[time for time in readable if time <= met]", "readable"))
    ),
    "lets the floor follow what is newest at the end of a sweep": _by(
        0,
        _edit(
            sweep.Sweeps,
            "_raise_floor",
            (
                "min(sweep.sure, sweep.ceiling)",
                "min(sweep.sure, (self._place.newest or sweep.ceiling) - self._reader.lag)",
            ),
        ),
    ),
    "takes its own clock for the service's on an idle feed": _by(
        0, _edit(sweep.Sweeps, "_begin", ("if self._reader.api.dated:", "if True:"))
    ),
    "takes all time for settled": _by(
        0, _edit(sweep.Sweeps, "_begin", ("min(now, place.newest) - lag", "min(now, place.newest)"))
    ),
    "lets the floor pass what was not read": _by(
        0, _edit(sweep.Sweeps, "_raise_floor", ("min(sweep.sure, sweep.ceiling)", "sweep.ceiling"))
    ),
    "asks for exact bounds": _by(
        0,
        _edit(
            sweep.Sweeps,
            "_open",
            ("Window(top, sweep.cursor - unit, top + unit)", "Window(top, sweep.cursor, top)"),
        ),
    ),
    "keeps the width of a window that is too much": _by(
        0,
        _edit(
            sweep.Sweeps, "_restart", ("self._place.width = max(smallest, span / 2).total_seconds()", "pass")
        ),
    ),
    "keeps a token that is refused": _by(0, _method(sweep.Sweeps, "_restart", lambda *_: None)),
    "keeps a token that leads in a circle": _by(
        0, _edit(sweep.Sweeps, "page", ("except BadResponse:", "except ZeroDivisionError:"))
    ),
    "believes the documented order": _by(0, _method(listing.Listing, "check_order", lambda *_: True)),
    "looks for circles among tokens": _by(
        0, _edit(listing.Listing, "check_circle", ("fetched.next if alike else None", "fetched.next"))
    ),
    "believes its own clock": _by(0, _method(http.Api, "_compare_clocks", lambda *_: None)),
    "believes a date that a cache gives": _by(
        0, _edit(http.Api, "_compare_clocks", ('int(response.headers.get("Age", "0")) > 0', "False"))
    ),
    "lets a file that can't be read hold up the others": _by(
        0,
        _edit(
            catalogue.Catalogue,
            "_read_or_put_aside",
            ("except AppError as error:", "except ZeroDivisionError as error:"),
        ),
    ),
    "lets the floor pass a file that was put aside": _by(
        0,
        _edit(catalogue.Catalogue, "_raise_floor", ("ceiling = min(ceiling, moment_of(file.time))", "pass")),
    ),
    "looks no farther than where it was cut short": _by(
        0, _edit(catalogue.Catalogue, "walk", ("place.reach = 2 * reach", "pass"))
    ),
    "remembers events of a stream for no time": _by(
        0,
        _edit(
            stream.Stream, "walk", ("asked - self.api.ahead - self._memory_span()", "asked - self.api.ahead")
        ),
    ),
    # pace
    "forgets when it made requests": _by(0, _method(Pace, "request_made", lambda *_: None)),
    "notes no requests in the head": _by(0, _edit(collect._Run, "note", ("head.requests = ", "_ = "))),
    "forgets Retry-After": _by(0, _method(Pace, "rest", lambda *_: None)),
    "tries again past its deadline": _by(0, _edit(retry, "retrying", ("wait >= deadline.left() or ", ""))),
    # destinations
    "gives batches of one commit one id": _by(
        0, _edit(forward.Forwarder, "_batch_id", ("window.name, rows", "window.last.sequence"))
    ),
    "names a batch by its first and last row": _by(
        5, _edit(forward.Forwarder, "_batch_id", ("rows)\n", "rows[0], rows[-1])\n"))
    ),
    "names a batch without its fence": _by(
        0, _value(window.Window, "name", property(lambda self: str(self.last.sequence)))
    ),
    "keeps what is dead without its fence": _by(
        0, _edit(forward.Forwarder, "_bury", ("-{commit.fence:014d}", ""))
    ),
    "drops what is left of a half-taken batch": _by(
        22, _edit(forward.Forwarder, "_pass", ("end, sorted({*rest, *self._doubted})", "end, []"))
    ),
    "sends all of a half-taken batch again": _by(
        0, _edit(forward.Forwarder, "_send", ("self._sent(window, rest)", "self._sent(window, rows)"))
    ),
    "passes what a destination did not take": _by(
        0,
        _edit(
            forward.Forwarder,
            "_forward",
            (
                "self._send(window, rows)\n        if self._has_stopped():\n            return",
                "self._send(window, rows)",
            ),
        ),
    ),
    "buries nothing": _by(0, _edit(forward.Forwarder, "_bury", ("self.held.store.put(name, body)", "pass"))),
    "forgets what was accepted where what is dead can't be kept": _by(
        0,
        _edit(
            forward.Forwarder,
            "_bury_all",
            ("except StateError as failed:", "except ZeroDivisionError as failed:"),
        ),
    ),
    "takes wrong settings for bad events": _by(
        0,
        _edit(forward.Forwarder, "_sent", ("if refused and not self._is_tried:", "if False:")),
    ),
    "drops the positions that it does not know": _by(0, _method(collect._Run, "note", _drop_positions)),
    "saves a position at the end only": _by(
        46, _edit(forward.Forwarder, "_forward", ("if self.position.sequence > self._saved:", "if False:"))
    ),
    "sends what it waited for before its end is fixed": _by(
        27, _edit(forward.Forwarder, "_closed", ("    self.held.write()\n", ""))
    ),
    "waits for ever for more": _by(1, _method(forward.Forwarder, "_is_due", lambda _: False)),
    "reads nothing back from the journal": _by(
        0,
        _method(forward.Forwarder, "_read_back", lambda self, *, up_to: iter(self._skip_to(up_to + 1) or ())),
    ),
}

SHOWN: Final = (
    "writes the head before the journal",
    "reads the commit that came first, not the one that counts",
    "gives a record that is begun anew its old name",
    "takes no answer for a yes",
    "makes a removed head anew",
    "forgets that a lease ends",
    "waits out the lease of a wrong clock",
    "does not show that it lives while it waits",
    "deletes what a destination does not have yet",
    "deletes at once what no head names any more",
    "takes from the inbox what commits have brought since",
    "takes the same from two objects of the inbox",
    "never looks into the inbox",
)
"""Those that a seed has been seen to notice. For the others, a seed is still to be found: `--all`."""
