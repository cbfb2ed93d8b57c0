"""`sa-apps enable`: run an app on its schedule again."""

from __future__ import annotations

from streamalert_apps.cli.terminal import options, output

EXAMPLES = """Examples:

\b
  sa-apps enable duo_prod_collector
  sa-apps enable collector --cluster prod

The first run goes on where the last one ended."""


def command(
    *,
    name: options.Name = None,
    name_option: options.NameOption = None,
    cluster: options.Cluster = None,
    project_dir: options.ProjectDir = None,
    no_input: options.NoInput = False,
    as_json: options.Json = False,
) -> None:
    """Run an app on its schedule again."""
    from streamalert_apps.cli.fleet import Fleet
    from streamalert_apps.cli.meant import identity, label, meant
    from streamalert_apps.cli.terminal.prompts import Prompts
    from streamalert_apps.deploy.schedule import switch

    project, app = meant(project_dir, name, name_option, cluster, Prompts.on_terminal(no_input=no_input))
    changed = switch(Fleet.of(project).job(app.function), on=True)
    if as_json:
        output.envelope("enable", {**identity(app), "enabled": True, "changed": changed})
    elif changed:
        output.say(f"{label(app)} runs on its schedule again.")
    else:
        output.say(f"No change: {label(app)} is enabled already.")
