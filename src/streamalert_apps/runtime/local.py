"""State and credentials in a folder, for an app that lives without AWS; readable by their owner alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from streamalert_apps.errors import ConfigError, CredentialsError, StateError
from streamalert_apps.runtime.credentials import parse_credentials
from streamalert_apps.runtime.files import write_private
from streamalert_apps.runtime.state import Stored
from streamalert_apps.sdk.app import Credentials

LOCK_SECONDS: Final = 10


class FileSlot:
    """The state of an app: `{"version": 3, "state": {…}}`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Stored | None:
        """Return what is there."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StateError(f"{self.path} can't be read ({error.strerror}).") from None
        try:
            whole = json.loads(data)
            return Stored(json.dumps(whole["state"]), int(whole["version"]))
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            raise StateError(
                f"{self.path} is not a state file.", hint="Delete it: the app then starts one interval back."
            ) from None

    def write(self, text: str) -> None:
        """Replace what is there, whatever it is."""
        with self._lock():
            stored = self.read()
            self._save(text, stored.version if stored else 0)

    def replace(self, text: str, version: int) -> bool:
        """Replace `version` (0: nothing is there); return False if someone was first."""
        with self._lock():
            stored = self.read()
            if (stored.version if stored else 0) != version:
                return False
            self._save(text, version)
            return True

    def _save(self, text: str, version: int) -> None:
        whole = f'{{"version": {version + 1}, "state": {text}}}\n'
        try:
            write_private(self.path, whole.encode())
        except OSError as error:
            raise StateError(f"{self.path} can't be written ({error.strerror}).") from None

    @contextmanager
    def _lock(self) -> Iterator[None]:
        from filelock import FileLock, Timeout  # noqa: PLC0415 (it takes long to load, and few need it)

        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = FileLock(self.path.with_suffix(".lock"), timeout=LOCK_SECONDS, mode=0o600)
            lock.acquire()
        except Timeout:
            raise StateError(f"{self.path} is locked by another process.") from None
        except OSError as error:
            raise StateError(f"{self.path} can't be locked ({error.strerror}).") from None
        try:
            yield
        finally:
            lock.release()


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
