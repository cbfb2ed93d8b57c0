"""Okta's twin."""

from streamalert_apps.services.okta.twin.api import Okta

TWIN = Okta

__all__ = ["TWIN", "Okta"]
