"""`sa-apps invoke`: run a deployed app now."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from streamalert_apps.cli.terminal import options, output

if TYPE_CHECKING:
    from streamalert_apps.config.conf import AppConf

EXAMPLES = """Examples:

\b
  sa-apps invoke duo_prod_collector
  sa-apps invoke duo_prod_collector --wait
  sa-apps invoke collector --cluster prod --wait --json

The app runs in AWS, as on its schedule. `sa-apps run` collects from this machine instead."""

ANSWER_SECONDS: Final = 20


def command(
    *,
    names: options.Names = None,
    names_option: options.NamesOption = None,
    cluster: options.Cluster = None,
    every_app: options.All = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it ends, and show the result.")] = False,
    project_dir: options.ProjectDir = None,
    no_input: options.NoInput = False,
    as_json: options.Json = False,
) -> int:
    """Run a deployed app now, as its schedule would."""
    from streamalert_apps.cli.each import Told, each
    from streamalert_apps.cli.project import aws_session, need_aws
    from streamalert_apps.cli.selection import chosen
    from streamalert_apps.cli.terminal.description import label
    from streamalert_apps.deploy.invoke import invoke
    from streamalert_apps.deploy.place import Place

    picked = chosen(project_dir, names, names_option, cluster, every=every_app, no_input=no_input)
    account = picked.project.account
    need_aws(picked.project)

    def invoked(app: AppConf) -> Told:
        functions = aws_session(account).client(
            "lambda",
            read_timeout=app.timeout + ANSWER_SECONDS,
            retries={"total_max_attempts": 1},  # a second attempt would be a second run
        )
        with output.working(f"Waiting for {label(app)}") if wait else nullcontext():
            run = invoke(functions, app, Place.of(account), wait=wait)
        if not (run.error or as_json):
            output.say(f"{label(app)}: {_words(run.summary)}" if wait else f"{label(app)} has been invoked.")
        return Told({"waited": wait, "summary": run.summary if wait else None}, run.error)

    return each("invoke", picked, invoked, done="invoked", as_json=as_json)


def _words(summary: dict[str, Any]) -> str:
    status = summary.get("status", "ended")
    counted = [f"{key} {value}" for key, value in summary.items() if key != "status"]
    return f"{status}. {', '.join(counted)}".strip()
