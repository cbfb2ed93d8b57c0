"""Credentials that conf/ does not hold but says where to find: `{"from": "env:DUO_AUTH"}`.

    env:NAME              an environment variable
    file:PATH             a file; a relative path begins at the project's folder
    secretsmanager:ID     a secret of AWS Secrets Manager, by name or ARN

Each holds a JSON object, as `--auth-file` takes it. They are read anew for each run.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from streamalert_apps.errors import ConfigError, CredentialsError

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
        f"'{kind}:' is no place of credentials.",
        hint="Write it like env:NAME, file:PATH or secretsmanager:ID.",
    )


def _variable(name: str) -> str:
    text = os.environ.get(name, "")
    if not text:
        raise CredentialsError(f"The environment variable {name} is not set; it is to hold credentials.")
    return text


def _file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise CredentialsError(f"There is no file {path}; it is to hold credentials.") from None
    except OSError as error:
        raise ConfigError(f"{path} can't be read: {error.strerror}.") from None
    if len(data) > LARGEST:
        raise ConfigError(f"{path} is larger than {LARGEST >> 20} MiB.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text.", hint="Save it as UTF-8.") from None


@lru_cache(maxsize=512)
def _secret(session: Session, place: str, _: int) -> str:
    """Return a secret's text, asked for again once the time has changed."""
    region = {"region_name": place.split(":")[3]} if place.startswith("arn:") else {}
    try:
        answer = session.client("secretsmanager", **region).get_secret_value(SecretId=place)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _MISSING:
            raise CredentialsError(f"There is no secret {place}; it is to hold credentials.") from None
        raise CredentialsError(
            f"The secret {place} can't be read ({code}).",
            hint="It takes secretsmanager:GetSecretValue, and kms:Decrypt where it has a key of its own.",
        ) from None
    except BotoCoreError as error:
        raise ConfigError(f"The secret {place} can't be read ({type(error).__name__}).") from None
    text: str = answer.get("SecretString", "")
    return text
