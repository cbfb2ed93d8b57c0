"""`sa-apps deploy`: make AWS match conf/."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Final

import typer

from streamalert_apps.cli.terminal import options, output
from streamalert_apps.errors import Cancelled, UsageError

if TYPE_CHECKING:
    from streamalert_apps.cli.fleet import Fleet
    from streamalert_apps.cli.terminal.changes import Outcome, Whole
    from streamalert_apps.cli.terminal.prompts import Prompts
    from streamalert_apps.config.conf import AppConf, Project
    from streamalert_apps.deploy.bucket import BucketPlan
    from streamalert_apps.deploy.classifier import ClassifierPlan
    from streamalert_apps.deploy.dashboard import DashboardPlan
    from streamalert_apps.deploy.orphans import Orphan
    from streamalert_apps.deploy.survey import AppPlan

EXAMPLES = """Examples:

\b
  sa-apps deploy
  sa-apps deploy collector --cluster prod --with-classifier
  sa-apps deploy --dry-run --exit-code         exit 3 if AWS does not match conf/
  sa-apps deploy --dry-run --verbose
  sa-apps deploy --yes --json
  sa-apps deploy --functions classifier apps   as in StreamAlert: --with-classifier

The plan is shown first. An interrupted deploy does no harm: the next one continues. Nothing is deleted
without --prune."""

PENDING: Final = 3


def command(
    *,
    names: options.Names = None,
    names_option: options.NamesOption = None,
    clusters: options.Clusters = None,
    every_app: options.All = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and change nothing.")] = False,
    yes: options.Yes = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Also delete apps from AWS that are no longer in conf/.")
    ] = False,
    adopt: Annotated[
        bool,
        typer.Option(
            "--adopt",
            help="Take over resources of the same name that neither sa-apps nor StreamAlert created.",
        ),
    ] = False,
    with_classifier: Annotated[
        bool,
        typer.Option("--with-classifier", help="Also merge apps and schemas into StreamAlert's classifier."),
    ] = False,
    functions: Annotated[
        list[str] | None,
        typer.Option("--functions", "-f", help="As in StreamAlert: apps or classifier.", metavar="WORD"),
    ] = None,
    drop_undelivered: Annotated[
        bool,
        typer.Option(
            "--drop-undelivered",
            help="Also drop events that are undelivered to destinations no longer in conf/.",
        ),
    ] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="With --dry-run: exit 3 if changes are pending.")
    ] = False,
    at_once: Annotated[
        int, typer.Option("--jobs", help="Apps to process at a time.", min=1, max=16, metavar="N")
    ] = 8,
    project_dir: options.ProjectDir = None,
    no_input: options.NoInput = False,
    as_json: options.Json = False,
) -> int:
    """Deploy apps so that AWS matches conf/.

    Each app gets a function, a role, a schedule, a log group and alarms. All apps share one bucket for
    their records.

    Only differences are written. The alias that the schedule invokes moves last, so each run sees either
    the old version or the new one.
    """
    from streamalert_apps.cli.fleet import Fleet
    from streamalert_apps.cli.project import open_project
    from streamalert_apps.cli.selection import not_both, several_apps
    from streamalert_apps.cli.terminal.changes import Outcome, Whole
    from streamalert_apps.cli.terminal.prompts import Prompts

    names = [*(names or ()), *(names_option or ())]
    not_both(names, every=every_app)
    if words := _words(functions, names):
        names, with_classifier = [], with_classifier or "classifier" in words
    if prune and names:
        raise UsageError("--prune is about all apps of a cluster.", hint="Leave out the names.")
    prompts = Prompts.on_terminal(no_input=no_input)
    project = open_project(project_dir)
    apps = several_apps(project, clusters or (), names)
    deploy = Deploy(Fleet.of(project), project, at_once, adopt=adopt, looks=dry_run)
    with output.working("Comparing conf/ with AWS"):
        meant = clusters or list(dict.fromkeys(app.cluster for app in apps))
        classifiers = deploy.classifiers(meant) if with_classifier else []
        if words == {"classifier"}:
            apps = []
        plans = deploy.plan(apps, (clusters or ()) if prune else None)
        whole = Whole(plans, classifiers, deploy.bucket(plans), deploy.dashboard(plans))
        orphans = [] if names or prune else deploy.fleet.orphans(project, clusters or ())
    if dry_run or not whole.pending:
        outcome = Outcome.of_plan(whole, dry_run=dry_run)
    else:
        outcome = _carried_out(whole, deploy, prompts, yes=yes)
    if not dry_run:
        deploy.forget(plans, prompts if not yes else Prompts("--yes is given"), drop=drop_undelivered)
    _tell(whole, outcome, orphans, as_json=as_json)
    if dry_run:
        _say_notes(whole, deploy)
        for line in deploy.ended_destinations(plans, all_apps=drop_undelivered):
            output.warn(line)
    if dry_run and exit_code and whole.pending:
        return outcome.exit_code or PENDING
    return outcome.exit_code


def _words(functions: Sequence[str] | None, names: Sequence[str]) -> set[str]:
    """Return StreamAlert's words for what to deploy; it lets them follow one --functions."""
    if not functions:
        return set()
    words = {*functions, *names}
    if foreign := sorted(words - {"apps", "classifier"}):
        raise UsageError(
            f"sa-apps deploys apps and the classifier, not {', '.join(foreign)}.",
            hint="With --functions no app can be named; --name does without it. The rest is StreamAlert's.",
        )
    return words


