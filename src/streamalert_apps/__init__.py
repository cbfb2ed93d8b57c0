"""Collect the audit logs of SaaS products, and lose none of them.

The names that a plugin author needs are here: `from streamalert_apps import App, Page, AuthField`.
They are loaded when they are asked for, so that the command line starts fast.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"

if TYPE_CHECKING:
    from streamalert_apps.sdk.app import App, AuthField, Checkpoint, Page
    from streamalert_apps.sdk.catalogue import Catalogue
    from streamalert_apps.sdk.events import Fetched
    from streamalert_apps.sdk.feed import AnyOrder, NewestFirst, OldestFirst
    from streamalert_apps.sdk.http import Api
    from streamalert_apps.sdk.integration import AppIntegration, StreamAlertApp
    from streamalert_apps.sdk.log import LOGGER, get_logger
    from streamalert_apps.sdk.oauth import Bearer, Token
    from streamalert_apps.sdk.pace import Rate
    from streamalert_apps.sdk.stream import Stream

__all__ = [
    "LOGGER",
    "AnyOrder",
    "Api",
    "App",
    "AppIntegration",
    "AuthField",
    "Bearer",
    "Catalogue",
    "Checkpoint",
    "Fetched",
    "NewestFirst",
    "OldestFirst",
    "Page",
    "Rate",
    "Stream",
    "StreamAlertApp",
    "Token",
    "__version__",
    "get_logger",
]

_HOMES = {
    "app": ("App", "AuthField", "Checkpoint", "Page"),
    "catalogue": ("Catalogue",),
    "events": ("Fetched",),
    "http": ("Api",),
    "integration": ("AppIntegration", "StreamAlertApp"),
    "log": ("LOGGER", "get_logger"),
    "oauth": ("Bearer", "Token"),
    "pace": ("Rate",),
    "stream": ("Stream",),
    "feed": ("AnyOrder", "NewestFirst", "OldestFirst"),
}


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"streamalert_apps.sdk.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
