"""What must never be seen: credentials and tokens, in any form that a log line or an error could show."""

from __future__ import annotations

import json
import logging
import re
import traceback
from base64 import b64encode, urlsafe_b64encode
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import quote, quote_plus

from streamalert_apps.runtime.log import JsonFormatter
from streamalert_apps.sdk.app import App

SHORTEST: Final = 8
TOKENS: Final = 40  # the last ones; services that sign have another for each request

_SECRET_NAME: Final = re.compile(r"secret|password|passphrase|private_key$|privatekey$|token", re.IGNORECASE)


class Leaks:
    """Guards values, looks for them in texts, and remembers what was seen where."""

    def __init__(self) -> None:
        self.seen: dict[str, None] = {}
        self._forms: dict[str, str] = {}
        self._tokens: deque[str] = deque(maxlen=TOKENS)

    def guard(self, kind: type[App], credentials: Mapping[str, Any]) -> None:
        """Guard the secret ones of an app's credentials."""
        for field in kind.auth:
            for name, value in _leaves(field.name, credentials.get(field.name)):
                if field.secret or _SECRET_NAME.search(name.rpartition(".")[2]):
                    for part in _parts(value):
                        self._forms |= dict.fromkeys(_forms(part), f"the credential '{name}'")

    def guard_token(self, authorization: str) -> None:
        """Guard what a request carries in its Authorization header."""
        token = authorization.rpartition(" ")[2]
        if len(token) >= SHORTEST and token not in self._tokens:
            self._tokens.append(token)

    def look(self, where: str, text: str) -> None:
        """Note what of the guarded values a text holds."""
        for form, name in self._forms.items():
            if form in text:
                self.seen[f"{name} is seen in {where}"] = None
        if any(token in text for token in self._tokens):
            self.seen[f"an access token is seen in {where}"] = None

    def look_at_error(self, error: BaseException) -> None:
        """Note what an error shows: its texts, and those of the errors behind it."""
        self.look("an error", "".join([*traceback.format_exception(error), repr(error)]))
        self.look("an error's hint", getattr(error, "hint", ""))

    def look_at_app(self, app: App) -> None:
        """Note what is shown where an app, or something that it holds, is printed."""
        shown = [app, *(value for value in vars(app).values() if value is not app.credentials)]
        self.look("a repr", " ".join(map(_repr, shown)))

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Look at every log line, those for debugging too."""
        listener = _Listener(self)
        product, root = logging.getLogger("streamalert_apps"), logging.getLogger()
        level = product.level
        product.setLevel(logging.DEBUG)
        root.addHandler(listener)
        try:
            yield
        finally:
            root.removeHandler(listener)
            product.setLevel(level)


class _Listener(logging.Handler):
    def __init__(self, leaks: Leaks) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter())
        self._leaks = leaks

    def emit(self, record: logging.LogRecord) -> None:
        self._leaks.look(f"a log line of {record.name}", self.format(record))


def _leaves(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(f"{name}.{key}", item)
    elif isinstance(value, str) and len(value) >= SHORTEST:
        yield name, value


def _parts(value: str) -> list[str]:
    """Return a value, or the lines of one that has several, as a private key has."""
    lines = [line for line in value.splitlines() if len(line) >= SHORTEST and "-----" not in line]
    return lines if "\n" in value else [value]


def _forms(value: str) -> set[str]:
    data = value.encode()
    forms = {value, quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1]}
    for before in range(3):  # within a longer text its base64 depends on where it begins
        encoded = b64encode(b"\0" * before + data)[-(-before * 4 // 3) : -4]
        forms |= {
            encoded.decode(),
            urlsafe_b64encode(b"\0" * before + data)[-(-before * 4 // 3) : -4].decode(),
        }
    return {form for form in forms if len(form) >= SHORTEST}


def _repr(value: object) -> str:
    try:
        return repr(value)
    except Exception:  # noqa: BLE001 (a plugin's own __repr__)
        return ""
