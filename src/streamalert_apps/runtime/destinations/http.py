"""Any HTTPS endpoint: lines of JSON or an array, with a bearer token or a signature.

A batch that is sent again has the same `Idempotency-Key`. The endpoint takes it by 200, 201, 202 or 204,
and may name what it does not: `{"rejected": [{"index": 3, "reason": "…"}]}`. 400 and 422 mean that something
in the batch is not taken, and nothing of it was; 413 that it is too large; 408, 425, 429 and 5xx that it may
come later.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from streamalert_apps.errors import BadResponse
from streamalert_apps.runtime import setting
from streamalert_apps.runtime.delivery import Answer, Batch, Limits
from streamalert_apps.runtime.posting import Way, packed, post
from streamalert_apps.runtime.sink import Setting, Setup, Sink
from streamalert_apps.sdk.app import AuthField

if TYPE_CHECKING:
    from streamalert_apps.sdk import http

SIGNATURE: Final = "X-Signature"
TIMESTAMP: Final = "X-Signature-Timestamp"
_TYPES: Final = {"ndjson": "application/x-ndjson", "array": "application/json"}
_FIELDS: Final = {
    "bearer": (AuthField("token", "the bearer token of the endpoint", setting.TOKEN, secret=True),),
    "hmac": (AuthField("secret", "the secret that batches are signed with", setting.TOKEN, secret=True),),
    "none": (),
}


class _Rejected(msgspec.Struct):
    index: int
    reason: str = "It was rejected."


class _Said(msgspec.Struct):
    rejected: list[_Rejected] = []


class Http(Sink):
    """Posts batches to a URL."""

    kind = "http"
    takes = "an HTTPS endpoint"
    settings = (
        Setting("url", "the address that batches are posted to", setting.url),
        Setting(
            "format", "ndjson (one event per line) or array", setting.choice("ndjson", "array"), "ndjson"
        ),
        Setting("gzip", "whether batches are compressed", setting.flag, default=True),
        Setting("auth", "bearer, hmac or none", setting.choice("bearer", "hmac", "none"), "bearer"),
        Setting("headers", "further headers, without secrets", setting.headers, {}),
        Setting("batch_events", "how many events a batch holds", setting.number(1, 100_000), 500),
        Setting("batch_bytes", "how many bytes a batch holds", setting.number(1_000, 100 << 20), 1_000_000),
    )

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        size = self.given["batch_bytes"]
        self.limits = Limits(self.given["batch_events"], size - 2, size - 4)
        self._way = Way(setup)

    @classmethod
    def auth(cls, settings: Mapping[str, Any]) -> tuple[AuthField, ...]:
        """Return what it signs in with."""
        return _FIELDS[settings["auth"]]

    def send(self, batch: Batch) -> Answer:
        """Post a batch once."""
        if self.given["format"] == "array":
            body = b"[%b]" % b",".join(batch.events)
        else:
            body = b"\n".join(batch.events) + b"\n"
        headers = {**self.given["headers"], "Content-Type": _TYPES[self.given["format"]]}
        if self.given["gzip"]:
            body, headers["Content-Encoding"] = packed(body), "gzip"
        headers |= {"Idempotency-Key": batch.id} | self._signed(body)
        count = len(batch.events)
        return post(
            self._way.api, self.given["url"], body, headers, batch, read=lambda said: _rejected(said, count)
        )

    def close(self) -> None:
        """Close the connections."""
        self._way.close()

    def _signed(self, body: bytes) -> dict[str, str]:
        """Return the headers that say who sends."""
        if self.given["auth"] == "none":
            return {}
        credentials = self.setup.credentials()
        if self.given["auth"] == "bearer":
            return {"Authorization": f"Bearer {credentials['token']}"}
        moment = f"{self.setup.clock.now().timestamp():.0f}"
        signed = hmac.new(credentials["secret"].encode(), f"{moment}.".encode() + body, hashlib.sha256)
        return {TIMESTAMP: moment, SIGNATURE: f"sha256={signed.hexdigest()}"}


def _rejected(said: http.Answer, count: int) -> Answer:
    """Return what an endpoint says it does not take; most say nothing."""
    if b'"rejected"' not in said.body:
        return Answer()
    try:
        rejected = msgspec.json.decode(said.body, type=_Said).rejected
    except msgspec.MsgspecError:
        raise BadResponse(f"The answer of {said.place} does not say what was rejected.") from None
    return Answer(refused={each.index: each.reason for each in rejected if 0 <= each.index < count})


SINK = Http
