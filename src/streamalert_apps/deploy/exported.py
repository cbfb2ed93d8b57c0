"""What `deploy` would make, for other tools to make: the same resources, and where the code of each lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from streamalert_apps.config.conf import AppConf
from streamalert_apps.deploy import bucket, dashboard, resources
from streamalert_apps.deploy.job import Wanted
from streamalert_apps.deploy.package import Package
from streamalert_apps.deploy.place import Place
from streamalert_apps.deploy.plan import Resource

NOT_MADE: Final = "Credentials are in no file: `sa-apps new` and `update-auth` store them."


@dataclass(frozen=True, slots=True)
class AppParts:
    """An app, its resources by kind, and its package."""

    app: AppConf
    package: Package
    parts: tuple[Resource, ...]

    def of(self, kind: str) -> Resource:
        """Return the one resource of a kind."""
        return next(part for part in self.parts if part.kind == kind)

    def all_of(self, kind: str) -> list[Resource]:
        """Return the resources of a kind."""
        return [part for part in self.parts if part.kind == kind]


@dataclass(frozen=True, slots=True)
class Exported:
    """All of a project, or some of its apps. `shared`: whether what all apps share is in it."""

    place: Place
    apps: tuple[AppParts, ...]
    shared: bool

    @property
    def bucket(self) -> Resource | None:
        """The bucket; None where conf/ names one of the user's own, or it is left out."""
        return bucket.desired(self.place) if self.shared and not self.place.named_bucket else None

    @property
    def dashboard(self) -> Resource | None:
        """The dashboard; None where it is left out."""
        return dashboard.desired(self.place, [one.app for one in self.apps]) if self.shared else None

    @property
    def packages(self) -> dict[str, Package]:
        """The packages by the names of their files; apps that can share one do."""
        return {file_of(one.package): one.package for one in self.apps}


def export(place: Place, apps: Sequence[tuple[AppConf, Package]], *, shared: bool) -> Exported:
    """Return what `deploy` would make of these apps."""
    parts = []
    for app, package in apps:
        wanted = Wanted(app, place, package)
        made = [part for kind in resources.KINDS.values() for part in kind.desired(wanted)]
        parts.append(AppParts(app, package, tuple(made)))
    return Exported(place, tuple(parts), shared)


def file_of(package: Package) -> str:
    """Return the name of a package's zip."""
    return f"{package.digest}.zip"


def alarm_of(part: Resource) -> dict[str, Any]:
    """Return an alarm's metric in parts: namespace, name, statistic."""
    namespace, metric, statistic = part.attributes["metric"].split()
    return {"namespace": namespace, "metric": metric, "statistic": statistic}
