"""ActionTrail's twin."""

from streamalert_apps.simulator.aliyun.api import Aliyun

TWIN = Aliyun

__all__ = ["TWIN", "Aliyun"]
