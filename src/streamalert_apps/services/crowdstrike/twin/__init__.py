"""CrowdStrike's twin."""

from streamalert_apps.services.crowdstrike.twin.api import HOSTS, Crowdstrike

TWIN = Crowdstrike

__all__ = ["HOSTS", "TWIN", "Crowdstrike"]
