"""Whether the functions' packages can be laid out: uv, its cache or an index, and room for what is kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from streamalert_apps.checks.finding import Finding
from streamalert_apps.checks.subject import Subject
from streamalert_apps.deploy import dependencies, package
from streamalert_apps.errors import AppError
from streamalert_apps.runtime.files import write_private

CHECK: Final = "packaging"
_REINSTALL: Final = "`pip install --upgrade uv`, in the environment of sa-apps."
_WHY: Final = "No function can be deployed from here."


def look(subject: Subject) -> Iterator[Finding]:
    """Yield what keeps them from being laid out; nothing is fetched but what says that it could be."""
    yield from _cache()
    for lock, runtime, architecture in sorted(_needed(subject)):
        try:
            dependencies.obtainable(lock, runtime, architecture)
        except AppError as error:
            yield Finding(CHECK, error.message, _WHY, error.hint or _REINSTALL)
            return  # the others would say the same


def _needed(subject: Subject) -> set[tuple[str, str, str]]:
    """Return the locks of all apps, with runtime and architecture."""
    needed = set()
    for app in subject.apps:
        runtime = app.extra.get("runtime", package.DEFAULT_RUNTIME)
        architecture = app.extra.get("architecture") or package.DEFAULT_ARCHITECTURE
        try:
            plugin = subject.types.plugin(app.type)
            sinks = subject.sinks.of(sink.kind for sink in app.sinks)
            built = package.build(app.type, runtime, architecture, plugin, sinks)
        except AppError:
            continue  # another check tells of the app's type, or its plugin
        needed |= {(lock, runtime, architecture) for lock in built.locks}
    return needed


def _cache() -> Iterator[Finding]:
    try:
        probe = dependencies.cache_folder() / "dependencies" / "probe"
        write_private(probe, b"")
        probe.unlink()
    except (OSError, RuntimeError) as error:
        yield Finding(
            CHECK,
            f"Packages can't be kept in the cache: {getattr(error, 'strerror', None) or error}.",
            "Each deploy prepares them again.",
            "Set SA_APPS_CACHE_DIR to a folder that can be written.",
            pressing=False,
        )
