"""Whether conf/ is right: files, schema, keys that nobody knows, and settings that do not fit together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from streamalert_apps.checks.finding import Finding
from streamalert_apps.config import conf, content, schema
from streamalert_apps.config.conf import AppConf, Project
from streamalert_apps.deploy import limits
from streamalert_apps.errors import AppError, ConfigError, PluginError
from streamalert_apps.plugins.registry import Registry

CHECK: Final = "conf"


@dataclass(frozen=True, slots=True)
class Judged:
    """What is wrong with conf/, and the project where nothing keeps it from being read."""

    files: tuple[str, ...]
    errors: tuple[AppError, ...]
    warnings: tuple[str, ...]
    project: Project | None = None


def judge(root: Path) -> Judged:
    """Return everything that is wrong with the files, one by one and together; raise where there are none."""
    files = tuple(content.files(root).values())
    whole, broken = content.readable(root)
    errors: list[AppError] = [*broken, *map(content.error, schema.refused(schema.whole(), whole))]
    warnings = tuple(content.told(conf.unknown(whole)))
    if errors:
        return Judged(files, tuple(errors), warnings)
    try:
        return Judged(files, (), warnings, conf.of(root, whole))
    except ConfigError as error:
        return Judged(files, (error,), warnings)


def unfit(project: Project, types: Registry) -> Iterator[tuple[AppConf, AppError]]:
    """Yield the apps whose settings are right one by one, and what is wrong with them all the same."""
    for app in project.all_apps:
        try:
            types.find(app.type)
            if not project.account.local:
                limits.check(app)
        except AppError as error:
            yield app, error


def place(app: AppConf) -> str:
    """Return where an app's settings are."""
    return f"conf/clusters/{app.cluster}.json: modules.streamalert_apps.{app.function}"


def look(judged: Judged, types: Registry) -> Iterator[Finding]:
    """Yield what is wrong; what is wrong with a plugin is found by another check."""
    for error in judged.errors:
        fix = f"{error.hint} `sa-apps config validate` shows the place.".strip()
        yield Finding(CHECK, error.message, "No command can work with the project.", fix)
    for warning in judged.warnings:
        yield Finding(
            CHECK,
            warning,
            "It has no effect.",
            "Correct it or take it out, by `sa-apps config`.",
            pressing=False,
        )
    for app, error in unfit(judged.project, types) if judged.project else ():
        if not isinstance(error, PluginError):
            yield Finding(
                CHECK, f"{place(app)}: {error.message}", "The app can't be run or deployed.", _fix(app, error)
            )


def _fix(app: AppConf, error: AppError) -> str:
    command = f"`sa-apps config set KEY VALUE --name {app.name} --cluster {app.cluster}` changes a setting."
    return f"{error.hint} {command}".strip()
