"""`sa-apps journal`: what is on record of an app."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from streamalert_apps.cli.terminal import options, output
from streamalert_apps.errors import Cancelled, UsageError
from streamalert_apps.sdk.count import counted

if TYPE_CHECKING:
    pass

EXAMPLES = """Examples:

\b
  sa-apps journal purge duo_prod_collector --since 2026-03-01T12:00 --until 2026-03-01T13:00"""

PURGE_EXAMPLES = """Examples:

\b
  sa-apps journal purge duo_prod_collector --since 2026-03-01T12:00 --until 2026-03-01T13:00
  sa-apps journal purge duo_prod_collector --since 2d --until 1d --yes --json

Takes events off the record by the time at which they happened, refused ones too. They are not collected
again. What was delivered stays at its destination; what was not is not delivered any more."""

group = typer.Typer(
    name="journal",
    help="Manage the events on record of an app.",
    epilog=EXAMPLES,
    rich_markup_mode=None,
    invoke_without_command=True,
)


@group.callback()
def root(context: typer.Context) -> None:
    """Manage the events on record of an app."""
    if context.invoked_subcommand is None:
        output.data(context.get_help())


@group.command("purge", epilog=PURGE_EXAMPLES)
def purge(
    *,
    name: options.Name = None,
    name_option: options.NameOption = None,
    cluster: options.Cluster = None,
    since: Annotated[
        str, typer.Option("--since", help="From when on: 2h ago, or a date or time.", metavar="TIME")
    ],
    until: Annotated[
        str, typer.Option("--until", help="Up to when: 1h ago, or a date or time.", metavar="TIME")
    ],
    yes: options.Yes = False,
    project_dir: options.ProjectDir = None,
    no_input: options.NoInput = False,
    as_json: options.Json = False,
) -> None:
    """Delete the events of a time span from the record."""
    from streamalert_apps.cli.project import aws_session
    from streamalert_apps.cli.selection import one_app
    from streamalert_apps.cli.terminal.description import identity, label
    from streamalert_apps.cli.terminal.prompts import Prompts
    from streamalert_apps.serve.purging import count, purge
    from streamalert_apps.serve.turn import place_of

    now = datetime.now(UTC)
    span = options.moment(since, now), options.moment(until, now)
    if span[0] >= span[1]:
        raise UsageError("There is nothing to purge: --since has to be before --until.")
    prompts = Prompts.on_terminal(no_input=no_input)
    project, app = one_app(project_dir, name, name_option, cluster, prompts)
    place = place_of(project, app, lambda: aws_session(project.account))
    shown = " to ".join(f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S}" for time in span)
    events = count(place, *span)
    if events and not yes:
        output.say(f"{label(app)} has {counted(events, 'event')} on record from {shown} UTC.")
        if not prompts.confirm("Delete them from the record?", flag="--yes", deletes=True):
            raise Cancelled("Cancelled; nothing was changed.")
    purged = purge(place, *span)
    if as_json:
        content = {"since": span[0].isoformat(), "until": span[1].isoformat(), "purged": purged}
        output.envelope("journal purge", {**identity(app), **content})
    else:
        output.say(f"Deleted {counted(purged, 'event')} of {label(app)} from {shown} UTC.")
