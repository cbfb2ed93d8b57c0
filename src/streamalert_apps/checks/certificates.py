"""Whether the certificates that the environment names can be used."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from typing import Final

from streamalert_apps.checks.finding import Finding
from streamalert_apps.errors import ConfigError
from streamalert_apps.sdk import outward

CHECK: Final = "certificates"


def look() -> Iterator[Finding]:
    """Yield each variable that names none. What a service's certificate lacks is told where it is asked."""
    try:
        outward.trusted()
    except ConfigError as error:
        yield Finding(CHECK, error.message, "No service can be asked.", error.hint)
    for name in outward.BESIDE:
        if bundle := os.environ.get(name):
            try:
                outward.trust(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), bundle)
            except OSError as error:
                yield Finding(
                    CHECK,
                    f"{name} does not name certificates: {outward.reason(error)}.",
                    "AWS can't be asked." if name == "AWS_CA_BUNDLE" else "What it names is not trusted.",
                    f"Give the path of certificates in PEM, or `unset {name}`.",
                )
