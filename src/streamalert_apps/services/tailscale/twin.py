"""Tailscale's logs: all of a span of time in one answer, in no order.

Both bounds are required. Rows have no id.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random
from string import ascii_letters, digits
from typing import Any, Final

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.simulator.access import basic, bearer
from streamalert_apps.simulator.contract import Facts, Refused, Request, Response
from streamalert_apps.simulator.listapi import VENDORS, ListApi
from streamalert_apps.simulator.listing import Bound, Listing, Number, Page, Size
from streamalert_apps.simulator.single import TIME, Row
from streamalert_apps.simulator.store import Event
from streamalert_apps.simulator.times import ISO_MICROSECONDS, ISO_MILLISECONDS

HOST: Final = "api.tailscale.com"
EVERYTHING: Final = 1_000_000
SOME: Final = 100
_PEOPLE: Final = (
    ("dana@example.com", "Dana Reyes"),
    ("zoë.łukasz@example.com", "Zoë Łukasz"),
    ("y@example.jp", "渡辺 悠"),
)
_USUAL: Final = {
    401: "API token invalid",
    403: "calling actor does not have enough permissions",
    404: "not found",
}


def change(random: Random) -> Row:
    """Return a row of the configuration log; of some actions there are several, of one group."""
    login, name = random.choice(_PEOPLE)
    row: Row = {
        "eventTime": TIME,
        "type": "CONFIG",
        "deferredAt": random.choice(["0001-01-01T00:00:00Z", "2023-11-21T09:12:31.5Z"]),
        "eventGroupID": f"{random.randint(0, 9):032x}",
        "origin": random.choice(["ADMIN_CONSOLE", "CONTROL", "SUPPORT_REQUEST"]),
        "actor": {
            "id": f"u{random.getrandbits(40):x}CNTRL",
            "type": "USER",
            "loginName": login,
            "displayName": name,
        },
        "target": {
            "id": f"n{random.getrandbits(40):x}CNTRL",
            "name": "laptop.example.ts.net",
            "type": "NODE",
        },
        "action": random.choice(["CREATE", "UPDATE", "DELETE", "LOGIN"]),
        "actionDetails": "",
        "error": "",
    }
    if random.random() < 0.5:  # noqa: PLR2004 (a share)
        row |= {"old": "laptop-old", "new": random.choice(["laptop", {"tags": ["tag:büro"]}, 42, None])}
    return row


def flow(random: Random) -> Row:
    """Return a row of the network log: what one device counted in five seconds."""
    traffic = {
        "proto": 6,
        "src": f"100.64.0.{random.randint(1, 254)}:51820",
        "dst": f"100.64.0.{random.randint(1, 254)}:443",
        "txPkts": random.randint(1, 999),
        "txBytes": random.getrandbits(40),
    }
    return {
        "logged": TIME,
        "nodeId": f"n{random.getrandbits(40):x}CNTRL",
        "start": "2023-11-21T09:12:20Z",
        "end": "2023-11-21T09:12:25.5Z",
        random.choice(["virtualTraffic", "subnetTraffic", "exitTraffic", "physicalTraffic"]): [traffic],
    }


def _shuffled(event: Event) -> tuple[int, str]:
    return 0, event.id  # which is random


def _listing(app_type: str, log: str, row: Any, times: Any, text_field: str) -> Listing:
    return Listing(
        app_type=app_type,
        path=f"/api/v2/tailnet/-/logging/{log}",
        row=row,
        times=times,
        since=Bound("start", required=True),
        until=Bound("end", required=True),
        size=Size("", usual=EVERYTHING, most=EVERYTHING),
        turn=Number(""),
        ignored=frozenset({"actor", "target", "event"}),
        id_field="",
        text_field=text_field,
        order=_shuffled,
    )


class Tailscale(ListApi):
    """A tailnet. `rate`: requests in a second (a guess; None: any number).

    `signs_in_with`: client, or key. `scoped`: it may read logs. `null`: a log without rows is null in place
    of an empty array.
    """

    limit = 10
    span = timedelta(seconds=1)
    token_path = "/api/v2/oauth/token"  # noqa: S105 (where one is to be had)
    hosts = (HOST,)
    logs = (
        _listing("tailscale_configuration", "configuration", change, ISO_MICROSECONDS, "actionDetails"),
        _listing("tailscale_network", "network", flow, ISO_MILLISECONDS, "nodeId"),
    )

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        seed: int = 1,
        page_size: int | None = None,  # noqa: ARG002 (there are no pages)
        rate: int | None = VENDORS,
        tailnet: str = "example.com",
        signs_in_with: str = "client",
        scoped: bool = True,
        null: bool = False,
    ) -> None:
        super().__init__(clock, seed=seed, rate=rate)
        self._keys = dict(self.credentials)
        used: Sequence[str] = ("client_id", "client_secret") if signs_in_with == "client" else ("api_key",)
        self.credentials = {name: self._keys[name] for name in used} | {"tailnet": tailnet}
        self._tailnet = tailnet
        self._scoped = scoped
        self._null = null

    def sign_up(self, random: Random) -> Mapping[str, Any]:
        """Return an OAuth client and an API access token."""

        def letters(count: int) -> str:
            return "".join(random.choices(ascii_letters + digits, k=count))

        name = f"k{letters(11)}CNTRL"
        return {
            "client_id": name,
            "client_secret": f"tskey-client-{name}-{letters(32)}",
            "api_key": f"tskey-api-{name}-{letters(32)}",
        }

    @property
    def wrong_credentials(self) -> Mapping[str, Any]:
        """Credentials with another secret."""
        return self.credentials | {
            name: self._other[name] for name in ("client_secret", "api_key") if name in self.credentials
        }

    def facts(self, app_type: str) -> Facts:
        """Return what is known of a log; there are no pages, so their size is just a number of events."""
        return replace(super().facts(app_type), page=SOME)

    def answer(self, request: Request) -> Response:
        """Answer a request for a token, or for a log of the tailnet, whose name may be '-'."""
        path = request.path.replace(f"/tailnet/{self._tailnet}/", "/tailnet/-/")
        target = f"{path}?{request.query}"
        return super().answer(Request(request.method, target, request.headers, request.body))

    def admit(self, request: Request) -> None:
        """Raise Refused unless the token is right, and may read logs."""
        key = self._keys["api_key"]
        if not (self.tokens.admits(request) or bearer(request) == key or basic(request) == (key, "")):
            raise Refused(self.failure(401))
        if not self._scoped:
            raise Refused(self.failure(403))

    def shown(self, page: Page) -> Response:
        """Return all there is between the bounds."""
        if self._null and not page.events:
            return Response(200, b'{"logs":null}')
        return Response(
            200, b'{"logs":%b,"version":"1.1","tailnet":%b}' % (page.rows, json.dumps(self._tailnet).encode())
        )

    def failure(self, status: int, message: str = "") -> Response:
        """Word an error as Tailscale does."""
        message = message or _USUAL.get(status, "internal error")
        return Response(status, json.dumps({"message": message}).encode(), note=message)


TWIN = Tailscale
