"""Event streams: feeds under a label, one for each partition, whose events are numbered each for itself.

A feed shows what there is, with blank lines in between, and then the connection ends, as it may at any time.
Filters by type, and beginning at the newest event, are not simulated and refused.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Final

from streamalert_apps.simulator.contract import Request, Response
from streamalert_apps.simulator.listing import Listing, Offset, Size
from streamalert_apps.simulator.paging import ListedLog
from streamalert_apps.simulator.single import ID, TIME, Row
from streamalert_apps.simulator.store import by_arrival, micros, seeded
from streamalert_apps.simulator.times import EPOCH_MILLISECONDS

PATH: Final = "/sensors/entities/datafeed/v2"
MOST: Final = 1000
SESSION_SECONDS: Final = 1800
_FEED: Final = re.compile(r"/sensors/entities/datafeed/v1/(?P<partition>[0-9]+)")
_NUMBER: Final = "<number>"
_STEP: Final = 3  # events of other kinds take numbers, too
_FAR: Final = 1 << 62


def event(random: Random) -> Row:
    """Return an event; its number is put in when it is shown."""
    kind = random.choice(["AuthActivityAuditEvent", "UserActivityAuditEvent", "EppDetectionSummaryEvent"])
    return {
        "metadata": {
            "customerIDString": "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
            "offset": _NUMBER,
            "eventType": kind,
            "eventCreationTime": TIME,
            "version": "1.0",
        },
        "event": {
            "UserId": random.choice(["dana@example.com", "zoë.łukasz@example.com", "渡辺@example.jp"]),
            "UserIp": f"203.0.113.{random.randint(1, 254)}",
            "OperationName": random.choice(["userAuthenticate", "CreateAPIClient"]),
            "ServiceName": 'Büro "100%"',
            "Success": True,
            "SessionId": ID,
        },
    }


def _ids(random: Random, times: Sequence[tuple[int, int]]) -> list[str | int]:
    return [f"{random.getrandbits(128):032x}" for _ in times]


EVENTS: Final = Listing(
    app_type="crowdstrike_events",
    path="/none",
    row=event,
    ids=_ids,
    times=EPOCH_MILLISECONDS,
    size=Size("", usual=MOST, most=MOST),
    turn=Offset(),
    id_field="SessionId",
    text_field="note",
    order=by_arrival,
)


class Streams:
    """The streams of a tenant: `hosts` are those of its API and of its feeds."""

    path = PATH

    def __init__(
        self, log: ListedLog, hosts: Sequence[str], partitions: int, *, busy: float, inclusive: bool
    ) -> None:
        self._log = log
        self._hosts = hosts
        self._busy = busy
        self._inclusive = inclusive
        self._numbered: dict[int, list[bytes]] = {partition: [] for partition in range(partitions)}
        self._known: set[str] = set()
        self._free: defaultdict[str, float] = defaultdict(float)
        self._sessions: dict[str, float] = {}

    def identify(self, log: Mapping[str, Any]) -> str:
        """Return the id of an event that arrived."""
        return str(log.get("event", {}).get("SessionId"))

    def feeds(self, request: Request) -> Response | None:
        """Return the feeds under a label, none while it is not free; None for a label that can't be one."""
        given = dict(request.params)
        label = given.get("appId", "")
        if not re.fullmatch(r"[A-Za-z0-9]{1,32}", label) or given.keys() - {"appId", "format"}:
            return None
        now = self._log.clock.now().timestamp()
        found = []
        if self._free[label] <= now:
            self._free[label] = now + self._busy
            token = f"{seeded(label, len(self._sessions)).getrandbits(160):040x}"
            self._sessions[token] = now + SESSION_SECONDS
            found = [self._described(partition, label, token) for partition in self._numbered]
        body = {"meta": {"query_time": 0.01, "trace_id": "7f0c1a52"}, "errors": [], "resources": found}
        return Response(200, json.dumps(body).encode())

    def feed(self, request: Request) -> Response | None:
        """Return what a feed shows; None where the session is not known, or has ended."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        asked = _FEED.fullmatch(request.path)
        given = dict(request.params)
        ends = self._sessions.get(token, 0.0)
        if scheme != "Token" or ends <= self._log.clock.now().timestamp() or asked is None:
            return None
        if given.keys() - {"appId", "offset"} or int(asked["partition"]) not in self._numbered:
            return None
        self._number()
        number = int(given.get("offset", "0"))
        lines = self._numbered[int(asked["partition"])]
        start = -(-number // _STEP) - 1 if self._inclusive else number // _STEP
        shown = lines[max(start, 0) :][: self._log.page_size]
        return Response(200, b"\r\n\r\n".join([*shown, b""]))

    def _described(self, partition: int, label: str, token: str) -> dict[str, Any]:
        api, firehose = self._hosts
        feed = f"https://{firehose}/sensors/entities/datafeed/v1/{partition}?appId={label}"
        action = f"https://{api}/sensors/entities/datafeed-actions/v1/{partition}?appId={label}"
        return {
            "dataFeedURL": feed,
            "sessionToken": {"token": token, "expiration": "2023-11-21T10:30:00Z"},
            "refreshActiveSessionURL": f"{action}&action_name=refresh_active_stream_session",
            "refreshActiveSessionInterval": SESSION_SECONDS,
        }

    def _number(self) -> None:
        """Give what has shown up since a number, in the order in which it did, in its partition."""
        now = micros(self._log.clock.now())
        for one in self._log.feed.page(low=0, high=now, limit=_FAR).events:
            if one.id in self._known:
                continue
            self._known.add(one.id)
            lines = self._numbered[int(one.id, 16) % len(self._numbered)]
            number = str((len(lines) + 1) * _STEP).encode()
            lines.append(one.body.replace(f'"{_NUMBER}"'.encode(), number, 1))
