"""Whether the proxy that the environment names can be used."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Final

from streamalert_apps.checks.finding import Finding
from streamalert_apps.errors import ConfigError
from streamalert_apps.sdk import outward

CHECK: Final = "proxies"
CONNECT_SECONDS: Final = 3.0
_WHY: Final = "Neither AWS nor a service can be asked."


def look() -> Iterator[Finding]:
    """Yield what keeps it from being used. Its address is never shown: it may hold a password."""
    try:
        proxy = outward.named_proxy()
    except ConfigError as error:
        yield Finding(CHECK, error.message, _WHY, error.hint)
        return
    if proxy is None:
        return
    try:
        socket.create_connection((proxy.url.host, proxy.url.port or 80), CONNECT_SECONDS).close()
    except OSError:
        name = outward.proxy_name()
        yield Finding(
            CHECK,
            f"The proxy that {name} names does not answer.",
            _WHY,
            f"`unset {name}`, or set it to one that does. NO_PROXY names hosts that need none.",
        )
