"""When credentials end, where they themselves tell: a token in the form of a JWT, a certificate in PEM."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from streamalert_apps.checks.finding import Finding

CHECK: Final = "expiry"
WARNED: Final = timedelta(days=14)
_PARTS_OF_A_JWT: Final = 3
_CERTIFICATE: Final = "-----BEGIN CERTIFICATE-----"


def judged(ends: datetime | None, now: datetime, whose: str, fix: str) -> Iterator[Finding]:
    """Yield that credentials have ended, or will soon. `whose`: 'The credentials of …'."""
    if ends is None or ends - now > WARNED:
        return
    if ends <= now:
        yield Finding(CHECK, f"{whose} ended on {ends:%Y-%m-%d}.", "Nothing is collected.", fix)
        return
    days = (ends - now).days
    left = "today" if days == 0 else "in 1 day" if days == 1 else f"in {days} days"
    yield Finding(
        CHECK,
        f"{whose} end on {ends:%Y-%m-%d}, {left}.",
        "From then on nothing is collected.",
        fix,
        pressing=False,
    )


def stated(credentials: Mapping[str, Any]) -> datetime | None:
    """Return the first end that any of the values states."""
    return min(_ends(credentials), default=None)


def _ends(value: Any) -> Iterator[datetime]:
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _ends(inner)
    if isinstance(value, str):
        with suppress(ValueError, OverflowError, OSError):
            yield from _of_certificate(value) if _CERTIFICATE in value else _of_token(value)


def _of_token(text: str) -> Iterator[datetime]:
    parts = text.split(".")
    if len(parts) != _PARTS_OF_A_JWT:
        return
    payload = json.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    ends = payload.get("exp") if isinstance(payload, dict) else None
    if isinstance(ends, int | float):
        yield datetime.fromtimestamp(ends, UTC)


def _of_certificate(pem: str) -> Iterator[datetime]:
    from cryptography import x509  # noqa: PLC0415 (few credentials hold one)

    for certificate in x509.load_pem_x509_certificates(pem.encode()):
        yield certificate.not_valid_after_utc
