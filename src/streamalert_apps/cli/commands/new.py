"""`sa-apps new`: configure an app, its credentials included."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from streamalert_apps.cli.terminal import options, output

if TYPE_CHECKING:
    from streamalert_apps.cli.configure import Outcome
    from streamalert_apps.config.conf import Project

EXAMPLES = """Examples:

\b
  sa-apps new duo_auth --cluster prod
  sa-apps new duo_auth -c prod -n duo_prod_collector --interval 'rate(2 hours)' --timeout 80
  sa-apps new duo_admin -c prod --auth-file - < duo.json
  sa-apps new duo_auth -c prod --update-settings --memory 256

\b
Without a terminal, for an app that is there already:
  --update-settings  changes its interval, timeout and memory to those given
  --update-auth      replaces its credentials by those of --auth-file"""

NAME = "collector"


def command(
    *,
    type_argument: Annotated[
        str | None,
        typer.Argument(
            help="The app type; `sa-apps types` shows them.",
            metavar="TYPE",
            show_default=False,
            autocompletion=options.complete_type,
        ),
    ] = None,
    type_option: Annotated[
        str | None,
        typer.Option(
            "--type", help="The app type, as an option.", metavar="TYPE", autocompletion=options.complete_type
        ),
    ] = None,
    cluster: options.Cluster = None,
    name: Annotated[
        str,
        typer.Option("--name", "-n", help="The app's name, one of its kind in the cluster.", metavar="NAME"),
    ] = NAME,
    interval: Annotated[
        str | None,
        typer.Option(
            "--interval",
            "--schedule-expression",
            "-s",
            help="How often it collects.  [default: rate(2 hours)]",
            metavar="RATE",
        ),
    ] = None,
    timeout: Annotated[
        int | None,
        typer.Option(
            "--timeout", help="Seconds a run may take, 10 to 900.  [default: 80]", metavar="SECONDS"
        ),
    ] = None,
    memory: Annotated[
        int | None,
        typer.Option("--memory", "-m", help="MB of memory, 128 to 10240.  [default: 128]", metavar="MB"),
    ] = None,
    auth_file: options.AuthFile = None,
    no_check: options.NoCheck = False,
    simulator: options.Simulator = "",
    update_settings: Annotated[
        bool, typer.Option("--update-settings", help="If the app is there: change its settings, do not ask.")
    ] = False,
    update_auth: Annotated[
        bool, typer.Option("--update-auth", help="If the app is there: replace its credentials, do not ask.")
    ] = False,
    project_dir: options.ProjectDir = None,
    no_input: options.NoInput = False,
    as_json: options.Json = False,
) -> None:
    """Configure an app and its credentials.

    The settings go to conf/, the credentials to Parameter Store or, in a local project, to .sa-apps/.
    What is missing is asked for on a terminal. Credentials are tried at the service before they are saved.
    """
    from dataclasses import replace

    from streamalert_apps.cli import configure
    from streamalert_apps.cli.credentials import Source, read_file
    from streamalert_apps.cli.project import either, known_types, open_project
    from streamalert_apps.cli.terminal.prompts import Prompts

    prompts = Prompts.on_terminal(no_input=no_input)
    project = open_project(project_dir)
    settings = configure.checked(schedule_expression=interval, timeout=timeout, memory=memory)
    if cluster:
        project.cluster(cluster)
    types = known_types(project.root)
    given_type = either(type_argument, type_option, "app type")
    app_type = types.find(given_type or configure.ask_type(prompts, types))
    app = configure.wanted(project, cluster or configure.ask_cluster(project, prompts), app_type.type, name)
    given = read_file(auth_file, app_type.auth) if auth_file else None
    setup = types.setup(app_type.type)
    source = Source(prompts, given, check=not no_check, simulator=simulator, setup=setup)
    old = next((there for there in project.apps(app.cluster) if there.function == app.function), None)
    if old is None:
        outcome = configure.add(project, replace(app, **settings), types, source)
    else:
        what = configure.what_to_change(old, prompts, settings=update_settings, credentials=update_auth)
        outcome = configure.change(project, old, what, settings, source, types=types)
    _tell(project, outcome, as_json=as_json)


def _tell(project: Project, outcome: Outcome, *, as_json: bool) -> None:
    from streamalert_apps.cli.commands.list import described
    from streamalert_apps.cli.credentials import place

    app = outcome.app
    verb = "run" if project.account.local else "deploy"
    step = f"sa-apps {verb} {app.name} --cluster {app.cluster}"
    for name in outcome.schemas.differing:
        output.warn(
            f"conf/schemas/{app.service}.json has another '{name}' than this version knows: "
            "the classifier drops logs that do not match it."
        )
    if as_json:
        output.envelope(
            "new",
            {
                "app": described(app),
                "created": outcome.created,
                "changed": list(outcome.changed),
                "schemas": list(outcome.schemas.added),
                "next": step,
            },
        )
        return
    if not outcome.changed and not outcome.schemas.added:
        output.say("No changes.")
        return
    if "credentials" in outcome.changed:
        output.say(f"App authentication info successfully saved to {place(project, app.function)}.")
    if "settings" in outcome.changed:
        verb = "added" if outcome.created else "updated"
        to = "to" if outcome.created else "in"
        output.say(
            f"Successfully {verb} '{app.name}' {to} 'conf/clusters/{app.cluster}.json' "
            f"for service '{app.type}'."
        )
    if outcome.schemas.added:
        output.say(f"Added to conf/schemas/{app.service}.json: {', '.join(outcome.schemas.added)}.")
    output.say(f"Next: `{step}`")
