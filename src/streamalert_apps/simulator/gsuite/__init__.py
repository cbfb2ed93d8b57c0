"""Google Workspace's twin."""

from streamalert_apps.simulator.gsuite.access import Throttled
from streamalert_apps.simulator.gsuite.api import Gsuite

TWIN = Gsuite

__all__ = ["TWIN", "Gsuite", "Throttled"]
