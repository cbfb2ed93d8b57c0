"""What an app is made of in AWS: a file for each kind, all of one shape."""

from __future__ import annotations

from typing import Final, Protocol, cast

from streamalert_apps.deploy.job import Job, Wanted
from streamalert_apps.deploy.plan import ORDER, Change, Resource
from streamalert_apps.deploy.resources import (
    alarm,
    alias,
    function,
    log_group,
    permission,
    role,
    rule,
    target,
)
from streamalert_apps.deploy.view import View


class Kind(Protocol):
    """The shape."""

    KIND: str

    def desired(self, wanted: Wanted) -> tuple[Resource, ...]:
        """Return what there shall be; calls nobody."""

    def observe(self, view: View) -> tuple[Resource, ...]:
        """Return what there is; writes nothing."""

    def create(self, job: Job, resource: Resource) -> None:
        """Make what is not there."""

    def update(self, job: Job, change: Change) -> None:
        """Change what is there, where it differs."""

    def delete(self, job: Job, resource: Resource) -> None:
        """Take away what is there."""


_MODULES = (role, log_group, function, alias, permission, rule, target, alarm)
KINDS: Final = {module.KIND: cast("Kind", module) for module in _MODULES}
assert tuple(KINDS) == ORDER  # noqa: S101 (the plan knows the kinds by name, and no AWS)


def desired(job: Job) -> list[Resource]:
    """Return all that an app shall have; nothing for one that shall be gone."""
    if job.app is None or job.package is None:
        return []
    wanted = Wanted(job.app, job.place, job.package)
    return [resource for kind in KINDS.values() for resource in kind.desired(wanted)]


def observe(view: View) -> list[Resource]:
    """Return all that an app has."""
    return [resource for kind in KINDS.values() for resource in kind.observe(view)]


def carry_out(job: Job, change: Change) -> None:
    """Make the calls of one change."""
    kind = KINDS[change.subject.kind]
    match change:
        case Change(before=None, after=Resource() as wanted):
            kind.create(job, wanted)
        case Change(before=Resource() as there, after=None):
            kind.delete(job, there)
        case _:
            kind.update(job, change)
