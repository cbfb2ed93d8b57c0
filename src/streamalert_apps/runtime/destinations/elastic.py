"""`_bulk` of Elasticsearch and of OpenSearch, Amazon's service and its serverless form too.

An event is made under an id of its own (`create` with `_id`): what comes again is refused as being there
already. So each event is there once, within one index behind a data stream.
https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk
https://docs.opensearch.org/latest/api-reference/document-apis/bulk/
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from streamalert_apps.errors import (
    AppError,
    BadResponse,
    ConfigError,
    CredentialsError,
    DeliveryFailed,
    DeliveryRefused,
)
from streamalert_apps.runtime import setting
from streamalert_apps.runtime.delivery import Answer, Batch, Limits, moment
from streamalert_apps.runtime.posting import Statuses, Way, packed, post
from streamalert_apps.runtime.sink import Permission, Setting, Setup, Sink, Where
from streamalert_apps.sdk.app import AuthField
from streamalert_apps.sdk.count import counted

if TYPE_CHECKING:
    from streamalert_apps.sdk import http

_ANSWERED: Final = "filter_path=errors%2Citems.create.status%2Citems.create.error"
_DOMAIN: Final = re.compile(
    r"https://[^/]+\.(?P<region>[a-z0-9-]+)\.(?P<service>es|aoss)\.amazonaws\.com(\.cn)?/?"
)
_THERE_ALREADY: Final = 409
_BUSY: Final = 429
_SETTINGS: Final = {401, 403, 404}
_FIELDS: Final = {
    "api_key": (AuthField("api_key", "the API key, in its encoded form", setting.TOKEN, secret=True),),
    "basic": (
        AuthField("username", "the name of the user", re.compile(r"[^:\x00-\x1f]{1,256}")),
        AuthField("password", "the password of the user", re.compile(r"[^\x00-\x1f]{1,256}"), secret=True),
    ),
    "sigv4": (),
    "none": (),
}


class _Error(msgspec.Struct):
    type: str = ""
    reason: str | None = None


class _Created(msgspec.Struct):
    status: int
    error: _Error | None = None


class _Item(msgspec.Struct):
    create: _Created


class _Said(msgspec.Struct):
    errors: bool
    items: list[_Item]


class Elastic(Sink):
    """Posts batches to `_bulk`."""

    kind = "elastic"
    takes = "Elasticsearch or OpenSearch"
    documentation = "https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk"
    settings = (
        Setting("url", "the address of the cluster, like https://es.example.com:9200", setting.url),
        Setting(
            "index",
            "the index or data stream; {type} stands for the app type",
            setting.matching(
                r"(?![_.-])([a-z0-9_.-]|\{type\}){1,200}", "the name of an index", "Like logs-{type}-saas."
            ),
        ),
        Setting(
            "auth",
            "api_key, basic, sigv4 or none",
            setting.choice("api_key", "basic", "sigv4", "none"),
            "api_key",
        ),
        Setting(
            "ids",
            "whether documents get ids; a time series collection accepts none",
            setting.flag,
            default=True,
        ),
    )
    limits = Limits(2_000, 4_000_000, 4_000_000)

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        index = self.given["index"].replace("{type}", setup.source.type)
        self._url = f"{self.given['url'].rstrip('/')}/{index}/_bulk?{_ANSWERED}"
        self._way = Way(setup)

    @classmethod
    def auth(cls, settings: Mapping[str, Any]) -> tuple[AuthField, ...]:
        """Return what it signs in with."""
        return _FIELDS[settings["auth"]]

    @classmethod
    def permissions(cls, settings: Mapping[str, Any], where: Where) -> Sequence[Permission]:
        """Return what the role of a function has to allow, where it signs requests."""
        if settings["auth"] != "sigv4":
            return ()
        region, service = _place(settings["url"])
        home = f"arn:{where.partition}:{service}:{region}:{where.account}"
        if service == "aoss":
            return [Permission(["aoss:APIAccessAll"], [f"{home}:collection/*"])]
        index = settings["index"].replace("{type}", "*")
        return [Permission(["es:ESHttpPost"], [f"{home}:domain/*/{index}/_bulk"])]

    def send(self, batch: Batch) -> Answer:
        """Post a batch once."""
        times = map(_time, batch.times)
        lines = b"".join(map(self._lines, batch.events, batch.ids, times))
        body = packed(lines)
        headers = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
        return post(
            self._way.api,
            self._url,
            body,
            headers | self._signed(body, headers),
            batch,
            read=lambda said: _read(said, len(batch.events)),
            statuses=Statuses(taken=frozenset({200})),
        )

    def close(self) -> None:
        """Close the connections."""
        self._way.close()

    def _lines(self, event: bytes, identity: str, time: bytes) -> bytes:
        action = b'{"create":{"_id":"%b"}}\n' % identity.encode() if self.given["ids"] else b'{"create":{}}\n'
        return b"".join((action, _document(event, time), b"\n"))

    def _signed(self, body: bytes, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the headers that say who sends."""
        match self.given["auth"]:
            case "none":
                return {}
            case "sigv4":
                return self._signature(body, headers)
            case "basic":
                given = self.setup.credentials()
                both = f"{given['username']}:{given['password']}".encode()
                return {"Authorization": f"Basic {b64encode(both).decode()}"}
            case _:
                return {"Authorization": f"ApiKey {self.setup.credentials()['api_key']}"}

    def _signature(self, body: bytes, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the headers of a signature by the role of the function."""
        from botocore.auth import SigV4Auth  # noqa: PLC0415 (conf/ is read without)
        from botocore.awsrequest import AWSRequest  # noqa: PLC0415

        credentials = self.setup.aws_credentials()
        if credentials is None:
            raise CredentialsError("There are no AWS credentials to sign a request with.")
        region, service = _place(self.given["url"])
        digest = {"X-Amz-Content-SHA256": hashlib.sha256(body).hexdigest()}  # serverless wants to see it
        request = AWSRequest("POST", self._url, data=body, headers={**headers, **digest})
        SigV4Auth(credentials.get_frozen_credentials(), service, region).add_auth(request)
        return dict(request.headers.items())


def _place(url: str) -> tuple[str, str]:
    """Return the region and the service that an address of Amazon's is in."""
    found = _DOMAIN.fullmatch(url)
    if not found:
        raise ConfigError(
            "The address is not an Amazon address, so requests can't be signed for it.",
            hint="Give the domain's or the collection's own one as `url`, or choose another `auth`.",
        )
    return found["region"], found["service"]


def _time(time: float) -> bytes:
    return moment(time).isoformat(timespec="milliseconds").replace("+00:00", "Z").encode()


def _document(event: bytes, time: bytes) -> bytes:
    """Return an event with `@timestamp`, which a data stream wants, unless it has one."""
    if not event.startswith(b"{") or b'"@timestamp"' in event:
        return event
    rest = event[1:]
    comma = b"" if rest.lstrip().startswith(b"}") else b","
    return b'{"@timestamp":"%b"%b%b' % (time, comma, rest)


def _read(said: http.Answer, count: int) -> Answer:
    """Return what became of each event."""
    try:
        told = msgspec.json.decode(said.body, type=_Said)
    except msgspec.MsgspecError:
        raise BadResponse(f"The answer of {said.place} does not say what was taken.") from None
    if len(told.items) != count:
        raise BadResponse(f"{said.place} answered for {len(told.items)} of {counted(count, 'event')}.")
    retry: list[int] = []
    refused: dict[int, str] = {}
    error: AppError | None = None
    for row, created in enumerate(item.create for item in told.items):
        if created.status < 300 or created.status == _THERE_ALREADY:  # noqa: PLR2004
            continue
        if created.status == _BUSY or created.status >= 500:  # noqa: PLR2004
            retry.append(row)
            error = error or DeliveryFailed(f"{said.place} did not take all events ({_reason(created)}).")
        elif created.status in _SETTINGS:
            retry.append(row)
            error = DeliveryRefused(
                f"{said.place} refused events ({_reason(created)}).", hint="Check the index and its rights."
            )
        else:
            refused[row] = _reason(created)
    return Answer(retry, refused, error)


def _reason(created: _Created) -> str:
    """Return why an event was not taken, without what it holds."""
    error = created.error or _Error()
    reason = (error.reason or "").partition(". Preview of field's value")[0]
    return f"{created.status} {error.type}: {reason}" if error.type else f"status {created.status}"


SINK = Elastic
