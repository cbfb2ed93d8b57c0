"""`sa-apps status`: how the apps are."""

from __future__ import annotations

from typing import Annotated

import typer

from streamalert_apps.cli.terminal import options, output

EXAMPLES = """Examples:

\b
  sa-apps status
  sa-apps status --cluster prod
  sa-apps status duo_prod_collector --json

It ends with 0 where all apps are well, 5 where some are not, 1 where none is. An app that was disabled
on purpose is well."""


def command(
    *,
    name: options.Name = None,
    name_option: options.NameOption = None,
    cluster: options.Cluster = None,
    at_once: Annotated[
        int, typer.Option("--jobs", help="How many apps at a time.", min=1, max=16, metavar="N")
    ] = 8,
    project_dir: options.ProjectDir = None,
    as_json: options.Json = False,
) -> int:
    """Show what is deployed, how it ran, and how far it came.

    In a local project it shows what the runs on this machine left.
    """
    from streamalert_apps.cli.project import either, open_project
    from streamalert_apps.cli.statuses import deployed, local

    project = open_project(project_dir)
    wanted = either(name, name_option, "name")
    apps = [project.find(wanted, cluster)] if wanted else list(project.apps(cluster))
    with output.working("Asking how the apps are"):
        statuses = local(project, apps) if project.account.local else deployed(project, apps, at_once)
    errors = [error for status in statuses for error in status.errors()]
    if as_json:
        output.envelope("status", {"apps": [status.described() for status in statuses]}, errors=errors)
    else:
        output.data("\n\n".join(status.text() for status in statuses) or "No Apps configured")
    unwell = sum(bool(status.problems) for status in statuses)
    if not unwell:
        return 0
    return 1 if unwell == len(statuses) else 5
