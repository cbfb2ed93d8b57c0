"""OpenTelemetry's protocol by HTTP, in JSON: to a collector, or to whoever else takes it.

https://opentelemetry.io/docs/specs/otlp/#otlphttp
https://opentelemetry.io/docs/specs/otel/logs/data-model/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from streamalert_apps.errors import BadResponse
from streamalert_apps.runtime import setting
from streamalert_apps.runtime.delivery import Answer, Batch, Limits
from streamalert_apps.runtime.posting import Statuses, Way, packed, post
from streamalert_apps.runtime.sink import Setting, Setup, Sink
from streamalert_apps.sdk.app import AuthField
from streamalert_apps.sdk.count import counted

if TYPE_CHECKING:
    from streamalert_apps.sdk import http

_INFO: Final = 9
_FIELDS: Final = {
    "bearer": (AuthField("token", "the bearer token", setting.TOKEN, secret=True),),
    "header": (AuthField("token", "the value of the authentication header", setting.TOKEN, secret=True),),
    "none": (),
}


class _Partial(msgspec.Struct, rename="camel"):
    rejected_log_records: int | str = 0
    error_message: str = ""


class _Said(msgspec.Struct, rename="camel"):
    partial_success: _Partial | None = None


class Otlp(Sink):
    """Posts batches of log records."""

    kind = "otlp"
    takes = "an OpenTelemetry collector, or any service that accepts OTLP over HTTP"
    documentation = "https://opentelemetry.io/docs/specs/otlp/"
    settings = (
        Setting(
            "url",
            "the address that logs are posted to, like https://otel.example.com:4318/v1/logs",
            setting.url,
        ),
        Setting("auth", "bearer, header or none", setting.choice("bearer", "header", "none"), "bearer"),
        Setting(
            "header",
            "the name of the header that holds the token, for `header`",
            setting.header_name,
            "api-key",
        ),
        Setting("headers", "further headers, without secrets", setting.headers, {}),
        Setting("attributes", "further attributes of the resource", setting.texts, {}),
    )
    limits = Limits(2_000, 2_000_000, 1_000_000)

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        source = setup.source
        named = {"service.name": "sa-apps", "service.instance.id": source.function}
        resource = {"attributes": _attributes(named | self.given["attributes"])}
        self._head = msgspec.json.encode({"resource": resource})[:-1]
        self._app = {"app.name": source.name, "app.type": source.type}
        self._way = Way(setup)

    @classmethod
    def auth(cls, settings: Mapping[str, Any]) -> tuple[AuthField, ...]:
        """Return what it signs in with."""
        return _FIELDS[settings["auth"]]

    def send(self, batch: Batch) -> Answer:
        """Post a batch once."""
        now = _nanoseconds(self.setup.clock.now().timestamp())
        records = [
            {
                "timeUnixNano": _nanoseconds(time),
                "observedTimeUnixNano": now,
                "severityNumber": _INFO,
                "body": {"stringValue": event.decode(errors="replace")},
                "attributes": _attributes({"log.record.uid": identity, **self._app}),
            }
            for event, identity, time in zip(batch.events, batch.ids, batch.times, strict=True)
        ]
        scopes = msgspec.json.encode([{"scope": {"name": "sa-apps"}, "logRecords": records}])
        body = packed(b'{"resourceLogs":[%b,"scopeLogs":%b}]}' % (self._head, scopes))
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        return post(
            self._way.api,
            self.given["url"],
            body,
            self.given["headers"] | headers | self._signed(),
            batch,
            read=lambda said: _read(said, len(batch.events)),
            statuses=Statuses(taken=frozenset({200})),
        )

    def close(self) -> None:
        """Close the connections."""
        self._way.close()

    def _signed(self) -> dict[str, str]:
        """Return the header that says who sends."""
        match self.given["auth"]:
            case "none":
                return {}
            case "bearer":
                return {"Authorization": f"Bearer {self.setup.credentials()['token']}"}
            case _:
                return {self.given["header"]: self.setup.credentials()["token"]}


def _attributes(values: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"key": name, "value": {"stringValue": value}} for name, value in values.items()]


def _nanoseconds(time: float) -> str:
    """Return a time as the protocol writes it: 64 bits are a text in JSON."""
    return str(round(max(time, 0.0) * 1_000_000) * 1_000)


def _read(said: http.Answer, count: int) -> Answer:
    """Return what became of a batch. How many were not taken is told, but not which.

    Such a batch must not be sent again, so each of its events is kept as refused.
    """
    try:
        told = msgspec.json.decode(said.body or b"{}", type=_Said).partial_success or _Partial()
        rejected = int(told.rejected_log_records)
    except (msgspec.MsgspecError, ValueError):
        raise BadResponse(f"The answer of {said.place} does not say what was taken.") from None
    if rejected <= 0:
        return Answer()
    reason = f"{rejected} of the {counted(count, 'event')} in its batch refused: {told.error_message}"
    return Answer(refused=dict.fromkeys(range(count), reason), partly=rejected < count)


SINK = Otlp
