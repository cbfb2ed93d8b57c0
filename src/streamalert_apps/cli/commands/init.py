"""`sa-apps init`: a conf/ folder for someone without StreamAlert."""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from streamalert_apps.cli.terminal import options, output
from streamalert_apps.errors import ConfigError

if TYPE_CHECKING:
    from streamalert_apps.cli.terminal.prompts import Prompts

EXAMPLES = """Examples:

\b
  sa-apps init
  sa-apps init --local
  sa-apps init --prefix acme --account-id 123456789012 --region us-east-1
  sa-apps init --cluster corp"""

CLUSTER: Final = "prod"
LOCAL: Final = "local"
LOCAL_PREFIX: Final = "local"


def command(
    *,
    prefix: Annotated[
        str | None, typer.Option("--prefix", help="Prefix of all names in AWS.", metavar="PREFIX")
    ] = None,
    account_id: Annotated[
        str | None, typer.Option("--account-id", help="AWS account, 12 digits.", metavar="ID")
    ] = None,
    region: Annotated[str | None, typer.Option("--region", help="AWS region.", metavar="REGION")] = None,
    cluster: Annotated[
        str,
        typer.Option(
            "--cluster", "-c", help="Name of the first cluster, or of one to add.", metavar="CLUSTER"
        ),
    ] = CLUSTER,
    local: Annotated[
        bool, typer.Option("--local", help="Collect on this machine; no AWS account needed.")
    ] = False,
    project_dir: options.ProjectDir = None,
    no_input: options.NoInput = False,
    as_json: options.Json = False,
) -> None:
    """Start a project: create conf/ in this folder.

    Existing files are never changed. In an existing project, --cluster adds a cluster. A local project
    keeps credentials, records and logs in this folder. On a terminal, it prompts for what is
    missing, and suggests account and region from your AWS configuration.
    """
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
        output.say("Everything already exists; nothing was changed.")
    output.say(f"Next: `{step}` adds an app.")


def start_project(
    root: Path, cluster: str, given: Mapping[str, str | None], prompts: Prompts, *, local: bool
) -> list[str]:
    """Create what is missing of a project; return the files that were created. Existing ones stay."""
    from streamalert_apps.config import conf, jsonfile, rules

    questions = _questions()
    account = {key: questions[key][2](value) for key, value in given.items() if value}
    rules.cluster_name(cluster)
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
    from streamalert_apps.config import conf

    has = there.get("account", {})
    is_local = there.get("sa_apps", {}).get("store") == "local"
    if is_local and not local and account.keys() - has.keys():
        raise ConfigError(
            f"{conf.GLOBAL} already exists, of a project on this machine.", hint="Use another folder for AWS."
        )
    other = [
        f"{key} {has[key]!r}" if key in has else f"no {key}"
        for key, value in account.items()
        if has.get(key) != value
    ]
    if local and not is_local:
        other.append("its store in AWS")
    if other:
        raise ConfigError(
            f"{conf.GLOBAL} already exists and has {', '.join(other)}.",
            hint="Edit it; init never overwrites.",
        )


def _global(account: dict[str, str], prompts: Prompts, *, local: bool) -> dict[str, Any]:
    missing = {key: question for key, question in _questions().items() if key not in account}
    flags = ", ".join(flag for _, flag, _ in missing.values()) + ", or --local to do without AWS"
    if local or (not account and _where(prompts, flags) == LOCAL):
        return {"account": {"prefix": LOCAL_PREFIX, **account}, "sa_apps": {"store": "local"}}
    likely = _likely(missing) if missing else {}
    for key, (question, _, check) in missing.items():
        account[key] = prompts.text(
            f"Please supply the {question}:",
            what=f"the {question.partition(',')[0]}",
            flag=flags,
            parse=check,
            default=likely.get(key, ""),
        )
    return {"account": dict(sorted(account.items()))}


def _where(prompts: Prompts, flags: str) -> str:
    places = {
        LOCAL: "on this machine: no AWS account needed",
        "aws": "in AWS: a small Lambda function for each app",
    }
    return prompts.choice("Where will the apps run?", what="where apps run", flag=flags, choices=places)


def _likely(missing: Container[str]) -> dict[str, str]:
    """Return what AWS's configuration on this machine says; nothing where nobody is signed in."""
    from streamalert_apps.aws.session import Session

    session = Session("", os.environ.get("SA_APPS_PROFILE"), connect_seconds=2.0, read_seconds=5.0)
    likely = {"region": os.environ.get("SA_APPS_REGION") or session.configured_region()}
    if "aws_account_id" in missing:
        with output.working("Looking for your AWS account"):
            likely["aws_account_id"] = session.account_if_any()
    return likely


def _questions() -> dict[str, tuple[str, str, Callable[[str], str]]]:
    """Return what is asked of a project in AWS, by its key in conf/global.json: words, flag, check."""
    from streamalert_apps.config import rules

    def region(text: str) -> str:
        from streamalert_apps.aws.session import known_region

        return known_region(rules.region(text))

    return {
        "aws_account_id": ("AWS account id, 12 digits", "--account-id", rules.account_id),
        "region": ("AWS region, like us-east-1", "--region", region),
        "prefix": ("prefix of all names in AWS, for instance your company's name", "--prefix", rules.prefix),
    }
