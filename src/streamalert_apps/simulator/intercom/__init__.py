"""Intercom's twin."""

from streamalert_apps.simulator.intercom.api import Intercom

TWIN = Intercom

__all__ = ["TWIN", "Intercom"]
