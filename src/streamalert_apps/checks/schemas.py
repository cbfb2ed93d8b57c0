"""Whether conf/schemas/ describes the logs that apps send to the classifier."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from streamalert_apps.checks.classifier import sends_there
from streamalert_apps.checks.finding import Finding
from streamalert_apps.checks.subject import Subject
from streamalert_apps.config import jsonfile
from streamalert_apps.config.conf import AppConf
from streamalert_apps.errors import AppError, ConfigError

CHECK: Final = "schemas"


def look(subject: Subject) -> Iterator[Finding]:
    """Yield the schemas that are missing, that differ, and files that can't be read; each service once."""
    of_service = {app.service: app for app in subject.apps if sends_there(app)}
    for app in of_service.values():
        yield from _of_service(subject, app)


def _of_service(subject: Subject, app: AppConf) -> Iterator[Finding]:
    file = f"conf/schemas/{app.service}.json"
    try:
        wanted = subject.types.schemas(app.type)
    except AppError:
        return  # another check tells that there is no such type
    try:
        there = _read(subject, file)
    except ConfigError as error:
        yield Finding(CHECK, error.message, "The classifier can't be deployed with it.", error.hint)
        return
    add = f"`sa-apps new {app.type} --cluster {app.cluster} --name {app.name} --update-settings` adds it."
    if missing := sorted(wanted.keys() - there.keys()):
        yield Finding(CHECK, f"{file} lacks {', '.join(missing)}.", "The classifier drops such logs.", add)
    if differing := sorted(name for name in wanted.keys() & there.keys() if there[name] != wanted[name]):
        yield Finding(
            CHECK,
            f"{file} has another {', '.join(differing)} than this version knows.",
            "The classifier drops logs that do not match it.",
            f"Take the entry out, then {add}",
            pressing=False,
        )


def _read(subject: Subject, file: str) -> dict[str, Any]:
    path = subject.root / file
    return jsonfile.read_object(path, file) if path.exists() else {}
