"""Credentials in a folder, for an app that lives without AWS; readable by their owner alone."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from streamalert_apps.errors import ConfigError, CredentialsError
from streamalert_apps.runtime.credentials import parse_credentials
from streamalert_apps.runtime.files import write_private
from streamalert_apps.sdk.app import Credentials


class FileCredentials:
    """The credentials of an app."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def exists(self) -> bool:
        """Tell whether there are any."""
        return self.path.exists()

    def load(self) -> Credentials:
        """Return them; raise CredentialsError if there are none, ConfigError if they are no JSON object."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            raise CredentialsError(
                f"There are no credentials in {self.path}.", hint="Give them with `sa-apps update-auth`."
            ) from None
        except OSError as error:
            raise ConfigError(f"{self.path} can't be read ({error.strerror}).") from None
        return parse_credentials(data, str(self.path))

    def save(self, credentials: Credentials) -> None:
        """Store them, whether or not there were any."""
        write_private(self.path, json.dumps(credentials).encode())

    def delete(self) -> None:
        """Delete them; fine where there are none."""
        with suppress(FileNotFoundError):
            self.path.unlink()
