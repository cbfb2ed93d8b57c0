"""Duo's twin."""

from streamalert_apps.services.duo.twin.api import Duo

TWIN = Duo

__all__ = ["TWIN", "Duo"]
