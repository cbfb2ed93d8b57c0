"""`sa-apps disable`: keep an app from running on its schedule."""

from __future__ import annotations

from streamalert_apps.cli.terminal import options, output

EXAMPLES = """Examples:

\b
  sa-apps disable duo_prod_collector
  sa-apps disable collector --cluster prod

Nothing is lost meanwhile: the first run after `sa-apps enable` goes on where the last one ended."""


def command(
    *,
    name: options.Name = None,
    name_option: options.NameOption = None,
    cluster: options.Cluster = None,
    project_dir: options.ProjectDir = None,
    no_input: options.NoInput = False,
    as_json: options.Json = False,
) -> None:
    """Keep an app from running, until `sa-apps enable`."""
    from streamalert_apps.cli.fleet import Fleet
    from streamalert_apps.cli.meant import identity, label, meant
    from streamalert_apps.cli.terminal.prompts import Prompts
    from streamalert_apps.deploy.schedule import switch

    project, app = meant(project_dir, name, name_option, cluster, Prompts.on_terminal(no_input=no_input))
    changed = switch(Fleet.of(project).job(app.function), on=False)
    if as_json:
        output.envelope("disable", {**identity(app), "enabled": False, "changed": changed})
    elif changed:
        output.say(f"{label(app)} no longer runs on its schedule; `sa-apps enable` starts it again.")
    else:
        output.say(f"No change: {label(app)} is disabled already.")
