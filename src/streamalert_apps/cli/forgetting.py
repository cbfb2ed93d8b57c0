"""What a deploy changes of where events go: where a destination begins, and what one leaves behind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from streamalert_apps.cli.terminal import output
from streamalert_apps.cli.terminal.description import label
from streamalert_apps.deploy.resources.function import named_destinations
from streamalert_apps.errors import AppError
from streamalert_apps.runtime.names import CLASSIFIER
from streamalert_apps.sdk.count import counted

if TYPE_CHECKING:
    from streamalert_apps.aws.session import Session
    from streamalert_apps.cli.terminal.prompts import Prompts
    from streamalert_apps.config.conf import AppConf, Project
    from streamalert_apps.deploy.survey import AppPlan
    from streamalert_apps.serve.positions import Held

FLAG: Final = "--drop-undelivered"


def begun(project: Project, planned: Sequence[AppPlan], session: Session) -> list[str]:
    """Say where destinations begin that the apps have not been sending to."""
    new = {
        plan.job.function: _wanted(plan.job.app) - there
        for plan in planned
        if plan.job.app and not plan.error and (there := _named(plan))
    }
    apps = [plan.job.app for plan in planned if plan.job.app and new.get(plan.job.function)]
    if not apps:
        return []
    from streamalert_apps.serve import positions

    held = positions.held(project, apps, lambda: session)
    waiting = {(one.app.function, one.destination): one.waiting for one in held}
    return [
        _begin(app, name, waiting.get((app.function, name)))
        for app in apps
        for name in sorted(new[app.function])
    ]


def ended(found: Sequence[Held]) -> list[str]:
    """Say what destinations lack that an app has and conf/ does not name for it."""
    return [
        f"{label(one.app)} sends to {one.destination} no more, "
        + (f"which lacks {counted(one.waiting, 'event')}." if one.waiting else "which has all.")
        for one in found
    ]


def left(project: Project, planned: Sequence[AppPlan], session: Session, *, all_apps: bool) -> list[Held]:
    """Return the positions of destinations that an app has and conf/ does not name for it.

    Only the records of apps are read that lose a destination by this deploy, unless `all_apps` says so.
    """
    looked_at = [plan for plan in planned if not plan.error and (all_apps or _loses_one(plan))]
    apps = [plan.job.app for plan in looked_at if plan.job.app]
    if not apps:
        return []
    from streamalert_apps.serve import positions

    return [
        one
        for one in positions.held(project, apps, lambda: session)
        if one.destination not in _wanted(one.app)
    ]


def to_forget(found: Sequence[Held], prompts: Prompts, *, drop: bool) -> list[Held]:
    """Return those that shall go: where something is undelivered, only if somebody says so."""
    waiting = [one for one in found if one.waiting]
    for line in ended(waiting):
        output.warn(line)
    if not waiting or drop:
        return list(found)
    if prompts.allowed and prompts.confirm("Forget what they have not been given?", flag=FLAG, deletes=True):
        return list(found)
    output.say(f"It is kept, and the journal as long. `sa-apps deploy {FLAG}` forgets it.")
    return [one for one in found if not one.waiting]


def forget(project: Project, chosen: Sequence[Held], session: Session) -> None:
    """Drop positions; what can't be dropped now is told, and keeps nothing else from being done."""
    from streamalert_apps.serve import positions

    for one in chosen:
        try:
            positions.drop(project, one, lambda: session)
        except AppError as error:
            output.warn(f"{label(one.app)} still has a position of {one.destination}: {error.message}")


def _begin(app: AppConf, name: str, waiting: int | None) -> str:
    if waiting is None:
        return f"{label(app)} begins to send to {name}: what is collected from then on."
    return f"{label(app)} sends to {name} again, from where it ended: it lacks {counted(waiting, 'event')}."


def _loses_one(plan: AppPlan) -> bool:
    return plan.job.app is not None and bool(_named(plan) - _wanted(plan.job.app))


def _named(plan: AppPlan) -> set[str]:
    """Return the destinations that the function sends to which is there; nothing, where there is none."""
    latest = plan.view.latest if plan.view else None
    if not latest:
        return set()
    return named_destinations(latest["Configuration"].get("Environment", {}).get("Variables", {}))


def _wanted(app: AppConf) -> set[str]:
    return {sink.name for sink in app.sinks} or {CLASSIFIER}
