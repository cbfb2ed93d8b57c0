"""Snowflake, what an account tells of its use: sign-ins, queries and sessions, over the SQL API.

Each log is a view, which shows rows late and with no more order than a statement asks for. So a statement
asks for the first rows of a span of time, the next one for those after the last row. What it found comes in
partitions, under a handle that is known for a day or so. A statement runs by itself: it is asked for until it
is done. Rows are arrays of text, and made into objects here, with the columns' names. Requests carry a token
that the app signs itself, with the private key of a user.
"""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any, ClassVar, Final, Literal

import msgspec

from streamalert_apps.errors import BadResponse, CredentialsError, Unavailable
from streamalert_apps.sdk.app import AuthField, Credentials, Json
from streamalert_apps.sdk.events import EPOCH, Fetched, Row
from streamalert_apps.sdk.feed import OldestFirst
from streamalert_apps.sdk.hosts import host_like
from streamalert_apps.sdk.http import Answer, Api
from streamalert_apps.sdk.keyfile import read_private_key
from streamalert_apps.sdk.oauth import Bearer, Token, load_private_key, signed_jwt
from streamalert_apps.sdk.pace import Rate
from streamalert_apps.sdk.refusals import by_code

requirements = ("cryptography",)

MOST: Final = 10_000
TOKEN_LIFE: Final = timedelta(minutes=50)  # of an hour that is allowed: clocks differ
STATEMENT_SECONDS: Final = 300
LONGEST_PAUSE: Final = 5.0  # seconds, between two questions whether a statement is done
RUNNING: Final = 202
KEY_PAIR: Final = {"X-Snowflake-Authorization-Token-Type": "KEYPAIR_JWT"}
REFERENCE: Final = "https://docs.snowflake.com/en/sql-reference/account-usage"
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_$]{0,254}")
_EPOCH_SECONDS: Final = re.compile(r"(?P<seconds>-?[0-9]{1,12})(\.(?P<fraction>[0-9]*))?")
_MOMENT: Final = "TO_TIMESTAMP_LTZ(?, 9)"


class _About(msgspec.Struct):
    rows: int = msgspec.field(default=0, name="numRows")
    partitions: list[msgspec.Raw] = msgspec.field(default_factory=list, name="partitionInfo")


class _Result(msgspec.Struct):
    data: list[list[Any]] = []
    handle: str = msgspec.field(default="", name="statementHandle")
    about: _About = msgspec.field(default_factory=_About, name="resultSetMetaData")


class _Place(msgspec.Struct, omit_defaults=True):
    """A page token: a partition of what a statement found. Without a handle, a statement is to be made."""

    after: tuple[int, str] | None = None
    """Moment and id of the last row that came before."""
    handle: str = ""
    partition: int = 0
    partitions: int = 1
    full: bool = False
    """Whether there is more than the statement found."""


