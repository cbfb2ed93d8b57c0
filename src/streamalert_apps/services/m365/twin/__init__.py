"""Microsoft 365's twin."""

from streamalert_apps.services.m365.twin.api import M365

TWIN = M365

__all__ = ["M365", "TWIN"]
