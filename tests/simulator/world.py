"""A clock that stands still, and a client that signs the way Duo's documentation says (v2, SHA-1)."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx

from streamalert_apps.services.duo.twin import Duo
from streamalert_apps.simulator.transport import transport

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamalert_apps.simulator.faults import Fault

NOW = datetime(2023, 11, 21, 10, tzinfo=UTC)
AUTHENTICATION = "/admin/v2/logs/authentication"
ADMINISTRATOR = "/admin/v1/logs/administrator"


class StillClock:
    def __init__(self, now: datetime = NOW) -> None:
        self.time = now

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class Client:
    """Asks a twin, or a server of it at `url`; every part of the request can be falsified."""

    def __init__(
        self, twin: Duo, *, faults: Iterable[Fault] = (), url: str = "", timeout: float = 10
    ) -> None:
        self.twin = twin
        self.key = twin.credentials["integration_key"]
        self.secret = twin.credentials["secret_key"]
        self.host = twin.credentials["api_hostname"]
        self.url = url or f"https://{self.host}"
        self.http = httpx.Client(transport=None if url else transport(twin, faults), timeout=timeout)

    def get(self, path: str, *params: tuple[str, Any], method: str = "GET", **named: Any) -> httpx.Response:
        """Ask for a path; `params` may repeat a name, `named` are more of them."""
        pairs = sorted(
            (quote(name, "~"), quote(str(value), "~")) for name, value in [*params, *named.items()]
        )
        query = "&".join(f"{name}={value}" for name, value in pairs)
        date = self.twin.clock.now().strftime("%a, %d %b %Y %H:%M:%S -0000")
        lines = f"{date}\n{method}\n{self.host}\n{path}\n{query}"
        signature = hmac.new(self.secret.encode(), lines.encode(), hashlib.sha1).hexdigest()
        basic = b64encode(f"{self.key}:{signature}".encode()).decode()
        headers = {"Host": self.host, "Date": date, "Authorization": f"Basic {basic}"}
        return self.http.request(method, f"{self.url}{path}?{query}", headers=headers)

    def page(self, path: str = AUTHENTICATION, **params: Any) -> dict[str, Any]:
        """Ask for a page of a v2 log in the last two hours and return its `response`."""
        answer = self.get(path, **(span() | params))
        assert answer.status_code == 200, answer.text
        response: dict[str, Any] = answer.json()["response"]
        return response

    def pages(self, path: str = AUTHENTICATION, **params: Any) -> list[dict[str, Any]]:
        """Follow next_offset to the end."""
        pages = [self.page(path, **params)]
        while (offset := pages[-1]["metadata"].get("next_offset")) is not None:
            token = ",".join(offset) if isinstance(offset, list) else offset
            pages.append(self.page(path, **params, next_offset=token))
        return pages


def span(start: datetime = NOW - timedelta(hours=2), end: datetime = NOW) -> dict[str, Any]:
    """Return mintime and maxtime in milliseconds."""
    return {"mintime": milliseconds(start), "maxtime": milliseconds(end)}


def milliseconds(time: datetime) -> int:
    return round(time.timestamp() * 1000)


def tenant(**options: Any) -> Duo:
    """Return a tenant whose clock stands still and whose rate is not limited."""
    return Duo(StillClock(), **({"rate": None} | options))
