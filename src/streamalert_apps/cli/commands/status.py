"""`sa-apps status`: how the apps are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streamalert_apps.cli.terminal import options, output
from streamalert_apps.errors import AppError

if TYPE_CHECKING:
    from streamalert_apps.cli.fleet import Fleet
    from streamalert_apps.cli.terminal.condition import Status
    from streamalert_apps.config.conf import AppConf, Project
    from streamalert_apps.deploy.health import Counts, Progress
    from streamalert_apps.deploy.survey import AppPlan
    from streamalert_apps.plugins.registry import Registry
    from streamalert_apps.sdk.app import Checkpoint
    from streamalert_apps.serve.heads import Found

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
    from streamalert_apps.cli.fleet import Fleet
    from streamalert_apps.cli.project import aws_session, open_project
    from streamalert_apps.cli.selection import either

    project = open_project(project_dir)
    wanted = either(name, name_option, "name")
    apps = [project.find(wanted, cluster)] if wanted else list(project.apps(cluster))
    if not project.account.local:
        aws_session(project.account)  # whoever has to be asked is asked before a spinner turns
    with output.working("Asking how the apps are"):
        warnings = _warnings(project, apps)
        if project.account.local:
            statuses, orphans = _local(project, apps, at_once), []
        else:
            fleet = Fleet.of(project)
            statuses = _deployed(fleet, project, apps, at_once)
            orphans = [] if wanted else fleet.orphans(project, [cluster] if cluster else [])
    errors = [error for status in statuses for error in status.errors()]
    if as_json:
        content = {
            "apps": [status.described() for status in statuses],
            "orphans": [asdict(orphan) for orphan in orphans],
            "warnings": warnings,
        }
        output.envelope("status", content, errors=errors)
    else:
        output.data("\n\n".join(status.text() for status in statuses) or "No Apps configured")
    for warning in [*(orphan.text() for orphan in orphans), *warnings]:
        output.warn(warning)
    unwell = sum(bool(status.problems) for status in statuses)
    if not unwell:
        return 0
    return 1 if unwell == len(statuses) else 5


def _local(project: Project, apps: Sequence[AppConf], workers: int) -> list[Status]:
    """Return how the apps of a local project are. Nobody runs them on schedule, so none is late."""
    from streamalert_apps.cli.selection import known_types

    types = known_types(project.root)
    found = _found(project, apps, workers)
    return [
        _with_runs(_with_type(_recorded(app, types, there), types), types, None)
        for app, there in zip(apps, found, strict=True)
    ]


def _deployed(fleet: Fleet, project: Project, apps: Sequence[AppConf], workers: int) -> list[Status]:
    """Return how the apps in AWS are."""
    from streamalert_apps.deploy import health, survey

    jobs, refused = fleet.jobs(apps, looks=True)
    plans = [*survey.survey(jobs, workers), *refused]
    counts = health.counts(fleet.aws.alarms, [app.function for app in apps], datetime.now(UTC))
    plan_of = {plan.job.function: plan for plan in plans}
    is_there = [app for app in apps if _is_deployed(plan_of[app.function])]
    found = dict(zip((app.function for app in is_there), _found(project, is_there, workers), strict=True))
    return [
        _with_deployment(
            _recorded(app, fleet.types, found.get(app.function)),
            fleet.types,
            plan_of[app.function],
            counts[app.function],
        )
        for app in apps
    ]


def _warnings(project: Project, apps: Sequence[AppConf]) -> list[str]:
    """Return what is wrong around the apps in AWS."""
    from streamalert_apps.cli.project import aws_session
    from streamalert_apps.deploy import surroundings
    from streamalert_apps.deploy.place import Place

    if project.account.local or not apps:
        return []
    session = aws_session(project.account)
    clusters = {app.cluster for app in apps}
    return surroundings.warnings(
        session.client("sns"), session.client("lambda"), Place.of(project.account), clusters
    )


def _is_deployed(plan: AppPlan) -> bool:
    """Tell whether there may be a record: what runs has one, or is about to; an earlier version has none."""
    from streamalert_apps.deploy.resources.function import environment

    if plan.error:
        return True
    live = plan.view.live if plan.view else None
    variables = environment(live) if live else {}
    return variables is None or "SA_APPS_BUCKET" in variables


def _found(project: Project, apps: Sequence[AppConf], workers: int) -> list[Found]:
    from streamalert_apps.cli.project import aws_session
    from streamalert_apps.serve import heads

    return heads.read_all(project, apps, lambda: aws_session(project.account), workers)


def _recorded(app: AppConf, types: Registry, found: Found | None) -> Status:
    """Return what an app's head tells."""
    from streamalert_apps.cli.terminal.condition import Status

    if found is None:
        return Status(app, datetime.now(UTC), [])
    if found.error:
        return Status(app, found.now, [found.error.message], is_readable=False)
    status = Status(app, found.now, [], found.head)
    if found.head is None or found.head.checkpoint is None:
        return status
    return replace(status, progress=_progress(types, app, found.head.checkpoint))


