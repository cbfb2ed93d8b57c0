"""`sa-apps run`: collect now, from this machine."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streamalert_apps.cli.terminal import options, output
from streamalert_apps.errors import UsageError

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

A run takes its turn with the scheduled function: it continues where the last one ended, and the
next one continues after it. Without --to, events go where the app's events go (the classifier; in a
local project logs/NAME.jsonl), or to standard output where that is no terminal. --since and --until
only look: they write to standard output unless --to is given, and the next run collects the same."""


def command(
    *,
    name: options.Name = None,
    name_option: options.NameOption = None,
    cluster: options.Cluster = None,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            help="A file to append to, - for standard output, or classifier.",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            help="Only look: from so long ago (90s, 30m, 2h, 7d) or from a date or time.", metavar="TIME"
        ),
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="Only look: up to so long ago or to a date or time.", metavar="TIME")
    ] = None,
    keep_state: Annotated[
        bool,
        typer.Option("--keep-state", help="Only look, from where the app is (deprecated; see --since)."),
    ] = False,
    simulator: options.Simulator = "",
    project_dir: options.ProjectDir = None,
    no_input: options.NoInput = False,
    as_json: options.Json = False,
) -> int:
    """Collect an app's events now, from this machine.

    The summary goes to standard error; with --json it is the last line of standard output.
    """
    from contextlib import closing

    from streamalert_apps.cli.selection import one_app
    from streamalert_apps.cli.terminal.collecting import collecting
    from streamalert_apps.cli.terminal.prompts import Prompts

    span = _span(since, until, keep_state=keep_state)
    project, app = one_app(project_dir, name, name_option, cluster, Prompts.on_terminal(no_input=no_input))
    turn, target = _prepared(project, app, to, simulator, looks=span is not None)
    on_screen = target.is_standard_output and output.is_terminal(sys.stdout)
    with closing(target), collecting(app.name, turn.kind, quiet=on_screen) as show:
        outcome = turn.look(span, show) if span else turn.collect(show)
    if target.is_standard_output and target.gone:
        output.nobody_reads()
        return 0
    _tell(app, outcome, target, looked=span is not None, as_json=as_json)
    return outcome.error.exit_code if outcome.error and outcome.status == "failed" else 0


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
        raise UsageError("There is no time to look at: --since has to be before --until and now.")
    return span


def _prepared(
    project: Project, app: AppConf, to: str | None, simulator: str, *, looks: bool
) -> tuple[Turn, Target]:
    """Return the turn, and where it forwards to."""
    from streamalert_apps.cli.credentials import credentials_of
    from streamalert_apps.cli.project import aws_session
    from streamalert_apps.cli.selection import known_types
    from streamalert_apps.sdk.clock import Deadline
    from streamalert_apps.serve import destinations
    from streamalert_apps.serve.turn import LONGEST_WAIT_SECONDS, Turn, place_of

    kind = known_types(project.root).find(app.type)

    def session() -> Session:
        return aws_session(project.account)

    place = place_of(project, app, session)
    if to is None and (looks or not output.is_terminal(sys.stdout)):
        to = destinations.STANDARD_OUTPUT
    target = destinations.named(project, app, to, session) if to else destinations.own(project, app, session)
    turn = Turn(
        app,
        kind,
        lambda: credentials_of(project, app, kind),
        place,
        {target.name: target.destination},
        simulator,
        deadline=Deadline(lambda: 0.0 if target.gone else LONGEST_WAIT_SECONDS),
    )
    return turn, target


def summary(outcome: Outcome, *, looked: bool) -> dict[str, Any]:
    """Return how a run ended, as --json shows it."""
    delivered = outcome.delivered.values()
    return {
        "outcome": outcome.status,
        "recorded": 0 if looked else outcome.events,
        "logs": sum(done.events for done in delivered),
        "bytes": sum(done.bytes for done in delivered),
        "batches": sum(done.batches for done in delivered),
        "pages": outcome.pages,
        "repeats_removed": outcome.repeats,
        "truncated": sum(done.trimmed for done in delivered),
        "seconds": round(outcome.seconds, 3),
        "retry_after": round(outcome.retry_after, 1),
        "destinations": [
            {"name": name, "logs": done.events, "bytes": done.bytes, "batches": done.batches}
            for name, done in outcome.delivered.items()
        ],
    }


def _tell(app: AppConf, outcome: Outcome, target: Target, *, looked: bool, as_json: bool) -> None:
    failed = outcome.status == "failed"
    told = summary(outcome, looked=looked)
    if as_json:
        errors = [outcome.error] if outcome.error and failed else []
        output.envelope("run", {"cluster": app.cluster, "name": app.name, **told}, errors=errors, line=True)
    output.say(f"{app.name}: {_in_words(outcome, target, looked=looked)} in {outcome.seconds:.1f} s.")
    if told["truncated"]:
        output.warn(
            f"{told['truncated']} events were too large; the whole of them is kept, see `_truncated`."
        )
    if failed and outcome.error:
        output.error(outcome.error)
    elif outcome.status == "partial":
        wait = f" in {outcome.retry_after:.0f} s" if outcome.retry_after else ""
        output.say(f"There is more: run it again{wait}.")


def _in_words(outcome: Outcome, target: Target, *, looked: bool) -> str:
    from streamalert_apps.cli.terminal.collecting import counted

    events = sum(done.events for done in outcome.delivered.values())
    if looked:
        return f"looked only, {counted(events, 'event')} delivered to {target.shown}"
    return f"{counted(outcome.events, 'event')} on record, {events:,} delivered to {target.shown}"
