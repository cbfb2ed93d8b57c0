"""Credentials in AWS Parameter Store, and what 0.1.0 and StreamAlert kept there besides."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from streamalert_apps.errors import ConfigError, CredentialsError, StateError
from streamalert_apps.runtime.credentials import GIVEN_BY, parse_credentials
from streamalert_apps.sdk.app import Credentials
from streamalert_apps.sdk.clock import Clock, Deadline, SystemClock
from streamalert_apps.sdk.retry import retrying

T = TypeVar("T")

STANDARD_CHARACTERS: Final = 4096
ADVANCED_CHARACTERS: Final = 8192
_LOOKED_AT: Final = 10  # versions; AWS takes that many names at once
_DENIED: Final = {"AccessDeniedException", "UnrecognizedClientException", "ExpiredTokenException"}
_HINTS: Final = {
    "ParameterMaxVersionLimitExceeded": (
        "Its oldest version has a label, which keeps SSM from dropping it for a new one. Take the label off: "
        "`aws ssm unlabel-parameter-version`."
    ),
}
_PASSING: Final = {"ThrottlingException", "TooManyUpdates", "RequestLimitExceeded"}


@dataclass(frozen=True, slots=True)
class Stored:
    """A parameter's text. Its version rises by one with every write, whoever wrote."""

    text: str
    version: int


class Parameter:
    """One SecureString, encrypted by `key` (none: SSM's own) and with `tags` once it is written."""

    def __init__(
        self,
        client: Any,
        name: str,
        clock: Clock | None = None,
        deadline: Deadline | None = None,
        *,
        key: str = "",
        tags: Sequence[tuple[str, str]] = (),
    ) -> None:
        self._client = client
        self.name = name
        self._key = {"KeyId": key} if key else {}
        self._tags = [{"Key": tag, "Value": value} for tag, value in tags]
        self._clock = clock or SystemClock()
        self._deadline = deadline or Deadline.never()
        self._version = 0  # the highest one that was seen

    def get(self, *, version: int | None = None, least: int = 0) -> Stored | None:
        """Return what is there, or one version of it: `least` is known to exist; a read may be late."""

        def read() -> Stored | None:
            name = self.name if version is None else f"{self.name}:{version}"
            answer = self._client.get_parameters(Names=[name], WithDecryption=True)
            found = [Stored(each["Value"], each["Version"]) for each in answer["Parameters"]]
            self._version = max([self._version, *(stored.version for stored in found)])
            if not found and not answer["InvalidParameters"]:
                raise LookupError  # that it is not there must have been said
            if max((stored.version for stored in found), default=0) < least:
                raise LookupError
            return found[0] if found else None

        return self._tried(read, "read")

    def put(self, text: str, *, overwrite: bool) -> int:
        """Write; return the version that was made."""
        if len(text) > ADVANCED_CHARACTERS:
            raise StateError(f"{self.name} would hold {len(text)} characters; {ADVANCED_CHARACTERS} fit.")
        tier = {"Tier": "Intelligent-Tiering"} if len(text) > STANDARD_CHARACTERS else {}
        tags = (
            {"Tags": self._tags} if self._tags and not overwrite else {}
        )  # SSM takes them with the first alone

        before, lost = self._version, False

        def once() -> int:
            nonlocal lost
            if lost and (version := self._landed(text, before)):
                return version
            lost = True
            try:
                answer = self._client.put_parameter(
                    Name=self.name,
                    Value=text,
                    Type="SecureString",
                    Overwrite=overwrite,
                    **tier,
                    **tags,
                    **self._key,
                )
            except ClientError as error:
                lost = _is_fault(error)
                raise
            self._version = int(answer["Version"])
            return self._version

        return self._tried(once, "written")

    def _landed(self, text: str, after: int) -> int | None:
        """Return the version of a put whose answer was lost: to put again would undo what came after it."""
        answer = self._client.get_parameters(Names=[self.name], WithDecryption=True)
        newest = max((parameter["Version"] for parameter in answer["Parameters"]), default=0)
        names = [f"{self.name}:{version}" for version in range(newest, max(after, newest - _LOOKED_AT), -1)]
        if not names:
            return None
        answer = self._client.get_parameters(Names=names, WithDecryption=True)
        return max((each["Version"] for each in answer["Parameters"] if each["Value"] == text), default=None)

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
                if code in _PASSING or _is_fault(error):
                    raise StateError(reason) from None
                raise ConfigError(reason, hint=_HINTS.get(code, "")) from None
            except LookupError:  # boto3 takes a cut answer for one that says nothing
                raise StateError(f"The answer about {self.name} was cut, or out of date.") from None
            except BotoCoreError as error:
                reason = f"The parameter {self.name} can't be {participle} ({type(error).__name__})."
                raise StateError(reason) from None

        return retrying(once, sleep=self._clock.sleep, deadline=self._deadline)


def _is_fault(error: ClientError) -> bool:
    """Tell whether AWS had a fault: what was asked for may be done nevertheless."""
    return bool(error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500)  # noqa: PLR2004


class ParameterCredentials(Parameter):
    """The credentials of an app or a destination. `given_by`: the command that stores them."""

    def __init__(
        self,
        client: Any,
        name: str,
        clock: Clock | None = None,
        deadline: Deadline | None = None,
        *,
        key: str = "",
        tags: Sequence[tuple[str, str]] = (),
        given_by: str = GIVEN_BY,
    ) -> None:
        super().__init__(client, name, clock, deadline, key=key, tags=tags)
        self._given_by = given_by

    def exists(self) -> bool:
        """Tell whether there are any."""
        return self.get() is not None

    def load(self) -> Credentials:
        """Return them; raise CredentialsError if there are none, ConfigError if they are no JSON object."""
        stored = self.get()
        if stored is None:
            raise CredentialsError(
                f"There are no credentials in the parameter {self.name}.",
                hint=f"Give them with `{self._given_by}`.",
            )
        return parse_credentials(stored.text, f"The parameter {self.name}", self._given_by)

    def previous(self) -> Credentials | None:
        """Return those that were stored before, or None where there are none: SSM keeps 100 versions."""
        stored = self.get()
        if stored is None or stored.version == 1:
            return None
        before = self.get(version=stored.version - 1)
        if before is None:
            return None
        return parse_credentials(before.text, f"The parameter {self.name}", self._given_by)

    def save(self, credentials: Credentials) -> None:
        """Store them, whether or not there were any; those that were there can be had back."""
        text = json.dumps(credentials, separators=(",", ":"))
        if not self._tags:
            self.put(text, overwrite=True)
            return
        try:
            self.put(text, overwrite=False)
        except self._client.exceptions.ParameterAlreadyExists:
            self.put(text, overwrite=True)
            self._tag()

    def _tag(self) -> None:
        def once() -> None:
            self._client.add_tags_to_resource(ResourceType="Parameter", ResourceId=self.name, Tags=self._tags)

        self._tried(once, "tagged")

    def delete(self) -> None:
        """Delete them; fine where there are none."""
        with suppress(self._client.exceptions.ParameterNotFound):
            self._client.delete_parameter(Name=self.name)
