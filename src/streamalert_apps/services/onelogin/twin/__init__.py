"""OneLogin's twin."""

from streamalert_apps.services.onelogin.twin.api import Onelogin

TWIN = Onelogin

__all__ = ["TWIN", "Onelogin"]
