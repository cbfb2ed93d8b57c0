"""GitHub's twin."""

from streamalert_apps.services.github.twin.api import Github

TWIN = Github

__all__ = ["TWIN", "Github"]
