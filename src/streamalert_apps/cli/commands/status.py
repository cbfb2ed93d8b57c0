"""`sa-apps status`: how the apps are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streamalert_apps.cli.terminal import options, output
from streamalert_apps.errors import AppError, ConfigError, StateError

if TYPE_CHECKING:
    from streamalert_apps.cli.terminal.condition import Status
    from streamalert_apps.config.conf import AppConf, Project
    from streamalert_apps.deploy.health import Counts
    from streamalert_apps.deploy.survey import AppPlan
    from streamalert_apps.plugins.registry import Registry
    from streamalert_apps.sdk.app import Checkpoint

EXAMPLES = """Examples:

\b
  sa-apps status
  sa-apps status --cluster prod
  sa-apps status duo_prod_collector --json

It ends with 0 where all apps are well, 5 where some are not, 1 where none is. An app that was disabled
on purpose is well."""


def command(
    *,
    name: options.Name = None,
    name_option: options.NameOption = None,
    cluster: options.Cluster = None,
    at_once: Annotated[
        int, typer.Option("--jobs", help="How many apps at a time.", min=1, max=16, metavar="N")
    ] = 8,
    project_dir: options.ProjectDir = None,
    as_json: options.Json = False,
) -> int:
    """Show what is deployed, how it ran, and how far it came.

    In a local project it shows what the runs on this machine left.
    """
    from streamalert_apps.cli.project import open_project
    from streamalert_apps.cli.selection import either

    project = open_project(project_dir)
    wanted = either(name, name_option, "name")
    apps = [project.find(wanted, cluster)] if wanted else list(project.apps(cluster))
    with output.working("Asking how the apps are"):
        statuses = _local(project, apps) if project.account.local else _deployed(project, apps, at_once)
    errors = [error for status in statuses for error in status.errors()]
    if as_json:
        output.envelope("status", {"apps": [status.described() for status in statuses]}, errors=errors)
    else:
        output.data("\n\n".join(status.text() for status in statuses) or "No Apps configured")
    unwell = sum(bool(status.problems) for status in statuses)
    if not unwell:
        return 0
    return 1 if unwell == len(statuses) else 5


def _local(project: Project, apps: Sequence[AppConf]) -> list[Status]:
    """Return how the apps of a local project are. Nobody runs them on schedule, so none is late."""
    from streamalert_apps.cli.selection import known_types
    from streamalert_apps.deploy import health
    from streamalert_apps.runtime import names
    from streamalert_apps.runtime.local import FileSlot

    types, statuses = known_types(project.root), []
    for app in apps:
        stored = FileSlot(names.local_folder(project.root, app.function) / "state.json").read()
        status = _remembered(app, types, stored.text if stored else None)
        runs = health.run_problems(status.state, status.now, _every(app), None)
        statuses.append(replace(status, problems=[*status.problems, *runs]))
    return statuses


def _deployed(project: Project, apps: Sequence[AppConf], workers: int) -> list[Status]:
    """Return how the apps in AWS are."""
    from streamalert_apps.cli.fleet import Fleet
    from streamalert_apps.deploy import health, parameters, survey
    from streamalert_apps.runtime import names

    fleet = Fleet.of(project)
    jobs, refused = fleet.jobs(apps)
    plans = [*survey.survey(jobs, workers), *refused]
    if plans:
        survey.check_account(fleet.session, fleet.place.account, plans)
    functions = [app.function for app in apps]
    counts = health.counts(fleet.aws.alarms, functions, datetime.now(UTC))
    parameter = {function: names.state_parameter(function) for function in functions}
    texts = parameters.values(fleet.session.client("ssm"), list(parameter.values()), decrypted=True)
    plan_of = {plan.job.function: plan for plan in plans}
    return [
        _with_deployment(
            _remembered(app, fleet.types, texts.get(parameter[app.function])),
            plan_of[app.function],
            counts[app.function],
        )
        for app in apps
    ]


def _remembered(app: AppConf, types: Registry, text: str | None) -> Status:
    """Return what an app's state tells."""
    from streamalert_apps.cli.terminal.condition import Status
    from streamalert_apps.runtime.state import State

    status = Status(app, datetime.now(UTC), [])
    if text is None:
        return status
    try:
        state = State.of_text(text)
    except StateError as error:
        return replace(status, problems=[error.message])
    until = None
    if state.checkpoint is not None:
        with suppress(AppError, KeyError, ValueError):  # a type or a checkpoint of another version
            until = _watermark(types, app, state.checkpoint)
    return replace(status, state=state, until=until)


def _watermark(types: Registry, app: AppConf, checkpoint: Checkpoint) -> datetime | None:
    from streamalert_apps.sdk.clock import SystemClock
    from streamalert_apps.sdk.http import Api

    api = Api(clock=SystemClock())
    try:
        return types.find(app.type)({}, api).watermark(checkpoint)
    finally:
        api.close()


def _with_deployment(status: Status, plan: AppPlan, counts: Counts) -> Status:
    """Add what is deployed, and what is wrong with it or with the runs that it makes."""
    from streamalert_apps.cli.terminal.changes import described_change
    from streamalert_apps.cli.terminal.condition import Deployment
    from streamalert_apps.deploy import health

    if plan.error or plan.view is None:
        return replace(status, problems=[*status.problems, plan.error.message if plan.error else ""])
    view = plan.view
    problems = [*status.problems, *health.deployment_problems(view)]
    if not view.live or not view.rule:
        return replace(status, problems=problems)
    enabled = health.is_enabled(view.rule)
    deployment = Deployment(
        version=view.live["Version"],
        schedule=view.rule.get("ScheduleExpression", "no schedule"),
        enabled=enabled,
        drift=[described_change(change) for change in plan.changes],
        counts=counts,
    )
    since = _since(view.live) if enabled else None
    problems += health.run_problems(status.state, status.now, _every(status.app), since)
    return replace(status, problems=problems, deployment=deployment)


def _since(live: Mapping[str, Any]) -> datetime:
    """Return from when on the version that runs could run."""
    return datetime.fromisoformat(live["LastModified"])


def _every(app: AppConf) -> timedelta:
    """Return the time between two runs; a day where conf/ has no valid one."""
    from streamalert_apps.deploy.health import DAY
    from streamalert_apps.runtime.schedule import interval

    try:
        return interval(app.schedule_expression)
    except ConfigError:
        return DAY
