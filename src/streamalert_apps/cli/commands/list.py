"""`sa-apps list`: the configured apps, by cluster."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from streamalert_apps.cli.terminal import options, output
from streamalert_apps.cli.terminal.description import described

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamalert_apps.config.conf import AppConf

EXAMPLES = """Examples:

\b
  sa-apps list
  sa-apps list --cluster prod
  sa-apps list --json"""

NOTHING = "No Apps configured"
NUMBERS = (3, 4)
"""The columns that are numbers: timeout and memory."""


def command(
    *,
    cluster: options.Cluster = None,
    project_dir: options.ProjectDir = None,
    as_json: options.Json = False,
) -> None:
    """Show the configured apps, grouped by cluster."""
    from streamalert_apps.cli.project import open_project

    project = open_project(project_dir)
    apps = project.apps(cluster)
    if as_json:
        output.envelope("list", {"apps": [described(app) for app in apps]})
        return
    clusters = (cluster,) if cluster else project.clusters
    if not clusters:
        output.data(NOTHING)
    if not apps:
        output.say("Next: `sa-apps new` adds one.")
    for number, name in enumerate(clusters):
        if number:
            output.data("")
        _show(name, [app for app in apps if app.cluster == name])


def _show(cluster: str, apps: Sequence[AppConf]) -> None:
    output.data(f"Cluster: {cluster}\n")
    if not apps:
        output.data(f"  {NOTHING}")
    elif output.is_terminal(sys.stdout):
        columns = ("name", *_fields(apps[0]))
        output.table(columns, [(app.name, *_fields(app).values()) for app in apps], right=NUMBERS)
    else:
        output.data("\n\n".join(_lines(app) for app in apps))


def _fields(app: AppConf) -> dict[str, Any]:
    shown = ("log_level", "interval", "timeout", "memory", "type")
    whole = described(app)
    return {key: whole[key] for key in shown}


def _lines(app: AppConf) -> str:
    fields = [f"    {key}: {value}" for key, value in _fields(app).items()]
    return "\n".join([f"  Name: {app.name}", *fields])
