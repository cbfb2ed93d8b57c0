"""Intercom's twin."""

from streamalert_apps.services.intercom.twin.api import Intercom

TWIN = Intercom

__all__ = ["TWIN", "Intercom"]
