"""ActionTrail of 2020-07-06, in one region: LookupEvents.

Events can be looked up ten minutes after they happened, late ones later. A page token is good for the
parameters that it came with. Conditions (LookupAttribute) are not simulated and refused.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from string import ascii_letters, digits
from typing import Final

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.services.aliyun.twin import rows
from streamalert_apps.services.aliyun.twin.access import Call, Gate, canonical, failure
from streamalert_apps.simulator.contract import Refused, Request, Response
from streamalert_apps.simulator.limit import Limit
from streamalert_apps.simulator.single import Row, SingleLog
from streamalert_apps.simulator.store import SECOND, Event, micros, seeded

DELAY: Final = timedelta(minutes=10)
RETENTION: Final = timedelta(days=90)
LONGEST: Final = timedelta(days=90)
USUAL_RANGE: Final = timedelta(days=7)
USUAL_PAGE: Final = 20
VERSION: Final = "2020-07-06"
PARAMETERS: Final = frozenset({"StartTime", "EndTime", "MaxResults", "NextToken", "Direction"})


@dataclass(frozen=True, slots=True)
class Token:
    """A page token: after which event to go on, for which parameters, and when it was given out."""

    after: Event
    asked: str
    at: datetime


class Aliyun(SingleLog):
    """An account in one region. `rate` requests a second are answered (None: any number).

    `permitted` says whether the user may look events up, `throttled` with which status too many
    requests are refused. A page token is known for `token_seconds` (None: for ever). `inclusive` says
    whether the bounds of a query belong to it.
    """

    app_type = "aliyun_actiontrail"
    id_field = "eventId"
    text_field = "userAgent"
    precision = SECOND
    page = 50

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        seed: int = 1,
        page_size: int | None = None,
        region: str = "cn-hangzhou",
        credentials: Mapping[str, str] | None = None,
        rate: int | None = 2,
        permitted: bool = True,
        throttled: int = 400,
        token_seconds: float | None = None,
        inclusive: bool = True,
    ) -> None:
        super().__init__(clock, seed=seed, page_size=page_size, delay=DELAY)
        self.credentials = dict(credentials or _credentials(seeded(seed), region))
        self._gate = Gate(self.credentials["access_key_id"], self.credentials["access_key_secret"])
        self._permitted = permitted
        self._throttled = throttled
        self._token_seconds = token_seconds
        self._edge = 0 if inclusive else 1
        self._tokens: dict[str, Token] = {}
        self._requests = Limit(self.clock, rate, timedelta(seconds=1))

    @property
    def wrong_credentials(self) -> Mapping[str, str]:
        """Credentials with another secret."""
        return self.credentials | {"access_key_secret": self.credentials["access_key_secret"][::-1]}

    def revoke_tokens(self) -> None:
        """Do nothing: each request is signed."""

    def row(self, random: Random) -> Row:
        """Return a row."""
        return rows.event(random, self.credentials["region_id"])

    def written(self, time: datetime) -> str:
        """Return a time in JSON: seconds, with a Z."""
        return f'"{_iso(time)}"'

    def handle(self, request: Request) -> Response:
        """Answer a request."""
        host = request.headers.get("host", "").lower()
        if host != f"actiontrail.{self.credentials['region_id']}.aliyuncs.com":
            message = "Cannot find product according to your specified domain."
            return failure(404, code="InvalidProduct.NotFound", message=message, note=f"the host is {host!r}")
        try:
            return Response(200, self._answer(request))
        except Refused as refused:
            return refused.response

    def failure(self, status: int) -> Response:
        """Word an answer of this status the way the gateway does."""
        return failure(status)

    def _answer(self, request: Request) -> bytes:
        call = Call.of(request)
        if (request.path, call.action, call.version) != ("/", "LookupEvents", VERSION):
            raise Refused(failure(404))
        self._gate.admit(request, call, self.clock.now())
        if not self._permitted:
            raise Refused(failure(403))
        self._count()
        return self._page(call.params)

    def _count(self) -> None:
        """Refuse what exceeds the rate within any second."""
        if not self._requests.take():
            message = "Request was denied due to user flow control."
            raise Refused(failure(self._throttled, code="Throttling.User", message=message))

    def _page(self, params: Mapping[str, str]) -> bytes:
        for name in params:
            if name not in PARAMETERS:
                raise _wrong(name)
        now = self.clock.now()
        start, end = _range(params, now)
        asked = canonical({name: value for name, value in params.items() if name != "NextToken"})
        page = self.feed.page(
            low=max(micros(start) + self._edge * SECOND, micros(now - RETENTION)),
            high=micros(end) - self._edge * SECOND,
            limit=min(_limit(params), self.page_size),
            after=self._after(params, asked, now),
            newest_first=_is_backward(params),
        )
        answer = {
            "RequestId": "5B7E1C9A-0D3F-4E62-8A41-7C90D2E6B3F5",
            "StartTime": _iso(start),
            "EndTime": _iso(end),
        }
        if page.more:
            answer["NextToken"] = self._issue(page.events[-1], asked, now)
        events = b",".join(event.body for event in page.events)
        return b'%b,"Events":[%b]}' % (json.dumps(answer).encode()[:-1], events)

    def _issue(self, last: Event, asked: str, now: datetime) -> str:
        place = {"account": rows.ACCOUNT, "eventId": last.id, "logId": "1", "time": last.at // 1000}
        token = b64encode(json.dumps(place, separators=(",", ":")).encode()).decode()
        self._tokens[token] = Token(last, asked, now)
        return token

    def _after(self, params: Mapping[str, str], asked: str, now: datetime) -> Event | None:
        if not params.get("NextToken"):
            return None
        token = self._tokens.get(params["NextToken"])
        if token is None or token.asked != asked:
            raise _wrong("NextToken")
        if self._token_seconds is not None and now - token.at > timedelta(seconds=self._token_seconds):
            raise _wrong("NextToken")
        return token.after


def _range(params: Mapping[str, str], now: datetime) -> tuple[datetime, datetime]:
    """Return the two bounds; one that is not given is now, or some days before the other."""
    start, end = params.get("StartTime"), params.get("EndTime")
    high = now if end is None else _time(end, "EndTime")
    low = high - USUAL_RANGE if start is None else _time(start, "StartTime")
    if low > high or high > now or high - low > LONGEST:
        raise _wrong("EndTime")
    return low, high


def _time(text: str, name: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise _wrong(name) from None


def _limit(params: Mapping[str, str]) -> int:
    value = params.get("MaxResults", str(USUAL_PAGE))
    if not (value.isascii() and value.isdecimal() and int(value) <= Aliyun.page):
        raise _wrong("MaxResults")
    return int(value) or USUAL_PAGE


def _is_backward(params: Mapping[str, str]) -> bool:
    direction = params.get("Direction", "BACKWARD")
    if direction not in {"FORWARD", "BACKWARD"}:
        raise _wrong("Direction")
    return direction == "BACKWARD"


def _wrong(name: str) -> Refused:
    message = f"Specified parameter {name} is not valid."
    return Refused(failure(400, code=f"Invalid{name}", message=message))


def _iso(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def _credentials(random: Random, region: str) -> dict[str, str]:
    alphabet = ascii_letters + digits
    return {
        "access_key_id": "LTAI5t" + "".join(random.choices(alphabet, k=18)),
        "access_key_secret": "".join(random.choices(alphabet, k=30)),
        "region_id": region,
    }