class _View(OldestFirst):
    """What the app types share: all but the view."""

    auth = (
        AuthField(
            "host",
            "the host of your account, like 'acme-prod.snowflakecomputing.com', with '-' instead of '_'",
            host_like(re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+snowflakecomputing\.(com|cn)")),
        ),
        AuthField(
            "user",
            "the name of the user who has the public key",
            re.compile(r"(?!.*snowflakecomputing)[A-Za-z0-9_.@$+-]{1,255}"),
        ),
        AuthField(
            "private_key",
            "the path of the file with the private key, in PEM, not encrypted",
            read_private_key,
        ),
        AuthField(
            "account",
            "the account's identifier, if it is not the host's first part, as 'ACME-MY_PROD'",
            re.compile(r"[A-Za-z0-9]+([_-][A-Za-z0-9]+)*"),
            optional=True,
        ),
        AuthField(
            "role",
            "the role to use, spelled exactly ('AUDITOR'; default: the user's default role)",
            _IDENTIFIER,
            optional=True,
        ),
        AuthField(
            "warehouse",
            "the warehouse to use, likewise",
            _IDENTIFIER,
            optional=True,
        ),
    )
    rate = Rate(requests=10, seconds=1, after_429=10)  # a guess: no limit is documented
    lag = timedelta(hours=4)  # documented are three for sessions, two for sign-ins, less for queries
    precision = timedelta(milliseconds=1)
    retention = timedelta(days=365)
    verbatim = False
    view: ClassVar[str]
    columns: ClassVar[str]
    id_type: ClassVar[Literal["FIXED", "TEXT"]] = "FIXED"
    """How the id of a row is compared: as a number, or as text."""

    def __init__(self, credentials: Credentials, api: Api) -> None:
        super().__init__(credentials, api)
        self._snowflake = Bearer(api, self._token)
        self._statements = f"https://{credentials['host']}/api/v2/statements"

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Ask for a partition of up to 10,000 rows. The token is a place."""
        place = msgspec.convert(token or {}, _Place)
        if place.handle:
            result = self._partition(place)
        else:
            result = self._found(since, until, place.after)
            about = result.about
            if not result.handle or (not about.partitions and about.rows != len(result.data)):
                raise BadResponse("Snowflake did not say where its result is.")
            place = _Place(
                handle=result.handle, partitions=len(about.partitions) or 1, full=about.rows >= MOST
            )
        rows = [msgspec.Raw(msgspec.json.encode(self._named(cells))) for cells in result.data]
        return Fetched(rows, self._next(place, rows))

    def _named(self, cells: list[Any]) -> dict[str, Any]:
        names = self.columns.split(", ")
        if len(cells) != len(names):
            raise BadResponse("A row has other columns than requested.")
        return dict(zip(names, cells, strict=True))

    def _next(self, place: _Place, rows: list[Row]) -> Json:
        if place.partition + 1 < place.partitions:
            return msgspec.to_builtins(
                _Place(None, place.handle, place.partition + 1, place.partitions, place.full)
            )
        if not place.full or not rows:
            return None
        last = msgspec.json.decode(rows[-1])
        time = _EPOCH_SECONDS.fullmatch(str(last[self.time_field]))
        if not time:
            raise BadResponse("The last of many rows has no time, so the list can't be continued.")
        nanoseconds = int(f"{time['seconds']}{time['fraction'] or '':0<9.9}")
        return msgspec.to_builtins(_Place(after=(nanoseconds, str(last[self.id_fields[0]]))))

    def _found(self, since: datetime, until: datetime, after: tuple[int, str] | None) -> _Result:
        """Have a statement run, and return its first partition."""
        time, name = self.time_field, self.id_fields[0]
        values = [_bound("FIXED", _nanoseconds(since)), _bound("FIXED", _nanoseconds(until))]
        rest = ""
        if after:
            rest = f" AND ({time} > {_MOMENT} OR ({time} = {_MOMENT} AND {name} > ?))"
            values += [_bound("FIXED", after[0])] * 2 + [_bound(self.id_type, after[1])]
        statement = (
            f"SELECT {self.columns} FROM SNOWFLAKE.ACCOUNT_USAGE.{self.view}"  # noqa: S608 (our own words)
            f" WHERE {time} >= {_MOMENT} AND {time} <= {_MOMENT}{rest} ORDER BY {time}, {name} LIMIT {MOST}"
        )
        asked: dict[str, Any] = {
            "statement": statement,
            "timeout": STATEMENT_SECONDS,
            "bindings": {str(number): value for number, value in enumerate(values, 1)},
        }
        asked |= {
            name: self.credentials[name] for name in ("role", "warehouse") if self.credentials.get(name)
        }
        url = f"{self._statements}?async=true&nullable=true"
        answer = self._snowflake.post(url, headers=KEY_PAIR, judge=_judge, json=asked)
        pause = 0.5
        while answer.status == RUNNING:
            handle = answer.json(_Result).handle
            self.api.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
            answer = self._get(handle)
        return answer.json(_Result)

    def _partition(self, place: _Place) -> _Result:
        return self._get(f"{place.handle}?partition={place.partition}").json(_Result)

    def _get(self, what: str) -> Answer:
        return self._snowflake.get(f"{self._statements}/{what}", headers=KEY_PAIR, judge=_judge)

    def _token(self) -> Token:
        from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 (as in sdk.oauth)
            Encoding,
            PublicFormat,
        )

        key = load_private_key(self.credentials["private_key"]["private_key"], check=False)
        public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        fingerprint = b64encode(sha256(public).digest()).decode()
        account = self.credentials.get("account") or self.credentials["host"].partition(".")[0]
        user = f"{account}.{self.credentials['user']}".upper()
        now = self.api.clock.now() - self.api.ahead
        claims = {
            "iss": f"{user}.SHA256:{fingerprint}",
            "sub": user,
            "iat": int(now.timestamp()),
            "exp": int((now + TOKEN_LIFE).timestamp()),
        }
        return Token(signed_jwt(claims, key), TOKEN_LIFE.total_seconds())


def _nanoseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1) * 1000


def _bound(kind: str, value: object) -> dict[str, str]:
    return {"type": kind, "value": str(value)}


class SnowflakeLogins(_View):
    """Sign-ins."""

    type = "snowflake_logins"
    collects = "sign-in attempts, including failed ones"
    schemas = ("snowflake:logins",)
    documentation = f"{REFERENCE}/login_history"
    time_field = "EVENT_TIMESTAMP"
    id_fields = ("EVENT_ID",)
    view = "LOGIN_HISTORY"
    columns = (
        "EVENT_ID, EVENT_TIMESTAMP, EVENT_TYPE, USER_NAME, CLIENT_IP, REPORTED_CLIENT_TYPE, "
        "REPORTED_CLIENT_VERSION, FIRST_AUTHENTICATION_FACTOR, SECOND_AUTHENTICATION_FACTOR, "
        "IS_SUCCESS, ERROR_CODE, ERROR_MESSAGE, RELATED_EVENT_ID, CONNECTION"
    )


class SnowflakeQueries(_View):
    """Queries, by when they ended: a row is there only then."""

    type = "snowflake_queries"
    collects = "statements: their text, who ran them, how they ended, what they read and wrote"
    schemas = ("snowflake:queries",)
    documentation = f"{REFERENCE}/query_history"
    time_field = "END_TIME"
    id_fields = ("QUERY_ID",)
    id_type = "TEXT"
    view = "QUERY_HISTORY"
    columns = (
        "QUERY_ID, QUERY_TEXT, DATABASE_NAME, SCHEMA_NAME, QUERY_TYPE, SESSION_ID, USER_NAME, "
        "ROLE_NAME, WAREHOUSE_NAME, QUERY_TAG, EXECUTION_STATUS, ERROR_CODE, ERROR_MESSAGE, "
        "START_TIME, END_TIME, TOTAL_ELAPSED_TIME, BYTES_SCANNED, BYTES_WRITTEN, ROWS_PRODUCED, "
        "ROWS_INSERTED, ROWS_UPDATED, ROWS_DELETED, ROWS_UNLOADED, OUTBOUND_DATA_TRANSFER_CLOUD, "
        "OUTBOUND_DATA_TRANSFER_REGION, OUTBOUND_DATA_TRANSFER_BYTES"
    )


class SnowflakeSessions(_View):
    """Sessions."""

    type = "snowflake_sessions"
    collects = "sessions: who started them, with which client, after which sign-in"
    schemas = ("snowflake:sessions",)
    documentation = f"{REFERENCE}/sessions"
    time_field = "CREATED_ON"
    id_fields = ("SESSION_ID",)
    view = "SESSIONS"
    columns = (
        "SESSION_ID, CREATED_ON, USER_NAME, AUTHENTICATION_METHOD, LOGIN_EVENT_ID, "
        "CLIENT_APPLICATION_VERSION, CLIENT_APPLICATION_ID, CLIENT_ENVIRONMENT, CLIENT_BUILD_ID, "
        "CLIENT_VERSION, CLOSED_REASON"
    )


class _Failure(msgspec.Struct):
    code: str = ""


def _code(answer: Answer) -> Any:
    return answer.status if answer.status in {401, 403} else answer.json(_Failure).code


_KEY: Final = (
    "Check the user, the account, that the user has the matching public key, and this machine's clock."
)
_GRANTS: Final = partial(
    CredentialsError,
    "Snowflake does not let the role read the view.",
    hint="Grant it the database roles that `sa-apps types` lists; check the role, and that the user has it.",
)
_WAREHOUSE: Final = partial(
    CredentialsError,
    "Snowflake has no warehouse for the statement.",
    hint="Give the user a default warehouse, or name one, and grant its role USAGE on it.",
)
_judge = by_code(
    _code,
    {
        401: partial(CredentialsError, "Snowflake refused the key (401).", hint=_KEY),
        403: partial(
            CredentialsError,
            "Snowflake refused access (403).",
            hint="Check the host and its network policies.",
        ),
        "002003": _GRANTS,  # there is no such view, or it may not be read
        "003001": _GRANTS,
        "390189": _GRANTS,
        "000606": _WAREHOUSE,
        "002043": _WAREHOUSE,
        "000604": partial(Unavailable, "Snowflake canceled the statement."),
        "000630": partial(Unavailable, "The statement ran for too long."),
    },
)
