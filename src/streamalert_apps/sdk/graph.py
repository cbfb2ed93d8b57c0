"""Microsoft Graph: logs that are listed between two times, in pages that a link follows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import ClassVar, Final

import msgspec

from streamalert_apps.errors import AppError, BadResponse, CredentialsError
from streamalert_apps.sdk.app import Credentials, Json
from streamalert_apps.sdk.clock import iso
from streamalert_apps.sdk.events import Fetched, Row
from streamalert_apps.sdk.feed import Feed
from streamalert_apps.sdk.http import Answer, Api, pinned, with_params
from streamalert_apps.sdk.microsoft import signed_in

HOSTS: Final = {
    "global": "graph.microsoft.com",
    "gcc": "graph.microsoft.com",
    "gcchigh": "graph.microsoft.us",
    "dod": "dod-graph.microsoft.us",
    "china": "microsoftgraph.chinacloudapi.cn",
}
"""Where Graph is, by the cloud that a tenant is in."""
REFERENCE: Final = "https://learn.microsoft.com/en-us/graph/api"


class _Page(msgspec.Struct, rename={"rows": "value", "next": "@odata.nextLink"}):
    rows: list[Row]
    next: str | None = None


class _Error(msgspec.Struct):
    code: str = ""


class _Failure(msgspec.Struct):
    error: _Error


class GraphLog(Feed):
    """A log in Graph: a type of app says where it is, by which time it is listed, and in which order."""

    precision = timedelta(seconds=1)
    path: ClassVar[str]
    page: ClassVar[int | None] = None
    """Rows to ask for, where the most that a page may hold is documented, or surely more."""
    bounds: ClassVar[tuple[str, str]] = ("ge", "le")
    headers: ClassVar[Mapping[str, str]] = {}
    license: ClassVar[str] = "The tenant lacks the license that the log needs."

    def __init__(self, credentials: Credentials, api: Api) -> None:
        super().__init__(credentials, api)
        self._url = f"https://{HOSTS[credentials.get('cloud') or 'global']}"
        self._graph = signed_in(api, credentials, self._url)

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Ask for a page of what is between two times. The token is the link to the next one."""
        url = self._first(since, until) if token is None else pinned(token, to=self._url)
        page = self._graph.get(url, headers=self.headers, judge=self._judge).json(_Page)
        return Fetched(page.rows, pinned(page.next, to=self._url) if page.next else None)

    def wanted(self, since: datetime, until: datetime) -> str:
        """Return the filter for what is between two times."""
        low, high = self.bounds
        return f"{self.time_field} {low} {iso(since)} and {self.time_field} {high} {iso(until)}"

    def _first(self, since: datetime, until: datetime) -> str:
        params = {"$filter": self.wanted(since, until)} | ({"$top": self.page} if self.page else {})
        return with_params(f"{self._url}{self.path}", params)

    def _judge(self, answer: Answer) -> AppError | None:
        """Tell apart what a 403 means: a license or a permission that is missing."""
        if answer.status != 403:  # noqa: PLR2004
            return None
        try:
            code = answer.json(_Failure).error.code
        except BadResponse:
            code = ""
        hint = "Give the app the application permissions that `sa-apps types` lists, and grant consent."
        return CredentialsError(
            "Microsoft Graph refused access to the log (403).",
            hint=self.license if "NonPremiumTenant" in code else hint,
        )
