"""Wiz's audit logs and issues, over GraphQL, and the sign-in before them.

Of GraphQL it knows the two lists by their names, and arguments as variables. Errors come with status 200.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from random import Random
from string import ascii_letters, ascii_lowercase, digits
from typing import Any, Final
from urllib.parse import urlencode

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.simulator.access import arguments
from streamalert_apps.simulator.contract import Refused, Request, Response
from streamalert_apps.simulator.listapi import VENDORS, ListApi
from streamalert_apps.simulator.listing import Bound, Cursor, Listing, Page, Size
from streamalert_apps.simulator.single import ID, TIME, Row, chance, uuid
from streamalert_apps.simulator.store import Event, by_time
from streamalert_apps.simulator.times import ISO_MICROSECONDS, Times

TOKEN: Final = "/oauth/token"  # noqa: S105 (where one is to be had)
LOGINS: Final = ("auth.app.wiz.io", "auth.app.wiz.us", "auth.gov.wiz.io")
_STATUS: Final = {401: "UNAUTHENTICATED", 403: "UNAUTHORIZED", 429: "RATE_LIMITED"}
_PEOPLE: Final = ("Dana Reyes", "Zoë Łukasz", "渡辺 悠")


def _written(at: int) -> str:
    """Write a time without the zeros at its end."""
    whole, _, fraction = ISO_MICROSECONDS.write(at).strip('Z"').partition(".")
    digits_left = fraction.rstrip("0")
    return f'"{whole}.{digits_left}Z"' if digits_left else f'"{whole}Z"'


def entry(random: Random) -> Row:
    """Return an entry of the audit log, of a user or of a service account."""
    name = random.choice(_PEOPLE)
    account = chance(random, 0.3)
    return {
        "id": ID,
        "action": random.choice(["Login", "CreateUser", "UpdateControl"]),
        "requestId": uuid(random),
        "status": random.choice(["SUCCESS", "FAILED", "ACCESS_DENIED"]),
        "timestamp": TIME,
        "actionParameters": random.choice([None, {"name": 'Büro "a" 100%', "scopes": ["read:issues"]}]),
        "userAgent": "Mozilla/5.0",
        "sourceIP": None if account else f"203.0.113.{random.randint(1, 254)}",
        "serviceAccount": {"id": uuid(random), "name": "collector"} if account else None,
        "user": None if account else {"id": "dana@example.com", "name": name},
    }


def issue(random: Random) -> Row:
    """Return a state of an issue."""
    status = random.choice(["OPEN", "IN_PROGRESS", "RESOLVED"])
    return {
        "id": ID,
        "createdAt": "2023-11-20T09:12:25.5Z",
        "updatedAt": TIME,
        "dueAt": None,
        "resolvedAt": TIME if status == "RESOLVED" else None,
        "statusChangedAt": TIME,
        "status": status,
        "severity": random.choice(["LOW", "HIGH", "CRITICAL"]),
        "type": random.choice(["TOXIC_COMBINATION", "THREAT_DETECTION"]),
        "sourceRule": {"__typename": "Control", "id": "wc-id-7", "name": "Öffentlich erreichbar"},
        "entitySnapshot": {"id": uuid(random), "type": "BUCKET", "name": "logs", "region": "us-east-1"},
        "projects": None,
        "notes": [],
        "serviceTickets": [],
    }


def _shuffled(event: Event) -> tuple[int, str]:
    return 0, event.id  # which is random


def _listing(app_type: str, path: str, row: Any, text_field: str) -> Listing:
    return Listing(
        app_type=app_type,
        path=f"/graphql/{path}",
        method="POST",
        row=row,
        times=Times(1, ISO_MICROSECONDS.read, _written),
        since=Bound("since"),
        until=Bound("until"),
        size=Size("first", usual=50, most=500),
        turn=Cursor("after", life=timedelta(hours=1)),
        newest_first=True,
        text_field=text_field,
    )


LOGS: Final = (
    _listing("wiz_audit", "auditLogEntries", entry, "userAgent"),
    _listing("wiz_issues", "issuesV2", issue, "type"),
)
TIMES: Final = {"auditLogEntries": "timestamp", "issuesV2": "statusChangedAt"}


class Wiz(ListApi):
    """A tenant. `shuffled`: its lists have no order. `bounded`: they may have an upper bound.

    `permitted`: the service account has the scopes.
    """

    limit = 3
    span = timedelta(seconds=1)
    token_path = TOKEN
    token_seconds = 86400

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        seed: int = 1,
        page_size: int | None = None,
        rate: int | None = VENDORS,
        host: str = "api.us17.app.wiz.io",
        login: str = LOGINS[0],
        shuffled: bool = False,
        bounded: bool = True,
        permitted: bool = True,
    ) -> None:
        order = _shuffled if shuffled else by_time
        logs = tuple(replace(log, order=order) for log in LOGS)
        super().__init__(clock, seed=seed, page_size=page_size, rate=rate, logs=logs)
        self.hosts = (host, login)
        self._host, self._login = host, login
        self.credentials["host"] = host
        self._bounded = bounded
        self._permitted = permitted

    def sign_up(self, random: Random) -> Mapping[str, Any]:
        """Return a service account."""
        name = "".join(random.choices(ascii_lowercase + digits, k=53))
        return {"client_id": name, "client_secret": "".join(random.choices(ascii_letters + digits, k=64))}

    def grant(self, request: Request) -> Response:
        """Answer a request for a token, which has to say for what."""
        if request.headers["host"].lower() != self._login:
            raise Refused(self.failure(404))
        if arguments(request).get("audience") != "wiz-api":
            raise Refused(self.failure(403, "access_denied"))
        return super().grant(request)

    def answer(self, request: Request) -> Response:
        """Answer a query; its variables are read as arguments."""
        host = request.headers["host"].lower()
        if (host, request.method, request.path) != (self._host, "POST", "/graphql"):
            return super().answer(request)
        self.admit(request)
        asked = json.loads(request.body)
        name = next((name for name in TIMES if f"{name}(" in asked["query"]), "")
        variables = dict(asked["variables"])
        span = variables.pop("filterBy", {}).get(TIMES.get(name, ""))
        if span is None or not self._permitted:
            raise Refused(
                self._error("UNAUTHORIZED", "access denied, at least one required scope is missing")
            )
        if "before" in span and not self._bounded:
            raise Refused(self._error("GRAPHQL_VALIDATION_FAILED", 'Field "before" is not defined by type.'))
        bounds = {"since": span["after"]} | ({"until": span["before"]} if "before" in span else {})
        target = f"/graphql/{name}?{urlencode(variables | bounds)}"
        return super().answer(replace(request, target=target, body=b""))

    def shown(self, page: Page) -> Response:
        """Return a page under the name that our query gives it."""
        info = {"hasNextPage": bool(page.token), "endCursor": page.token or None}
        return Response(200, b'{"data":{"list":%b}}' % page.json("nodes", pageInfo=info))

    def wrong(self, name: str) -> Refused:
        """Return what a wrong argument is answered with."""
        return Refused(self._error("BAD_USER_INPUT", f"Invalid value of {name}."))

    def throttled(self) -> Response:
        """Return the answer to one request too many; it does not say how long to wait."""
        return replace(super().throttled(), headers=())

    def _error(self, code: str, message: str) -> Response:
        errors = [{"message": message, "extensions": {"code": code}}]
        return Response(200, json.dumps({"errors": errors, "data": None}).encode(), note=message)

    def failure(self, status: int, message: str = "") -> Response:
        """Word an error with a status of its own as Wiz does."""
        said = message or _STATUS.get(status, "INTERNAL_ERROR")
        errors = [{"message": said, "extensions": {"code": _STATUS.get(status, "INTERNAL")}}]
        return Response(status, json.dumps({"errors": errors}).encode(), note=said)


TWIN = Wiz
