"""Snowflake's twin."""

from streamalert_apps.services.snowflake.twin.api import Snowflake

TWIN = Snowflake

__all__ = ["TWIN", "Snowflake"]
