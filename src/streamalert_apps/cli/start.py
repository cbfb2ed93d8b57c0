"""How a project starts: what `sa-apps init` does once it knows its options."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from streamalert_apps.cli.terminal.prompts import Prompts
from streamalert_apps.config import conf, jsonfile, rules
from streamalert_apps.errors import ConfigError

QUESTIONS: Final = {
    "aws_account_id": ("AWS account id, 12 digits", "--account-id", rules.account_id),
    "region": ("AWS region, like us-east-1", "--region", rules.region),
    "prefix": ("prefix of all names in AWS, for instance your company's name", "--prefix", rules.prefix),
}
LOCAL_PREFIX: Final = "local"


def start_project(
    root: Path, cluster: str, given: Mapping[str, str | None], prompts: Prompts, *, local: bool
) -> list[str]:
    """Make what is missing of a project; return the files that were made. What is there stays."""
    account = {key: QUESTIONS[key][2](value) for key, value in given.items() if value}
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
    has = there.get("account", {})
    other = [f"{key} {has.get(key)!r}" for key, value in account.items() if has.get(key) != value]
    if local and there.get("sa_apps", {}).get("store") != "local":
        other.append("its store in AWS")
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
