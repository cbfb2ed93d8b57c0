"""`sa-apps backfill`: collect a span of time from before the app's record."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streamalert_apps.cli.terminal import options, output
from streamalert_apps.errors import Cancelled, UsageError
from streamalert_apps.sdk.count import counted

if TYPE_CHECKING:
    from streamalert_apps.cli.commands.run import Done
    from streamalert_apps.config.conf import AppConf, Project
    from streamalert_apps.runtime.delivery import Outlet
    from streamalert_apps.serve.backfill import Plan
    from streamalert_apps.serve.destinations import Target
    from streamalert_apps.serve.verify import Asker

EXAMPLES = """Examples:

\b
  sa-apps backfill duo_prod_collector --since 90d
  sa-apps backfill duo_prod_collector --since 2026-01-01 --until 2026-03-01 --to lake --yes
  sa-apps backfill duo_prod_collector

It makes one request, shows an estimate and asks. The events get a record of their own, and the app's runs
continue meanwhile. Without --until, it ends where the app's record begins. Without --since, it continues
an interrupted backfill."""


def command(
    *,
    name: options.Name = None,
    name_option: options.NameOption = None,
    cluster: options.Cluster = None,
    since: Annotated[
        str | None,
        typer.Option(
            help="Start: how long ago (90d), or a date or time. Without it: continue.", metavar="TIME"
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(help="End: how long ago, or a date or time. Default: the record.", metavar="TIME"),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            help="Another destination than the app's: one in conf/, classifier, or a file.",
            metavar="DEST",
            autocompletion=options.complete_target,
        ),
    ] = None,
    yes: options.Yes = False,
    simulator: options.Simulator = "",
    project_dir: options.ProjectDir = None,
    no_input: options.NoInput = False,
    as_json: options.Json = False,
) -> int:
    """Collect a time span from before the app's record."""
    from contextlib import ExitStack

    from streamalert_apps.cli.asking import asker_of
    from streamalert_apps.cli.commands.run import Done
    from streamalert_apps.cli.selection import one_app
    from streamalert_apps.cli.terminal.collecting import collecting
    from streamalert_apps.cli.terminal.description import label
    from streamalert_apps.cli.terminal.prompts import Prompts
    from streamalert_apps.serve.backfill import run

    prompts = Prompts.on_terminal(no_input=no_input)
    project, app = one_app(project_dir, name, name_option, cluster, prompts)
    asker = asker_of(project, app, simulator)
    going_on = _unfinished(asker) if since is None else None
    if going_on and (until or to):
        raise UsageError("A backfill is continued as it was begun.", hint="Leave out --until and --to.")
    with ExitStack() as stack:
        targets = _targets(project, app, going_on.to if going_on else to or "")
        for target in targets:
            stack.callback(target.close)
        outlets = {target.name: target.outlet for target in targets}
        made = going_on or _planned(project, app, asker, (str(since), until, to or ""), outlets)
        _show(made, label(app))
        if not yes and not prompts.confirm("Backfill?", flag="--yes", default=True):
            raise Cancelled("Cancelled; nothing was changed.")
        show = stack.enter_context(collecting(f"{app.name}, backfill", asker.kind))
        outcome = run(asker, made, outlets, show, journal_days=app.journal_days)
    return _tell(app, made, Done(outcome, targets, looked=False), as_json=as_json)


def _unfinished(asker: Asker) -> Plan:
    from streamalert_apps.serve.backfill import unfinished

    found = unfinished(asker.place)
    if len(found) != 1:
        raise UsageError("A backfill needs a start.", hint="Pass --since TIME.")
    return found[0]


def _targets(project: Project, app: AppConf, to: str) -> list[Target]:
    from streamalert_apps.cli.project import aws_session
    from streamalert_apps.sdk.clock import SystemClock
    from streamalert_apps.serve import destinations

    clock = SystemClock()
    if not to:
        return destinations.of_app(project, app, lambda: aws_session(project.account), clock)
    if to == destinations.STANDARD_OUTPUT:
        raise UsageError("A backfill can't go to standard output.", hint="Pass --to FILE.")
    return [destinations.named(project, app, to, lambda: aws_session(project.account), clock)]


def _planned(
    project: Project,
    app: AppConf,
    asker: Asker,
    asked: tuple[str, str | None, str],
    outlets: dict[str, Outlet],
) -> Plan:
    from streamalert_apps.serve.backfill import plan

    since, until, to = asked
    now = datetime.now(UTC)
    return plan(
        asker,
        options.moment(since, now),
        options.moment(until, now) if until else None,
        to,
        outlets,
        local=project.account.local,
        journal_days=app.journal_days,
    )


def _show(made: Plan, shown: str) -> None:

    span = f"{made.since:%Y-%m-%d %H:%M:%S} to {made.until:%Y-%m-%d %H:%M:%S} UTC"
    output.say(f"{shown}: {'continuing ' if made.resumed else ''}{span}")
    if made.estimate:
        asked, events = counted(made.estimate.requests, "request"), counted(made.estimate.events, "event")
        output.say(f"About {asked}, {events}, {made.bytes / 1e6:,.1f} MB, ${made.dollars:,.2f} in AWS.")
        if made.estimate.seconds:
            hours = made.estimate.seconds / 3600
            output.say(f"About {hours:,.1f} hours, with half of the service's limit.")
    if made.known_from:
        output.say(
            f"Events from {made.known_from:%Y-%m-%d %H:%M:%S} UTC on are already on record, and are skipped."
        )
    for warning in made.warnings:
        output.warn(warning)


def _tell(app: AppConf, made: Plan, done: Done, *, as_json: bool) -> int:
    from streamalert_apps.cli.terminal.description import identity

    outcome = done.outcome
    finished = outcome.status == "succeeded"
    errors = [done.failure] if done.failure else []
    if as_json:
        content = {**identity(app), **_described(made), **_ended(done), "finished": finished}
        output.envelope("backfill", content, errors=errors)
    output.say(f"{counted(outcome.events, 'event')} put on record in {outcome.seconds:.1f} s.")
    for error in errors:
        output.error(error)
    if not finished:
        output.say(f"It is not finished: sa-apps backfill {app.name} continues it.")
    return errors[0].exit_code if errors else 0


def _described(made: Plan) -> dict[str, Any]:
    return {
        "since": made.since.isoformat(),
        "until": made.until.isoformat(),
        "resumed": made.resumed,
        "estimate": made.estimate
        and {
            "requests": made.estimate.requests,
            "events": made.estimate.events,
            "seconds": round(made.estimate.seconds, 1),
        },
        "bytes": made.bytes,
        "dollars": round(made.dollars, 4),
        "known_from": made.known_from.isoformat() if made.known_from else None,
        "warnings": made.warnings,
    }


def _ended(done: Done) -> dict[str, Any]:
    from streamalert_apps.cli.commands.run import summary

    told = summary(done)
    return {key: told[key] for key in ("outcome", "recorded", "repeats_removed", "destinations")}