def _carried_out(whole: Whole, deploy: Deploy, prompts: Prompts, *, yes: bool) -> Outcome:
    """Show what is to be done, and do it unless somebody says no."""
    _show(whole, deploy)
    if not yes and not prompts.confirm("Apply these changes?", flag="--yes"):
        raise Cancelled("Cancelled; nothing was changed.")
    return deploy.apply(whole)


def _show(whole: Whole, deploy: Deploy) -> None:
    """Say what is to be done."""
    from streamalert_apps.cli.terminal.changes import Report, job_label, summary

    for line in whole.lines(verbose=output.is_verbose()):
        output.say(line)
    output.say(f"Plan: {summary(map(Report.of_plan, whole.apps), whole.classifiers, done=False)}")
    _say_notes(whole, deploy)
    for plan in deploy.without_credentials(whole.apps):
        output.warn(
            f"{job_label(plan.job)} has no credentials yet: its runs fail until `sa-apps update-auth`."
        )
    sinks = deploy.sinks_without_credentials(whole.apps)
    if sinks:
        from streamalert_apps.runtime.outlets import given_by
    for sink in sinks:
        output.warn(f"{sink} has no credentials yet: nothing reaches it until `{given_by(sink)}`.")


def _say_notes(whole: Whole, deploy: Deploy) -> None:
    """Say what the plan costs, and what in conf/ won't do what somebody may think."""
    if cost := deploy.cost(whole.apps):
        output.say(cost)
    for line in deploy.begun_destinations(whole.apps):
        output.say(line)
    for warning in [*deploy.warnings(whole.apps), *deploy.lacking(whole.apps)]:
        output.warn(warning)
    if whole.dashboard and whole.dashboard.trouble:
        output.warn(f"The dashboard can't be read and stays as it is: {whole.dashboard.trouble}")


def _tell(whole: Whole, outcome: Outcome, orphans: Sequence[Orphan], *, as_json: bool) -> None:
    """Say what was done, or would be; data is only what a dry run is asked for."""
    from streamalert_apps.cli.terminal.changes import summary

    if as_json:
        described = [asdict(orphan) for orphan in orphans]
        output.envelope("deploy", {**outcome.described(), "orphans": described}, errors=outcome.errors)
    elif outcome.dry_run:
        for line in whole.lines(verbose=output.is_verbose()):
            output.data(line)
    for error in outcome.errors:
        output.error(error)
    if not (whole.apps or whole.classifiers or outcome.errors):
        output.say("No Apps configured.")
        output.say("Next: `sa-apps new` adds one.")
    elif outcome.dry_run:
        output.say(f"Plan: {summary(outcome.apps, whole.classifiers, done=False)}")
    elif not whole.pending and not outcome.errors:
        output.say("No changes: AWS matches conf/.")
    else:
        output.say(f"Apps: {summary(outcome.apps, whole.classifiers, done=True)}")
        if outcome.apps and not outcome.errors:
            output.say("Next: `sa-apps status` shows how the apps run.")
    for orphan in orphans:
        output.warn(orphan.text())


