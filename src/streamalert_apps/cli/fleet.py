"""What it takes to work on the apps of a project in AWS."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from streamalert_apps.cli.project import aws_session, need_aws
from streamalert_apps.cli.selection import known_types
from streamalert_apps.config.conf import AppConf, Project
from streamalert_apps.deploy import limits, view
from streamalert_apps.deploy.clients import Aws
from streamalert_apps.deploy.job import Job
from streamalert_apps.deploy.orphans import Orphan, orphans, prefix_of
from streamalert_apps.deploy.package import DEFAULT_RUNTIME, Package, build
from streamalert_apps.deploy.place import Place
from streamalert_apps.deploy.survey import AppPlan
from streamalert_apps.errors import AppError
from streamalert_apps.plugins.registry import Registry
from streamalert_apps.plugins.sinks import Sinks

if TYPE_CHECKING:
    from streamalert_apps.aws.session import Session


@dataclass(frozen=True, slots=True)
class Fleet:
    """The way to the apps of one project."""

    session: Session
    aws: Aws
    place: Place
    types: Registry
    sinks: Sinks

    @classmethod
    def of(cls, project: Project) -> Fleet:
        """Connect; raise ConfigError for a local project."""
        need_aws(project)
        session = aws_session(project.account)
        types = known_types(project.root)
        return cls(session, Aws.connect(session), Place.of(project.account), types, Sinks(project.root))

    def orphans(self, project: Project, clusters: Sequence[str]) -> list[Orphan]:
        """Return what runs for these clusters, or for all, and is not in conf/; none where AWS won't tell."""
        with suppress(AppError, ClientError, BotoCoreError):
            return list(orphans(view.rules(self.aws, prefix_of(project)), project, clusters))
        return []

    def job(self, function: str) -> Job:
        """Return the work on a function of which nothing has to be known, but for its name."""
        return Job(self.aws, self.place, function)

    def jobs(self, apps: Sequence[AppConf], *, looks: bool = False) -> tuple[list[Job], list[AppPlan]]:
        """Return the work on each app, and plans that say why for those that can't be deployed.

        `looks`: nothing is to be built for them.
        """
        jobs: list[Job] = []
        refused: list[AppPlan] = []
        packages = Packages(self.types, self.sinks)
        for app in apps:
            job = Job(self.aws, self.place, app.function, app, partial(packages.build, app), looks=looks)
            try:
                limits.check(app)
            except AppError as error:
                refused.append(AppPlan(job, error=error))
            else:
                jobs.append(job)
        return jobs, refused


class Packages:
    """Builds each package once: the apps that can share one do."""

    def __init__(self, types: Registry, sinks: Sinks) -> None:
        self._types = types
        self._sinks = sinks
        self._built: dict[tuple[str, ...], Package] = {}
        self._lock = threading.Lock()

    def build(self, app: AppConf, architecture: str) -> Package:
        """Return an app's package for an architecture."""
        runtime = app.extra.get("runtime", DEFAULT_RUNTIME)
        with self._lock:
            plugin = self._types.plugin(app.type)
            sinks = self._sinks.of(sink.kind for sink in app.sinks)
            of_plugins = (plugin.name if plugin else "", *(sink.name for sink in sinks))
            key = app.service, *of_plugins, runtime, architecture
            if key not in self._built:
                self._built[key] = build(app.type, runtime, architecture, plugin, sinks)
            return self._built[key]
