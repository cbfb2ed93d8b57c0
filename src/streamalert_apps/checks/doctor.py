"""All checks of a project, side by side: they wait for AWS and services more than they work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from streamalert_apps.checks import (
    alarms,
    bucket,
    certificates,
    classifier,
    clock,
    credentials,
    destinations,
    endpoints,
    key,
    orphans,
    packaging,
    permissions,
    plugins,
    private,
    proxies,
    quotas,
    schemas,
)
from streamalert_apps.checks.finding import Finding
from streamalert_apps.checks.subject import Subject
from streamalert_apps.deploy.patience import explained
from streamalert_apps.errors import AppError

OF_THE_MACHINE: Final = (proxies, certificates)
OF_THE_FILES: Final = (plugins, private)
OF_CREDENTIALS: Final = (destinations, credentials)
IN_AWS: Final = (
    *(clock, permissions, bucket, key, classifier, schemas, quotas, alarms, orphans, endpoints, packaging),
)


@dataclass(frozen=True, slots=True)
class Examined:
    """What a check found; `skipped` says why it could not be made to its end."""

    check: str
    findings: tuple[Finding, ...] = ()
    skipped: str = ""


def of_the_machine() -> list[Examined]:
    """Make the checks that need no project."""
    return _side_by_side((check.CHECK, check.look) for check in OF_THE_MACHINE)


def of_the_project(subject: Subject, out_of_reach: str = "") -> list[Examined]:
    """Make the checks of a project. `out_of_reach`: why nothing in AWS can be looked at, if so."""
    there = OF_CREDENTIALS if subject.project.account.local else (*OF_CREDENTIALS, *IN_AWS)
    checks: Sequence[ModuleType] = OF_THE_FILES if out_of_reach else (*OF_THE_FILES, *there)
    examined = _side_by_side((check.CHECK, partial(check.look, subject)) for check in checks)
    if out_of_reach:
        examined += [Examined(check.CHECK, skipped=out_of_reach) for check in there]
    return examined


def made(check: str, look: Callable[[], Iterator[Finding]]) -> Examined:
    """Make one check. What keeps it from its end keeps no other from being made."""
    findings: list[Finding] = []
    try:
        findings.extend(look())
    except (AppError, ClientError, BotoCoreError) as error:
        return Examined(check, tuple(findings), explained(error).message)
    except Exception as error:  # noqa: BLE001 (a check that breaks shall not keep the others from telling)
        return Examined(check, tuple(findings), f"something unexpected happened ({type(error).__name__})")
    return Examined(check, tuple(findings))


def _side_by_side(checks: Iterable[tuple[str, Callable[[], Iterator[Finding]]]]) -> list[Examined]:
    all_of_them = list(checks)
    with ThreadPoolExecutor(len(all_of_them)) as pool:
        return list(pool.map(lambda check: made(*check), all_of_them))
