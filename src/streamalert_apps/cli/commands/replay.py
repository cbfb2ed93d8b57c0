"""`sa-apps replay`: send events on record to a destination again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from streamalert_apps.cli.terminal import options, output
from streamalert_apps.errors import UsageError
from streamalert_apps.sdk.count import counted

if TYPE_CHECKING:
    from streamalert_apps.runtime.replay import Wanted

EXAMPLES = """Examples:

\b
  sa-apps replay duo_prod_collector --since 2h --to soc
  sa-apps replay duo_prod_collector --since 2026-03-01 --until 2026-03-02 --to events.jsonl
  sa-apps replay duo_prod_collector --continue 5f3a91c0

It reads the journal, and does not change the app's own progress. The events get new ids, so that a
destination that drops duplicates accepts them; --same-ids keeps their ids."""


def command(
    *,
    name: options.Name = None,
    name_option: options.NameOption = None,
    cluster: options.Cluster = None,
    since: Annotated[
        str | None, typer.Option(help="Start: how long ago (2h, 7d), or a date or time.", metavar="TIME")
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="End: how long ago, or a date or time. Default: now.", metavar="TIME")
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            help="A destination of conf/, classifier, a file to append to, or -.",
            metavar="DEST",
            autocompletion=options.complete_target,
        ),
    ] = None,
    same_ids: Annotated[bool, typer.Option("--same-ids", help="Keep the events' ids.")] = False,
    going_on: Annotated[
        str | None, typer.Option("--continue", help="Continue an interrupted replay.", metavar="ID")
    ] = None,
    project_dir: options.ProjectDir = None,
    no_input: options.NoInput = False,
    as_json: options.Json = False,
) -> int:
    """Send events that are on record to a destination again."""
    from streamalert_apps.cli.project import aws_session
    from streamalert_apps.cli.selection import one_app
    from streamalert_apps.cli.terminal.description import identity
    from streamalert_apps.cli.terminal.prompts import Prompts
    from streamalert_apps.sdk.clock import SystemClock
    from streamalert_apps.serve import destinations
    from streamalert_apps.serve.replay import begin, go_on, wanted_of
    from streamalert_apps.serve.turn import place_of

    wanted = _wanted(since, until, to, same_ids=same_ids, going_on=going_on)
    project, app = one_app(project_dir, name, name_option, cluster, Prompts.on_terminal(no_input=no_input))
    clock = SystemClock()
    place = place_of(project, app, lambda: aws_session(project.account))
    wanted = wanted or wanted_of(place, str(going_on))
    target = destinations.named(project, app, wanted.to, lambda: aws_session(project.account), clock)
    replay = going_on or begin(place, wanted)

    output.say(f"Replay {replay}. If it is cut off: sa-apps replay {app.name} --continue {replay}")
    try:
        done = go_on(place, replay, target.outlet, clock)
    finally:
        target.close()
    told = [done.error] if done.error else []
    if as_json:
        content = {
            "since": datetime.fromtimestamp(wanted.since, UTC).isoformat(),
            "until": datetime.fromtimestamp(wanted.until, UTC).isoformat(),
            "to": wanted.to,
            "replay": replay,
            "delivered": done.events,
            "finished": not told,
        }
        output.envelope("replay", {**identity(app), **content}, errors=told, line=target.is_standard_output)
    output.say(f"{counted(done.events, 'event')} delivered to {target.shown}.")
    for error in told:
        output.error(error)
    return told[0].exit_code if told else 0


def _wanted(
    since: str | None, until: str | None, to: str | None, *, same_ids: bool, going_on: str | None
) -> Wanted | None:
    """Return what is wanted; None: what another replay was of."""
    from streamalert_apps.cli.asking import span_of
    from streamalert_apps.runtime.replay import Wanted

    if going_on:
        if since or until or to or same_ids:
            raise UsageError("--continue takes no other option.", hint="Leave out the others.")
        return None
    if not since or not to:
        raise UsageError("A replay needs a start and a destination.", hint="Pass --since TIME and --to DEST.")
    begin, end = span_of(since, until)
    return Wanted(begin.timestamp(), end.timestamp(), to, same_ids)
