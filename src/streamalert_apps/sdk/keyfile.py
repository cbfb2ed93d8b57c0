"""A key file as a credential: typed is its path or its JSON text, stored is its content."""

from __future__ import annotations

import json
from pathlib import Path

from streamalert_apps.errors import UsageError
from streamalert_apps.sdk.app import Json


def read_key_file(text: str) -> dict[str, Json]:
    """Return the JSON object that `text` is, or that the file it names holds; raise UsageError otherwise."""
    text = text.strip()
    what = "The text"
    if not text.startswith("{"):
        path = Path(text.strip("'\"")).expanduser()
        what = str(path)
        text = _content(path)
    try:
        content = json.loads(text)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise UsageError(f"{what} is not a JSON object.", hint="Give the path of the key file.")
    return content


def _content(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not text.", hint="Give the key file in its JSON form.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        raise UsageError(f"{path} can't be read: {reason}.", hint="Give the path of the key file.") from None
