"""`sa-apps run`: collect now, from this machine."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from streamalert_apps.cli.terminal import options, output
from streamalert_apps.errors import AppError, UsageError
from streamalert_apps.sdk.count import counted

if TYPE_CHECKING:
    from streamalert_apps.aws.session import Session
    from streamalert_apps.config.conf import AppConf, Project
    from streamalert_apps.runtime.collect import Outcome
    from streamalert_apps.serve.destinations import Target
    from streamalert_apps.serve.turn import Span, Turn

EXAMPLES = """Examples:

\b
  sa-apps run duo_prod_collector
  sa-apps run duo_prod_collector > logs.jsonl
  sa-apps run duo_prod_collector --to logs.jsonl --json
  sa-apps run duo_prod_collector --since 2h | jq .user.name
  sa-apps run duo_prod_collector --to classifier
  sa-apps run duo_prod_collector --to lake
  sa-apps run --all --cluster prod

A run continues where the last one ended, whether that was here or in AWS. Without --to, events go to
the app's destinations (by default the classifier; in a local project logs/NAME.jsonl), or to standard
output if that is not a terminal. --since and --until only look: events go to standard output unless --to
is given, and the next run collects them all the same. Several apps run one after the other, each to its
own destinations; if one fails, the rest still run."""


def command(
    *,
    names: options.Names = None,
    names_option: options.NamesOption = None,
    cluster: options.Cluster = None,
    every_app: options.All = False,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            help="A destination of conf/, classifier, a file to append to, or - for standard output.",
            metavar="DEST",
            autocompletion=options.complete_target,
            show_default=False,
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            help="Look without recording, from then on: how long ago (90s, 30m, 2h, 7d), or a date or time.",
            metavar="TIME",
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            help="Look without recording, until then: how long ago, or a date or time.", metavar="TIME"
        ),
    ] = None,
    keep_state: Annotated[
        bool,
        typer.Option(
            "--keep-state", help="Look without recording, from where the app is (deprecated; see --since)."
        ),
    ] = False,
    simulator: options.Simulator = "",
    project_dir: options.ProjectDir = None,
    no_input: options.NoInput = False,
    as_json: options.Json = False,
) -> int:
    """Collect an app's events now, from this machine.

    The summary goes to standard error; with --json it is the last line of standard output.
    """
    from streamalert_apps.cli.each import Told, each
    from streamalert_apps.cli.selection import chosen

    span = _span(since, until, keep_state=keep_state)
    picked = chosen(project_dir, names, names_option, cluster, every=every_app, no_input=no_input)
    if picked.several and to is None and span is None:
        to = OWN

    def collected(app: AppConf) -> Told | None:
        done = _run(picked.project, app, Order(to, simulator, span))
        if done is None:
            return None
        _tell(app, done)
        return Told(summary(done), done.failure)

    return each("run", picked, collected, done="collected", as_json=as_json, line=True)


OWN: Final = ""
"""Where an app's events go by conf/, even where standard output is no terminal."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a run is told: where to forward to, whom to ask, what only to look at."""

    to: str | None
    simulator: str
    span: Span | None


@dataclass(frozen=True, slots=True)
class Done:
    """How a run ended, and where it forwarded to."""

    outcome: Outcome
    targets: Sequence[Target]
    looked: bool

    @property
    def failure(self) -> AppError | None:
        """Why the run failed."""
        return self.outcome.error if self.outcome.status == "failed" else None


def _run(project: Project, app: AppConf, order: Order) -> Done | None:
    """Run an app once; None: whoever read its events is there no more."""
    from contextlib import ExitStack

    from streamalert_apps.cli.terminal.collecting import collecting

    turn, targets = _prepared(project, app, order)
    to_standard_output = any(target.is_standard_output for target in targets)
    on_screen = to_standard_output and output.is_terminal(sys.stdout)
    with ExitStack() as stack:
        for target in targets:
            stack.callback(target.close)
        show = stack.enter_context(collecting(app.name, turn.kind, quiet=on_screen))
        outcome = turn.look(order.span, show) if order.span else turn.collect(show)
    if to_standard_output and any(target.gone for target in targets):
        output.nobody_reads()
        return None
    return Done(outcome, targets, looked=order.span is not None)


