"""`sa-apps status`: each app's deployment, last run and progress."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streamalert_apps.cli.explained import explained
from streamalert_apps.cli.terminal import options, output
from streamalert_apps.errors import AppError, TransientError, UsageError

if TYPE_CHECKING:
    from streamalert_apps.config.conf import AppConf, Project
    from streamalert_apps.deploy.health import Counts
    from streamalert_apps.deploy.orphans import Orphan
    from streamalert_apps.deploy.survey import AppPlan
    from streamalert_apps.plugins.registry import Registry
    from streamalert_apps.serve.condition import Status
    from streamalert_apps.serve.heads import Found

EXAMPLES = """Examples:

\b
  sa-apps status
  sa-apps status --cluster prod --watch
  sa-apps status duo_prod_collector okta_prod
  sa-apps status --html status.html
  sa-apps status duo_prod_collector --json

Exit codes: 0 if all apps are healthy, 5 if some are not, 1 if none is. A paused app counts as healthy."""


def command(
    *,
    names: options.Names = None,
    names_option: options.NamesOption = None,
    cluster: options.Cluster = None,
    every_app: options.All = False,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Keep showing it until Ctrl-C.")] = False,
    every: Annotated[
        str, typer.Option("--every", help="With --watch: the interval (5s, 1m).", metavar="TIME")
    ] = "15s",
    html: Annotated[
        Path | None,
        typer.Option(
            "--html",
            help="Write it to this file as an HTML page.",
            metavar="FILE",
            dir_okay=False,
            show_default=False,
        ),
    ] = None,
    at_once: Annotated[
        int, typer.Option("--jobs", help="Apps to process at a time.", min=1, max=16, metavar="N")
    ] = 8,
    project_dir: options.ProjectDir = None,
    as_json: options.Json = False,
) -> int:
    """Show each app's deployment, last run and progress.

    In a local project, it shows the runs on this machine. With --watch and --json, each answer is one line.
    """
    from streamalert_apps.cli.project import aws_session, open_project
    from streamalert_apps.cli.selection import not_both

    pause = options.since(every).total_seconds()
    wanted = [*(names or ()), *(names_option or ())]
    not_both(wanted, every=every_app)
    project = open_project(project_dir)
    asked = Asked(project, cluster, wanted, at_once)
    asked.apps()  # what is not there is told before anything is asked
    if not project.account.local:
        aws_session(project.account)  # whoever has to be asked is asked before a spinner turns
    if watch:
        if html:
            raise UsageError("--watch writes no page.", hint="`sa-apps serve` has one that is always new.")
        return _watch(asked, pause, as_json=as_json)
    with output.working("Checking apps"):
        answer = asked.answer()
    if html:
        output.write_file(html, answer.page(project.account.prefix).encode("utf-8", "backslashreplace"))
        output.say(f"Wrote {html}.")
    if as_json or not html:
        _tell(answer, as_json=as_json)
    return answer.exit_code


@dataclass(frozen=True, slots=True)
class Answer:
    """How some apps are, the worst first, and what is wrong around them."""

    statuses: Sequence[Status]
    orphans: Sequence[Orphan]
    warnings: Sequence[str]

    @property
    def exit_code(self) -> int:
        """0 where all are healthy, 5 where some are not, 1 where none is."""
        unwell = sum(bool(status.problems) for status in self.statuses)
        if not unwell:
            return 0
        return 1 if unwell == len(self.statuses) else 5

    def notes(self) -> Iterator[str]:
        """Yield what is wrong around the apps."""
        yield from (orphan.text() for orphan in self.orphans)
        yield from self.warnings

    def page(self, title: str) -> str:
        """Return it as a page."""
        from streamalert_apps.serve import page

        apps = [status.described() for status in self.statuses]
        return page.page(page.Answer(apps, [*self.notes()], title, datetime.now(UTC)))

    def write_json(self, *, line: bool) -> None:
        """Write it as one object."""
        from streamalert_apps.cli.terminal.description import label
        from streamalert_apps.errors import Unhealthy

        content = {
            "apps": [status.described() for status in self.statuses],
            "orphans": [asdict(orphan) for orphan in self.orphans],
            "warnings": list(self.warnings),
        }
        errors = [
            Unhealthy(f"{label(status.app)}: {problem}")
            for status in self.statuses
            for problem in status.problems
        ]
        output.envelope("status", content, errors=errors, line=line)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which apps are asked about."""

    project: Project
    cluster: str | None
    names: Sequence[str]
    at_once: int

    def apps(self) -> list[AppConf]:
        """Return the apps."""
        from streamalert_apps.cli.selection import several_apps

        if self.names:
            return several_apps(self.project, [self.cluster] if self.cluster else [], self.names)
        return list(self.project.apps(self.cluster))

    def answer(self) -> Answer:
        """Ask AWS, or this machine's store."""
        from streamalert_apps.cli.selection import known_types
        from streamalert_apps.serve import condition

        apps = self.apps()
        if self.project.account.local:
            found = self._found(apps)
            types = known_types(self.project.root)
            return Answer(condition.worst_first(condition.read(apps, found, types, since=None)), [], [])
        return self._deployed(apps)

    def _deployed(self, apps: Sequence[AppConf]) -> Answer:
        from streamalert_apps.cli.fleet import Fleet
        from streamalert_apps.deploy import health, orphans, survey
        from streamalert_apps.serve import condition

        fleet = Fleet.of(self.project)
        functions = [app.function for app in apps]
        rules: Mapping[str, Any] = {}
        with _suppressed(unless=bool(apps)):
            prefix = "" if self.names else orphans.prefix_of(self.project)
            rules = survey.known_rules(fleet.aws, functions, prefix)
        jobs, refused = fleet.jobs(apps, looks=True)
        plans = {plan.job.function: plan for plan in survey.glance(jobs, rules, self.at_once)}
        plans |= {plan.job.function: plan for plan in refused}
        there = [app for app in apps if _is_deployed(plans[app.function])]
        found = {app.function: one for app, one in zip(there, self._found(there), strict=True)}
        counts = health.counts(fleet.aws.alarms, functions, datetime.now(UTC))
        statuses = [
            _with_deployment(
                condition.recorded(app, fleet.types, found.get(app.function)),
                fleet.types,
                plans[app.function],
                counts[app.function],
            )
            for app in apps
        ]
        clusters = [self.cluster] if self.cluster else []
        left = [] if self.names else list(orphans.orphans(rules, self.project, clusters))
        return Answer(condition.worst_first(statuses), left, _warnings(fleet.session, self.project, apps))

    def _found(self, apps: Sequence[AppConf]) -> list[Found]:
        from streamalert_apps.cli.project import aws_session
        from streamalert_apps.serve import heads

        return heads.read_all(self.project, apps, lambda: aws_session(self.project.account), self.at_once)


