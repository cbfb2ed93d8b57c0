"""Hosts as people give them: alone or in a URL, in any case, with the usual port."""

from __future__ import annotations

import re
from collections.abc import Callable
from re import Pattern

from streamalert_apps.sdk.app import Json


def host_like(pattern: Pattern[str]) -> Callable[[str], Json]:
    """Return the format of a field whose value is a host that the whole pattern matches."""

    def parse(text: str) -> Json:
        host = plain_host(text)
        return host if pattern.fullmatch(host) else False

    return parse


def plain_host(text: str) -> str:
    """Return the host of what was given, in lower case; anything but a host stays something else."""
    host = re.sub(r"\Ahttps://|(:443)?/*\Z", "", text.strip().lower(), flags=re.ASCII)
    return host if re.fullmatch(r"[a-z0-9.-]+", host) else ""
