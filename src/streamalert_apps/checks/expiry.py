"""When credentials end, where they themselves tell: a token in the form of a JWT, a certificate in PEM."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

from streamalert_apps.checks.finding import Finding
from streamalert_apps.sdk import expiry
from streamalert_apps.sdk.count import counted

CHECK: Final = "expiry"
_CERTIFICATE: Final = "-----BEGIN CERTIFICATE-----"


def judged(ends: datetime | None, now: datetime, whose: str, fix: str) -> Iterator[Finding]:
    """Yield that credentials have ended, or will soon. `whose`: 'The credentials of …'."""
    if ends is None or ends - now > expiry.WARNED:
        return
    if ends <= now:
        yield Finding(CHECK, f"{whose} ended on {ends:%Y-%m-%d}.", "Nothing is collected.", fix)
        return
    days = (ends - now).days
    left = f"in {counted(days, 'day')}" if days else "today"
    yield Finding(
        CHECK,
        f"{whose} end on {ends:%Y-%m-%d}, {left}.",
        "From then on nothing is collected.",
        fix,
        pressing=False,
    )


def stated(credentials: Mapping[str, Any]) -> datetime | None:
    """Return the first end that any of the values states."""
    token = expiry.ends(credentials)
    ends = [datetime.fromtimestamp(token, UTC)] if token else []
    return min([*ends, *_of_certificates(credentials)], default=None)


def _of_certificates(value: Any) -> Iterator[datetime]:
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _of_certificates(inner)
    if isinstance(value, str) and _CERTIFICATE in value:
        from cryptography import x509  # noqa: PLC0415 (few credentials hold one)

        with suppress(ValueError):
            for certificate in x509.load_pem_x509_certificates(value.encode()):
                yield certificate.not_valid_after_utc
