"""Credentials as they are stored: a JSON object."""

from __future__ import annotations

import json
from typing import Final, Protocol

from streamalert_apps.errors import ConfigError
from streamalert_apps.sdk.app import Credentials

GIVEN_BY: Final = "sa-apps update-auth"


class CredentialStore(Protocol):
    """The place of the credentials of one app or destination."""

    def exists(self) -> bool:
        """Tell whether there are any."""

    def load(self) -> Credentials:
        """Return them; raise CredentialsError if there are none, ConfigError if they are no JSON object."""

    def save(self, credentials: Credentials) -> None:
        """Store them, whether or not there were any; those that were there can be had back."""

    def previous(self) -> Credentials | None:
        """Return those that were stored before, or None where there are none."""

    def delete(self) -> None:
        """Delete them; fine where there are none."""


def parse_credentials(text: str | bytes, place: str, given_by: str = GIVEN_BY) -> Credentials:
    """Return credentials from JSON; raise ConfigError, which shows nothing of the text, if it is none.

    `given_by`: the command that stores them.
    """
    try:
        credentials = json.loads(text)
    except (ValueError, RecursionError):
        credentials = None
    if not isinstance(credentials, dict):
        raise ConfigError(f"{place} does not hold a JSON object.", hint=f"Store it anew with `{given_by}`.")
    return credentials
