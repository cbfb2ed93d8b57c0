"""How apps are, on a screen of its own that is drawn anew each time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from streamalert_apps.cli.terminal import condition, output
from streamalert_apps.serve.condition import Status
from streamalert_apps.serve.plain import plain


@contextmanager
def screen() -> Iterator[Callable[[Sequence[Status], Sequence[str]], None]]:
    """Take the screen; give it back at the end, with what was last on it below the command."""
    last: list[Sequence[Status]] = []
    with Live(Text("Checking apps …"), console=Console(), screen=True, auto_refresh=False) as live:

        def show(statuses: Sequence[Status], notes: Sequence[str]) -> None:
            last[:] = [statuses]
            live.update(_drawn(statuses, notes), refresh=True)

        yield show
    if last and last[0]:
        condition.show(last[0])


def _drawn(statuses: Sequence[Status], notes: Sequence[str]) -> Group:
    """Return all of it; what a small screen has no room for is at the end, and least important."""
    if not statuses:
        return Group(Text("No Apps configured"))
    head = f"{condition.summary(statuses)}  {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC, Ctrl-C ends\n"
    words = [*condition.problems(statuses), *(f"warning: {note}" for note in notes)]
    told = [Text(plain(line), no_wrap=False) for line in words]
    table = condition.table(statuses)
    shown = table if output.fits(table) else Text(plain("\n".join(condition.lines(statuses))))
    return Group(Text(plain(head), style="bold"), shown, Text(""), *told)
