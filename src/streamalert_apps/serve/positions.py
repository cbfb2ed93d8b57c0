"""How far destinations have been given the record of apps, and the end of one that is not wanted any more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from streamalert_apps.config.conf import AppConf, Project
from streamalert_apps.deploy import health
from streamalert_apps.runtime.store import NoStore
from streamalert_apps.serve import heads
from streamalert_apps.serve.holding import holding
from streamalert_apps.serve.turn import place_of

if TYPE_CHECKING:
    from streamalert_apps.aws.session import Session

WORKERS: Final = 8


@dataclass(frozen=True, slots=True)
class Held:
    """The position of a destination in an app's record. `waiting`: events that it has not been given."""

    app: AppConf
    destination: str
    waiting: int


def held(project: Project, apps: Sequence[AppConf], session: Callable[[], Session]) -> list[Held]:
    """Return the positions of all destinations; raise what keeps a record from being read."""
    found = []
    for app, there in zip(apps, heads.read_all(project, apps, session, WORKERS), strict=True):
        if there.error and not isinstance(there.error, NoStore):
            raise there.error
        if there.head:
            for name, position in health.destinations(there.head).items():
                found.append(Held(app, name, health.waiting(there.head, position)))
    return found


def drop(project: Project, one: Held, session: Callable[[], Session]) -> None:
    """Forget a position. Raises AlreadyRunning while the app runs."""
    with holding(place_of(project, one.app, session)) as record:
        record.head.positions.pop(one.destination, None)
