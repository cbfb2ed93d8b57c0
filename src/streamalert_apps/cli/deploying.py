"""What `sa-apps deploy` does once it knows its options."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from streamalert_apps.cli.fleet import Fleet
from streamalert_apps.cli.report import Report, totals
from streamalert_apps.cli.terminal import output
from streamalert_apps.cli.terminal.progress import applying
from streamalert_apps.config.conf import AppConf, Project
from streamalert_apps.deploy import apply, classifier, parameters, prune, survey
from streamalert_apps.deploy.classifier import ClassifierPlan
from streamalert_apps.deploy.job import Job
from streamalert_apps.deploy.plan import Change
from streamalert_apps.deploy.survey import AppPlan
from streamalert_apps.errors import AppError, CredentialsError
from streamalert_apps.runtime import names

SOME_FAILED: Final = 5


@dataclass(frozen=True, slots=True)
class Whole:
    """All that a deploy would do."""

    apps: list[AppPlan]
    classifiers: list[ClassifierPlan] = field(default_factory=list)

    @property
    def pending(self) -> bool:
        """Whether anything has to be written."""
        return any(plan.changes for plan in self.apps) or any(plan.files for plan in self.classifiers)

    def lines(self) -> Iterator[str]:
        """Say what would be done."""
        for plan in self.classifiers:
            if plan.files:
                yield f"~ classifier ({plan.cluster}): {', '.join(plan.files)}"
        for report in map(Report.of_plan, self.apps):
            if report.fate != "unchanged":
                yield from report.lines()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is to be done, or was: an app's report each, and the classifiers' new versions by cluster."""

    apps: list[Report]
    classifiers: list[ClassifierPlan]
    versions: dict[str, str]
    dry_run: bool = False

    @classmethod
    def of_plan(cls, whole: Whole, *, dry_run: bool) -> Outcome:
        """Return what is to be done, or that nothing had to be."""
        return cls([Report.of_plan(plan) for plan in whole.apps], whole.classifiers, {}, dry_run)

    @property
    def errors(self) -> list[AppError]:
        """What went wrong, with the apps' names."""
        return [error for error in (report.labelled_error() for report in self.apps) if error]

    @property
    def exit_code(self) -> int:
        """0, or what says how many failed."""
        failed = self.errors
        if not failed:
            return 0
        if len(failed) < len(self.apps):
            return SOME_FAILED
        refused = all(isinstance(error, CredentialsError) for error in failed)
        return CredentialsError.exit_code if refused else AppError.exit_code

    def described(self) -> dict[str, Any]:
        """Return it as --json shows it."""
        return {
            "dry_run": self.dry_run,
            "totals": totals(self.apps),
            "apps": [report.described() for report in self.apps],
            "classifiers": [
                {
                    "cluster": plan.cluster,
                    "function": plan.job.function,
                    "files": list(plan.files),
                    "version": self.versions.get(plan.cluster),
                }
                for plan in self.classifiers
            ],
        }


@dataclass(frozen=True, slots=True)
class Deploy:
    """One deploy of a project."""

    fleet: Fleet
    project: Project
    at_once: int
    adopt: bool = False

    def plan(self, apps: Sequence[AppConf], gone_from: Sequence[str] | None) -> list[AppPlan]:
        """Return the plans for these apps, and for those that are gone from the clusters `gone_from`."""
        jobs, refused = self.fleet.jobs(apps)
        if gone_from is not None:
            known = [app.function for app in self.project.all_apps]
            jobs += prune.gone(self.fleet.aws, self.fleet.place, gone_from, known)
        planned = survey.survey(jobs, self.at_once, adopt=self.adopt)
        if planned:
            survey.check_account(self.fleet.session, self.fleet.place.account, planned)
        return [*map(self._checked, planned), *refused]

    def classifiers(self, clusters: Sequence[str]) -> list[ClassifierPlan]:
        """Return the plans for the classifiers of these clusters, each with the services of its apps."""
        return [self._classifier(cluster) for cluster in clusters]

    def _classifier(self, cluster: str) -> ClassifierPlan:
        place = self.fleet.place
        job = Job(self.fleet.aws, place, names.classifier(place.prefix, cluster))
        used = {app.service for app in self.project.apps(cluster)}
        return classifier.look(job, cluster, self.project.root, used, classifier.download)

    def _checked(self, plan: AppPlan) -> AppPlan:
        """Refuse a new app whose type is none; looking that up is left out for those that run."""
        if plan.job.app and any(_makes_function(change) for change in plan.changes):
            try:
                self.fleet.types.find(plan.job.app.type)
            except AppError as error:
                return AppPlan(plan.job, error=error)
        return plan

    def without_credentials(self, planned: Sequence[AppPlan]) -> list[AppPlan]:
        """Return those of the apps that are new and have no credentials yet."""
        new = [plan for plan in planned if plan.view and not plan.view.latest and plan.job.app]
        if not new:
            return []
        wanted = [names.auth_parameter(plan.job.function) for plan in new]
        known = parameters.values(self.fleet.session.client("ssm"), wanted)
        return [plan for plan in new if names.auth_parameter(plan.job.function) not in known]

    def apply(self, whole: Whole) -> Outcome:
        """Carry it out. The classifiers are first: what they do not know they drop."""
        versions = {}
        for plan in whole.classifiers:
            if plan.files:
                versions[plan.cluster] = classifier.apply(plan)
                output.say(f"classifier ({plan.cluster}): version {versions[plan.cluster]} runs.")
        with applying(whole.apps) as tell:
            results = apply.apply(whole.apps, self.at_once, tell, adopt=self.adopt)
        return Outcome([Report.of_result(result) for result in results], whole.classifiers, versions)


def _makes_function(change: Change) -> bool:
    return change.action == "create" and change.subject.kind == "function"
