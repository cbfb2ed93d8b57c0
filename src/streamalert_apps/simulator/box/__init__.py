"""Box's twin."""

from streamalert_apps.simulator.box.api import Box

TWIN = Box

__all__ = ["TWIN", "Box"]
