"""`sa-apps state`: look at an app's record, or hand the app back to an earlier version."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import typer

from streamalert_apps.cli.terminal import options, output
from streamalert_apps.errors import UsageError
from streamalert_apps.sdk.count import counted

if TYPE_CHECKING:
    from streamalert_apps.config.conf import AppConf, Project
    from streamalert_apps.runtime.head import Head
    from streamalert_apps.serve.export import Exported

EXAMPLES = """Examples:

\b
  sa-apps state show duo_prod_collector
  sa-apps state export duo_prod_collector"""

SHOW_EXAMPLES = """Examples:

\b
  sa-apps state show duo_prod_collector
  sa-apps state show duo_prod_collector --json | jq .positions

It shows neither events nor credentials."""

EXPORT_EXAMPLES = """Examples:

\b
  sa-apps state export duo_prod_collector
  sa-apps state export duo_prod_collector --json | jq .repeats

Delivers what is on record, then writes the state that sa-apps 0.1.0 and StreamAlert read. `sa-apps
rollback` does this by itself. The next run of this version continues where the earlier one stopped."""

group = typer.Typer(
    name="state",
    help="Show an app's record, or export it for an older version.",
    epilog=EXAMPLES,
    rich_markup_mode=None,
    invoke_without_command=True,
)


@group.callback()
def root(context: typer.Context) -> None:
    """Show an app's record, or export it for an older version."""
    if context.invoked_subcommand is None:
        output.data(context.get_help())


@group.command("show", epilog=SHOW_EXAMPLES)
def show(
    *,
    name: options.Name = None,
    name_option: options.NameOption = None,
    cluster: options.Cluster = None,
    project_dir: options.ProjectDir = None,
    no_input: options.NoInput = False,
    as_json: options.Json = False,
) -> None:
    """Show where an app's record is kept, how far it is, and what was delivered."""
    from streamalert_apps.cli.selection import one_app
    from streamalert_apps.cli.terminal.description import identity, label
    from streamalert_apps.cli.terminal.prompts import Prompts

    project, app = one_app(project_dir, name, name_option, cluster, Prompts.on_terminal(no_input=no_input))
    head = _head(project, app)
    if as_json:
        output.envelope("state show", {**identity(app), **_described(head)})
    elif head is None:
        output.say(f"There is no record of {label(app)} yet.")
    else:
        output.data("\n".join(_words(label(app), head)))


@group.command("export", epilog=EXPORT_EXAMPLES)
def export(
    *,
    name: options.Name = None,
    name_option: options.NameOption = None,
    cluster: options.Cluster = None,
    project_dir: options.ProjectDir = None,
    no_input: options.NoInput = False,
    as_json: options.Json = False,
) -> None:
    """Write the state that an earlier version reads."""
    from streamalert_apps.cli.handing_back import hand_back
    from streamalert_apps.cli.selection import one_app
    from streamalert_apps.cli.terminal.description import identity, label
    from streamalert_apps.cli.terminal.prompts import Prompts

    project, app = one_app(project_dir, name, name_option, cluster, Prompts.on_terminal(no_input=no_input))
    done = hand_back(project, app)
    if done is None:
        raise UsageError(f"There is no record of {label(app)}: nothing to export.")
    if as_json:
        output.envelope("state export", {**identity(app), **described(done)})
        return
    output.say(f"Exported {label(app)}: an earlier version can run it now.")
    for line in consequences(done):
        output.say(f"  {line}")


def described(done: Exported) -> dict[str, Any]:
    """Return what was handed back, as --json shows it."""
    return {
        "since": _iso(done.since),
        "delivered": done.delivered,
        "undelivered": done.undelivered,
        "undelivered_since": _iso(done.undelivered_since),
        "repeats": done.repeats,
    }


def consequences(done: Exported) -> list[str]:
    """Return what follows for the events, a line each."""
    lines = []
    if done.since:
        lines.append(f"It continues at {_iso(done.since)}.")
    if done.delivered:
        lines.append(f"First delivered: {counted(done.delivered, 'event')}.")
    if done.undelivered:
        lines.append(
            f"Not delivered: {counted(done.undelivered, 'event')}. The earlier version collects them again, "
            "and this one delivers them once it is back, so they can arrive twice."
        )
    if done.repeats:
        lines.append(f"Delivered already, and may arrive again: {counted(done.repeats, 'event')}.")
    return lines


def _head(project: Project, app: AppConf) -> Head | None:
    from streamalert_apps.cli.project import aws_session
    from streamalert_apps.serve import heads

    (found,) = heads.read_all(project, [app], lambda: aws_session(project.account), 1)
    if found.error:
        raise found.error
    return found.head


def _described(head: Head | None) -> dict[str, Any]:
    """Return what a head says, but for the key and what is the services' own."""
    if head is None:
        return {"record": None}
    return {
        "record": head.birth,
        "owner": head.owner,
        "state": _state(head),
        "collected_until": _floor(head),
        "commits": head.sequence,
        "events": head.events,
        "recorded": _moment(head.recorded),
        "lease_until": _moment(head.lease.until) if head.lease else None,
        "remembered_before": bool(head.memory.former),
        "positions": {
            name: {
                "commit": position.sequence,
                "row": position.row,
                "delivered": position.events,
                "waiting": max(0, head.events - position.events),
                "dead": position.dead,
                "state": position.state or "ok",
                "message": position.message,
            }
            for name, position in sorted(head.positions.items())
        },
        "purged": [[_moment(since), _moment(until)] for since, until in head.purged],
    }


def _words(label: str, head: Head) -> list[str]:
    told = _described(head)
    lines = [
        f"{label}: {told['state']}",
        f"  record     {head.birth}, of {head.owner}",
        f"  events     {head.events:,} in {counted(head.sequence, 'commit')}",
    ]
    if head.recorded:
        lines.append(f"  newest     recorded {told['recorded']}")
    if told["collected_until"]:
        lines.append(f"  complete   up to {told['collected_until']}")
    for name, position in told["positions"].items():
        waiting = f", {position['waiting']:,} waiting" if position["waiting"] else ""
        dead = f", {position['dead']:,} refused for good" if position["dead"] else ""
        why = f" ({position['state']}: {position['message']})" if position["state"] != "ok" else ""
        lines.append(f"  delivered  {position['delivered']:,} to {name}{waiting}{dead}{why}")
    lines += [f"  purged     {since} to {until}" for since, until in told["purged"]]
    return [printable(line) for line in lines]


def printable(line: str) -> str:
    """Return a line without what a terminal could take for an order."""
    return "".join(sign if sign.isprintable() else "?" for sign in line)


def _state(head: Head) -> str:
    if head.removed:
        return "being removed"
    if head.sealed:
        return f"handed back to an earlier version on {_moment(head.sealed.at)}"
    return head.status or "never ran"


def _floor(head: Head) -> str | None:
    floor = (head.checkpoint or {}).get("floor")
    return floor if isinstance(floor, str) else None


def _moment(seconds: float) -> str | None:
    return _iso(datetime.fromtimestamp(seconds, UTC)) if seconds else None


def _iso(time: datetime | None) -> str | None:
    return time.astimezone(UTC).isoformat(timespec="seconds") if time else None
