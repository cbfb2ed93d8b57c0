"""Duo's twin."""

from streamalert_apps.simulator.duo.api import Duo

TWIN = Duo

__all__ = ["TWIN", "Duo"]
