"""An event collector, with and without acknowledgement."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.simulator.contract import Request, Response
from tests.destinations.stand import Case, SinkTwin

TOKEN = "b0221cd8-c4b4-465a-9a3c-273e3a75aa29"
_EVENT = re.compile(r'"event": *')
_CODES = {401: 3, 403: 4, 429: 9, 500: 8, 503: 9}


class Collector(SinkTwin):
    """Names the first bad event of a batch, of which it takes nothing then.

    `acknowledges`: the token wants it; a batch is indexed after `polls` questions.
    `keeps_before`: it takes what stands before a bad event.
    """

    acknowledges = False
    keeps_before = False
    polls = 2

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.envelopes: list[dict[str, Any]] = []
        self.channels: set[str] = set()
        self.asked: dict[int, int] = {}

    def handle(self, request: Request) -> Response:
        if self.expired or request.headers.get("authorization") != f"Splunk {TOKEN}":
            return _said(403, 4)
        self.channels.add(request.headers.get("x-splunk-request-channel", ""))
        if request.path == "/services/collector/ack":
            return self._acks(json.loads(request.body)["acks"])
        if request.path != "/services/collector/event":
            return Response(404, b"")
        if len(request.body) > self.largest:
            return Response(413, b"")
        is_packed = request.headers.get("content-encoding") == "gzip"
        body = gzip.decompress(request.body) if is_packed else request.body
        if self.acknowledges and self.channels & {""}:
            return _said(400, 10)
        return self._take([*objects(body.decode())])

    def failure(self, status: int) -> Response:
        return _said(status, _CODES.get(status, 6))

    def _take(self, envelopes: list[tuple[dict[str, Any], bytes]]) -> Response:
        if self.is_wrong:
            return _said(400, 7, bad=0)
        bad = next((at for at, (_, event) in enumerate(envelopes) if self.number(event) in self.poison), None)
        taken = envelopes if bad is None else envelopes[:bad] if self.keeps_before else []
        self.envelopes += [envelope for envelope, _ in taken]
        self.take(event for _, event in taken)
        if bad is not None:
            return _said(400, 6, bad=bad)
        if not self.acknowledges:
            return _said(200, 0)
        self.asked[len(self.asked)] = 0
        return Response(
            200, json.dumps({"text": "Success", "code": 0, "ackId": len(self.asked) - 1}).encode()
        )

    def _acks(self, numbers: list[int]) -> Response:
        if not self.acknowledges:
            return _said(400, 14)
        for number in numbers:
            self.asked[number] += 1
        acks = {str(number): self.asked[number] > self.polls for number in numbers}
        return Response(200, json.dumps({"acks": acks}).encode())


class Acknowledging(Collector):
    """Acknowledges what is indexed."""

    acknowledges = True


def objects(text: str) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Yield the JSON objects that stand one after another, each with its event as it was sent."""
    decoder, at = json.JSONDecoder(), 0
    for _ in count():
        while at < len(text) and text[at].isspace():
            at += 1
        if at == len(text):
            return
        envelope, end = decoder.raw_decode(text, at)
        begin = _EVENT.search(text, at).end()  # type: ignore[union-attr] # each has one
        _, stop = decoder.raw_decode(text, begin)
        yield envelope, text[begin:stop].encode()
        at = end


def _said(status: int, code: int, bad: int | None = None) -> Response:
    told = {"text": "says the test", "code": code} | ({} if bad is None else {"invalid-event-number": bad})
    return Response(status, json.dumps(told).encode())


def _settings(url: str) -> Mapping[str, Any]:
    return {"url": url}


CASE = Case(
    "splunk", Collector, _settings, {"token": TOKEN}, event_limit=1_000_000, path="/services/collector/event"
)
ACKNOWLEDGING = Case(
    "splunk",
    Acknowledging,
    _settings,
    {"token": TOKEN},
    event_limit=1_000_000,
    path="/services/collector/event",
)
