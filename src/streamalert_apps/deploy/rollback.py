"""Goes back to a version that ran before: the alias moves.

A version older than 0.2.0 knows no record. The app is handed back to it first, so that it goes on where
the record ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from streamalert_apps.deploy import versions
from streamalert_apps.deploy.job import Job
from streamalert_apps.deploy.resources import deleting
from streamalert_apps.deploy.resources.alias import weights
from streamalert_apps.deploy.resources.function import environment
from streamalert_apps.deploy.view import found
from streamalert_apps.errors import ConfigError, CredentialsError, UsageError
from streamalert_apps.runtime import names

# What makes one version differ from another; the rest is its number and its history.
_MADE_OF: Final = ("CodeSha256", "Runtime", "Handler", "Role", "MemorySize", "Timeout", "Environment")


@dataclass(frozen=True, slots=True)
class RolledBack:
    """From which version to which."""

    before: str
    after: str
    handed_back: bool = False
    """To a version that knows no record."""


def roll_back(job: Job, to: str | None, hand_back: Callable[[], None]) -> RolledBack:
    """Let `to` run, or the newest older version that is made of something else than the one that runs.

    `hand_back` hands the app back to a version that knows no record; it does nothing where that is done. It
    is called again once the alias has moved: a run may have begun in between.
    """
    functions = job.aws.functions
    alias = found(lambda: functions.get_alias(FunctionName=job.function, Name=names.ALIAS))
    if not alias:
        raise ConfigError(f"{job.function} is not deployed.", hint="`sa-apps deploy` does it.")
    before = alias["FunctionVersion"]
    history = versions.history(job)
    after = _chosen(history, before, to)
    back = _knows_the_record(history, before) and not _knows_the_record(history, after)
    if back:
        deleting.end(job)  # the version that comes would collect each time
        hand_back()
    if after != before or weights(alias):
        revision = {"RevisionId": alias["RevisionId"]} if "RevisionId" in alias else {}
        functions.update_alias(
            FunctionName=job.function,
            Name=names.ALIAS,
            FunctionVersion=after,
            RoutingConfig={"AdditionalVersionWeights": {}},
            **revision,
        )
    if back:
        hand_back()
    return RolledBack(before, after, back)


def _knows_the_record(history: list[dict[str, Any]], number: str) -> bool:
    version = next((version for version in history if version["Version"] == number), {})
    variables = environment(version)
    if variables is None:
        raise CredentialsError(
            f"Whether version {number} knows the record can't be told: its environment can't be read.",
            hint="Your AWS user has to be allowed kms:Decrypt by the key that sa_apps.kms_key names.",
        )
    return "SA_APPS_BUCKET" in variables


def _chosen(history: list[dict[str, Any]], before: str, to: str | None) -> str:
    there = [version["Version"] for version in history]
    if to is not None:
        if to not in there:
            raise UsageError(f"There is no version {to}.", hint=f"Versions: {', '.join(there)}.")
        return to
    live = next((version for version in history if version["Version"] == before), {})
    for version in history:
        if int(version["Version"]) < int(before) and _differs(version, live):
            return str(version["Version"])
    raise ConfigError(f"Nothing to roll back to: no version before {before} differs from it.")


def _differs(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return any(one.get(key) != other.get(key) for key in _MADE_OF)
