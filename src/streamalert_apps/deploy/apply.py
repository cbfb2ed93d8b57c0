"""Carries plans out: many apps at once, the changes of each one after the other.

A crash needs no clean-up. Every change is planned from what is there, so whatever comes in between (an
error after success, another deploy, a kill) is met by looking again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from streamalert_apps.deploy.patience import Patience, explained, is_undone, passing
from streamalert_apps.deploy.plan import Change
from streamalert_apps.deploy.resources import carry_out
from streamalert_apps.deploy.survey import AppPlan, look
from streamalert_apps.errors import AppError, Cancelled, TransientError

_FIRST: Final = {"role", "log group"}
_PASSES: Final = (ClientError, BotoCoreError, TransientError)


@dataclass(frozen=True, slots=True)
class Step:
    """A change of an app: made, or waiting for something."""

    function: str
    change: Change
    waiting: str = ""


Tell = Callable[[Step], None]


@dataclass(slots=True)
class Result:
    """What becomes of an app's plan."""

    plan: AppPlan
    pending: list[Change]
    done: list[Change] = field(default_factory=list)
    error: AppError | None = None

    @property
    def roles_first(self) -> int:
        """How many changes there are up to the last one of a role or a log group that shall be there."""
        return max(
            (n for n, c in enumerate(self.pending, 1) if c.after and c.subject.kind in _FIRST), default=0
        )


def apply(plans: Sequence[AppPlan], workers: int, tell: Tell, *, adopt: bool = False) -> list[Result]:
    """Carry out the plans; one that fails leaves the others alone. Ctrl-C ends it after the calls under way.

    The roles of all apps come first: it takes AWS seconds to make a new one known everywhere.
    """
    results = [Result(plan, list(plan.changes), error=plan.error) for plan in plans]
    stop = threading.Event()
    try:
        for roles_only in (True, False):
            with ThreadPoolExecutor(workers) as pool:
                run = _Run(tell, stop, adopt=adopt, roles_only=roles_only)
                _wait([pool.submit(run.settle, result) for result in results], stop)
    except KeyboardInterrupt:
        made = sum(len(result.done) for result in results)
        left = sum(len(result.pending) for result in results)
        raise Cancelled(
            f"Interrupted: {made} of {made + left} changes were made.",
            hint="Deploy again: it continues from there.",
        ) from None
    return results


def _wait(futures: Sequence[Future[None]], stop: threading.Event) -> None:
    try:
        for future in futures:
            future.result()
    except KeyboardInterrupt:
        stop.set()
        raise


@dataclass(frozen=True, slots=True)
class _Run:
    """One pass over the apps."""

    tell: Tell
    stop: threading.Event
    adopt: bool
    roles_only: bool

    def settle(self, result: Result) -> None:
        """Make an app's changes, until there are none left or one can't be made."""
        if result.error:
            return
        try:
            self._settle(result)
        except (AppError, *_PASSES) as error:
            result.error = explained(error)

    def _settle(self, result: Result) -> None:
        job = result.plan.job
        patience = Patience(job.clock)
        while result.roles_first if self.roles_only else result.pending:
            if self.stop.is_set():
                return
            change = result.pending[0]
            try:
                carry_out(job, change)
            except _PASSES as trouble:
                self._wait(patience, result, change, trouble)
                if is_undone(trouble):
                    continue
                result.pending = self._look_again(patience, result, change)
                if _key(change) in map(_key, result.pending):
                    continue
            else:
                result.pending.pop(0)
            if _key(change) not in map(_key, result.done):  # else two deploys undo one another's work
                patience.renew()
            result.done.append(change)
            self.tell(Step(job.function, change))

    def _wait(self, patience: Patience, result: Result, change: Change, trouble: Exception) -> None:
        if words := passing(trouble):
            self.tell(Step(result.plan.job.function, change, words))
        patience.wait(trouble)

    def _look_again(self, patience: Patience, result: Result, change: Change) -> list[Change]:
        while True:
            try:
                return list(look(result.plan.job, adopt=self.adopt).changes)
            except _PASSES as trouble:
                self._wait(patience, result, change, trouble)


def _key(change: Change) -> tuple[str, str, str]:
    return change.action, change.subject.kind, change.subject.name
