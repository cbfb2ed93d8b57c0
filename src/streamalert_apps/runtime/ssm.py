"""State and credentials in AWS Parameter Store.

It has no conditional write. But a put without overwrite is create-if-absent, and every put answers
with a version number that rises by one: who gets another number than the next one was not first.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from streamalert_apps.errors import ConfigError, CredentialsError, StateError
from streamalert_apps.runtime.credentials import parse_credentials
from streamalert_apps.runtime.state import Stored
from streamalert_apps.sdk.app import Credentials
from streamalert_apps.sdk.clock import Clock, Deadline, SystemClock
from streamalert_apps.sdk.retry import retrying

T = TypeVar("T")

STANDARD_CHARACTERS: Final = 4096
ADVANCED_CHARACTERS: Final = 8192
_DENIED: Final = {"AccessDeniedException", "UnrecognizedClientException", "ExpiredTokenException"}
_PASSING: Final = {"ThrottlingException", "TooManyUpdates", "RequestLimitExceeded"}


class _Parameter:
    """One SecureString."""

    def __init__(
        self, client: Any, name: str, clock: Clock | None = None, deadline: Deadline | None = None
    ) -> None:
        self._client = client
        self.name = name
        self._clock = clock or SystemClock()
        self._deadline = deadline or Deadline.never()

    def _get(self, selector: str = "") -> Stored | None:
        def read() -> Stored | None:
            answer = self._client.get_parameters(Names=[self.name + selector], WithDecryption=True)
            if answer["Parameters"]:
                parameter = answer["Parameters"][0]
                return Stored(parameter["Value"], parameter["Version"])
            if not answer["InvalidParameters"]:
                raise LookupError  # that it is not there must have been said
            return None

        return self._tried(read, "read")

    def _put(self, text: str, *, overwrite: bool) -> int:
        if len(text) > ADVANCED_CHARACTERS:
            raise StateError(f"{self.name} would hold {len(text)} characters; {ADVANCED_CHARACTERS} fit.")
        tier = {"Tier": "Intelligent-Tiering"} if len(text) > STANDARD_CHARACTERS else {}

        def put() -> int:
            answer = self._client.put_parameter(
                Name=self.name, Value=text, Type="SecureString", Overwrite=overwrite, **tier
            )
            return int(answer["Version"])

        return self._tried(put, "written")

    def _tried(self, call: Callable[[], T], participle: str) -> T:
        def once() -> T:
            try:
                return call()
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code == "ParameterAlreadyExists":
                    raise
                reason = f"The parameter {self.name} can't be {participle} ({code})."
                if code in _DENIED:
                    raise CredentialsError(
                        reason, hint="Check the AWS credentials and their policy."
                    ) from None
                if code in _PASSING or error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:  # noqa: PLR2004
                    raise StateError(reason) from None
                raise ConfigError(reason) from None
            except LookupError:  # boto3 takes a cut answer for one that says nothing
                raise StateError(f"The answer about {self.name} was cut.") from None
            except BotoCoreError as error:
                reason = f"The parameter {self.name} can't be {participle} ({type(error).__name__})."
                raise StateError(reason) from None

        return retrying(once, clock=self._clock, deadline=self._deadline)


class ParameterSlot(_Parameter):
    """The state of an app."""

    def read(self) -> Stored | None:
        """Return what is there."""
        return self._get()

    def write(self, text: str) -> None:
        """Replace what is there, whatever it is."""
        self._put(text, overwrite=True)

    def replace(self, text: str, version: int) -> bool:
        """Replace `version` (0: nothing is there); return False if someone was first.

        Then what was there last is put back, unless somebody has written since.
        """
        if not version:
            with suppress(ClientError):
                self._put(text, overwrite=False)
                return True
            return self._holds(text)
        put = self._put(text, overwrite=True)
        if put == version + 1:
            return True
        first = self._get(f":{version + 1}")
        if first is None or first.text == text:  # a put of ours whose answer was lost
            return True
        last = self._get(f":{put - 1}")  # by now the first one may have written again
        if self._holds(text):
            self.write(first.text if last is None or last.text == text else last.text)
        return False

    def _holds(self, text: str) -> bool:
        stored = self._get()
        return stored is not None and stored.text == text


class ParameterCredentials(_Parameter):
    """The credentials of an app."""

    def exists(self) -> bool:
        """Tell whether there are any."""
        return self._get() is not None

    def load(self) -> Credentials:
        """Return them; raise CredentialsError if there are none, ConfigError if they are no JSON object."""
        stored = self._get()
        if stored is None:
            raise CredentialsError(
                f"There are no credentials in the parameter {self.name}.",
                hint="Give them with `sa-apps update-auth`.",
            )
        return parse_credentials(stored.text, f"The parameter {self.name}")

    def save(self, credentials: Credentials) -> None:
        """Store them, whether or not there were any."""
        self._put(json.dumps(credentials, separators=(",", ":")), overwrite=True)

    def delete(self) -> None:
        """Delete them; fine where there are none."""
        with suppress(self._client.exceptions.ParameterNotFound):
            self._client.delete_parameter(Name=self.name)
