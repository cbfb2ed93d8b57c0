"""Microsoft Graph, as the twins of several of its logs have it: a filter of times, a link after a page."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any, ClassVar, Final
from urllib.parse import quote, urlencode

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.simulator.access import arguments
from streamalert_apps.simulator.contract import Refused, Request, Response
from streamalert_apps.simulator.listapi import VENDORS, ListApi
from streamalert_apps.simulator.listing import Listing, Page
from streamalert_apps.simulator.microsoft import registered, sign_in
from streamalert_apps.simulator.single import uuid
from streamalert_apps.simulator.times import ISO_MICROSECONDS, ISO_SECONDS, Times

CLOUDS: Final = {
    "global": ("login.microsoftonline.com", "graph.microsoft.com"),
    "gcc": ("login.microsoftonline.com", "graph.microsoft.com"),
    "gcchigh": ("login.microsoftonline.us", "graph.microsoft.us"),
    "dod": ("login.microsoftonline.us", "dod-graph.microsoft.us"),
    "china": ("login.chinacloudapi.cn", "microsoftgraph.chinacloudapi.cn"),
}
SPAN: Final = r"(?P<field>\w+) (?P<low>g[te]) (?P<since>\S+) and (?P=field) (?P<high>l[te]) (?P<until>\S+)"
_CODES: Final = {
    400: ("BadRequest", "Invalid filter clause"),
    401: ("InvalidAuthenticationToken", "Access token has expired or is not yet valid."),
    403: ("Authentication_MSGraphPermissionMissing", "Calling principal does not have required permissions"),
    404: ("ResourceNotFound", "Resource not found for the segment."),
    429: ("TooManyRequests", "This request is throttled. Please try again later."),
}


def _hundred_nanoseconds(at: int) -> str:
    """Write a time as .NET does: seven digits of a second, without the zeros at their end."""
    text = ISO_SECONDS.write(at).strip('"').removesuffix("Z")
    fraction = at % 1_000_000
    digits = f"{fraction:06d}{fraction // 7 % 10}".rstrip("0")
    return f'"{text}.{digits}Z"' if digits else f'"{text}Z"'


TIMES: Final = Times(1, ISO_MICROSECONDS.read, _hundred_nanoseconds)


class GraphApi(ListApi):
    """A tenant in a cloud. `permitted`: the app may read the logs."""

    token_seconds = 3599
    proof = "client_secret"
    filter: ClassVar[re.Pattern[str]] = re.compile(SPAN)
    fields: ClassVar[Mapping[str, str]]
    """By which time the log at a path is filtered."""

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        seed: int = 1,
        page_size: int | None = None,
        rate: int | None = VENDORS,
        cloud: str = "global",
        permitted: bool = True,
        logs: Sequence[Listing] = (),
    ) -> None:
        super().__init__(clock, seed=seed, page_size=page_size, rate=rate, logs=logs)
        self.credentials["cloud"] = cloud
        self.hosts = CLOUDS[cloud]
        self._places = CLOUDS[cloud]
        self._permitted = permitted
        self.asked = Request("GET", "/", {})
        """What is answered now, as it came."""

    def sign_up(self, random: Random) -> Mapping[str, Any]:
        """Return a registered app."""
        return registered(random)

    def place(self, path: str, wanted: re.Match[str]) -> str:  # noqa: ARG002 (a filter may name a part of a log)
        """Return where in the twin the log is that is asked for."""
        return path

    def answer(self, request: Request) -> Response:
        """Answer a request for a token, or for a log: its filter is read as bounds."""
        login, graph = self._places
        if request.headers["host"].lower() == login:
            return sign_in(request, self.credentials, f"https://{graph}", self.tokens)
        self.asked = request
        given = arguments(request)
        wanted = self.filter.fullmatch(given.pop("$filter", ""))
        if wanted is None or wanted["field"] != self.fields.get(request.path):
            raise self.wrong("$filter")
        path = self.place(request.path, wanted)
        bounds = {wanted["low"]: wanted["since"], wanted["high"]: wanted["until"]}
        return super().answer(replace(request, target=f"{path}?{urlencode(given | bounds)}"))

    def admit(self, request: Request) -> None:
        """Raise Refused unless the token is right, and the app may see the log."""
        if not self.tokens.admits(request):
            raise Refused(self.failure(401))
        if not self._permitted:
            raise Refused(self.failure(403))

    def shown(self, page: Page) -> Response:
        """Return a page; the link to the next one has the filter and a token."""
        host, path = self.asked.headers["host"], self.asked.path
        context = f"https://{host}{path[: path.index('/', 1)]}/$metadata#{path.rpartition('/')[2]}"
        more: dict[str, Any] = {"@odata.context": context}
        if page.token:
            params = {**dict(self.asked.params), "$skiptoken": page.token}
            query = urlencode(params, safe="$'/():", quote_via=quote)
            more["@odata.nextLink"] = f"https://{host}{path}?{query}"
        return Response(200, page.json("value", **more))

    def wrong(self, name: str) -> Refused:
        """Return what a wrong argument is answered with."""
        return Refused(self.failure(400, f"Invalid filter clause or argument: {name}"))

    def failure(self, status: int, message: str = "", *, code: str = "") -> Response:
        """Word an error as Graph does."""
        usual = _CODES.get(status, ("UnknownError", "An internal server error occurred."))
        now = self.clock.now()
        told = {"date": f"{now:%Y-%m-%dT%H:%M:%S}", "request-id": uuid(Random(1)), "client-request-id": ""}  # noqa: S311
        error = {"code": code or usual[0], "message": message or usual[1], "innerError": told}
        return Response(status, json.dumps({"error": error}).encode(), note=message or usual[1])
