"""ActionTrail's twin."""

from streamalert_apps.services.aliyun.twin.api import Aliyun

TWIN = Aliyun

__all__ = ["TWIN", "Aliyun"]
