"""`sa-apps dead`: events that a destination refused for good."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streamalert_apps.cli.terminal import options, output
from streamalert_apps.errors import AppError, Cancelled, UsageError
from streamalert_apps.sdk.count import counted

if TYPE_CHECKING:
    from streamalert_apps.config.conf import AppConf, Project
    from streamalert_apps.runtime.delivery import Outlet
    from streamalert_apps.serve.dead import Dead
    from streamalert_apps.serve.turn import Place

EXAMPLES = """Examples:

\b
  sa-apps dead list duo_prod_collector
  sa-apps dead replay duo_prod_collector --destination soc"""

LIST_EXAMPLES = """Examples:

\b
  sa-apps dead list duo_prod_collector
  sa-apps dead list duo_prod_collector --destination soc --json

They are kept for 30 days."""

SHOW_EXAMPLES = """Examples:

\b
  sa-apps dead show duo_prod_collector soc/0000000004-00001795694400-2

The event is written to standard output as the service sent it; the reason for the refusal to standard
error."""

REPLAY_EXAMPLES = """Examples:

\b
  sa-apps dead replay duo_prod_collector
  sa-apps dead replay duo_prod_collector --destination soc
  sa-apps dead replay duo_prod_collector soc/0000000004-00001795694400-2

Events that the destination accepts are no longer kept. Nothing is sent while the app is running."""

DROP_EXAMPLES = """Examples:

\b
  sa-apps dead drop duo_prod_collector soc/0000000004-00001795694400-2
  sa-apps dead drop duo_prod_collector --destination soc --yes --json

