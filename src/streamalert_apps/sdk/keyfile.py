"""A key file as a credential: typed is its path or its text, stored is its content."""

from __future__ import annotations

import json
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from streamalert_apps.errors import ConfigError, UsageError
from streamalert_apps.sdk.app import Json
from streamalert_apps.sdk.oauth import load_private_key, pem_of_web_key

_UTF16 = (BOM_UTF16_LE, BOM_UTF16_BE)


def read_key_file(text: str) -> dict[str, Json]:
    """Return the JSON object that `text` is, or that the file it names holds; raise UsageError otherwise."""
    return _object(*_given(text))


def read_private_key(text: str) -> dict[str, Json]:
    """Return the RSA key that `text` is, or that the file it names holds, in PEM or as a JSON Web Key.

    What is stored is called as in Google's key files: `private_key`, in PEM, and `private_key_id` where the
    file tells it. Raises UsageError for anything else.
    """
    what, content = _given(text)
    key = (
        _object(what, content)
        if content.lstrip("\ufeff \t\r\n").startswith("{")
        else {"private_key": content}
    )
    if "kty" in key:
        named = {"private_key_id": key["kid"]} if key.get("kid") else {}
        key = {"private_key": _in_pem(key)} | named
    check_private_key(key.get("private_key"))
    return key


def check_private_key(pem: Json, passphrase: Json = None) -> None:
    """Raise UsageError for anything but an RSA key that can be loaded; nothing of it is shown."""
    try:
        load_private_key(str(pem), None if passphrase is None else str(passphrase))
    except ConfigError as error:
        raise UsageError(error.message, hint="Download the key file again, or make a new key.") from None


def _given(text: str) -> tuple[str, str]:
    """Return what was typed, or else the file that it names; and the text of it."""
    text = text.strip("\ufeff \t\r\n")
    if text.startswith(("{", "-----BEGIN")):
        return "The text", text
    path = Path(text.strip("'\"")).expanduser()
    return str(path), _content(path)


def _in_pem(key: Mapping[str, Any]) -> str:
    try:
        return pem_of_web_key(key)
    except ConfigError as error:
        raise UsageError(error.message, hint="Copy the private key, not the public one.") from None


def _object(what: str, text: str) -> dict[str, Json]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise UsageError(f"{what} is not a JSON object.", hint="Give the path of the key file.")
    return content


def _content(path: Path) -> str:
    try:
        data = path.read_bytes()
        return data.decode("utf-16" if data.startswith(_UTF16) else "utf-8-sig")  # as PowerShell writes
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not text.", hint="Give the key file in its JSON form.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        raise UsageError(f"{path} can't be read: {reason}.", hint="Give the path of the key file.") from None
