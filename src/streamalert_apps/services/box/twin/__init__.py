"""Box's twin."""

from streamalert_apps.services.box.twin.api import Box

TWIN = Box

__all__ = ["TWIN", "Box"]
