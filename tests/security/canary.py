"""Secrets, and every form in which a careless program would show them."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

SHORTEST = 8
PUBLIC = {  # what a key file holds besides the key
    *("type", "project_id", "client_email", "client_id", "auth_uri", "token_uri", "universe_domain"),
    *("auth_provider_x509_cert_url", "client_x509_cert_url", "private_key_id"),
}


class Canary:
    """Looks for secrets in texts."""

    def __init__(self) -> None:
        self._forms: dict[str, str] = {}

    def guard(self, name: str, secret: Any) -> None:
        """Guard a value, or the values of an object; of a private key, its lines."""
        if isinstance(secret, Mapping):
            for key, value in secret.items():
                if key not in PUBLIC:
                    self.guard(f"{name}.{key}", value)
            return
        for part in _lines(str(secret)):
            for kind, form in forms(part):
                self._forms[form] = f"{name} ({kind})"

    def seen(self, text: str) -> set[str]:
        """Return what of it a text shows."""
        return {name for form, name in self._forms.items() if form in text}


def forms(secret: str) -> Iterator[tuple[str, str]]:
    """Yield each form of a secret, with its name."""
    data = secret.encode()
    yield "as it is", secret
    yield "reversed", secret[::-1]
    yield "URL-encoded", quote(secret, safe="")
    yield "form-encoded", quote_plus(secret)
    yield "JSON-escaped", json.dumps(secret)[1:-1]
    yield "repr", repr(secret)[1:-1]
    yield "hex", data.hex()
    yield "HEX", data.hex().upper()
    for before in range(3):  # inside of a longer text, base64 depends on where it begins
        for kind, encode in (("base64", b64encode), ("base64url", urlsafe_b64encode)):
            yield kind, encode(b"\0" * before + data)[-(-before * 4 // 3) : -4].decode()


def _lines(secret: str) -> list[str]:
    return [line for line in secret.splitlines() if len(line) >= SHORTEST and "-----" not in line]
