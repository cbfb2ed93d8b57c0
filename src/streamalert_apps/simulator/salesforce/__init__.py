"""Salesforce's twin."""

from streamalert_apps.simulator.salesforce.api import Salesforce

TWIN = Salesforce

__all__ = ["TWIN", "Salesforce"]
