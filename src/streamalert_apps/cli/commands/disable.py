"""`sa-apps disable`: keep an app from running on its schedule."""

from __future__ import annotations

from streamalert_apps.cli.commands.enable import switch_schedule
from streamalert_apps.cli.terminal import options

EXAMPLES = """Examples:

\b
  sa-apps disable duo_prod_collector
  sa-apps disable collector --cluster prod

Nothing is lost meanwhile: the first run after `sa-apps enable` continues where the last one ended.
Once a day it still deletes what is past its time (docs/privacy.md)."""


def command(
    *,
    name: options.Name = None,
    name_option: options.NameOption = None,
    cluster: options.Cluster = None,
    project_dir: options.ProjectDir = None,
    no_input: options.NoInput = False,
    as_json: options.Json = False,
) -> None:
    """Pause an app's schedule."""
    from streamalert_apps.cli.selection import one_app
    from streamalert_apps.cli.terminal.prompts import Prompts

    project, app = one_app(project_dir, name, name_option, cluster, Prompts.on_terminal(no_input=no_input))
    done = "no longer runs on its schedule; `sa-apps enable` starts it again."
    switch_schedule(project, app, on=False, done=done, as_json=as_json)
