"""Slack's twin."""

from streamalert_apps.simulator.slack.api import Slack

TWIN = Slack

__all__ = ["TWIN", "Slack"]
