"""Credentials in a folder, for a local app; readable by their owner alone."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from streamalert_apps.errors import ConfigError, CredentialsError
from streamalert_apps.runtime.credentials import GIVEN_BY, parse_credentials
from streamalert_apps.runtime.files import write_private
from streamalert_apps.sdk.app import Credentials


class FileCredentials:
    """The credentials of an app or a destination. `given_by`: the command that stores them."""

    def __init__(self, path: Path, given_by: str = GIVEN_BY) -> None:
        self.path = path
        self._given_by = given_by

    def exists(self) -> bool:
        """Tell whether there are any."""
        return self.path.exists()

    def load(self) -> Credentials:
        """Return them; raise CredentialsError if there are none, ConfigError if they are no JSON object."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            raise CredentialsError(
                f"There are no credentials in {self.path}.", hint=f"Give them with `{self._given_by}`."
            ) from None
        except OSError as error:
            raise ConfigError(f"{self.path} can't be read ({error.strerror}).") from None
        return parse_credentials(data, str(self.path), self._given_by)

    def save(self, credentials: Credentials) -> None:
        """Store them, whether or not there were any; those that were there can be had back."""
        with suppress(FileNotFoundError):
            write_private(self._before, self.path.read_bytes())
        write_private(self.path, json.dumps(credentials).encode())

    def previous(self) -> Credentials | None:
        """Return those that were stored before, or None where there are none."""
        with suppress(FileNotFoundError):
            return parse_credentials(self._before.read_bytes(), str(self._before), self._given_by)
        return None

    def delete(self) -> None:
        """Delete them, and those before; fine where there are none."""
        for path in (self.path, self._before):
            path.unlink(missing_ok=True)

    @property
    def _before(self) -> Path:
        return self.path.with_name(f"{self.path.stem}.previous.json")