class Deploy:
    """One deploy of a project."""

    def __init__(self, fleet: Fleet, project: Project, at_once: int, *, adopt: bool, looks: bool) -> None:
        self.fleet = fleet
        self.project = project
        self.at_once = at_once
        self.adopt = adopt
        self.looks = looks

    def plan(self, apps: Sequence[AppConf], gone_from: Sequence[str] | None) -> list[AppPlan]:
        """Return the plans for these apps, and for those that are gone from the clusters `gone_from`."""
        from streamalert_apps.deploy import prune, survey

        jobs, refused = self.fleet.jobs(apps, looks=self.looks)
        if gone_from is not None:
            known = [app.function for app in self.project.all_apps]
            jobs += prune.gone(self.fleet.aws, self.fleet.place, gone_from, known)
        planned = survey.survey(jobs, self.at_once, adopt=self.adopt)
        return [*planned, *refused]

    def classifiers(self, clusters: Sequence[str]) -> list[ClassifierPlan]:
        """Return the plans for the classifiers of these clusters, each with the services of its apps."""
        return [self._classifier(cluster) for cluster in clusters]

    def _classifier(self, cluster: str) -> ClassifierPlan:
        from streamalert_apps.deploy import classifier
        from streamalert_apps.deploy.job import Job
        from streamalert_apps.runtime import names

        place = self.fleet.place
        job = Job(self.fleet.aws, place, names.classifier(place.prefix, cluster))
        used = {app.service for app in self.project.apps(cluster)}
        return classifier.look(job, cluster, self.project.root, used, classifier.download)

    def bucket(self, planned: Sequence[AppPlan]) -> BucketPlan | None:
        """Return the plan for the bucket, where there is an app that needs it."""
        from streamalert_apps.deploy import bucket

        if not _apps(planned):
            return None
        return bucket.look(self.fleet.session.client("s3"), self.fleet.place)

    def dashboard(self, planned: Sequence[AppPlan]) -> DashboardPlan | None:
        """Return the plan for the dashboard of all apps; none where only classifiers are deployed."""
        from streamalert_apps.deploy import dashboard

        refused = {plan.job.function for plan in planned if plan.error}
        shown = [app for app in self.project.all_apps if app.function not in refused]
        if self.project.all_apps and not (planned and shown):
            return None
        return dashboard.look(self.fleet.aws.alarms, self.fleet.place, shown)

    def cost(self, planned: Sequence[AppPlan]) -> str:
        """Return in words what the apps' records cost; nothing where there are no apps."""
        from streamalert_apps.deploy import cost

        apps = _apps(planned)
        return str(cost.monthly(apps)) if apps else ""

    def warnings(self, planned: Sequence[AppPlan]) -> list[str]:
        """Return what has to be known of the apps before they are deployed, a line each."""
        from streamalert_apps.deploy import network, surroundings

        apps = _apps(planned)
        superseded = [f"{app.name} ({app.cluster})" for app in apps if "oversize_bucket" in app.extra]
        told = []
        if superseded:
            told.append(
                f"oversize_bucket of {', '.join(superseded)} is superseded: large events are kept whole in "
                f"{self.fleet.place.bucket}. Take the key out of conf/."
            )
        if apps:
            told += surroundings.unheard(self.fleet.session.client("sns"), self.fleet.place)
        if in_a_vpc := [app for app in apps if network.subnets_of(app)]:
            told += network.warnings(self.fleet.session.client("ec2"), self.fleet.place, in_a_vpc)
        return told

    def lacking(self, planned: Sequence[AppPlan]) -> list[str]:
        """Return what the account lacks for the apps that are to be created."""
        from streamalert_apps.cli.examining import lacking_classifiers, lacking_room

        new = [plan.job.app for plan in planned if plan.job.app and plan.changes and not plan.observed]
        if not new:
            return []
        session = self.fleet.session
        return [
            *lacking_room(self.project, session, new),
            *lacking_classifiers(self.project, session, new),
        ]

    def without_credentials(self, planned: Sequence[AppPlan]) -> list[AppPlan]:
        """Return those of the apps that are new and have no credentials yet."""
        from streamalert_apps.deploy import parameters
        from streamalert_apps.runtime import names

        new = [plan for plan in planned if plan.view and not plan.view.latest and plan.job.app]
        if not new:
            return []
        wanted = [names.auth_parameter(plan.job.function) for plan in new]
        known = parameters.values(self.fleet.session.client("ssm"), wanted)
        return [plan for plan in new if names.auth_parameter(plan.job.function) not in known]

    def sinks_without_credentials(self, planned: Sequence[AppPlan]) -> list[str]:
        """Return the names of those destinations of the apps that need credentials and have none yet."""
        from streamalert_apps.deploy import parameters
        from streamalert_apps.deploy.resources.role import sinks_with_credentials
        from streamalert_apps.runtime import names

        prefix = self.fleet.place.prefix
        wanted = {
            sink: names.destination_parameter(prefix, sink)
            for app in _apps(planned)
            for sink in sinks_with_credentials(app)
        }
        known = parameters.values(self.fleet.session.client("ssm"), [*wanted.values()]) if wanted else {}
        return [sink for sink, parameter in wanted.items() if parameter not in known]

    def begun_destinations(self, planned: Sequence[AppPlan]) -> list[str]:
        """Return from where on new destinations of the apps are sent events, a line each."""
        from streamalert_apps.cli import forgetting

        return forgetting.begun(self.project, planned, self.fleet.session)

    def ended_destinations(self, planned: Sequence[AppPlan], *, all_apps: bool) -> list[str]:
        """Return what destinations lack that conf/ no longer names, a line each."""
        from streamalert_apps.cli import forgetting

        return forgetting.ended(forgetting.left(self.project, planned, self.fleet.session, all_apps=all_apps))

    def forget(self, planned: Sequence[AppPlan], prompts: Prompts, *, drop: bool) -> None:
        """Drop positions of destinations that conf/ no longer names; ask where something is undelivered."""
        if not planned:
            return
        from streamalert_apps.cli import forgetting

        session = self.fleet.session
        found = forgetting.left(self.project, planned, session, all_apps=drop)
        forgetting.forget(self.project, forgetting.to_forget(found, prompts, drop=drop), session)

    def apply(self, whole: Whole) -> Outcome:
        """Carry it out. The classifiers are first: what they do not know they drop."""
        from streamalert_apps.cli.terminal.changes import Outcome, Report
        from streamalert_apps.cli.terminal.progress import applying
        from streamalert_apps.deploy import apply, bucket, classifier, dashboard

        if whole.bucket and whole.bucket.changes:
            bucket.apply(whole.bucket)
            output.say(f"bucket {whole.bucket.place.bucket}: done.")
        versions = {}
        for plan in whole.classifiers:
            if plan.files:
                versions[plan.cluster] = classifier.apply(plan)
                output.say(f"classifier ({plan.cluster}): version {versions[plan.cluster]} runs.")
        with applying(whole.apps) as tell:
            results = apply.apply(whole.apps, self.at_once, tell, adopt=self.adopt)
        if whole.dashboard and whole.dashboard.changes:
            dashboard.apply(whole.dashboard)
            output.say(f"dashboard {whole.dashboard.changes[0].subject.name}: done.")
        reports = [Report.of_result(result) for result in results]
        return Outcome(reports, whole.classifiers, versions, bucket=whole.bucket, dashboard=whole.dashboard)


def _apps(planned: Sequence[AppPlan]) -> list[AppConf]:
    """Return the apps that shall be there and can be."""
    return [plan.job.app for plan in planned if plan.job.app and not plan.error]
