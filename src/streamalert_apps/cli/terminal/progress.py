"""How far a deploy is: a live line on a terminal, a line for each app elsewhere."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from streamalert_apps.cli.terminal import output
from streamalert_apps.cli.terminal.changes import job_label
from streamalert_apps.deploy.apply import Step, Tell
from streamalert_apps.deploy.survey import AppPlan
from streamalert_apps.serve.plain import plain


@contextmanager
def applying(plans: Sequence[AppPlan]) -> Iterator[Tell]:
    """Show the steps of these plans as they come, from whatever thread."""
    if output.is_quiet() or not output.is_terminal(sys.stderr) or os.environ.get("TERM") == "dumb":
        yield _Lines(plans)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        labels = _labels(plans)
        task = shown.add_task("Deploying", total=sum(len(plan.changes) for plan in plans))

        def tell(step: Step) -> None:
            kind = step.change.subject.kind
            why = f": waiting, {step.waiting}" if step.waiting else ""
            description = plain(f"{labels[step.function]}, {kind}{why}")
            shown.update(task, advance=not step.waiting, description=description)

        yield tell


def _labels(plans: Sequence[AppPlan]) -> dict[str, str]:
    return {plan.job.function: job_label(plan.job) for plan in plans}


class _Lines:
    """Says what is waited for, once, and which app has all its changes."""

    def __init__(self, plans: Sequence[AppPlan]) -> None:
        self._labels = _labels(plans)
        self._left = {plan.job.function: len(plan.changes) for plan in plans}
        self._said: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def __call__(self, step: Step) -> None:
        with self._lock:
            shown = self._labels[step.function]
            if step.waiting:
                if (shown, step.waiting) not in self._said:
                    self._said.add((shown, step.waiting))
                    output.say(f"{shown}: waiting, {step.waiting} …")
                return
            self._left[step.function] -= 1
            if not self._left[step.function]:
                output.say(f"{shown}: done.")
