"""How an app comes into a project or changes there: what `sa-apps new` does once it knows its options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from streamalert_apps.cli.credentials import Source, load_if_any, place, saved, store_of
from streamalert_apps.cli.terminal import output
from streamalert_apps.cli.terminal.prompts import Prompts
from streamalert_apps.config import conf, rules
from streamalert_apps.errors import ConfigError, UsageError
from streamalert_apps.plugins.registry import Registry

INTERVAL: Final = "rate(2 hours)"
SETTINGS: Final[dict[str, Callable[[Any], Any]]] = {
    "schedule_expression": rules.schedule_expression,
    "timeout": rules.timeout,
    "memory": rules.memory,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done."""

    app: conf.AppConf
    created: bool
    changed: tuple[str, ...]
    schemas: conf.Schemas


@dataclass(frozen=True, slots=True)
class Change:
    """What of an app shall change."""

    settings: bool
    credentials: bool


def checked(**given: Any) -> dict[str, Any]:
    """Return the settings that were given, checked."""
    return {key: SETTINGS[key](value) for key, value in given.items() if value is not None}


def ask_type(prompts: Prompts, types: Registry) -> str:
    """Ask for an app type."""
    names = types.names()
    shown = {name: f"{name}: {types.find(name).collects}" for name in names}
    flag = f"TYPE, one of {', '.join(names)}"
    return prompts.choice("Which type of app?", what="the app type", flag=flag, choices=shown)


def ask_cluster(project: conf.Project, prompts: Prompts) -> str:
    """Ask for a cluster of the project."""
    if not project.clusters:
        raise ConfigError("There is no cluster yet.", hint="`sa-apps init --cluster NAME` makes one.")
    flag = f"--cluster, one of {', '.join(project.clusters)}"
    choices = {name: name for name in project.clusters}
    return prompts.choice("In which cluster?", what="the cluster", flag=flag, choices=choices)


def wanted(project: conf.Project, cluster: str, app_type: str, name: str) -> conf.AppConf:
    """Return the app with default settings, once its names are known to be possible."""
    function = rules.function_name(project.account.prefix, cluster, app_type, rules.app_name(name))
    for other in project.apps(cluster):
        if other.name == name and other.function != function:
            raise UsageError(
                f"Cluster '{cluster}' has an app '{name}' already, of type {other.type}.",
                hint="Give this one another --name.",
            )
    return conf.AppConf(cluster, function, name, app_type, INTERVAL)


def add(project: conf.Project, app: conf.AppConf, types: Registry, source: Source) -> Outcome:
    """Add an app that is not there yet: its credentials to their store first, then its settings to conf/."""
    source.need()
    store = store_of(project, app.function)
    schemas = types.schemas(app.type)
    credentials = source.obtain(types.find(app.type))
    with saved(store, credentials, place(project, app.function)):
        added = project.add_app(app, schemas)
    return Outcome(app, created=True, changed=("credentials", "settings"), schemas=added)


def what_to_change(app: conf.AppConf, prompts: Prompts, *, settings: bool, credentials: bool) -> Change:
    """Return what shall change of an app that is there, asking where no flag says so."""
    if settings or credentials:
        return Change(settings=settings, credentials=credentials)
    there = f"Cluster '{app.cluster}' has an app '{app.name}' of this type already."
    if not prompts.allowed:
        raise UsageError(
            there,
            hint="--update-settings changes its settings, --update-auth its credentials; both may be given.",
        )
    output.say(there)
    return Change(
        settings=prompts.confirm("Change its settings?", flag="--update-settings"),
        credentials=prompts.confirm("Change its credentials?", flag="--update-auth"),
    )


def change(
    project: conf.Project,
    old: conf.AppConf,
    what: Change,
    settings: dict[str, Any],
    source: Source,
    *,
    types: Registry,
) -> Outcome:
    """Change an app that is there: its settings to those given or asked for, its credentials to new ones."""
    if what.settings and not settings and source.prompts.allowed:
        settings = _ask_settings(old, source.prompts)
    new = replace(old, **settings) if what.settings else old
    schemas = types.schemas(new.type)
    changed = ("settings",) if new != old else ()
    if not what.credentials:
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


def _ask_settings(app: conf.AppConf, prompts: Prompts) -> dict[str, Any]:
    def number(check: Callable[[int], int]) -> Callable[[str], int]:
        def parse(text: str) -> int:
            if not text.isdecimal():
                raise UsageError(f"'{text}' is not a whole number.")
            return check(int(text))

        return parse

    questions: dict[str, tuple[str, Callable[[str], Any]]] = {
        "schedule_expression": ("Interval:", rules.schedule_expression),
        "timeout": ("Timeout in seconds:", number(rules.timeout)),
        "memory": ("Memory in MB:", number(rules.memory)),
    }
    return {
        key: prompts.text(
            question, what="a setting", flag="--update-settings", parse=parse, default=str(getattr(app, key))
        )
        for key, (question, parse) in questions.items()
    }
