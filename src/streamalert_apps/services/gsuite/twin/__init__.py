"""Google Workspace's twin."""

from streamalert_apps.services.gsuite.twin.access import Throttled
from streamalert_apps.services.gsuite.twin.api import Gsuite

TWIN = Gsuite

__all__ = ["TWIN", "Gsuite", "Throttled"]
