"""The apps and app types that a command is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from streamalert_apps.cli.project import open_project
from streamalert_apps.cli.terminal import output
from streamalert_apps.errors import UsageError

if TYPE_CHECKING:
    from streamalert_apps.cli.terminal.prompts import Prompts
    from streamalert_apps.config.conf import AppConf, Project
    from streamalert_apps.plugins.registry import Registry


def one_app(
    project_dir: Path | None, name: str | None, name_option: str | None, cluster: str | None, prompts: Prompts
) -> tuple[Project, AppConf]:
    """Return project and app, asking for a name where none is given."""
    project = open_project(project_dir)
    return project, _picked(project, either(name, name_option, "name"), cluster, prompts)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The apps that a command is about. `several`: more than one may be meant, and each is told of."""

    project: Project
    apps: Sequence[AppConf]
    several: bool


def chosen(
    project_dir: Path | None,
    arguments: Sequence[str] | None,
    options: Sequence[str] | None,
    cluster: str | None,
    *,
    every: bool,
    no_input: bool,
) -> Chosen:
    """Return the apps of these names, or `every` one of the cluster; without either, ask for one.

    Raises UsageError where there is none.
    """
    from streamalert_apps.cli.terminal.prompts import Prompts

    names = [*(arguments or ()), *(options or ())]
    not_both(names, every=every)
    project = open_project(project_dir)
    if not every:
        wanted: Sequence[str | None] = names or [None]
        prompts = Prompts.on_terminal(no_input=no_input)
        found = [_picked(project, name, cluster, prompts) for name in wanted]
        apps = list({app.function: app for app in found}.values())
        return Chosen(project, apps, several=len(apps) > 1)
    if not (of_cluster := project.apps(cluster)):
        raise UsageError("No Apps configured.", hint="`sa-apps new` adds one.")
    return Chosen(project, of_cluster, several=True)


def not_both(names: Sequence[str], *, every: bool) -> None:
    """Raise UsageError where apps are named and all are meant."""
    if names and every:
        raise UsageError("--all is about all apps.", hint="Leave out the names, or --all.")


def either(argument: str | None, option: str | None, what: str) -> str | None:
    """Return a value that may be given as an argument or as an option."""
    if argument and option and argument != option:
        raise UsageError(f"Two different {what}s are given: '{argument}' and '{option}'.", hint="Give one.")
    return argument or option


def _picked(project: Project, name: str | None, cluster: str | None, prompts: Prompts) -> AppConf:
    """Return the app that is meant, asking where no name is given."""
    if name:
        return project.find(name, cluster)
    apps = project.apps(cluster)
    if not apps:
        raise UsageError("No Apps configured.", hint="`sa-apps new` adds one.")
    flag = "NAME: one of " + ", ".join(sorted({app.name for app in apps}))
    shown = {app.function: f"{app.name} ({app.type}, cluster {app.cluster})" for app in apps}
    return project.find(
        prompts.choice("Which app?", what="the app's name", flag=flag, choices=shown), cluster
    )


def several_apps(project: Project, clusters: Sequence[str], names: Sequence[str]) -> list[AppConf]:
    """Return the apps of these names in these clusters; without names all, without clusters of any."""
    for cluster in clusters:
        project.cluster(cluster)
    if not names:
        return [app for app in project.all_apps if not clusters or app.cluster in clusters]
    chosen: dict[str, AppConf] = {}
    for name in names:
        for app in _named(project, clusters, name):
            chosen[app.function] = app
    return list(chosen.values())


def _named(project: Project, clusters: Sequence[str], name: str) -> list[AppConf]:
    found = [app for app in project.all_apps if app.cluster in clusters and name in {app.name, app.function}]
    if len(clusters) > 1 and found:
        return found
    return [project.find(name, clusters[0] if clusters else None)]


def known_types(root: Path | None) -> Registry:
    """Return the app types of a project, its plugins' included; say which of these are left out."""
    from streamalert_apps.plugins.registry import Registry

    return Registry(root, lambda error: output.warn(f"left out: {error.message}"))
