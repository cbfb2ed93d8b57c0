"""`sa-apps init`: a conf/ folder for someone without StreamAlert."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from streamalert_apps.cli.terminal import options, output

EXAMPLES = """Examples:

\b
  sa-apps init --local
  sa-apps init --prefix acme --account-id 123456789012 --region us-east-1
  sa-apps init --cluster corp"""

CLUSTER = "prod"


def command(
    *,
    prefix: Annotated[
        str | None, typer.Option("--prefix", help="What all names in AWS begin with.", metavar="PREFIX")
    ] = None,
    account_id: Annotated[
        str | None, typer.Option("--account-id", help="AWS account, 12 digits.", metavar="ID")
    ] = None,
    region: Annotated[str | None, typer.Option("--region", help="AWS region.", metavar="REGION")] = None,
    cluster: Annotated[
        str,
        typer.Option("--cluster", "-c", help="Name of the first (or one more) cluster.", metavar="CLUSTER"),
    ] = CLUSTER,
    local: Annotated[
        bool, typer.Option("--local", help="Keep credentials and state in .sa-apps/ here; no AWS needed.")
    ] = False,
    project_dir: options.ProjectDir = None,
    no_input: options.NoInput = False,
    as_json: options.Json = False,
) -> None:
    """Start a project: make conf/ in this folder.

    What is there stays as it is. In a project that is there, --cluster adds a cluster.
    """
    from streamalert_apps.cli.start import start_project
    from streamalert_apps.cli.terminal.prompts import Prompts

    root = (project_dir or Path.cwd()).absolute()
    given = {"aws_account_id": account_id, "region": region, "prefix": prefix}
    made = start_project(root, cluster, given, Prompts.on_terminal(no_input=no_input), local=local)
    step = f"sa-apps new --cluster {cluster}"
    if as_json:
        output.envelope("init", {"project": str(root), "created": made, "next": step})
        return
    for shown in made:
        output.say(f"Created {shown}.")
    if not made:
        output.say("Everything is there already; nothing was changed.")
    output.say(f"Next: `{step}` adds an app.")
