"""`sa-apps disable`: pause an app's schedule."""

from __future__ import annotations

from streamalert_apps.cli.commands.enable import switch_schedules
from streamalert_apps.cli.terminal import options

EXAMPLES = """Examples:

\b
  sa-apps disable duo_prod_collector
  sa-apps disable collector --cluster prod

No event is lost: the first run after `sa-apps enable` continues where the last one ended.
Once a day, the app still deletes what has expired (docs/privacy.md)."""


def command(
    *,
    names: options.Names = None,
    names_option: options.NamesOption = None,
    cluster: options.Cluster = None,
    every_app: options.All = False,
    project_dir: options.ProjectDir = None,
    no_input: options.NoInput = False,
    as_json: options.Json = False,
) -> int:
    """Pause an app's schedule."""
    from streamalert_apps.cli.selection import chosen

    picked = chosen(project_dir, names, names_option, cluster, every=every_app, no_input=no_input)
    done = "no longer runs on its schedule; `sa-apps enable` starts it again."
    return switch_schedules(picked, on=False, done=done, as_json=as_json)
