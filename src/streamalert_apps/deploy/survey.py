"""Reads what there is of many apps at once, and plans what has to change."""

from __future__ import annotations

import os
from collections import ChainMap
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from streamalert_apps.deploy import resources
from streamalert_apps.deploy.clients import Aws
from streamalert_apps.deploy.job import Job
from streamalert_apps.deploy.package import DEFAULT_ARCHITECTURE
from streamalert_apps.deploy.patience import explained
from streamalert_apps.deploy.place import Place
from streamalert_apps.deploy.plan import Change, Resource, plan
from streamalert_apps.deploy.resources import alias, function, rule, target
from streamalert_apps.deploy.view import Glance, Lists, View, alarms, lists, log_groups, rules
from streamalert_apps.errors import AppError, ConfigError

_GLANCED: Final = (alias.KIND, rule.KIND, target.KIND)


@dataclass(frozen=True, slots=True)
class AppPlan:
    """What is there of an app and what has to change; or why that can't be told."""

    job: Job
    view: View | None = None
    observed: tuple[Resource, ...] = ()
    changes: tuple[Change, ...] = ()
    error: AppError | None = None


def survey(jobs: Sequence[Job], workers: int, *, adopt: bool = False) -> list[AppPlan]:
    """Return a plan for each; raise an AppError where AWS can't be asked at all."""
    if not jobs:
        return []
    aws, starts = jobs[0].aws, _starts([job.function for job in jobs])
    with ThreadPoolExecutor(workers) as pool:
        asked = [[pool.submit(ask, aws, start) for start in starts] for ask in (rules, log_groups, alarms)]
        try:
            known = Lists(*(ChainMap(*(answer.result() for answer in answers)) for answers in asked))
        except (ClientError, BotoCoreError) as error:
            raise explained(error) from error
        return list(pool.map(lambda job: _planned(job, known, adopt=adopt), jobs))


def glance(jobs: Sequence[Job], rules: Mapping[str, Mapping[str, Any]], workers: int) -> list[AppPlan]:
    """Return what runs of each app, and how version, rule and target differ from conf/: two calls an app."""
    known = Lists(rules, {}, {})
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda job: _glanced(job, known), jobs))


def _glanced(job: Job, known: Lists) -> AppPlan:
    view = Glance(job, known)
    try:
        trouble = _choose_package(job, view)
        kinds = [resources.KINDS[name] for name in _GLANCED]
        observed = tuple(resource for kind in kinds for resource in kind.observe(view))
    except (AppError, ClientError, BotoCoreError) as error:
        return AppPlan(job, error=explained(error))
    if trouble:
        return AppPlan(job, view, observed, error=trouble)
    desired = [resource for resource in resources.desired(job) if resource.kind in _GLANCED]
    return AppPlan(job, view, observed, plan(desired, observed))


def known_rules(aws: Aws, functions: Sequence[str], prefix: str = "") -> dict[str, Any]:
    """Return the rules of some functions, and all whose names begin with `prefix`, where there is one."""
    others = [name for name in functions if not (prefix and name.startswith(prefix))]
    try:
        return {
            name: rule
            for start in [*([prefix] if prefix else []), *_starts(others)]
            for name, rule in rules(aws, start).items()
        }
    except (ClientError, BotoCoreError) as error:
        raise explained(error) from error


def _starts(functions: Sequence[str]) -> list[str]:
    """Return what the names of the functions begin with, as long as can be; one for each prefix."""
    of_prefix: dict[str, list[str]] = {}
    for name in functions:
        of_prefix.setdefault(name.partition("_")[0], []).append(name)
    return [os.path.commonprefix(some) for some in of_prefix.values()]  # noqa: RUF071 (names, not paths)


def _planned(job: Job, known: Lists, *, adopt: bool) -> AppPlan:
    try:
        return look(job, known, adopt=adopt)
    except (AppError, ClientError, BotoCoreError) as error:
        return AppPlan(job, error=explained(error))


def look(job: Job, known: Lists | None = None, *, adopt: bool = False) -> AppPlan:
    """Read one app and plan what has to change of it; raise ConfigError for what is not ours to change."""
    view = View(job, known or lists(job.aws, job.function))
    trouble = _choose_package(job, view)
    observed = resources.observe(view)
    if trouble:
        return AppPlan(job, view, tuple(observed), error=trouble)
    if job.app is None:
        observed = [resource for resource in observed if not resource.foreign and not resource.elsewhere]
    else:
        _refuse_elsewhere(job.place, observed)
        if not adopt:
            _refuse_foreign(observed)
    changes = plan(resources.desired(job), observed)
    if job.package and not job.looks and any(map(_uploads, changes)):
        _ = job.package.contents  # what can't be had is told before anything is written
    return AppPlan(job, view, tuple(observed), changes)


def _choose_package(job: Job, view: View) -> AppError | None:
    """Give the job its package. Where one only looks, return why it has none: what runs is shown still."""
    if not (job.app and job.build):
        return None
    try:
        job.package = job.build(
            job.app.extra.get("architecture") or view.architecture or DEFAULT_ARCHITECTURE
        )
    except AppError as error:
        if not job.looks:
            raise
        return error
    return None


def _uploads(change: Change) -> bool:
    """Tell whether a change takes the package itself."""
    if change.subject.kind != function.KIND:
        return False
    return change.action == "create" or bool(change.differing.keys() & function.CODE)


def _refuse_elsewhere(place: Place, observed: Sequence[Resource]) -> None:
    for resource in observed:
        if resource.elsewhere:
            raise ConfigError(
                f"The {resource.kind} {resource.name} belongs to the app in {resource.elsewhere}: "
                "an account has one of a name for all regions.",
                hint=f"Give the project in {place.region} another account.prefix in conf/global.json, or "
                f"remove the app there: `SA_APPS_REGION={resource.elsewhere} sa-apps remove`.",
            )


def _refuse_foreign(observed: Sequence[Resource]) -> None:
    foreign = [f"{resource.kind} {resource.name}" for resource in observed if resource.foreign]
    if foreign:
        raise ConfigError(
            f"There is already a {' and a '.join(foreign)}, created by neither sa-apps nor StreamAlert.",
            hint="Give the app another name, or take over what is there with --adopt.",
        )
