"""Microsoft Sentinel, by Azure Monitor's Logs Ingestion API: rows of a table behind a data collection rule.

https://learn.microsoft.com/azure/azure-monitor/logs/logs-ingestion-api-overview
https://learn.microsoft.com/azure/azure-monitor/fundamentals/service-limits#logs-ingestion-api
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec

from streamalert_apps.errors import CredentialsError, UsageError
from streamalert_apps.runtime import setting
from streamalert_apps.runtime.delivery import Answer, Batch, Limits, moment, nothing_taken
from streamalert_apps.runtime.posting import Statuses, Way, packed, post
from streamalert_apps.runtime.sink import Setting, Setup, Sink
from streamalert_apps.sdk.app import AuthField

if TYPE_CHECKING:
    from streamalert_apps.sdk import http
    from streamalert_apps.sdk.oauth import Bearer

CALL_BYTES: Final = 1_000_000  # before it is compressed, too
FIELD_BYTES: Final = 64_000  # then Azure cuts a field without a word
_ROWS: Final = 1_000
_AROUND_BYTES: Final = 400  # an event in its row, at most
_FORBIDDEN: Final = 403
_CLOUDS: Final = {
    ".ingest.monitor.azure.com": "global",
    ".ingest.monitor.azure.us": "gcchigh",
    ".ingest.monitor.azure.cn": "china",
}


def _endpoint(value: Any) -> str:
    url = setting.url(value).rstrip("/")
    if urlsplit(url).path or not _cloud(url):
        raise UsageError(
            f"{url!r} is not the address of a data collection endpoint or rule.",
            hint="Like https://acme-x1y2.eastus-1.ingest.monitor.azure.com.",
        )
    return url


def _cloud(url: str) -> str:
    host = urlsplit(url).hostname or ""
    return next((cloud for end, cloud in _CLOUDS.items() if host.endswith(end)), "")


class Sentinel(Sink):
    """Posts rows to a stream of a data collection rule."""

    kind = "sentinel"
    takes = "Microsoft Sentinel, into a table of a Log Analytics workspace"
    documentation = "https://learn.microsoft.com/azure/azure-monitor/logs/logs-ingestion-api-overview"
    too_old = (timedelta(days=2), "Sentinel gives them the time at which they arrive as TimeGenerated")
    settings = (
        Setting("url", "the logs ingestion address of the data collection endpoint or rule", _endpoint),
        Setting(
            "rule",
            "the immutable ID of the data collection rule",
            setting.matching(r"dcr-[0-9a-f]{32}", "the immutable ID of a rule", "It starts with dcr-."),
        ),
        Setting(
            "stream",
            "the stream of the rule",
            setting.matching(r"(Custom|Microsoft)-[A-Za-z0-9_-]{1,100}", "a stream", "Like Custom-SaaS_CL."),
        ),
    )
    limits = Limits(_ROWS, CALL_BYTES - _ROWS * _AROUND_BYTES, FIELD_BYTES)

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        path = f"dataCollectionRules/{self.given['rule']}/streams/{self.given['stream']}"
        self._url = f"{self.given['url']}/{path}?api-version=2023-01-01"
        self._way = Way(setup)

    @classmethod
    def auth(cls, settings: Mapping[str, Any]) -> tuple[AuthField, ...]:  # noqa: ARG003 (it always needs them)
        """Return what it signs in with."""
        from streamalert_apps.sdk.microsoft import TENANT  # noqa: PLC0415 (conf/ is read without httpx)

        return TENANT

    def send(self, batch: Batch) -> Answer:
        """Post a batch once."""
        rows = msgspec.json.encode([*map(self._row, batch.events, batch.ids, batch.times)])
        return post(
            self._signed_in,
            self._url,
            packed(rows),
            {"Content-Type": "application/json", "Content-Encoding": "gzip"},
            batch,
            judge=lambda said: _judge(said, batch),
            statuses=Statuses(taken=frozenset({204})),
        )

    def close(self) -> None:
        """Close the connections."""
        self._way.close()
        self.__dict__.pop("_signed_in", None)

    @cached_property
    def _signed_in(self) -> Bearer:
        """What posts with a token, which is kept until it ends."""
        from streamalert_apps.sdk import microsoft  # noqa: PLC0415 (as above)

        cloud = _cloud(self.given["url"])
        resource = "https://monitor.azure" + self.given["url"].rpartition(".azure")[2]
        return microsoft.signed_in(self._way.api, {**self.setup.credentials(), "cloud": cloud}, resource)

    def _row(self, event: bytes, identity: str, time: float) -> dict[str, Any]:
        source = self.setup.source
        happened = moment(time).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {
            "TimeGenerated": happened,
            "EventTime": happened,
            "App": source.name,
            "AppType": source.type,
            "EventId": identity,
            "Event": msgspec.Raw(event),
        }


def _judge(said: http.Answer, batch: Batch) -> Answer | None:
    if said.status != _FORBIDDEN:
        return None
    return nothing_taken(
        batch,
        CredentialsError(
            f"{said.place} answered 403: the app may not write to the rule.",
            hint="Give it the role Monitoring Metrics Publisher on the data collection rule.",
        ),
    )


SINK = Sentinel
