"""What is to be done to apps in AWS, or was done, in words and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from streamalert_apps.cli.terminal import differences
from streamalert_apps.cli.terminal.description import label
from streamalert_apps.cli.terminal.exit_code import of_several
from streamalert_apps.deploy.apply import Result
from streamalert_apps.deploy.bucket import BucketPlan
from streamalert_apps.deploy.classifier import ClassifierPlan
from streamalert_apps.deploy.dashboard import DashboardPlan
from streamalert_apps.deploy.job import Job
from streamalert_apps.deploy.plan import Change
from streamalert_apps.deploy.survey import AppPlan
from streamalert_apps.errors import AppError
from streamalert_apps.runtime import names

SIGNS: Final = {"create": "+", "update": "~", "delete": "-"}
FATES: Final = ("create", "change", "delete", "unchanged", "failed")
_PLANNED: Final = ("to create", "to change", "to delete", "unchanged", "not possible")
_DONE: Final = ("created", "changed", "deleted", "unchanged", "failed")


@dataclass(frozen=True, slots=True)
class Report:
    """One app's."""

    job: Job
    fate: str
    changes: Sequence[Change]
    error: AppError | None = None

    @classmethod
    def of_plan(cls, plan: AppPlan) -> Report:
        """Return what is to be done."""
        return cls(plan.job, _fate(plan, plan.changes, plan.error), plan.changes, plan.error)

    @classmethod
    def of_result(cls, result: Result) -> Report:
        """Return what was done."""
        plan = result.plan
        return cls(plan.job, _fate(plan, result.done, result.error), result.done, result.error)

    @property
    def label(self) -> str:
        """How the app is called in what a person reads."""
        return job_label(self.job)

    def lines(self, *, verbose: bool = False) -> Iterator[str]:
        """Yield a line for each change; `verbose`: each property, and each part of a new app too."""
        if self.error:
            yield f"! {self.label}: {self.error.message}"
            return
        is_short = self.fate in {"create", "delete"} and not verbose
        kinds = dict.fromkeys(change.subject.kind for change in self.changes)
        sign = SIGNS.get(self.fate, SIGNS["update"])
        yield f"{sign} {self.label}: {', '.join(kinds)}" if is_short else f"{sign} {self.label}"
        if not is_short:
            for change in self.changes:
                yield from (f"    {line}" for line in _lines(change, verbose=verbose))

    def described(self) -> dict[str, Any]:
        """Return the app as --json shows it."""
        app = self.job.app
        return {
            "cluster": app.cluster if app else None,
            "name": app.name if app else None,
            "function": self.job.function,
            "result": self.fate,
            "changes": [described_change(change) for change in self.changes],
        }

    def labelled_error(self) -> AppError | None:
        """Return the app's error, with its name."""
        if not self.error:
            return None
        told = type(self.error)(f"{self.label}: {self.error.message}")
        told.hint = self.error.hint
        return told


def job_label(job: Job) -> str:
    """Return how a job's app is called in what a person reads; its function where conf/ has no more of it."""
    return label(job.app) if job.app else job.function


def described_change(change: Change) -> dict[str, Any]:
    """Return what is done to what, and of an update old and new value of each attribute."""
    return {
        "action": change.action,
        "kind": change.subject.kind,
        "name": change.subject.name,
        "differing": {key: {"old": old, "new": new} for key, (old, new) in change.differing.items()},
    }


def _fate(plan: AppPlan, changes: Sequence[Change], error: AppError | None) -> str:
    if error:
        return "failed"
    if not changes:
        return "unchanged"
    if plan.job.app is None:
        return "delete"
    return "change" if any(r.kind == "function" for r in plan.observed) else "create"


def totals(reports: Iterable[Report]) -> dict[str, int]:
    """Return how many apps have which fate."""
    counted = dict.fromkeys(FATES, 0)
    for report in reports:
        counted[report.fate] += 1
    return counted


def summary(reports: Iterable[Report], classifiers: Iterable[ClassifierPlan] = (), *, done: bool) -> str:
    """Return the totals in words."""
    words = _DONE if done else _PLANNED
    told = [f"{count} {word}" for count, word in zip(totals(reports).values(), words, strict=True) if count]
    if changed := sum(bool(plan.files) for plan in classifiers):
        of_classifiers = f"{changed} classifier{'s' if changed > 1 else ''}"
        told.append(f"{of_classifiers} {'changed' if done else 'to change'}")
    return ", ".join(told) + "."


