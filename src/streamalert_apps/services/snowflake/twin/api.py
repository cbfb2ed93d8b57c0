"""Snowflake's SQL API, as far as it reads three views of an account's use.

Of SQL it knows the one statement that asks for rows of a view in a span of time, by time and id. A statement
runs for a while when that is wanted (`async`), and what it found is handed out in partitions.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from hashlib import sha256
from random import Random
from typing import Any, Final

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.services.snowflake.twin import rows
from streamalert_apps.simulator.access import arguments, bearer
from streamalert_apps.simulator.contract import Refused, Request, Response
from streamalert_apps.simulator.listapi import VENDORS, ListApi
from streamalert_apps.simulator.listing import Listing, Offset, Size
from streamalert_apps.simulator.oauth import read_jwt, rsa_key
from streamalert_apps.simulator.single import uuid
from streamalert_apps.simulator.store import MILLISECOND, Event, micros, seeded
from streamalert_apps.simulator.times import Times

PATH: Final = "/api/v2/statements"
PARTITION: Final = 1000
HANDLES_LIVE: Final = timedelta(hours=24)
_FAR: Final = 1 << 62
_MOMENT: Final = r"TO_TIMESTAMP_LTZ\(\?, 9\)"
_STATEMENT: Final = re.compile(
    rf"SELECT (?P<columns>[A-Z_, ]+) FROM SNOWFLAKE\.ACCOUNT_USAGE\.(?P<view>[A-Z_]+)"  # noqa: S608 (it reads SQL)
    rf" WHERE (?P<time>[A-Z_]+) >= {_MOMENT} AND (?P=time) <= {_MOMENT}"
    rf"( AND \((?P=time) > {_MOMENT} OR \((?P=time) = {_MOMENT} AND (?P<id>[A-Z_]+) > \?\)\))?"
    rf" ORDER BY (?P=time), [A-Z_]+ LIMIT (?P<limit>[0-9]+)"
)
_MESSAGES: Final = {
    400: ("391908", "The request is not valid."),
    401: ("390144", "JWT token is invalid."),
    404: ("390404", "Not found."),
    408: ("000630", "Statement reached its statement or warehouse timeout and was canceled."),
    422: ("001003", "SQL compilation error."),
    429: ("390429", "Too many requests."),
}


def _seconds(at: int) -> str:
    return f'"{at // 1_000_000}.{at % 1_000_000:06d}000"'


def _microseconds(text: str) -> int:
    return int(text) // 1000


_view: Final = partial(
    Listing,
    times=Times(MILLISECOND, _microseconds, _seconds),
    size=Size("LIMIT", usual=PARTITION, most=PARTITION),
    turn=Offset(),
)
LOGINS: Final = _view(
    app_type="snowflake_logins",
    path="LOGIN_HISTORY",
    row=rows.login,
    ids=rows.numbers(11),
    id_field="EVENT_ID",
    text_field="ERROR_MESSAGE",
)
QUERIES: Final = _view(
    app_type="snowflake_queries",
    path="QUERY_HISTORY",
    row=rows.query,
    id_field="QUERY_ID",
    text_field="QUERY_TEXT",
)
SESSIONS: Final = _view(
    app_type="snowflake_sessions",
    path="SESSIONS",
    row=rows.session,
    ids=rows.numbers(16),
    id_field="SESSION_ID",
    text_field="CLIENT_ENVIRONMENT",
)
TIMES: Final = {"LOGIN_HISTORY": "EVENT_TIMESTAMP", "QUERY_HISTORY": "END_TIME", "SESSIONS": "CREATED_ON"}


@dataclass(slots=True)
class _Statement:
    """A statement that was made. `asked`: how often it has still to be asked for until it is done."""

    at: int
    columns: list[str]
    events: list[Event]
    asked: int


class Snowflake(ListApi):
    """An account. `rate`: requests a second, instead of ours (None: any number).

    `account`: its identifier, where that is not the host's first part. `polls`: how often a statement is
    asked for before it is done. `granted`: the role may read the views. `warehouse`: there is one.
    """

    logs = (LOGINS, QUERIES, SESSIONS)
    proof = "user"
    limit = 20
    span = timedelta(seconds=1)

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        seed: int = 1,
        page_size: int | None = None,
        rate: int | None = VENDORS,
        host: str = "acme-prod.snowflakecomputing.com",
        account: str = "",
        polls: int = 1,
        granted: bool = True,
        warehouse: bool = True,
    ) -> None:
        super().__init__(clock, seed=seed, page_size=page_size, rate=rate)
        self.hosts = (host,)
        self.credentials |= {"host": host} | ({"account": account} if account else {})
        self._account = (account or host.partition(".")[0]).upper()
        self._partition = min(page_size or PARTITION, PARTITION)
        self._polls = polls
        self._granted = granted
        self._warehouse = warehouse
        self._statements: dict[str, _Statement] = {}
        self._handles = seeded(seed, "handles")

    def sign_up(self, random: Random) -> Mapping[str, Any]:
        """Return a user with a key."""
        pem = rsa_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return {
            "user": f"streamalert_{random.getrandbits(20):05x}",
            "private_key": {"private_key": pem},
            "role": "AUDITOR",
            "warehouse": "AUDIT_WH",
        }

    def admit(self, request: Request) -> None:
        """Raise Refused unless the token is signed by the user's key, for an hour at most."""
        if not request.headers.get("user-agent"):
            raise Refused(self.failure(400))
        public = rsa_key().public_key()
        encoded = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        user = f"{self._account}.{self.credentials['user']}".upper()
        issuer = f"{user}.SHA256:{b64encode(sha256(encoded).digest()).decode()}"
        now = self.clock.now().timestamp()
        with suppress(ValueError, KeyError):
            _, claims = read_jwt(bearer(request), public)
            named = (claims["iss"], claims["sub"]) == (issuer, user)
            lives = claims["iat"] <= now + 60 and now < claims["exp"] <= claims["iat"] + 3600
            if (
                named
                and lives
                and request.headers.get("x-snowflake-authorization-token-type") == "KEYPAIR_JWT"
            ):
                return
        raise Refused(self.failure(401))

    def answer(self, request: Request) -> Response:
        """Answer a request that makes a statement, or asks for what one found."""
        self.admit(request)
        self.count()
        if (request.method, request.path) == ("POST", PATH):
            return self._make(request)
        handle = request.path.removeprefix(f"{PATH}/")
        statement = self._statements.get(handle)
        if request.method != "GET" or statement is None:
            raise Refused(self.failure(404))
        if micros(self.clock.now()) - statement.at > HANDLES_LIVE // timedelta(microseconds=1):
            raise Refused(self.failure(404))
        return self._told(handle, statement, int(dict(request.params).get("partition", "0")))

    def forget_cursors(self) -> None:
        """Know none of the statements any more."""
        self._statements.clear()

    def _make(self, request: Request) -> Response:
        given = arguments(request)
        asked = _STATEMENT.fullmatch(given.get("statement", ""))
        logs = {log.listing.path: log for log in self._logs.values()}
        if asked is None or TIMES.get(asked["view"]) != asked["time"]:
            raise Refused(self.failure(422))
        if not self._granted:
            raise Refused(self.failure(422, "Object does not exist or not authorized.", code="002003"))
        if not self._warehouse:
            raise Refused(self.failure(422, "No active warehouse selected in the session.", code="000606"))
        values = [value["value"] for _, value in sorted(json.loads(given["bindings"]).items())]
        log = logs[asked["view"]]
        low, high = -(-int(values[0]) // 1000), int(values[1]) // 1000
        events = log.feed.page(low=low, high=high, limit=_FAR).events
        if asked["id"]:
            after = (int(values[2]) // 1000, values[4])
            events = [event for event in events if (event.at, event.id) > after]
        handle = uuid(self._handles)
        waits = self._polls if given.get("async") == "true" else 0
        self._statements[handle] = _Statement(
            micros(self.clock.now()), asked["columns"].split(", "), events[: int(asked["limit"])], waits
        )
        return self._told(handle, self._statements[handle], 0)

    def _told(self, handle: str, statement: _Statement, partition: int) -> Response:
        """Return a partition of what a statement found; that it runs, while it does."""
        about: dict[str, Any] = {
            "code": "333334" if statement.asked else "090001",
            "statementHandle": handle,
            "statementStatusUrl": f"{PATH}/{handle}",
            "message": "Asynchronous execution in progress." if statement.asked else "Statement executed.",
            "createdOn": statement.at // 1000,
        }
        if statement.asked:
            statement.asked -= 1
            return Response(202, json.dumps(about).encode())
        size, events = self._partition, statement.events
        parts = [events[start : start + size] for start in range(0, len(events), size)] or [[]]
        if not 0 <= partition < len(parts):
            raise Refused(self.failure(400))
        data = [self._cells(statement.columns, event) for event in parts[partition]]
        if partition:
            return Response(200, json.dumps({"data": data}).encode())
        about["sqlState"] = "00000"
        about["resultSetMetaData"] = {
            "numRows": len(events),
            "format": "jsonv2",
            "partitionInfo": [{"rowCount": len(part), "uncompressedSize": 100 * len(part)} for part in parts],
            "rowType": [{"name": name, "type": "text", "nullable": True} for name in statement.columns],
        }
        return Response(200, json.dumps(about | {"data": data}).encode())

    def _cells(self, columns: list[str], event: Event) -> list[Any]:
        row = json.loads(event.body)
        return [row.get(name) for name in columns]

    def failure(self, status: int, message: str = "", *, code: str = "") -> Response:
        """Word an error as Snowflake does."""
        usual = _MESSAGES.get(status, ("000603", "SQL execution internal error."))
        said = message or usual[1]
        body = {"code": code or usual[0], "message": said, "sqlState": "42601"}
        if status in {408, 422}:
            body["statementHandle"] = uuid(self._handles)
        return Response(status, json.dumps(body).encode(), note=said)
