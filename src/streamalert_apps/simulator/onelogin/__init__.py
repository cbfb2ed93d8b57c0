"""OneLogin's twin."""

from streamalert_apps.simulator.onelogin.api import Onelogin

TWIN = Onelogin

__all__ = ["TWIN", "Onelogin"]
