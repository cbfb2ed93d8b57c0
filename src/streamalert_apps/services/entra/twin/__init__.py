"""Entra's twin."""

from streamalert_apps.services.entra.twin.api import Entra

TWIN = Entra

__all__ = ["TWIN", "Entra"]