They stay in the journal until they expire there."""

group = typer.Typer(
    name="dead",
    help="Show refused events, send them again or drop them.",
    epilog=EXAMPLES,
    rich_markup_mode=None,
    invoke_without_command=True,
)

Name = Annotated[
    str,
    typer.Argument(
        help="The app's name.", metavar="NAME", show_default=False, autocompletion=options.complete_name
    ),
]
Events = Annotated[
    list[str] | None,
    typer.Argument(
        help="Events, as `dead list` shows them. Default: all.", metavar="[EVENT]...", show_default=False
    ),
]
OfDestination = Annotated[
    str | None,
    typer.Option(
        "--destination",
        help="Only what this destination refused.",
        metavar="NAME",
        autocompletion=options.complete_destination,
    ),
]


@group.callback()
def root(context: typer.Context) -> None:
    """Show refused events, send them again or drop them."""
    if context.invoked_subcommand is None:
        output.data(context.get_help())


@group.command("list", epilog=LIST_EXAMPLES)
def show_all(
    *,
    name: Name,
    cluster: options.Cluster = None,
    destination: OfDestination = None,
    project_dir: options.ProjectDir = None,
    as_json: options.Json = False,
) -> None:
    """Show the events that destinations refused for good, and why."""
    from streamalert_apps.cli.terminal.description import identity

    project, app, place = _opened(project_dir, name, cluster)
    dead = _refused(project, place, destination)
    if as_json:
        output.envelope("dead list", {**identity(app), "events": [_described(one) for one in dead]})
    elif not dead:
        output.data("No dead events")
    elif output.is_terminal(sys.stdout):
        rows = [(one.id, f"{one.happened:%Y-%m-%d %H:%M:%S}", one.reason) for one in dead]
        output.table(("event", "happened (UTC)", "reason"), rows)
    else:
        for one in dead:
            output.data(f"{one.id}\t{one.happened.isoformat()}\t{one.reason}")


@group.command("show", epilog=SHOW_EXAMPLES)
def show(
    *,
    name: Name,
    event: Annotated[
        str, typer.Argument(help="The event, as `dead list` shows it.", metavar="EVENT", show_default=False)
    ],
    cluster: options.Cluster = None,
    project_dir: options.ProjectDir = None,
    as_json: options.Json = False,
) -> None:
    """Show one whole event, and why it was refused."""
    from streamalert_apps.cli.terminal.description import identity
    from streamalert_apps.serve.dead import find
    from streamalert_apps.serve.plain import plain_json

    _, app, place = _opened(project_dir, name, cluster)
    (dead,) = find(place.store, ids=[event])
    raw = bytes(dead.line.raw).decode(errors="replace")
    if as_json:
        output.envelope("dead show", {**identity(app), **_described(dead), "raw": raw})
        return
    output.say(f"{dead.destination} refused it: {dead.reason}")
    output.data(plain_json(raw))


@group.command("replay", epilog=REPLAY_EXAMPLES)
def replay(
    *,
    name: Name,
    events: Events = None,
    cluster: options.Cluster = None,
    destination: OfDestination = None,
    project_dir: options.ProjectDir = None,
    as_json: options.Json = False,
) -> int:
    """Send refused events to their destinations again."""
    from streamalert_apps.cli.terminal.description import identity
    from streamalert_apps.serve.dead import count, replay
    from streamalert_apps.serve.holding import holding

    project, app, place = _opened(project_dir, name, cluster)
    taken, errors = 0, {}
    with ExitStack() as stack:
        outlet_of = _outlets(project, app, stack)
        if dead := _refused(project, place, destination, events or ()):
            held = stack.enter_context(holding(place))
            stack.enter_context(output.working(f"Sending {counted(len(dead), 'event')}"))
            for one, error in replay(held, dead, outlet_of):
                taken += error is None
                if error is not None:
                    errors[f"{one.destination}: {error.message}"] = error
            count(held)
    told: list[AppError] = [type(error)(message, hint=error.hint) for message, error in errors.items()]
    content = {"replayed": taken, "kept": len(dead) - taken}
    if as_json:
        output.envelope("dead replay", {**identity(app), **content}, errors=told)
    for error in told:
        output.error(error)
    output.say(f"{counted(taken, 'event')} taken, {len(dead) - taken:,} still kept.")
    return told[0].exit_code if told else 0


def _outlets(project: Project, app: AppConf, stack: ExitStack) -> Callable[[str], Outlet]:
    """Return what makes the destinations of an app, each once; they are closed with the stack."""
    from functools import cache

    from streamalert_apps.cli.project import aws_session
    from streamalert_apps.sdk.clock import SystemClock
    from streamalert_apps.serve import destinations

    session = cache(lambda: aws_session(project.account))

    @cache
    def outlet_of(name: str) -> Outlet:
        for target in destinations.of_app(project, app, session, SystemClock()):
            if target.name == name:
                stack.callback(target.close)
                return target.outlet
        raise UsageError(
            f"{app.name} does not send to '{name}' any more.", hint="Name it in conf/, or drop the events."
        )

    return outlet_of


@group.command("drop", epilog=DROP_EXAMPLES)
def drop(
    *,
    name: Name,
    events: Events = None,
    cluster: options.Cluster = None,
    destination: OfDestination = None,
    yes: options.Yes = False,
    project_dir: options.ProjectDir = None,
    no_input: options.NoInput = False,
    as_json: options.Json = False,
) -> None:
    """Delete refused events."""
    from streamalert_apps.cli.terminal.description import identity, label
    from streamalert_apps.cli.terminal.prompts import Prompts
    from streamalert_apps.serve.dead import count
    from streamalert_apps.serve.holding import holding

    prompts = Prompts.on_terminal(no_input=no_input)
    project, app, place = _opened(project_dir, name, cluster)
    dead = _refused(project, place, destination, events or ())
    told = counted(len(dead), "dead event")
    if dead:
        if not yes and not prompts.confirm(f"Delete {told} of {label(app)}?", flag="--yes", deletes=True):
            raise Cancelled("Cancelled; nothing was changed.")
        with holding(place) as held:
            place.store.delete([one.object for one in dead])
            count(held)
    if as_json:
        output.envelope("dead drop", {**identity(app), "dropped": len(dead)})
    else:
        output.say(f"Deleted {told} of {label(app)}.")


def _opened(project_dir: Any, name: str, cluster: str | None) -> tuple[Project, AppConf, Place]:
    from streamalert_apps.cli.project import aws_session, open_project
    from streamalert_apps.serve.turn import place_of

    project = open_project(project_dir)
    app = project.find(name, cluster)
    return project, app, place_of(project, app, lambda: aws_session(project.account))


def _refused(
    project: Project, place: Place, destination: str | None, ids: Collection[str] = ()
) -> list[Dead]:
    """Return the events that a destination refused, or all did; raise UsageError where there is no such."""
    from streamalert_apps.runtime.names import CLASSIFIER
    from streamalert_apps.serve.dead import find
    from streamalert_apps.serve.destinations import FILE

    found = find(place.store, destination, ids)
    if destination and not found and destination not in {CLASSIFIER, FILE}:
        project.destination(destination)
    return found


def _described(dead: Dead) -> dict[str, Any]:
    return {
        "event": dead.id,
        "destination": dead.destination,
        "reason": dead.reason,
        "happened": dead.happened.isoformat(),
    }