@contextmanager
def _suppressed(*, unless: bool) -> Iterator[None]:
    """Let an error pass where nothing depends on the answer."""
    try:
        yield
    except AppError:
        if unless:
            raise


def _tell(answer: Answer, *, as_json: bool) -> None:
    if as_json:
        answer.write_json(line=False)
    elif answer.statuses:
        from streamalert_apps.cli.terminal import condition

        condition.show(answer.statuses)
    else:
        output.data("No Apps configured")
        output.say("Next: `sa-apps new` adds one.")
    for note in answer.notes():
        output.warn(note)


def _watch(asked: Asked, pause: float, *, as_json: bool) -> int:
    """Show it again and again; return how it was last."""
    if as_json:
        return _repeated(asked, pause, lambda answer: answer.write_json(line=True))
    if not output.is_terminal(sys.stdout):
        raise UsageError("--watch needs a terminal.", hint="Pass --json for an object each time.")
    from streamalert_apps.cli.terminal import watching

    with watching.screen() as show:
        return _repeated(asked, pause, lambda answer: show(answer.statuses, [*answer.notes()]))


def _repeated(asked: Asked, pause: float, show: Any) -> int:
    """Ask and show until Ctrl-C. What keeps AWS from answering and passes is waited out."""
    import time

    code = 0
    with suppress(KeyboardInterrupt):
        while True:
            try:
                answer = asked.answer()
            except Exception as error:
                ours = explained(error)
                if not isinstance(ours, TransientError):
                    raise
                output.warn(ours.message)
            else:
                show(answer)
                output.flush()
                code = answer.exit_code
            time.sleep(pause)
    return code


def _warnings(session: Any, project: Project, apps: Sequence[AppConf]) -> list[str]:
    """Return what is wrong around the apps in AWS."""
    from streamalert_apps.deploy import surroundings
    from streamalert_apps.deploy.place import Place

    if not apps:
        return []
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


def _with_deployment(status: Status, types: Registry, plan: AppPlan, counts: Counts) -> Status:
    """Add what is deployed, and what is wrong with it or with the runs that it makes."""
    from streamalert_apps.cli.terminal.changes import described_change
    from streamalert_apps.deploy import health
    from streamalert_apps.deploy.view import is_enabled
    from streamalert_apps.serve import condition

    told = [condition.said(plan.error)] if plan.error else []
    view = plan.view
    if view is None:
        return replace(status, problems=[*status.problems, *told])
    problems = [*status.problems, *told, *health.deployment_problems(view)]
    if not view.live or not view.rule:
        return replace(status, problems=problems)
    enabled = is_enabled(view.rule)
    deployment = condition.Deployment(
        version=view.live["Version"],
        schedule=view.rule.get("ScheduleExpression", "no schedule"),
        enabled=enabled,
        drift=[described_change(change) for change in plan.changes],
        counts=counts,
    )
    since = _since(view.live) if enabled else None
    return condition.with_runs(replace(status, problems=problems, deployment=deployment), types, since)


def _since(live: Mapping[str, Any]) -> datetime | None:
    """Return from when on the version that runs could run, if AWS tells."""
    with suppress(ValueError):
        return datetime.fromisoformat(live.get("LastModified", ""))
    return None
