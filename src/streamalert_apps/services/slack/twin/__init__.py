"""Slack's twin."""

from streamalert_apps.services.slack.twin.api import Slack

TWIN = Slack

__all__ = ["TWIN", "Slack"]
