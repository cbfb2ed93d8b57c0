"""Where a turn on this machine forwards to: what conf/ says, or what somebody named for one run."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from streamalert_apps.config import rules
from streamalert_apps.config.conf import AppConf, Project
from streamalert_apps.errors import UsageError
from streamalert_apps.runtime import kinds, names, outlets
from streamalert_apps.runtime.delivery import BATCH_BYTES, Destination, Outlet
from streamalert_apps.runtime.destinations.file import File, JsonLines
from streamalert_apps.runtime.head import PASSING
from streamalert_apps.runtime.names import CLASSIFIER
from streamalert_apps.runtime.outlets import Definition
from streamalert_apps.runtime.sink import Setup, Sink, Source
from streamalert_apps.sdk.clock import Clock, Deadline

if TYPE_CHECKING:
    from streamalert_apps.aws.session import Session
    from streamalert_apps.runtime.credentials import CredentialStore
    from streamalert_apps.sdk.http import Api

FILE: Final = "file"
STANDARD_OUTPUT: Final = "-"
LONGEST_SEND_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True)
class Target:
    """A destination, the name of its position in the head, and what a person calls it."""

    name: str
    outlet: Outlet
    shown: str

    @property
    def destination(self) -> Destination:
        """What takes the events."""
        return self.outlet.destination

    @property
    def is_standard_output(self) -> bool:
        """Whether events are written to standard output."""
        return self.name == f"{PASSING}{STANDARD_OUTPUT}"

    @property
    def gone(self) -> bool:
        """Whether whoever read the events is there no more."""
        return isinstance(self.destination, JsonLines) and self.destination.gone

    def close(self) -> None:
        """Close what was opened for it."""
        if isinstance(self.destination, Sink):
            self.destination.close()
        if isinstance(self.destination, JsonLines) and not self.is_standard_output:
            self.destination.close()


def own(project: Project, app: AppConf, session: Callable[[], Session]) -> Target:
    """Return an app's own destination: the classifier, or a file of a local project."""
    if not project.account.local:
        return _classifier(project, app, session())
    same = [other for other in project.all_apps if other.name == app.name]
    name = rules.app_name(app.name) if len(same) == 1 else app.function
    path = project.root / "logs" / f"{name}.jsonl"
    return Target(FILE, Outlet(File(path)), _shown(path))


def of_app(project: Project, app: AppConf, session: Callable[[], Session], clock: Clock) -> list[Target]:
    """Return where an app's events go: where conf/ says, or to its own."""
    if not app.sinks:
        return [own(project, app, session)]
    return [target(project, app, sink, session, clock) for sink in app.sinks]


def target(
    project: Project, app: AppConf, definition: Definition, session: Callable[[], Session], clock: Clock
) -> Target:
    """Return a destination of conf/."""
    if definition.is_classifier:
        return named(project, app, CLASSIFIER, session, clock)
    source = Source(app.name, app.type, app.function)
    return Target(definition.name, outlet(project, source, definition, session, clock), definition.name)


def outlet(
    project: Project,
    source: Source,
    definition: Definition,
    session: Callable[[], Session],
    clock: Clock,
    *,
    seconds: float = LONGEST_SEND_SECONDS,
) -> Outlet:
    """Return a destination of conf/ for the events of a source; to send takes no longer than `seconds`."""

    def setup(definition: Definition, settings: dict[str, Any]) -> Setup:
        deadline = Deadline(lambda: seconds)
        return Setup(
            definition.name,
            settings,
            cache(lambda: credentials_of(project, definition.name, session).load()),
            source,
            clock,
            deadline,
            cache(lambda service, region: _client(session(), service, region)),
            lambda: _api(clock, deadline),
            lambda: session().credentials(),
            project.root,
        )

    return outlets.outlet(definition, kinds.find, setup)


def credentials_of(project: Project, destination: str, session: Callable[[], Session]) -> CredentialStore:
    """Return the place where a destination's credentials live."""
    definition = project.destinations.get(destination)
    if definition and definition.auth_from:
        return _referenced(project, definition, session)
    if project.account.local:
        from streamalert_apps.runtime.local import FileCredentials  # noqa: PLC0415

        path = names.local_destination(project.root, destination)
        return FileCredentials(path, outlets.given_by(destination))
    from streamalert_apps.deploy.place import Place  # noqa: PLC0415
    from streamalert_apps.runtime.ssm import ParameterCredentials  # noqa: PLC0415 (boto3)

    account = project.account
    return ParameterCredentials(
        session().client("ssm"),
        names.destination_parameter(account.prefix, destination),
        key=Place.of(account).kms_key,
        tags=account.tags,
        given_by=outlets.given_by(destination),
    )


def _referenced(project: Project, definition: Definition, session: Callable[[], Session]) -> CredentialStore:
    from streamalert_apps.serve.references import Referenced  # noqa: PLC0415

    kind = kinds.find(definition.kind)
    fields = tuple(kind.auth(definition.settings(kind)))
    return Referenced(definition.auth_from, project.root, session, fields)


def _client(session: Session, service: str, region: str) -> Any:
    once = {"total_max_attempts": 1, "mode": "standard"}
    return session.client(service, retries=once, **({"region_name": region} if region else {}))


def _api(clock: Clock, deadline: Deadline) -> Api:
    from streamalert_apps.sdk.http import Api  # noqa: PLC0415 (httpx)

    return Api(clock=clock, deadline=deadline, loopback=True)


def named(project: Project, app: AppConf, to: str, session: Callable[[], Session], clock: Clock) -> Target:
    """Return the destination that is meant by a name of conf/, `classifier`, - or the path of a file."""
    if to in project.destinations:
        return target(project, app, project.destinations[to], session, clock)
    if to == STANDARD_OUTPUT:
        return Target(f"{PASSING}{STANDARD_OUTPUT}", Outlet(JsonLines(sys.stdout.buffer)), "standard output")
    if to != CLASSIFIER:
        path = Path(to)
        whole = os.fsencode(path.absolute()).decode("utf-8", "backslashreplace")  # a name may be of any bytes
        return Target(f"{PASSING}{whole}", Outlet(_opened(path)), to)
    if project.account.local:
        raise UsageError("This is a local project (no AWS): it has no classifier.", hint="Pass --to FILE.")
    return _classifier(project, app, session())


def _classifier(project: Project, app: AppConf, session: Session) -> Target:
    from streamalert_apps.runtime.destinations.classifier import ClassifierLambda  # noqa: PLC0415 (boto3)

    function = names.classifier(project.account.prefix, app.cluster)
    size = int(app.extra.get("batch_bytes", BATCH_BYTES))
    classifier = ClassifierLambda(session.client("lambda"), function, app.function, size)
    return Target(CLASSIFIER, Outlet(classifier), function)


def _opened(path: Path) -> Destination:
    """Return what writes to a path, once it is known that it can: a file, or a device or pipe as it is."""
    try:
        if path.exists() and not path.is_file():
            return JsonLines(path.open("ab", buffering=0))
        file = File(path)
        file.open()
    except OSError as error:
        raise UsageError(f"{path} can't be written: {error.strerror}.") from None
    return file


def _shown(path: Path) -> str:
    """Return a path as it is seen from the working directory, where it is below that."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