def _span(since: str | None, until: str | None, *, keep_state: bool) -> Span | None:
    """Return what is to be looked at; None: the run is one of the app's own."""
    from datetime import UTC, datetime

    from streamalert_apps.serve.turn import Span

    if keep_state:
        output.warn("--keep-state is deprecated: --since looks from a time of your choice.")
    if not (since or until or keep_state):
        return None
    now = datetime.now(UTC)
    span = Span(options.moment(since, now) if since else None, options.moment(until, now) if until else None)
    if span.since and span.since >= (span.until or now):
        raise UsageError("--since must be before --until and now.")
    return span


def _prepared(project: Project, app: AppConf, order: Order) -> tuple[Turn, list[Target]]:
    """Return the turn, and where it forwards to: to all that conf/ says, or to what was named."""
    from streamalert_apps.cli.credentials import credentials_of
    from streamalert_apps.cli.project import aws_session
    from streamalert_apps.cli.selection import known_types
    from streamalert_apps.sdk.clock import Deadline, SystemClock
    from streamalert_apps.serve import destinations
    from streamalert_apps.serve.turn import LONGEST_WAIT_SECONDS, Turn, place_of

    kind = known_types(project.root).find(app.type)

    def session() -> Session:
        return aws_session(project.account)

    place = place_of(project, app, session)
    to = order.to
    if to is None and (order.span or not output.is_terminal(sys.stdout)):
        to = destinations.STANDARD_OUTPUT
    targets = (
        [destinations.named(project, app, to, session, SystemClock())]
        if to
        else destinations.of_app(project, app, session, SystemClock())
    )
    turn = Turn(
        app,
        kind,
        lambda: credentials_of(project, app, kind),
        place,
        {target.name: target.outlet for target in targets},
        order.simulator,
        deadline=Deadline(lambda: 0.0 if any(target.gone for target in targets) else LONGEST_WAIT_SECONDS),
    )
    return turn, targets


def summary(done: Done) -> dict[str, Any]:
    """Return how a run ended, as --json shows it."""
    outcome = done.outcome
    delivered = outcome.delivered.values()
    return {
        "outcome": outcome.status,
        "recorded": 0 if done.looked else outcome.events,
        "logs": sum(one.events for one in delivered),
        "bytes": sum(one.bytes for one in delivered),
        "batches": sum(one.batches for one in delivered),
        "pages": outcome.pages,
        "repeats_removed": outcome.repeats,
        "truncated": sum(one.trimmed for one in delivered),
        "seconds": round(outcome.seconds, 3),
        "retry_after": round(outcome.retry_after, 1),
        "destinations": [
            {"name": name, "logs": one.events, "bytes": one.bytes, "batches": one.batches}
            for name, one in outcome.delivered.items()
        ],
    }


def _tell(app: AppConf, done: Done) -> None:
    outcome = done.outcome
    output.say(f"{app.name}: {_in_words(done)} in {outcome.seconds:.1f} s.")
    if truncated := sum(one.trimmed for one in outcome.delivered.values()):
        output.warn(
            f"Trimmed {counted(truncated, 'event')}, too large for the destination. "
            "The key `_truncated` says where the whole is kept."
        )
    if outcome.status == "partial":
        wait = f" in {outcome.retry_after:.0f} s" if outcome.retry_after else ""
        output.say(f"There is more to collect: run it again{wait}.")


def _in_words(done: Done) -> str:
    outcome = done.outcome
    delivered = {target.shown: outcome.delivered[target.name].events for target in done.targets}
    if done.looked:
        told = ", ".join(
            f"{counted(events, 'event')} delivered to {shown}" for shown, events in delivered.items()
        )
        return f"looked only, {told}"
    told = ", ".join(f"{events:,} delivered to {shown}" for shown, events in delivered.items())
    return f"{counted(outcome.events, 'event')} on record, {told}"
