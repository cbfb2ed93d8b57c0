"""The vendors' APIs, faked well enough to catch a wrong client.

A service's twin is the module, or the package, of its name; it calls its class TWIN.
"""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

from streamalert_apps.errors import UsageError

if TYPE_CHECKING:
    from streamalert_apps.simulator.contract import Twin

_SHARED = frozenset({"contract", "faults", "oauth", "server", "single", "store", "tally", "transport"})


def services() -> tuple[str, ...]:
    """Return the names of the services that can be simulated: every module here that is not shared by all."""
    names = (module.name for module in iter_modules(__path__))
    return tuple(sorted(name for name in names if name not in _SHARED))


def twin(service: str, **options: Any) -> Twin:
    """Return the twin of a service, made with these options."""
    if service not in services():
        close = get_close_matches(service, services(), n=1)
        raise UsageError(
            f"There is no simulator of '{service}'.",
            hint=f"Did you mean '{close[0]}'?" if close else f"There are: {', '.join(services())}.",
        )
    made: Twin = import_module(f"{__name__}.{service}").TWIN(**options)
    return made
