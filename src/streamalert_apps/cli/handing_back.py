"""Hands an app back to an earlier version, for the commands that do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamalert_apps.cli.project import aws_session
from streamalert_apps.cli.selection import known_types
from streamalert_apps.cli.terminal import output

if TYPE_CHECKING:
    from streamalert_apps.config.conf import AppConf, Project
    from streamalert_apps.serve.export import Exported


def hand_back(project: Project, app: AppConf) -> Exported | None:
    """Deliver what is on record and write the state that an earlier version reads.

    Returns None where there is no record.
    """
    from streamalert_apps.runtime import head as heads
    from streamalert_apps.sdk.clock import SystemClock
    from streamalert_apps.sdk.http import Api
    from streamalert_apps.serve import destinations
    from streamalert_apps.serve.export import export
    from streamalert_apps.serve.turn import place_of

    clock = SystemClock()
    place = place_of(project, app, lambda: aws_session(project.account), clock)
    if place.store.read(heads.NAME).version is None:
        return None
    target = destinations.own(project, app, lambda: aws_session(project.account))
    api = Api(clock=clock)
    try:
        with output.working(f"Delivering what is on record of {app.name}"):
            kind = known_types(project.root).find(app.type).without_credentials(api)
            return export(place, kind, target, clock)
    finally:
        api.close()


def is_handed_back(project: Project, app: AppConf) -> bool:
    """Tell whether it was, and no run has taken it back since."""
    from streamalert_apps.serve.export import is_sealed
    from streamalert_apps.serve.turn import place_of

    return is_sealed(place_of(project, app, lambda: aws_session(project.account)))
