"""Salesforce's twin."""

from streamalert_apps.services.salesforce.twin.api import Salesforce

TWIN = Salesforce

__all__ = ["TWIN", "Salesforce"]
