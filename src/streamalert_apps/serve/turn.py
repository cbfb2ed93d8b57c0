"""One turn of an app on this machine: what `run`, `demo` and `serve` do."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from streamalert_apps.config.conf import AppConf, Project
from streamalert_apps.errors import AlreadyRunning
from streamalert_apps.runtime import names
from streamalert_apps.runtime.collect import Outcome, Terms, collect
from streamalert_apps.runtime.delivery import Outlet
from streamalert_apps.runtime.head import Identity
from streamalert_apps.runtime.schedule import interval
from streamalert_apps.runtime.store import Store
from streamalert_apps.sdk.app import App, Credentials, with_lag
from streamalert_apps.sdk.clock import Clock, Deadline, SystemClock
from streamalert_apps.sdk.http import Api
from streamalert_apps.sdk.pace import Pace
from streamalert_apps.serve.asking import shared
from streamalert_apps.serve.bucket import s3_store
from streamalert_apps.serve.look import Aside, bounded
from streamalert_apps.serve.process import is_dead, this_process

if TYPE_CHECKING:
    from streamalert_apps.aws.session import Session
    from streamalert_apps.runtime.legacy import OldState

LONGEST_WAIT_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where an app's record is: the store, whose it is, and what an earlier version left."""

    store: Store
    owner: str
    old: OldState | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """What to look at: from a moment, or from where the app is, up to a moment or to now."""

    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """An app with all that it needs on this machine."""

    app: AppConf
    kind: type[App]
    credentials: Callable[[], Credentials]
    place: Place
    destinations: Mapping[str, Outlet]
    simulator: str = ""
    clock: Clock = field(default_factory=SystemClock)
    deadline: Deadline = field(default_factory=lambda: Deadline(lambda: LONGEST_WAIT_SECONDS))
    """The run may take any time, one wait may not."""

    def collect(self, show: Callable[[Outcome], None] = lambda _: None) -> Outcome:
        """Collect once, put it on record and forward it; return how it ended."""
        with self._api() as api:
            return self._collect(api, self.kind, self.place.store, self._terms(show))

    def look(self, span: Span, show: Callable[[Outcome], None] = lambda _: None) -> Outcome:
        """Collect once and hand it on, without a trace in the record; return how it ended."""
        aside = Aside(self.place.store, self.clock)
        terms = replace(self._terms(show), bury=lambda: None, audits=False)
        if span.since:
            terms = replace(terms, first_look=self.clock.now() - span.since, adopt=lambda: None)
        else:
            aside.begin_where_the_app_is()
        kind = bounded(self.kind, span.until) if span.until else self.kind
        with self._api() as api, shared(api.pace, self.place.store, self.clock):
            return self._collect(api, kind, aside, terms)

    def _terms(self, show: Callable[[Outcome], None]) -> Terms:
        old = self.place.old
        return Terms(
            Identity(self.place.owner, secrets.token_hex(8), this_process(), is_dead),
            self.clock,
            self.deadline,
            first_look=interval(self.app.schedule_expression),
            adopt=old.adopt if old else lambda: None,
            bury=old.bury if old else lambda: None,
            journal_days=self.app.journal_days,
            audits=True,
            progress=show,
        )

    @contextmanager
    def _api(self) -> Iterator[Api]:
        pace = Pace(self.kind.rate, self.clock)
        api = Api(clock=self.clock, deadline=self.deadline, pace=pace, simulator=self.simulator)
        try:
            yield api
        finally:
            api.close()

    def _collect(self, api: Api, kind: type[App], store: Store, terms: Terms) -> Outcome:
        kind = with_lag(kind, self.app.lag)
        try:
            return collect(lambda: kind(self.credentials(), api), store, self.destinations, terms)
        except AlreadyRunning as error:
            if error.until is None:
                raise
            when = error.until + timedelta(seconds=59)  # no seconds are shown
            raise AlreadyRunning(
                f"{self.app.name} is already running; if that run died, try again after {when:%H:%M} UTC.",
                until=error.until,
            ) from None


def place_of(
    project: Project, app: AppConf, session: Callable[[], Session], clock: Clock | None = None
) -> Place:
    """Return where an app's record is: in the project's folder, in a bucket, or in that of its function."""
    clock = clock or SystemClock()
    if project.account.store:
        return _shared(project, app, session(), clock)
    if project.account.local:
        return _local(project, app, clock)
    return _in_aws(project, app, session(), clock)


def _local(project: Project, app: AppConf, clock: Clock) -> Place:
    from streamalert_apps.runtime.legacy import OldState  # noqa: PLC0415 (it loads botocore)
    from streamalert_apps.runtime.store.local import LocalStore  # noqa: PLC0415 (it loads sqlite3)

    folder = project.root / ".sa-apps"
    old = OldState.of_file(names.local_folder(project.root, app.function) / "state.json", clock)
    return Place(LocalStore(folder, app.function, clock), _project_id(folder), old)


def _project_id(folder: Path) -> str:
    """Return what tells this project from all others; it is made when it is first asked for."""
    from streamalert_apps.runtime.files import write_once  # noqa: PLC0415

    path = folder / "id"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_once(path, secrets.token_hex(8).encode())
    return path.read_text("utf-8")


def _shared(project: Project, app: AppConf, session: Session, clock: Clock) -> Place:
    """Return the record in a bucket that several machines share: it belongs to the project of this prefix."""
    account = project.account
    store = s3_store(account, app.function, session, clock, Deadline(lambda: LONGEST_WAIT_SECONDS))
    return Place(store, f"{account.prefix} in {account.store}")


def _in_aws(project: Project, app: AppConf, session: Session, clock: Clock) -> Place:
    from streamalert_apps.runtime.legacy import OldState  # noqa: PLC0415 (they load boto3)
    from streamalert_apps.runtime.ssm import Parameter  # noqa: PLC0415

    account = project.account
    deadline = Deadline(lambda: LONGEST_WAIT_SECONDS)
    store = s3_store(account, app.function, session, clock, deadline)
    owner = names.function_arn(account.region, account.aws_account_id, app.function)
    parameter = Parameter(session.client("ssm"), names.state_parameter(app.function), clock, deadline)
    return Place(store, owner, OldState.of_parameter(parameter, clock))
