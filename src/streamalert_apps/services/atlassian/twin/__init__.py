"""Atlassian's twin."""

from streamalert_apps.services.atlassian.twin.api import Atlassian

TWIN = Atlassian

__all__ = ["TWIN", "Atlassian"]
