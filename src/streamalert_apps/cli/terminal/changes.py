"""What is to be done to apps in AWS, or was done, in words and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from streamalert_apps.cli.terminal.description import label
from streamalert_apps.deploy.apply import Result
from streamalert_apps.deploy.bucket import BucketPlan
from streamalert_apps.deploy.classifier import ClassifierPlan
from streamalert_apps.deploy.dashboard import DashboardPlan
from streamalert_apps.deploy.job import Job
from streamalert_apps.deploy.plan import Change
from streamalert_apps.deploy.survey import AppPlan
from streamalert_apps.errors import AppError, CredentialsError
from streamalert_apps.runtime import names

SIGNS: Final = {"create": "+", "update": "~", "delete": "-"}
FATES: Final = ("create", "change", "delete", "unchanged", "failed")
_PLANNED: Final = ("to create", "to change", "to delete", "unchanged", "not possible")
_DONE: Final = ("created", "changed", "deleted", "unchanged", "failed")
SOME_FAILED: Final = 5
_LONGEST_VALUE: Final = 40


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

    def lines(self) -> list[str]:
        """Return a line for each change; one line in all for an app that is wholly new, or goes."""
        if self.error:
            return [f"! {self.label}: {self.error.message}"]
        if self.fate in {"create", "delete"}:
            kinds = dict.fromkeys(change.subject.kind for change in self.changes)
            return [f"{SIGNS[self.fate]} {self.label}: {', '.join(kinds)}"]
        return [f"~ {self.label}", *(f"    {_line(change)}" for change in self.changes)]

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


def _line(change: Change) -> str:
    sign, kind = SIGNS[change.action], change.subject.kind
    if change.action != "update":
        return f"{sign} {kind:<10}  {change.subject.name}"
    if kind == "alias" and change.differing.keys() - {"retries", "weights"}:
        return f"{sign} {kind:<10}  production moves to a new version"
    return f"{sign} {kind:<10}  " + "; ".join(_differences(change.differing))


def _differences(differing: Mapping[str, tuple[Any, Any]]) -> list[str]:
    return [
        f"{key} {_short(key, old)} → {_short(key, new)}" if _is_short(old) and _is_short(new) else key
        for key, (old, new) in differing.items()
    ]


def _is_short(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float)


def _short(key: str, value: Any) -> str:
    if value is None:
        return "none"
    text = str(value)[:12] if key == "code" else str(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


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

    def lines(self) -> Iterator[str]:
        """Say what would be done."""
        for change in self.bucket.changes if self.bucket else ():
            what = "; ".join(_differences(change.differing))
            yield f"{SIGNS[change.action]} bucket {change.subject.name}" + (f": {what}" if what else "")
        for plan in self.classifiers:
            if plan.files:
                yield f"~ classifier ({plan.cluster})"
                yield from (f"    {difference}" for difference in plan.differences)
        for report in map(Report.of_plan, self.apps):
            if report.fate != "unchanged":
                yield from report.lines()
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
