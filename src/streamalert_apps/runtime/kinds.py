"""The kinds of destinations: each a file in `destinations/`, loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from streamalert_apps.errors import UsageError
from streamalert_apps.runtime import destinations
from streamalert_apps.runtime.names import CLASSIFIER
from streamalert_apps.runtime.sink import Sink

_elsewhere: list[Callable[[str], type[Sink] | None]] = []


@cache
def names() -> tuple[str, ...]:
    """Return the kinds that conf/destinations.json may name, of those that are built in."""
    return tuple(
        sorted(module.name for module in iter_modules(destinations.__path__) if module.name != CLASSIFIER)
    )


def look_also(find_elsewhere: Callable[[str], type[Sink] | None]) -> None:
    """Have kinds that are not built in looked for there: those of a project's plugins."""
    _elsewhere[:] = [find_elsewhere]


def known(kind: str) -> type[Sink] | None:
    """Return the class of a kind, if there is one; raise PluginError where its plugin is broken."""
    if kind in names():
        found: type[Sink] = import_module(f"{destinations.__name__}.{kind}").SINK
        return found
    return next(filter(None, (find_elsewhere(kind) for find_elsewhere in _elsewhere)), None)


def find(kind: str) -> type[Sink]:
    """Return the class of a kind; raise UsageError where there is none, and as `known`."""
    if found := known(kind):
        return found
    raise UsageError(
        f"There is no kind of destination '{kind}'.",
        hint=f"There are {', '.join(names())}, and those of plugins in apps/.",
    )
