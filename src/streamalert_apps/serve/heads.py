"""The heads of many apps, read to look at: one question each, and nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from streamalert_apps.config.conf import AppConf, Project
from streamalert_apps.errors import AppError
from streamalert_apps.runtime import head as heads
from streamalert_apps.runtime.head import Head
from streamalert_apps.runtime.priming import prime
from streamalert_apps.runtime.store import Store
from streamalert_apps.sdk.clock import Deadline, SystemClock
from streamalert_apps.serve.bucket import s3_store

if TYPE_CHECKING:
    from streamalert_apps.aws.session import Session

PATIENCE_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class Found:
    """An app's head (None: it has none yet) and the store's time; or why it can't be read."""

    now: datetime
    head: Head | None = None
    error: AppError | None = None


def read_all(
    project: Project, apps: Sequence[AppConf], session: Callable[[], Session], workers: int
) -> list[Found]:
    """Return what the store has of each app, in order."""
    if not apps:
        return []
    account = project.account
    in_folder = account.local and not account.store
    store_of = _local(project) if in_folder else _in_s3(project, session())
    prime()
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda app: _found(store_of(app)), apps))


def _found(store: Store) -> Found:
    try:
        there = store.read(heads.NAME)
        head = None if there.version is None else heads.parse(there.body)[0]
    except AppError as error:
        return Found(SystemClock().now(), error=error)
    return Found(there.now, head)


def _local(project: Project) -> Callable[[AppConf], Store]:
    from streamalert_apps.runtime.store.local import LocalStore  # noqa: PLC0415 (it loads sqlite3)

    return lambda app: LocalStore(project.root / ".sa-apps", app.function)


def _in_s3(project: Project, session: Session) -> Callable[[AppConf], Store]:
    clock = SystemClock()
    give_up = clock.now().timestamp() + PATIENCE_SECONDS
    deadline = Deadline(lambda: give_up - clock.now().timestamp())
    return lambda app: s3_store(project.account, app.function, session, clock, deadline)
