"""Splunk's HTTP Event Collector.

Each event goes with its time, and with its id as the indexed field `sa_apps_id`, by which a search drops
what came twice. Where the token wants indexer acknowledgement, a batch counts as taken once it is indexed.
https://help.splunk.com/en/splunk-enterprise/get-started/get-data-in/10.0/get-data-with-http-event-collector
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import NAMESPACE_URL, uuid5

import msgspec

from streamalert_apps.errors import (
    AppError,
    BadResponse,
    CredentialsError,
    DeliveryFailed,
    DeliveryRefused,
    OutOfTime,
    TransientError,
)
from streamalert_apps.runtime import setting
from streamalert_apps.runtime.delivery import Answer, Batch, Limits, nothing_taken
from streamalert_apps.runtime.posting import Statuses, Way, packed, post
from streamalert_apps.runtime.sink import Setting, Setup, Sink
from streamalert_apps.sdk.app import AuthField

if TYPE_CHECKING:
    from streamalert_apps.sdk import http

ACK_TRIES: Final = 120  # in which a batch has to be indexed
ACK_EVERY: Final = 1.0  # seconds
_TAKEN: Final = 0
_BAD_EVENT: Final = {6, 12, 13, 15}  # one of them, whose number is told
_BAD_TOKEN: Final = {1, 2, 3, 4}
_BAD_SETTINGS: Final = {
    7: "The token may not write to this index.",
    10: "The token wants a channel that is not there.",
    11: "The channel is not valid.",
    14: "Acknowledgement is switched off for the token.",
    16: "It does not take a token in the query.",
    21: "The token is not valid.",
    22: "The token is disabled.",
}


class _Said(msgspec.Struct, rename={"ack_id": "ackId", "bad": "invalid-event-number"}):
    code: int
    ack_id: int | None = None
    bad: int | None = None


class _Acks(msgspec.Struct):
    acks: dict[str, bool]


class Splunk(Sink):
    """Posts batches to `/services/collector/event`."""

    kind = "splunk"
    takes = "Splunk, through its HTTP Event Collector"
    too_old = (timedelta(days=2_000), "Splunk gives them another time (MAX_DAYS_AGO)")
    documentation = (
        "https://help.splunk.com/en/splunk-enterprise/get-started/get-data-in/10.0/"
        "get-data-with-http-event-collector"
    )
    settings = (
        Setting("url", "the address of the collector, like https://splunk.example.com:8088", setting.url),
        Setting("index", "the index, if it is not the token's own", setting.text, ""),
        Setting("sourcetype", "the source type of the events", setting.text, "_json"),
    )
    limits = Limits(1_000, 1_000_000, 1_000_000)

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        source = setup.source
        always = {"host": source.function, "source": source.type, "sourcetype": self.given["sourcetype"]}
        if self.given["index"]:
            always["index"] = self.given["index"]
        self._always = json.dumps(always)[1:-1].encode()
        self._channel = str(uuid5(NAMESPACE_URL, f"{source.function}/{setup.name}"))
        self._base = self.given["url"].rstrip("/") + "/services/collector"
        self._way = Way(setup)

    @classmethod
    def auth(cls, settings: Mapping[str, Any]) -> tuple[AuthField, ...]:  # noqa: ARG003 (it always needs one)
        """Return what it signs in with."""
        return (AuthField("token", "the token of the event collector", setting.TOKEN, secret=True),)

    def send(self, batch: Batch) -> Answer:
        """Post a batch once, and wait until it is indexed where the token wants that."""
        events = zip(batch.events, batch.ids, batch.times, strict=True)
        body = packed(b"\n".join(self._wrapped(*event) for event in events))
        return post(
            self._way.api,
            f"{self._base}/event",
            body,
            self._headers() | {"Content-Encoding": "gzip"},
            batch,
            read=self._indexed,
            judge=lambda said: _judge(said, batch),
            statuses=Statuses(taken=frozenset({200})),
        )

    def close(self) -> None:
        """Close the connections."""
        self._way.close()

    def _wrapped(self, event: bytes, identity: str, time: float) -> bytes:
        head = b'{"time":%.3f,%b,"fields":{"sa_apps_id":"%b"},"event":' % (
            time,
            self._always,
            identity.encode(),
        )
        return head + event + b"}"

    def _headers(self) -> dict[str, str]:
        return {
            "Authorization": f"Splunk {self.setup.credentials()['token']}",
            "Content-Type": "application/json",
            "X-Splunk-Request-Channel": self._channel,
        }

    def _indexed(self, said: http.Answer) -> Answer:
        """Wait until a batch that was taken is indexed, where that is acknowledged at all."""
        told = _told(said)
        if told is None or told.code != _TAKEN:
            raise BadResponse(f"The answer of {said.place} does not say that anything was taken.")
        if told.ack_id is None:
            return Answer()
        for _ in range(ACK_TRIES):
            if self._is_acknowledged(told.ack_id):
                return Answer()
            if self.setup.deadline.left() <= ACK_EVERY:
                raise OutOfTime(f"{said.place} did not acknowledge a batch within the time left.")
            self.setup.clock.sleep(ACK_EVERY)
        raise DeliveryFailed(f"{said.place} did not acknowledge a batch in {ACK_TRIES * ACK_EVERY:.0f} s.")

    def _is_acknowledged(self, ack_id: int) -> bool:
        body = json.dumps({"acks": [ack_id]}).encode()
        try:
            said = self._way.api.exchange(f"{self._base}/ack", body, self._headers())
        except OutOfTime:
            raise
        except TransientError:  # it is asked again
            return False
        if error := _error(said, _told(said)):
            raise error
        try:
            return msgspec.json.decode(said.body, type=_Acks).acks.get(str(ack_id), False)
        except msgspec.MsgspecError:
            return False


def _told(said: http.Answer) -> _Said | None:
    try:
        return msgspec.json.decode(said.body, type=_Said)
    except msgspec.MsgspecError:
        return None


def _judge(said: http.Answer, batch: Batch) -> Answer | None:
    told = _told(said)
    if told and told.code in _BAD_EVENT and told.bad is not None and 0 <= told.bad < len(batch.events):
        others = [row for row in range(len(batch.events)) if row != told.bad]
        return Answer(
            retry=others, refused={told.bad: f"{said.place} answered {said.status}, code {told.code}."}
        )
    error = _error(said, told)
    return nothing_taken(batch, error) if error else None


def _error(said: http.Answer, told: _Said | None) -> AppError | None:
    """Return what is wrong with the token or the settings, as far as its code says so."""
    if told is None:
        return None
    if told.code in _BAD_TOKEN:
        return CredentialsError(f"{said.place} refused the token (code {told.code}).")
    if told.code in _BAD_SETTINGS:
        return DeliveryRefused(
            f"{said.place} takes nothing (code {told.code}): {_BAD_SETTINGS[told.code]}",
            hint="Check the token in Splunk, and the settings of the destination.",
        )
    return None


SINK = Splunk
