"""Salesforce: the token endpoint, SOQL queries of EventLogFile and two objects, and the files themselves."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from streamalert_apps.errors import UsageError
from streamalert_apps.sdk.clock import Clock, SystemClock
from streamalert_apps.services.salesforce.twin import rows, soql
from streamalert_apps.services.salesforce.twin.access import (
    LOGIN,
    TOKEN,
    encode,
    failure,
    grant,
    refused,
    secrets_of,
)
from streamalert_apps.services.salesforce.twin.files import Files, Happened, LogFile
from streamalert_apps.services.salesforce.twin.objects import Objects
from streamalert_apps.simulator.contract import Facts, Refused, Request, Response
from streamalert_apps.simulator.oauth import Tokens
from streamalert_apps.simulator.store import EPOCH, MILLISECOND, Plan, moment, seeded

BATCH: Final = 2000
VERSIONS: Final = range(31, 69)
INTERVAL_SINCE: Final = 37
RETENTION: Final = timedelta(days=30)
SESSION: Final = timedelta(hours=2)
LATEST: Final = timedelta(days=3)  # after which a file has been made
LATENESS: Final = timedelta(hours=2)
_PATH: Final = re.compile(
    r"/services/data/v(?P<version>\d+)\.0/"
    r"(query/?|query/(?P<locator>[\w-]+)|sobjects/EventLogFile/(?P<file>\w+)/LogFile)"
)
TYPES: Final = {f"salesforce_{name.lower()}": name for name in rows.EVENT_TYPES}


class Salesforce:
    """An organisation. `interval`: the files that its credentials name, and that seed and put make.

    `flow`: client_credentials or password. `delay`: how long after its hour or day a file is made.
    `hourly`: whether it has hourly files; without them the fields Interval and Sequence do not exist.
    `calls`: how many requests are answered in all. `permitted`: whether the user may see log files.
    `page_size`: the most files that one answer lists.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        seed: int = 1,
        interval: str = "Hourly",
        flow: str = "client_credentials",
        delay: timedelta = timedelta(hours=3),
        hourly: bool = True,
        calls: int | None = None,
        permitted: bool = True,
        page_size: int = BATCH,
    ) -> None:
        self.clock: Clock = clock or SystemClock()
        self._secrets = secrets_of(seeded(seed, "salesforce"))
        asked = ("domain",) if flow == "client_credentials" else ("username", "password", "security_token")
        names = (*asked, "client_id", "client_secret")
        self.credentials = {name: self._secrets[name] for name in names} | {"interval": interval}
        self._seed = seed
        self._interval = interval
        self._hourly = hourly
        self._calls = calls
        self._permitted = permitted
        self._page_size = page_size
        self._files = {
            app_type: Files(self.clock, name, interval, delay, seeded(seed, name, "ids"))
            for app_type, name in TYPES.items()
        }
        self._objects = Objects(self.clock, seed, page_size)
        self._tokens = Tokens(self.clock, "00D5g00000AbCdE!", SESSION.total_seconds())
        self._additions: Counter[str] = Counter()
        self._locators: dict[str, list[dict[str, Any]]] = {}
        self._answered = 0

    @property
    def wrong_credentials(self) -> Mapping[str, str]:
        """Credentials with another secret."""
        return self.credentials | {"client_secret": self._secrets["client_secret"][::-1]}

    def facts(self, app_type: str) -> Facts:
        """Return what Salesforce documents of its files: they may come three days late."""
        if self._objects.has(app_type):
            return self._objects.facts(app_type)
        _known(app_type)
        return Facts(self._page_size, LATEST)

    def revoke_tokens(self) -> None:
        """End every session."""
        self._tokens.revoke()

    def forget_locators(self) -> None:
        """Make the rest of every list that was begun unknown."""
        self._locators.clear()

    def seed(
        self,
        app_type: str,
        *,
        events: int = 5000,
        burst: int = 0,
        late: int = 0,
        start: datetime | None = None,
        end: datetime | None = None,
        lateness: timedelta = LATENESS,
    ) -> None:
        """Add events to a log, the same ones for the same seed; without times, of the last hour.

        Late ones are in a file that is made up to `lateness` after that of the others of their time.
        """
        if self._objects.has(app_type):
            self._objects.seed(
                app_type, events=events, burst=burst, late=late, start=start, end=end, lateness=lateness
            )
            return
        random, event_type = self._random(app_type), _known(app_type)
        end = end or self.clock.now()
        start = start or end - timedelta(hours=1)
        plan = Plan(events, start, end, burst, late, timedelta(0), lateness, MILLISECOND)
        files, step = self._files[app_type], max(lateness / 2, timedelta(seconds=1))
        happened = []
        for at, visible in plan.times(random):
            time, behind = moment(at), timedelta(microseconds=visible - at)
            content = rows.row(random, event_type, time)
            made = files.due(time) + -(-behind // step) * step if behind else None
            happened.append(Happened(content, time, _hash(content), made))
        files.add(happened)

    def put(
        self, app_type: str, *, at: datetime, visible: datetime | None = None, size: int = 0, **fields: Any
    ) -> str:
        """Add one event with these fields and return its id."""
        if self._objects.has(app_type):
            return self._objects.put(app_type, at=at, visible=visible, size=size, **fields)
        random = self._random(app_type)
        content = rows.row(random, _known(app_type), at)
        content |= ({"URI": "x" * size} if size else {}) | fields
        self._files[app_type].add([Happened(content, at, _hash(content), visible)])
        return _hash(content)

    def held(
        self, app_type: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> Counter[str]:
        """Count the ids of the events that happened from `since` to `until`, both inclusive."""
        if self._objects.has(app_type):
            return self._objects.held(app_type, since=since, until=until)
        _known(app_type)
        return self._files[app_type].held(since, until)

    def identify(self, app_type: str, log: Mapping[str, Any]) -> str:
        """Return the id of a log that arrived; of a row of a file, a hash of what it says."""
        if self._objects.has(app_type):
            return self._objects.identify(app_type, log)
        _known(app_type)
        return _hash(log)

    def complete(self, app_type: str) -> datetime:
        """Return the time from which on every event is there, or in a file that is."""
        if self._objects.has(app_type):
            return self._objects.complete(app_type)
        _known(app_type)
        return max((file.created for file in self._files[app_type].files()), default=EPOCH)

    def handle(self, request: Request) -> Response:
        """Answer a request."""
        host = request.headers.get("host", "")
        own = self._secrets["domain"]
        if request.path == TOKEN and host in {LOGIN, own}:
            return grant(request, host, own, self._secrets, self._tokens)
        try:
            if host != own:
                raise refused(404)
            return self._answer(request)
        except Refused as no:
            return no.response

    def failure(self, status: int) -> Response:
        """Word an answer of this status the way Salesforce does."""
        return failure(status)

    def _answer(self, request: Request) -> Response:
        if request.path in {"/services/data", "/services/data/"}:
            return Response(200, encode([_version(number) for number in VERSIONS]))
        match = _PATH.fullmatch(request.path)
        if not match or int(match["version"]) not in VERSIONS:
            raise refused(404)
        if request.method != "GET":
            raise refused(405)
        if not self._tokens.admits(request):
            raise refused(401)
        self._answered += 1
        if self._calls is not None and self._answered > self._calls:
            raise refused(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        if not self._permitted:
            raise refused(400, "INVALID_TYPE", "sObject type 'EventLogFile' is not supported.")
        if match["file"]:
            return self._file(request, match["file"])
        return self._query(request, match["version"], match["locator"])

    def _query(self, request: Request, version: str, locator: str | None) -> Response:
        """Answer a query, or go on with one that was begun: its list stays as it was then."""
        start = 0
        if locator:
            name, _, offset = locator.rpartition("-")
            if name not in self._locators:
                raise refused(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
            start = int(offset)
        else:
            name = rows.identifier(self._random("salesforce_login"), "01g")
            self._locators[name] = self._found(request, version)
        records = self._locators[name]
        shown = records[start : start + min(self._page_size, BATCH)]
        done = start + len(shown) >= len(records)
        path = f"/services/data/v{version}.0/query/{name}-{start + len(shown)}"
        more = {} if done else {"nextRecordsUrl": path}
        return Response(
            200, encode({"totalSize": len(records), "done": done} | more | {"records": shown}), self._usage()
        )

    def _found(self, request: Request, version: str) -> list[dict[str, Any]]:
        """Return the records that a query finds."""
        try:
            found = self._objects.found(dict(request.params).get("q", ""))
        except soql.SoqlError as error:
            raise refused(400, error.code, error.message) from None
        if found is not None:
            return found
        query, there = self._parsed(request, int(version)), self._visible()
        seeded(self._seed, len(there)).shuffle(there)  # without ORDER BY there is no order
        path = f"/services/data/v{version}.0"
        return [_record(file, query.fields, path) for file in query.run(there)]

    def _parsed(self, request: Request, version: int) -> soql.Query:
        params = dict(request.params)
        if params.keys() != {"q"}:
            raise refused(400, "MALFORMED_QUERY", "a query string has to be specified")
        known: tuple[str, ...] = soql.FIELDS
        if not self._hourly or version < INTERVAL_SINCE:
            known = tuple(name for name in known if name not in {"Interval", "Sequence"})
        try:
            return soql.parse(params["q"], self.clock.now(), known)
        except soql.SoqlError as error:
            raise refused(400, error.code, error.message) from None

    def _visible(self) -> list[LogFile]:
        """Return the files that are there now."""
        now = self.clock.now()
        return [
            file
            for of_type in self._files.values()
            for file in of_type.files()
            if file.created <= now < file.created + RETENTION and (file.until is None or now < file.until)
        ]

    def _file(self, request: Request, name: str) -> Response:
        file = next((file for file in self._visible() if file.id == name), None)
        if file is None:
            raise refused(404, "NOT_FOUND", "Provided external ID field does not exist or is not accessible")
        body = rows.table(file.event_type, (event.content for event in file.events))
        headers = self._usage()
        if "gzip" in request.headers.get("accept-encoding", ""):
            body, headers = gzip.compress(body, 1, mtime=0), (*headers, ("Content-Encoding", "gzip"))
        return Response(200, body, headers, content_type="text/csv")

    def _usage(self) -> tuple[tuple[str, str], ...]:
        return (("Sforce-Limit-Info", f"api-usage={self._answered}/{self._calls or 15000}"),)

    def _random(self, app_type: str) -> Random:
        """Return other numbers for each addition to a log."""
        _known(app_type)
        self._additions[app_type] += 1
        return seeded(self._seed, app_type, self._additions[app_type])


def _known(app_type: str) -> str:
    """Return the event type of an app type."""
    if app_type not in TYPES:
        raise UsageError(
            f"Salesforce's simulator has no '{app_type}'.",
            hint="There is one for each EventType: salesforce_login …",
        )
    return TYPES[app_type]


def _record(file: LogFile, fields: tuple[str, ...], path: str) -> dict[str, Any]:
    url = f"{path}/sobjects/EventLogFile/{file.id}"
    whole = {
        "Id": file.id,
        "EventType": file.event_type,
        "LogDate": f"{file.log_date:%Y-%m-%dT%H:%M:%S}.000+0000",
        "CreatedDate": f"{file.created:%Y-%m-%dT%H:%M:%S}.000+0000",
        "Interval": file.interval,
        "Sequence": file.sequence,
        "LogFile": f"{url}/LogFile",
        "LogFileLength": 1000.0 + len(file.events),
        "LogFileContentType": "text/csv",
        "ApiVersion": 66.0,
    }
    return {"attributes": {"type": "EventLogFile", "url": url}} | {name: whole[name] for name in fields}


def _version(number: int) -> dict[str, str]:
    return {"label": f"Release {number}", "url": f"/services/data/v{number}.0", "version": f"{number}.0"}


def _hash(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]
