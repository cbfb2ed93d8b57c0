"""`sa-apps init`: a conf/ folder for someone without StreamAlert."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from streamalert_apps.cli import options, output
from streamalert_apps.cli.prompts import Prompts
from streamalert_apps.config import conf, jsonfile, rules
from streamalert_apps.errors import ConfigError

EXAMPLES = """Examples:

\b
  sa-apps init --local
  sa-apps init --prefix acme --account-id 123456789012 --region us-east-1
  sa-apps init --cluster corp"""

QUESTIONS = {
    "aws_account_id": ("AWS account id, 12 digits", "--account-id", rules.account_id),
    "region": ("AWS region, like us-east-1", "--region", rules.region),
    "prefix": ("prefix of all names in AWS, for instance your company's name", "--prefix", rules.prefix),
}
CLUSTER = "prod"
LOCAL_PREFIX = "local"


def command(
    *,
    prefix: Annotated[
        str | None, typer.Option(help="What all names in AWS begin with.", metavar="PREFIX")
    ] = None,
    account_id: Annotated[str | None, typer.Option(help="AWS account, 12 digits.", metavar="ID")] = None,
    region: Annotated[str | None, typer.Option(help="AWS region.", metavar="REGION")] = None,
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
    root = (project_dir or Path.cwd()).absolute()
    given = {"aws_account_id": account_id, "prefix": prefix, "region": region}
    account = {key: QUESTIONS[key][2](value) for key, value in given.items() if value}
    rules.cluster_name(cluster)
    made = make(root, cluster, account, Prompts.on_terminal(no_input=no_input), local=local)
    _tell(root, made, cluster, as_json=as_json)


def make(root: Path, cluster: str, account: dict[str, str], prompts: Prompts, *, local: bool) -> list[str]:
    """Make what is missing of a project; return the files that were made."""
    files: dict[str, dict[str, Any]] = {}
    if (root / conf.GLOBAL).exists():
        _agree(jsonfile.read_object(root / conf.GLOBAL, conf.GLOBAL), account, local=local)
    else:
        files[conf.GLOBAL] = _global(account, prompts, local=local)
    shown = f"conf/clusters/{cluster}.json"
    if not (root / shown).exists():
        files[shown] = {"data_sources": {}, "id": cluster, "modules": {}}
    conf.write(root, files)
    jsonfile.private_folder(root)
    return list(files)


def _agree(there: dict[str, Any], account: dict[str, str], *, local: bool) -> None:
    """Refuse values that an existing project contradicts."""
    has = there.get("account", {})
    other = [f"{key} {has.get(key)!r}" for key, value in account.items() if has.get(key) != value]
    if local and there.get("sa_apps", {}).get("store") != "local":
        other.append("a store in AWS")
    if other:
        raise ConfigError(
            f"{conf.GLOBAL} is there already and has {', '.join(other)}.",
            hint="Edit it; init never overwrites.",
        )


def _global(account: dict[str, str], prompts: Prompts, *, local: bool) -> dict[str, Any]:
    if local:
        return {"account": {"prefix": LOCAL_PREFIX, **account}, "sa_apps": {"store": "local"}}
    missing = [key for key in QUESTIONS if key not in account]
    flags = ", ".join(QUESTIONS[key][1] for key in missing) + ", or --local to do without AWS"
    for key in missing:
        question, _, parse = QUESTIONS[key]
        account[key] = prompts.text(
            f"Please supply the {question}:",
            what=f"the {question.partition(',')[0]}",
            flag=flags,
            parse=parse,
        )
    return {"account": dict(sorted(account.items()))}


def _tell(root: Path, made: list[str], cluster: str, *, as_json: bool) -> None:
    step = f"sa-apps new --cluster {cluster}"
    if as_json:
        output.envelope("init", {"project": str(root), "created": made, "next": step})
        return
    for shown in made:
        output.say(f"Created {shown}.")
    if not made:
        output.say("Everything is there already; nothing was changed.")
    output.say(f"Next: `{step}` adds an app.")
