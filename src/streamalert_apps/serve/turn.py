"""One turn of an app on this machine: what `run`, `demo` and `serve` do."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from streamalert_apps.config.conf import AppConf, Project
from streamalert_apps.runtime import names
from streamalert_apps.runtime.collect import Outcome, Terms, collect
from streamalert_apps.runtime.destinations import Destination
from streamalert_apps.runtime.head import Identity
from streamalert_apps.runtime.schedule import interval
from streamalert_apps.runtime.store import Store
from streamalert_apps.runtime.store.memory import MemoryStore
from streamalert_apps.sdk.app import App, Credentials
from streamalert_apps.sdk.clock import Clock, Deadline, SystemClock
from streamalert_apps.sdk.http import Api
from streamalert_apps.sdk.pace import Pace
from streamalert_apps.serve.process import is_dead, this_process

if TYPE_CHECKING:
    from streamalert_apps.aws.session import Session
    from streamalert_apps.runtime.legacy import OldState

JOURNAL_DAYS: Final = 7.0
LONGEST_WAIT_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where an app's record is: the store, whose it is, and what an earlier version left."""

    store: Store
    owner: str
    old: OldState | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """An app with all that it needs on this machine."""

    app: AppConf
    kind: type[App]
    credentials: Callable[[], Credentials]
    place: Place
    destinations: Mapping[str, Destination]
    simulator: str = ""
    clock: Clock = field(default_factory=SystemClock)
    deadline: Deadline = field(default_factory=lambda: Deadline(lambda: LONGEST_WAIT_SECONDS))
    """The run may take any time, one wait may not."""

    def collect(
        self, *, look_back: timedelta | None = None, show: Callable[[Outcome], None] = lambda _: None
    ) -> Outcome:
        """Collect once; return how it ended. `look_back`: only look, so far back, and leave no trace."""
        pace = Pace(self.kind.rate, self.clock)
        api = Api(clock=self.clock, deadline=self.deadline, pace=pace, simulator=self.simulator)
        store = MemoryStore(self.clock) if look_back else self.place.store
        old = None if look_back else self.place.old
        terms = Terms(
            Identity(self.place.owner, secrets.token_hex(8), this_process(), is_dead),
            self.clock,
            self.deadline,
            first_look=look_back or interval(self.app.schedule_expression),
            adopt=old.adopt if old else lambda: None,
            bury=old.bury if old else lambda: None,
            journal_days=float(self.app.extra.get("journal_days", JOURNAL_DAYS)),
            progress=show,
        )
        try:
            return collect(lambda: self.kind(self.credentials(), api), store, self.destinations, terms)
        finally:
            api.close()


def place_of(project: Project, app: AppConf, session: Callable[[], Session]) -> Place:
    """Return where an app's record is: in the project's folder, or in its bucket in AWS."""
    if project.account.local:
        return _local(project, app)
    return _in_aws(project, app, session())


def _local(project: Project, app: AppConf) -> Place:
    from streamalert_apps.runtime.legacy import OldState  # noqa: PLC0415
    from streamalert_apps.runtime.store.local import LocalStore  # noqa: PLC0415 (it loads sqlite3)

    folder = project.root / ".sa-apps"
    old = OldState.of_file(names.local_folder(project.root, app.function) / "state.json", SystemClock())
    return Place(LocalStore(folder, app.function), _project_id(folder), old)


def _project_id(folder: Path) -> str:
    """Return what tells this project from all others; it is made when it is first asked for."""
    from streamalert_apps.runtime.files import write_once  # noqa: PLC0415

    path = folder / "id"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_once(path, secrets.token_hex(8).encode())
    return path.read_text("utf-8")


def _in_aws(project: Project, app: AppConf, session: Session) -> Place:
    from streamalert_apps.runtime.legacy import OldState  # noqa: PLC0415 (they load boto3)
    from streamalert_apps.runtime.ssm import Parameter  # noqa: PLC0415
    from streamalert_apps.runtime.store.s3 import S3Store  # noqa: PLC0415

    clock = SystemClock()
    deadline = Deadline(lambda: LONGEST_WAIT_SECONDS)
    account = project.account
    client: Any = session.client("s3")
    store = S3Store(
        client, account.bucket, app.function, account.aws_account_id, clock=clock, deadline=deadline
    )
    owner = names.function_arn(account.region, account.aws_account_id, app.function)
    parameter = Parameter(session.client("ssm"), names.state_parameter(app.function), clock, deadline)
    return Place(store, owner, OldState.of_parameter(parameter, clock))
