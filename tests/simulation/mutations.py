"""Broken on purpose: each guarantee undone in one place, to see that the simulation notices.

`MUTATIONS`: in words what is wrong, the patches that make it so, and a seed that notices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from unittest import mock

from streamalert_apps.errors import AlreadyRunning, AppError
from streamalert_apps.runtime import collect, event, ssm, state
from streamalert_apps.runtime.destinations.classifier import ClassifierLambda
from streamalert_apps.sdk import http
from streamalert_apps.sdk.clock import Deadline
from streamalert_apps.sdk.events import Fetched
from streamalert_apps.sdk.pace import Pace
from streamalert_apps.sdk.retry import retrying
from streamalert_apps.sdk.watermark import Feed, NewestFirst
from streamalert_apps.sdk.watermark.walk import Position, Walk
from tests.simulation import apps, world
from tests.simulation.plan import Plan, plan

Patch = Callable[[], "AbstractContextManager[Any]"]


@dataclass(frozen=True, slots=True)
class Mutation:
    """What is broken, as patches; `seed`: one that is known to notice."""

    seed: int
    patches: tuple[Patch, ...]


def _by(seed: int, *patches: Patch) -> Mutation:
    return Mutation(seed, patches)


def _method(owner: Any, name: str, wrap: Callable[..., Any]) -> Patch:
    """Return a patch of a method; `wrap` gets the original before its arguments."""
    original = getattr(owner, name)

    def mutant(*args: Any, **kwargs: Any) -> Any:
        return wrap(original, *args, **kwargs)

    return lambda: mock.patch.object(owner, name, mutant)


def _value(owner: Any, name: str, value: Any) -> Patch:
    return lambda: mock.patch.object(owner, name, value)


# the run


def _save_first(deliver: Any, run: Any, batch: list[Any]) -> None:
    run._settle(len(batch))
    run._save("running")
    with mock.patch.object(collect._Run, "_settle"):
        deliver(run, batch)


def _settle_one_more(settle: Any, run: Any, accepted: int) -> None:
    settle(run, accepted + 1 if accepted else 0)


def _trust_the_count(_: Any, run: Any, logs: Any) -> int:
    delivered = run.state.delivered
    return min(delivered.logs, len(logs)) if delivered and not run.queue else 0


def _begin_at_this_run(first: Any, run: Any, app: Any) -> Any:
    run.state = replace(run.state, since=None)
    return first(run, app)


def _swallow(forward: Any, *args: Any) -> None:
    with suppress(AppError):
        forward(*args)


# the lease


def _stored(slot: Any) -> state.State:
    stored = slot.read()
    return state.State.of_text(stored.text) if stored else state.State()


def _lease_without_end(take: Any, slot: Any, **terms: Any) -> Any:
    lease = _stored(slot).lease
    if lease and lease.holder not in {terms["holder"], terms["after"]}:
        raise AlreadyRunning("Another run has the lease.")
    return take(slot, **terms)


def _take_a_living_lease(take: Any, slot: Any, **terms: Any) -> Any:
    lease = _stored(slot).lease
    return take(slot, **(terms | {"after": lease.holder if lease else ""}))


def _leave_partial(take: Any, slot: Any, **terms: Any) -> Any:
    if _stored(slot).status == "partial":
        raise AlreadyRunning("Another run goes on.")
    return take(slot, **terms)


def _count_no_versions(_: Any, slot: Any, text: str, version: int) -> bool:
    slot.write(text)
    return bool(version) or True


def _give_nothing_back(_: Any, slot: Any, text: str, version: int) -> bool:
    if not version:
        slot.write(text)
        return True
    return bool(slot._put(text, overwrite=True) == version + 1)


def _believe_late_reads(get: Any, slot: Any, *, version: int | None = None, least: int = 0) -> Any:
    return get(slot, version=version) or (state.Stored("", least) if least else None)


# the walks


def _move_the_floor_at_once(settled: Any, feed: Any, walk: Any) -> Iterator[Any]:
    for page in settled(feed, walk):
        floor = page.checkpoint.get("page", {}).get("settled", page.checkpoint["floor"])
        yield replace(page, checkpoint=page.checkpoint | {"floor": floor})


def _forget_ids(checkpoint: Any, walk: Any) -> Any:
    return {key: value for key, value in checkpoint(walk).items() if key != "seen"}


def _state_no_lag(app_type: Any, *args: Any) -> Any:
    kind = app_type(*args)
    kind.lag = timedelta(0)
    return kind


def _ask_for_exact_bounds(bounds: Any, feed: Any, *args: Any) -> tuple[datetime, datetime]:
    since, until = bounds(feed, *args)
    return since + feed.precision, until - feed.precision


def _begin_again_without_place(restart: Any, position: Any) -> None:
    restart(position)
    position.again, position.restarted = False, None


def _pass_all_ties(_: Any, position: Any, unit: Any, __: Any, *, descending: bool = False) -> bool:
    behind = position.reached is not None and position._is_behind(unit, descending=descending)
    return bool(position.again and (behind or unit == position.reached))


def _end_at_an_empty_page(fetch: Any, *args: Any) -> Fetched:
    fetched: Fetched = fetch(*args)
    return fetched if fetched.rows else Fetched([])


def _token_as_float(of: Any, page: Any, *args: Any) -> Any:
    token = page["token"]
    return of(page | {"token": float(token) if isinstance(token, int) else token}, *args)


def _remember_too_much(seed: int) -> Plan:
    return replace(plan(seed), memory=100_000)


# patience


def _wait_for_ever(call: Any, *, clock: Any, deadline: Deadline, **terms: Any) -> Any:
    return retrying(call, clock=clock, deadline=Deadline.never(), **terms)


MUTATIONS: Final[dict[str, Mutation]] = {
    "saves before it delivers": _by(1, _method(collect._Run, "_deliver", _save_first)),
    "counts one log more than was accepted": _by(53, _method(collect._Run, "_settle", _settle_one_more)),
    "leaves what does not fill a batch": _by(0, _method(collect._Run, "_flush", lambda *_: None)),
    "takes a failed delivery for a done one": _by(0, _method(ClassifierLambda, "forward", _swallow)),
    "ignores which logs of a page were delivered": _by(
        170, _method(collect._Run, "_accepted_before", lambda *_: 0)
    ),
    "trusts the count of delivered logs without digest": _by(
        400, _method(collect._Run, "_accepted_before", _trust_the_count)
    ),
    "looks back from each attempt at a first run": _by(
        1, _method(collect._Run, "_first_checkpoint", _begin_at_this_run)
    ),
    "forgets that a lease ends": _by(2, _method(collect, "take_lease", _lease_without_end)),
    "takes over a living lease": _by(0, _method(collect, "take_lease", _take_a_living_lease)),
    "takes a partial run for a running one": _by(0, _method(collect, "take_lease", _leave_partial)),
    "does not look at versions": _by(35, _method(ssm.ParameterSlot, "replace", _count_no_versions)),
    "puts nothing back after a lost race": _by(48, _method(ssm.ParameterSlot, "replace", _give_nothing_back)),
    "waits out the lease of a wrong clock": _by(493, _value(state, "LONGEST_LEASE", timedelta(days=9000))),
    "takes late reads for the truth": _by(199, _method(ssm._Parameter, "_get", _believe_late_reads)),
    "lets the first page of a newest-first feed move the floor": _by(
        1, _method(NewestFirst, "_settled", _move_the_floor_at_once)
    ),
    "forgets ids": _by(2, _method(Walk, "checkpoint", _forget_ids)),
    "takes all time for settled": _by(0, _method(world, "app_type", _state_no_lag)),
    "asks for exact bounds": _by(86, _method(Feed, "_bounds", _ask_for_exact_bounds)),
    "begins again after an expired token as if nothing had been read": _by(
        10, _method(Position, "restart", _begin_again_without_place)
    ),
    "leaves out all ties of the last event after an expired token": _by(
        69, _method(Position, "passed", _pass_all_ties)
    ),
    "takes an empty page for the end": _by(21, _method(apps._Feed, "fetch", _end_at_an_empty_page)),
    "reads page tokens as floats": _by(30, _method(Position, "of", _token_as_float)),
    "remembers more ids than fit": _by(16, _value(world, "plan", _remember_too_much)),
    "trusts its own clock": _by(217, _method(http.Api, "_compare_clocks", lambda *_: None)),
    "tries again past its deadline": _by(
        0, *(_value(module, "retrying", _wait_for_ever) for module in (collect, http, ssm))
    ),
    "forgets when it made requests": _by(8, _method(Pace, "request_made", lambda *_: None)),
    "forgets Retry-After": _by(0, _method(Pace, "rest", lambda *_: None)),
    "lets runs succeed one another without end": _by(202, _value(event, "DEEPEST_SUCCESSION", 1000)),
}
