"""Credentials that conf/ does not hold but says where to find: `{"from": "env:DUO_AUTH"}`.

    env:NAME              an environment variable
    file:PATH             a file; a relative path begins at the project's folder
    secretsmanager:ID     a secret of AWS Secrets Manager, by name or ARN

Each holds a JSON object, as `--auth-file` takes it. They are read anew for each run.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from streamalert_apps.config import jsonfile
from streamalert_apps.errors import ConfigError, CredentialsError, UsageError
from streamalert_apps.sdk.app import AuthField, Credentials, WrongFormError

if TYPE_CHECKING:
    from streamalert_apps.aws.session import Session

LARGEST: Final = 1 << 20  # bytes; a device never ends
KEPT_SECONDS: Final = 300.0  # of a secret in AWS, where each look costs money
_MISSING: Final = {"ResourceNotFoundException"}


def read(reference: str, root: Path, session: Callable[[], Session]) -> str:
    """Return the text that a reference leads to.

    Raises CredentialsError where it is not there, ConfigError where it can't be read. No message shows it.
    """
    kind, _, place = reference.partition(":")
    if kind == "env":
        return _variable(place)
    if kind == "file":
        return _file(root / place)
    if kind == "secretsmanager":
        return _secret(session(), place, int(time.monotonic() // KEPT_SECONDS))
    raise ConfigError(
        f"'{kind}:' is not a known source of credentials.",
        hint="Write it like env:NAME, file:PATH or secretsmanager:ID.",
    )


def _variable(name: str) -> str:
    text = os.environ.get(name, "")
    if not text:
        raise CredentialsError(f"The environment variable {name} is not set; it is to hold credentials.")
    return text


def _file(path: Path) -> str:
    try:
        if path.is_fifo():
            raise ConfigError(
                f"{path} is a pipe: to read it waits for somebody who writes.",
                hint="Name a file, which each run can read anew.",
            )
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise CredentialsError(f"There is no file {path} with the credentials.") from None
    except OSError as error:
        raise ConfigError(f"{path} can't be read: {error.strerror}.") from None
    if len(data) > LARGEST:
        raise ConfigError(f"{path} is larger than {LARGEST >> 20} MiB.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text.", hint="Save it as UTF-8.") from None


class Referenced:
    """The credentials of a destination that are found by a reference; nobody stores them here."""

    def __init__(
        self, reference: str, root: Path, session: Callable[[], Session], fields: tuple[AuthField, ...]
    ) -> None:
        self._reference = reference
        self._root = root
        self._session = session
        self._fields = fields

    def exists(self) -> bool:
        """Tell that none are stored."""
        return False

    def load(self) -> Credentials:
        """Return them. Raises CredentialsError, ConfigError, UsageError."""
        text = read(self._reference, self._root, self._session)
        return checked(parsed(text, self._reference), self._fields, self._reference)

    def previous(self) -> Credentials | None:
        """Return None: where they are, an older version is not kept."""
        return None

    def save(self, credentials: Credentials) -> None:  # noqa: ARG002
        """Raise UsageError."""
        raise UsageError(
            f"These credentials come from {self._reference}, as conf/ says.", hint="Change them there."
        )

    def delete(self) -> None:
        """Leave them where they are."""


@lru_cache(maxsize=512)
def _secret(session: Session, place: str, _: int) -> str:
    """Return a secret's text, asked for again once the time has changed."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 (most references need no AWS)

    region = {"region_name": place.split(":")[3]} if place.startswith("arn:") else {}
    try:
        answer = session.client("secretsmanager", **region).get_secret_value(SecretId=place)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _MISSING:
            raise CredentialsError(f"There is no secret {place} with the credentials.") from None
        raise CredentialsError(
            f"The secret {place} can't be read ({code}).",
            hint="It takes secretsmanager:GetSecretValue, and kms:Decrypt where it has a key of its own.",
        ) from None
    except BotoCoreError as error:
        raise ConfigError(f"The secret {place} can't be read ({type(error).__name__}).") from None
    text: str = answer.get("SecretString", "")
    return text


def checked(given: Mapping[str, Any], fields: tuple[AuthField, ...], shown: str) -> dict[str, Any]:
    """Return credentials in the form in which they are stored; raise UsageError that names each wrong key.

    `shown`: where they are from.
    """
    known = {field.name: field for field in fields}
    given = {name: value for name, value in given.items() if not _is_left_out(known.get(name), value)}
    faults = [f"unknown: {name}" for name in given if name not in known]
    faults += [f"missing: {name}" for name in known if name not in given and not known[name].optional]
    values: dict[str, Any] = {}
    for name in known.keys() & given.keys():
        try:
            values[name] = _value(known[name], given[name])
        except WrongFormError:
            faults.append(f"wrong form: {name} (it should be {known[name].description})")
        except UsageError as error:
            faults.append(f"wrong: {name} ({error.message.rstrip('.')})")
    if faults:
        raise UsageError(
            f"{shown} does not hold the right credentials. {'; '.join(sorted(faults))}.",
            hint="It needs a JSON object of " + ", ".join(known) + ".",
        )
    return {name: values[name] for name in known if name in values}


def _is_left_out(field: AuthField | None, value: Any) -> bool:
    """Tell whether a key of a file stands for an optional value that is not given."""
    return field is not None and field.optional and (value is None or value == "")


def parsed(text: str, shown: str) -> dict[str, Any]:
    """Return the JSON object in a text; raise UsageError where there is none."""
    try:
        given = jsonfile.parse(text)
    except ValueError as error:
        raise UsageError(f"{shown} is not valid JSON: {error}.") from None
    if not isinstance(given, dict):
        raise UsageError(f"{shown} must hold a JSON object.")
    return given


def _value(field: AuthField, value: Any) -> Any:
    """Return what to store; an object (a key file's content) is given to the field as its JSON text."""
    return field.parse(value.strip() if isinstance(value, str) else json.dumps(value))
