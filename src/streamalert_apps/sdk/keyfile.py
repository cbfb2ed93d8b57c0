"""A key file as a credential: typed is its path or its JSON text, stored is its content."""

from __future__ import annotations

import json
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from pathlib import Path

from streamalert_apps.errors import ConfigError, UsageError
from streamalert_apps.sdk.app import Json
from streamalert_apps.sdk.oauth import load_private_key

_UTF16 = (BOM_UTF16_LE, BOM_UTF16_BE)


def read_key_file(text: str) -> dict[str, Json]:
    """Return the JSON object that `text` is, or that the file it names holds; raise UsageError otherwise."""
    text = text.strip("\ufeff \t\r\n")
    what = "The text"
    if not text.startswith("{"):
        path = Path(text.strip("'\"")).expanduser()
        what = str(path)
        text = _content(path)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise UsageError(f"{what} is not a JSON object.", hint="Give the path of the key file.")
    return content


def check_private_key(pem: Json, passphrase: Json = None) -> None:
    """Raise UsageError for anything but an RSA key that can be loaded; nothing of it is shown."""
    try:
        load_private_key(str(pem), None if passphrase is None else str(passphrase))
    except ConfigError as error:
        raise UsageError(error.message, hint="Download the key file again, or make a new key.") from None


def _content(path: Path) -> str:
    try:
        data = path.read_bytes()
        return data.decode("utf-16" if data.startswith(_UTF16) else "utf-8-sig")  # as PowerShell writes
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not text.", hint="Give the key file in its JSON form.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        raise UsageError(f"{path} can't be read: {reason}.", hint="Give the path of the key file.") from None