def _lines(change: Change, *, verbose: bool) -> Iterator[str]:
    """Yield a line for a change, and below it what is to be seen old and new."""
    sign, kind = SIGNS[change.action], change.subject.kind
    differing = change.differing
    if change.action != "update":
        what = change.subject.name
    elif kind == "alias" and differing.keys() - {"retries", "weights"}:
        what = "production moves to a new version"
    else:
        what = "; ".join(differences.in_short(differing))
    yield f"{sign} {kind:<10}  {what}"
    if change.action == "update":
        yield from (f"    {line}" for line in differences.lines(differing, verbose=verbose))


@dataclass(frozen=True, slots=True)
class Whole:
    """All that a deploy would do."""

    apps: list[AppPlan]
    classifiers: list[ClassifierPlan] = field(default_factory=list)
    bucket: BucketPlan | None = None
    dashboard: DashboardPlan | None = None

    @property
    def pending(self) -> bool:
        """Whether anything has to be written."""
        return (
            any(plan.changes for plan in self.apps)
            or any(plan.files for plan in self.classifiers)
            or bool(self.bucket and self.bucket.changes)
            or bool(self.dashboard and self.dashboard.changes)
        )

    def lines(self, *, verbose: bool = False) -> Iterator[str]:
        """Say what would be done; `verbose`: with each property that differs, old and new."""
        for change in self.bucket.changes if self.bucket else ():
            what = "; ".join(differences.in_short(change.differing))
            yield f"{SIGNS[change.action]} bucket {change.subject.name}" + (f": {what}" if what else "")
            yield from (f"    {line}" for line in differences.lines(change.differing, verbose=verbose))
        for plan in self.classifiers:
            if plan.files:
                yield f"~ classifier ({plan.cluster})"
                yield from (f"    {difference}" for difference in plan.differences)
        for report in map(Report.of_plan, self.apps):
            if report.fate != "unchanged":
                yield from report.lines(verbose=verbose)
        for change in self.dashboard.changes if self.dashboard else ():
            yield f"{SIGNS[change.action]} dashboard {change.subject.name}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is to be done, or was: an app's report each, the classifiers' new versions by cluster."""

    apps: list[Report]
    classifiers: list[ClassifierPlan]
    versions: dict[str, str]
    dry_run: bool = False
    bucket: BucketPlan | None = None
    dashboard: DashboardPlan | None = None

    @classmethod
    def of_plan(cls, whole: Whole, *, dry_run: bool) -> Outcome:
        """Return what is to be done, or that nothing had to be."""
        reports = [Report.of_plan(plan) for plan in whole.apps]
        return cls(reports, whole.classifiers, {}, dry_run, whole.bucket, whole.dashboard)

    @property
    def errors(self) -> list[AppError]:
        """What went wrong, with the apps' names."""
        return [error for error in (report.labelled_error() for report in self.apps) if error]

    @property
    def exit_code(self) -> int:
        """0, or what says how many failed."""
        return of_several(self.errors, len(self.apps))

    def described(self) -> dict[str, Any]:
        """Return it as --json shows it."""
        return {
            "dry_run": self.dry_run,
            "totals": totals(self.apps),
            "bucket": self.bucket
            and {
                "name": self.bucket.place.bucket,
                "changes": [described_change(change) for change in self.bucket.changes],
            },
            "dashboard": self.dashboard
            and {
                "name": names.dashboard(self.dashboard.place.prefix),
                "changes": [change.action for change in self.dashboard.changes],
            },
            "apps": [report.described() for report in self.apps],
            "classifiers": [
                {
                    "cluster": plan.cluster,
                    "function": plan.job.function,
                    "files": list(plan.files),
                    "changes": [
                        {"sign": told.sign, "file": told.file, "entry": told.entry}
                        for told in plan.differences
                    ],
                    "version": self.versions.get(plan.cluster),
                }
                for plan in self.classifiers
            ],
        }