def _progress(types: Registry, app: AppConf, checkpoint: Checkpoint) -> Progress:
    """Return how far the app is; nothing for a type or a checkpoint of another version."""
    import msgspec

    from streamalert_apps.deploy.health import Progress
    from streamalert_apps.sdk.clock import SystemClock
    from streamalert_apps.sdk.http import Api

    api = Api(clock=SystemClock())
    foreign = (AppError, KeyError, ValueError, TypeError, AttributeError, msgspec.MsgspecError)
    try:
        kind = types.find(app.type)({}, api)
        floor = kind.watermark(checkpoint)
        recorded, listed = kind.recorded(checkpoint) or floor, kind.listed(checkpoint) or floor
        return Progress(floor, recorded, listed, kind.gaps(checkpoint))
    except foreign:
        return Progress()
    finally:
        api.close()


def _with_type(status: Status, types: Registry) -> Status:
    """Add what is wrong with the app's type, if it is none."""
    try:
        types.find(status.app.type)
    except AppError as error:
        return replace(status, problems=[*status.problems, _said(error)])
    return status


def _said(error: AppError) -> str:
    return f"{error.message} {error.hint}".rstrip()


def _with_deployment(status: Status, types: Registry, plan: AppPlan, counts: Counts) -> Status:
    """Add what is deployed, and what is wrong with it or with the runs that it makes."""
    from streamalert_apps.cli.terminal.changes import described_change
    from streamalert_apps.cli.terminal.condition import Deployment
    from streamalert_apps.deploy import health
    from streamalert_apps.deploy.view import is_enabled

    told = [_said(plan.error)] if plan.error else []
    view = plan.view
    if view is None:
        return replace(status, problems=[*status.problems, *told])
    problems = [*status.problems, *told, *health.deployment_problems(view)]
    if not view.live or not view.rule:
        return replace(status, problems=problems)
    enabled = is_enabled(view.rule)
    deployment = Deployment(
        version=view.live["Version"],
        schedule=view.rule.get("ScheduleExpression", "no schedule"),
        enabled=enabled,
        drift=[described_change(change) for change in plan.changes],
        counts=counts,
    )
    since = _since(view.live) if enabled else None
    return _with_runs(replace(status, problems=problems, deployment=deployment), types, since)


def _with_runs(status: Status, types: Registry, since: datetime | None) -> Status:
    """Add what is wrong with the runs. `since`: from when on there were to be some; None: nobody counts."""
    from streamalert_apps.deploy import health

    if not status.is_readable:
        return status
    holds = {sink.name: timedelta(seconds=sink.common()["hold"]) for sink in status.app.sinks}
    pace = health.Pace(_every(status.app), _lag(status.app, types), since, holds)
    runs = health.run_problems(status.head, status.progress, status.now, pace)
    return replace(status, problems=[*status.problems, *runs])


def _lag(app: AppConf, types: Registry) -> timedelta:
    """Return how late an app's events may appear; what is not declared is an hour."""
    from streamalert_apps.sdk.feed.reader import UNDECLARED_LAG

    with suppress(AppError):
        return app.lag or types.find(app.type).lag or UNDECLARED_LAG
    return UNDECLARED_LAG


def _since(live: Mapping[str, Any]) -> datetime:
    """Return from when on the version that runs could run."""
    return datetime.fromisoformat(live["LastModified"])


def _every(app: AppConf) -> timedelta:
    """Return the time between two runs."""
    from streamalert_apps.runtime.schedule import interval

    return interval(app.schedule_expression)
