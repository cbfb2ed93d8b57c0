"""Box's API: tokens of server authentication, and the events of an enterprise in their two feeds.

`admin_logs_streaming` gives events at a position, as they were processed, some of them twice, and
keeps them for two weeks. `admin_logs` gives them as they happened, an hour later; its bounds count
for the first page alone. Streams of a single user, and the filter of event types, are not simulated
and refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from itertools import count
from random import Random
from typing import Any, Final

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.services.box.twin import rows
from streamalert_apps.services.box.twin.access import AuthServer, configuration, failure
from streamalert_apps.services.box.twin.stream import FIRST_POSITION, STEP, Stream
from streamalert_apps.simulator.contract import Refused, Request, Response
from streamalert_apps.simulator.limit import Limit
from streamalert_apps.simulator.single import Row, SingleLog
from streamalert_apps.simulator.store import SECOND, Event, micros, seeded

PROCESSING: Final = timedelta(seconds=12)
LOG_KEEPS: Final = timedelta(days=365)
LOG_POSITION: Final = 1_152_922_976_252_290_800
PACIFIC: Final = timezone(timedelta(hours=-8))


class Box(SingleLog):
    """An enterprise with one app, whose `grant` is jwt or client_credentials.

    `authorized` says whether an administrator approved the app, `scope` whether it may manage
    enterprise properties. `rate` requests a minute are answered (None: any number); a token lives
    `token_seconds`. `refuses_old`: a position that is not kept any more is refused instead of being
    taken for the oldest one. `short_pages`: pages hold fewer events than they could.
    """

    app_type = "box_admin_events"
    id_field = "event_id"
    text_field = "session_id"
    precision = SECOND
    page = 500

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        seed: int = 1,
        page_size: int | None = None,
        grant: str = "jwt",
        authorized: bool = True,
        scope: bool = True,
        rate: int | None = 1000,
        token_seconds: float = 4169,
        refuses_old: bool = False,
        short_pages: bool = True,
    ) -> None:
        super().__init__(clock, seed=seed, page_size=page_size, delay=PROCESSING)
        self.feed: Stream = Stream(self.clock)
        file = configuration(seeded(seed), with_key=grant == "jwt")
        self.credentials: dict[str, Any] = {"keyfile": file}
        wrong = file["boxAppSettings"] | {"clientSecret": "0" * 32}
        self.wrong_credentials = {"keyfile": file | {"boxAppSettings": wrong}}
        self._auth = AuthServer(self.clock, file, token_seconds, authorized=authorized)
        self._scope = scope
        self._refuses_old = refuses_old
        self._short_pages = short_pages
        self._answers = count()
        self._requests = Limit(self.clock, rate, timedelta(minutes=1))
        self._log_positions: dict[str, Event] = {}

    def put(
        self, app_type: str, *, at: datetime, visible: datetime | None = None, size: int = 0, **fields: Any
    ) -> str:
        """Add one event with these fields and return its id."""
        if size:
            fields["additional_details"] = rows.long_details(size)
        return super().put(app_type, at=at, visible=visible, **fields)

    def row(self, random: Random) -> Row:
        """Return an event."""
        return rows.event(random)

    def ids(self, random: Random, times: Sequence[tuple[int, int]]) -> Sequence[str | int]:
        """Return an id for each event."""
        return [f"{random.getrandbits(160):040x}" for _ in times]

    def written(self, time: datetime) -> str:
        """Return a time as Box writes it: whole seconds on the Pacific coast."""
        return json.dumps(time.astimezone(PACIFIC).isoformat(timespec="seconds"))

    def revoke_tokens(self) -> None:
        """Make every access token that was given out invalid."""
        self._auth.tokens.revoke()

    def handle(self, request: Request) -> Response:
        """Answer a request."""
        host = request.headers.get("host", "").lower()
        if (host, request.path) == ("api.box.com", "/oauth2/token"):
            return self._auth.answer(request)
        if (host, request.path) != ("api.box.com", "/2.0/events"):
            return failure(404, note=f"{host}{request.path} is not simulated")
        try:
            self._admit(request)
            return Response(200, self._events(dict(request.params)))
        except Refused as refused:
            return refused.response

    def failure(self, status: int) -> Response:
        """Word an answer of this status the way Box does."""
        return failure(status)

    def _admit(self, request: Request) -> None:
        if request.method != "GET":
            raise Refused(failure(405))
        if not self._auth.tokens.admits(request):
            raise Refused(failure(401, note="no access token, or one that is not valid any more"))
        if not self._scope:
            raise Refused(failure(403))
        if not self._requests.take():
            raise Refused(failure(429, retry_after=self._requests.wait()))

    def _events(self, params: Mapping[str, str]) -> bytes:
        if "event_type" in params:
            raise _wrong("the filter event_type is not simulated")
        limit = _limit(params)
        match params.get("stream_type", "all"):
            case "admin_logs_streaming":
                return self._streamed(params.get("stream_position", "0"), limit)
            case "admin_logs":
                return self._logged(params, limit)
            case kind:
                raise _wrong(f"the stream_type {kind} is not simulated")

    def _streamed(self, asked: str, limit: int) -> bytes:
        oldest, latest = self.feed.oldest(), self.feed.latest()
        named = {"0": oldest, "now": latest}
        position = named[asked] if asked in named else _position(asked, latest)
        if position < oldest and self._refuses_old:
            raise _wrong("the position is older than two weeks")
        found, after = self.feed.entries(max(position, oldest), self._size(limit))
        return self._answer(found, after)

    def _logged(self, params: Mapping[str, str], limit: int) -> bytes:
        now = micros(self.clock.now())
        low, high, after = now - LOG_KEEPS // timedelta(microseconds=1), now, None
        position = params.get("stream_position", "0")
        if position == "0":
            low = max(low, _time(params, "created_after", low))
            high = _time(params, "created_before", high)
        else:
            after = self._log_positions.get(position)
            if after is None:
                raise _wrong("the position was never handed out")
        page = self.feed.log.page(low=low, high=high, limit=self._size(limit), after=after)
        if not page.events:
            return self._answer([], 0)
        last = LOG_POSITION + len(self._log_positions) * STEP
        self._log_positions[str(last)] = page.events[-1]
        return self._answer(page.events, last)

    def _size(self, limit: int) -> int:
        size = min(limit, self.page_size)
        return max(1, size * (60 + next(self._answers) * 13 % 41) // 100) if self._short_pages else size

    def _answer(self, events: list[Event], after: int) -> bytes:
        """Return an answer; its position is a number now, a text then."""
        position = str(after) if after // STEP % 2 else f'"{after}"'
        bodies = b",".join(event.body for event in events)
        head = f'"chunk_size":{len(events)},"next_stream_position":{position}'
        return b'{%b,"entries":[%b]}' % (head.encode(), bodies)


def _position(text: str, latest: int) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise _wrong("the position is not a number")
    position = int(text)
    if not FIRST_POSITION <= position <= latest or (position - FIRST_POSITION) % STEP:
        raise _wrong("the position was never handed out")
    return position


def _limit(params: Mapping[str, str]) -> int:
    value = params.get("limit", "100")
    if not (value.isascii() and value.isdecimal() and 1 <= int(value) <= Box.page):
        raise _wrong("the limit is not a number from 1 to 500")
    return int(value)


def _time(params: Mapping[str, str], name: str, default: int) -> int:
    if name not in params:
        return default
    try:
        return micros(datetime.fromisoformat(params[name]).astimezone(UTC))
    except ValueError:
        raise _wrong(f"{name} is no time") from None


def _wrong(note: str) -> Refused:
    return Refused(failure(400, note=note))
