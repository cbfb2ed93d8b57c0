"""Add an app to conf/ with its credentials, or change one that is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from streamalert_apps.errors import UsageError

if TYPE_CHECKING:
    from streamalert_apps.cli.credentials import Source
    from streamalert_apps.config.conf import AppConf, Project, Schemas
    from streamalert_apps.plugins.registry import Registry

INTERVAL: Final = "rate(2 hours)"
_STATED: Final = {"auth", "destinations"}


class Outcome(NamedTuple):
    """What was done."""

    app: AppConf
    created: bool
    changed: tuple[str, ...]
    schemas: Schemas


def wanted(project: Project, cluster: str, app_type: str, name: str) -> AppConf:
    """Return the app with default settings, once its names are known to be possible."""
    from streamalert_apps.config import rules
    from streamalert_apps.config.conf import AppConf

    function = rules.function_name(project.account.prefix, cluster, app_type, rules.app_name(name))
    for other in project.apps(cluster):
        if other.name == name and other.function != function:
            raise UsageError(
                f"Cluster '{cluster}' already has an app '{name}', of type {other.type}.",
                hint="Give this one another --name.",
            )
    return AppConf(cluster, function, name, app_type, INTERVAL)


def there(project: Project, app: AppConf) -> AppConf | None:
    """Return the app as conf/ has it, if it does."""
    return next((one for one in project.apps(app.cluster) if one.function == app.function), None)


def with_settings(app: AppConf, settings: Mapping[str, Any]) -> AppConf:
    """Return the app with other settings; some are none of those that an app always has."""
    own = {key: value for key, value in settings.items() if key not in _STATED}
    stated = {key: value for key, value in settings.items() if key in _STATED}
    return replace(app, **own, extra={**app.extra, **stated})


def add(project: Project, app: AppConf, types: Registry, source: Source) -> Outcome:
    """Add an app that is not there yet: its credentials to their store first, then its settings to conf/."""
    from streamalert_apps.cli.credentials import place, saved, store_of

    source.need()
    schemas = types.schemas(app.type)
    if app.auth_from:
        source.obtain(types.find(app.type))
        return Outcome(app, created=True, changed=("settings",), schemas=project.add_app(app, schemas))
    store = store_of(project, app.function)
    credentials = source.obtain(types.find(app.type))
    with saved(store, credentials, place(project, app.function)):
        added = project.add_app(app, schemas)
    return Outcome(app, created=True, changed=("credentials", "settings"), schemas=added)


def change(project: Project, old: AppConf, new: AppConf, types: Registry, source: Source | None) -> Outcome:
    """Change an app that is there; its credentials, too, where there is a `source` of others."""
    from streamalert_apps.cli.credentials import load_if_any, place, saved, store_of

    schemas = types.schemas(new.type)
    changed = ("settings",) if new != old else ()
    if source and new.auth_from:
        source.obtain(types.find(new.type))
    if source is None or new.auth_from:
        return Outcome(new, created=False, changed=changed, schemas=project.update_app(new, schemas))
    source.need()
    store = store_of(project, new.function)
    present = load_if_any(store)
    credentials = source.obtain(types.find(new.type), present)
    if credentials == present:
        return Outcome(new, created=False, changed=changed, schemas=project.update_app(new, schemas))
    with saved(store, credentials, place(project, new.function)):
        added = project.update_app(new, schemas)
    return Outcome(new, created=False, changed=("credentials", *changed), schemas=added)
