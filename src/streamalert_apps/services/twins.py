"""The twins of the built-in services. Not for Lambda, where there are none."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from importlib import import_module
from typing import Any

from streamalert_apps import services
from streamalert_apps.errors import UsageError
from streamalert_apps.simulator.contract import Twin


def twin(service: str, **options: Any) -> Twin:
    """Return the twin of a service, made with these options."""
    made: Twin = _kind(service)(**options)
    return made


@cache
def _kind(service: str) -> Any:
    there = services.services()
    if service not in there:
        close = get_close_matches(service, there, n=1)
        raise UsageError(
            f"There is no simulator of '{service}'.",
            hint=f"Did you mean '{close[0]}'?" if close else f"There are: {', '.join(there)}.",
        )
    return import_module(f"{services.__name__}.{service}.twin").TWIN
