"""1Password's twin."""

from streamalert_apps.services.onepassword.twin.api import Onepassword

TWIN = Onepassword

__all__ = ["TWIN", "Onepassword"]
