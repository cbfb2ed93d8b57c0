"""The kinds of destinations: each a file in `destinations/`, loaded when it is asked for."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from streamalert_apps.errors import UsageError
from streamalert_apps.runtime import destinations
from streamalert_apps.runtime.names import CLASSIFIER
from streamalert_apps.runtime.sink import Sink


@cache
def names() -> tuple[str, ...]:
    """Return the kinds that conf/destinations.json may name, of those that are built in."""
    return tuple(
        sorted(module.name for module in iter_modules(destinations.__path__) if module.name != CLASSIFIER)
    )


def find(kind: str) -> type[Sink]:
    """Return the class of a kind; raise UsageError where there is none."""
    if kind not in names():
        known = ", ".join(names())
        raise UsageError(f"There is no kind of destination '{kind}'.", hint=f"There are: {known}.")
    found: type[Sink] = import_module(f"{destinations.__name__}.{kind}").SINK
    return found
