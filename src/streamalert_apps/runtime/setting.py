"""Rules for the settings of destinations: what a value may be, and what is used for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from streamalert_apps.errors import UsageError

_LOOPBACK: Final = {"127.0.0.1", "::1", "localhost"}  # by HTTP, for an agent on the same machine
_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
TOKEN: Final = re.compile(r"[\x21-\x7e]{1,4096}")
"""What a secret looks like that is sent in a header."""
_SECRET_HEADERS: Final = {"authorization", "cookie", "proxy-authorization", "x-api-key", "api-key"}


def text(value: Any) -> str:
    """Return a text that is not empty and has no control character."""
    if not isinstance(value, str) or not value or not value.isprintable():
        raise UsageError(f"{value!r} is not a text.")
    return value


def matching(pattern: str, what: str, hint: str) -> Callable[[Any], str]:
    """Return the rule that the whole of a text matches."""
    compiled = re.compile(pattern)

    def rule(value: Any) -> str:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            raise UsageError(f"{value!r} is not {what}.", hint=hint)
        return value

    return rule


region = matching(r"[a-z]{2,5}(-[a-z]+)+-[0-9]{1,2}", "a region", "It looks like us-east-1.")


kms_key = matching(
    r"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+", "the ARN of a key", "An alias doesn't work."
)


def choice(*values: str) -> Callable[[Any], str]:
    """Return the rule that a value is one of these."""

    def rule(value: Any) -> str:
        if value not in values:
            raise UsageError(f"{value!r} is none of {', '.join(values)}.")
        return str(value)

    return rule


def flag(value: Any) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise UsageError(f"{value!r} is neither true nor false.")
    return value


def number(low: int, high: int) -> Callable[[Any], int]:
    """Return the rule that a value is a whole number between two."""

    def rule(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise UsageError(f"{value!r} is not a whole number from {low:,} to {high:,}.")
        return value

    return rule


def url(value: Any) -> str:
    """Return a URL by HTTPS, or by HTTP to this machine; nothing that is link-local or holds a password."""
    hint = "Give one like https://logs.example.com/in, without a password in it."
    try:
        parts = urlsplit(text(value))
        host = parts.hostname or ""
        plain = parts.scheme == "http" and host in _LOOPBACK
        odd = parts.port == 0 or "@" in parts.netloc or parts.fragment
    except ValueError:
        raise UsageError("It is not a URL.", hint=hint) from None
    if not host or odd or not (parts.scheme == "https" or plain) or _is_link_local(host):
        raise UsageError("It is not a URL that events can be sent to.", hint=hint)
    return str(value)


header_name = matching(_HEADER.pattern, "the name of a header", "It looks like api-key.")


def texts(value: Any) -> dict[str, str]:
    """Return names, each with a text."""
    if not isinstance(value, Mapping):
        raise UsageError("It must be an object with string values.")
    return {text(name): text(content) for name, content in value.items()}


def headers(value: Any) -> dict[str, str]:
    """Return headers that are sent as they stand; secrets are no settings."""
    if not isinstance(value, Mapping):
        raise UsageError("It must be an object with string values.")
    for name, content in value.items():
        if not _HEADER.fullmatch(name) or not isinstance(content, str) or not content.isascii():
            raise UsageError(f"{name!r} is not a header with a text.")
        if name.lower() in _SECRET_HEADERS or not content.isprintable():
            raise UsageError(f"{name!r} can't be a setting.", hint="Secrets belong to the credentials.")
    return dict(value)


def _is_link_local(host: str) -> bool:
    try:
        return ip_address(host).is_link_local
    except ValueError:
        return host.rstrip(".") == "metadata.google.internal"
