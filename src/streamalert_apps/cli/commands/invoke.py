"""`sa-apps invoke`: run a deployed app now."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from streamalert_apps.cli.terminal import options, output

EXAMPLES = """Examples:

\b
  sa-apps invoke duo_prod_collector
  sa-apps invoke duo_prod_collector --wait
  sa-apps invoke collector --cluster prod --wait --json

It runs in AWS with the event of its schedule. `sa-apps run` collects from this machine instead."""

ANSWER_SECONDS: Final = 20


def command(
    *,
    name: options.Name = None,
    name_option: options.NameOption = None,
    cluster: options.Cluster = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for its end and say how it was.")] = False,
    project_dir: options.ProjectDir = None,
    no_input: options.NoInput = False,
    as_json: options.Json = False,
) -> int:
    """Run a deployed app now, as its schedule would."""
    from streamalert_apps.cli.project import aws_session, need_aws
    from streamalert_apps.cli.selection import one_app
    from streamalert_apps.cli.terminal.description import identity, label
    from streamalert_apps.cli.terminal.prompts import Prompts
    from streamalert_apps.deploy.invoke import invoke
    from streamalert_apps.deploy.place import Place

    project, app = one_app(project_dir, name, name_option, cluster, Prompts.on_terminal(no_input=no_input))
    need_aws(project)
    functions = aws_session(project.account).client(
        "lambda",
        read_timeout=app.timeout + ANSWER_SECONDS,
        retries={"total_max_attempts": 1},  # a second attempt would be a second run
    )
    if wait:
        with output.working(f"Waiting for {label(app)}"):
            run = invoke(functions, app, Place.of(project.account), wait=True)
    else:
        run = invoke(functions, app, Place.of(project.account), wait=False)
    if as_json:
        errors = [run.error] if run.error else []
        content = {**identity(app), "waited": wait, "summary": run.summary if wait else None}
        output.envelope("invoke", content, errors=errors)
    if run.error:
        output.error(run.error)
        return run.error.exit_code
    if not as_json:
        output.say(f"{label(app)}: {_words(run.summary)}" if wait else f"{label(app)} has been invoked.")
    return 0


def _words(summary: dict[str, Any]) -> str:
    status = summary.get("status", "ended")
    counted = [f"{key} {value}" for key, value in summary.items() if key != "status"]
    return f"{status}. {', '.join(counted)}".strip()
