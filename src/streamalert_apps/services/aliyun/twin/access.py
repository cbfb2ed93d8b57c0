"""Who may ask: the two signatures of Alibaba Cloud's gateway, and the words in which it refuses.

Version 3 (ACS3-HMAC-SHA256) signs headers and query; the older one signs all parameters, its own among
them. Both need a date of now and a nonce that was not used before.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote

from streamalert_apps.simulator.contract import Refused, Request, Response
from streamalert_apps.simulator.oauth import form

SKEW: Final = timedelta(minutes=15)
ALGORITHM: Final = "ACS3-HMAC-SHA256"

TO_SIGN: Final = "server string to sign is:"  # the vendor's own SDKs look for it
_USUAL: Final = {
    400: ("InvalidParameter", "The specified parameter is not valid."),
    401: ("InvalidSecurityToken.Expired", "Specified SecurityToken is expired."),
    403: ("NoPermission", "You are not authorized to do this action."),
    404: ("InvalidApi.NotFound", "Specified api is not found, please check your url and method."),
    429: ("Throttling.Api", "Request was denied due to api flow control."),
    503: ("ServiceUnavailable", "The request has failed due to a temporary failure of the server."),
}
_SHOWN: Final = re.compile(
    rf"{ALGORITHM} Credential=(?P<key>[^,]*), ?SignedHeaders=(?P<names>[^,]*), ?"
    r"Signature=(?P<signature>[0-9a-f]*)"
)
_COMMON: Final = frozenset({
    "AccessKeyId",
    "Action",
    "Format",
    "RegionId",
    "Signature",
    "SignatureMethod",
    "SignatureNonce",
    "SignatureType",
    "SignatureVersion",
    "Timestamp",
    "Version",
})


def failure(status: int, *, code: str = "", message: str = "", note: str = "") -> Response:
    """Word an error as the gateway does; code and message are those usual for the status, or others."""
    usual = _USUAL.get(
        status, ("InternalError", "The request processing has failed due to some unknown error.")
    )
    body = {
        "RequestId": "8C2D1E0F-7A6B-4C5D-9E8F-1A2B3C4D5E6F",
        "HostId": "actiontrail.aliyuncs.com",
        "Code": code or usual[0],
        "Message": message or usual[1],
        "Recommend": f"https://api.aliyun.com/troubleshoot?q={code or usual[0]}&product=Actiontrail",
    }
    return Response(status, json.dumps(body).encode(), note=note or body["Message"])


@dataclass(frozen=True, slots=True)
class Call:
    """A request with its signature read: what it wants, and what proves who asks."""

    action: str
    version: str
    key: str
    date: str
    nonce: str
    signature: str
    params: Mapping[str, str]
    """The operation's own parameters."""

    @classmethod
    def of(cls, request: Request) -> Call:
        """Read a request signed in either way; raise Refused for one that is signed in none."""
        params = _parameters(request)
        headers = request.headers
        shown = _SHOWN.fullmatch(headers.get("authorization", ""))
        if shown:
            action, version = headers.get("x-acs-action", ""), headers.get("x-acs-version", "")
            date, nonce = headers.get("x-acs-date", ""), headers.get("x-acs-signature-nonce", "")
            return cls(action, version, shown["key"], date, nonce, shown["signature"], params)
        if "Signature" not in params:
            raise Refused(
                failure(400, code="MissingParameter", message="Signature is mandatory for this action.")
            )
        return cls(
            params.get("Action", ""),
            params.get("Version", ""),
            params.get("AccessKeyId", ""),
            params.get("Timestamp", ""),
            params.get("SignatureNonce", ""),
            params["Signature"],
            {name: value for name, value in params.items() if name not in _COMMON},
        )


@dataclass(slots=True)
class Gate:
    """Lets in who has the AccessKey, each nonce once."""

    key: str
    secret: str
    used: dict[str, datetime] = field(default_factory=dict)

    def admit(self, request: Request, call: Call, now: datetime) -> None:
        """Raise Refused unless the request is of now, signed with the secret, and new."""
        if call.key != self.key:
            message = "Specified access key is not found."
            raise Refused(failure(404, code="InvalidAccessKeyId.NotFound", message=message))
        try:
            sent = datetime.strptime(call.date, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        except ValueError:
            message = "Specified time stamp or date value is not well formatted."
            raise Refused(failure(400, code="InvalidTimeStamp.Format", message=message)) from None
        if abs(sent - now) > SKEW:
            message = "Specified time stamp or date value is expired."
            raise Refused(failure(400, code="InvalidTimeStamp.Expired", message=message))
        signature, text = expected(request, self.secret)
        if not hmac.compare_digest(call.signature, signature):
            message = f"Specified signature is not matched with our calculation. {TO_SIGN}{text}"
            raise Refused(failure(400, code="SignatureDoesNotMatch", message=message))
        self._use(call.nonce, now)

    def _use(self, nonce: str, now: datetime) -> None:
        self.used = {name: at for name, at in self.used.items() if now - at <= 2 * SKEW}
        if not nonce or nonce in self.used:
            message = "Specified signature nonce was used already."
            raise Refused(failure(400, code="SignatureNonceUsed", message=message))
        self.used[nonce] = now


def expected(request: Request, secret: str) -> tuple[str, str]:
    """Return the signature that is right for a request, and the text that is signed.

    The signature is empty where what must be signed is not.
    """
    if "authorization" in request.headers:
        return _third(request, secret)
    params = _parameters(request)
    params.pop("Signature", None)
    text = f"{request.method}&%2F&{_escaped(canonical(params))}"
    return b64encode(hmac.new(f"{secret}&".encode(), text.encode(), hashlib.sha1).digest()).decode(), text


def _third(request: Request, secret: str) -> tuple[str, str]:
    shown = _SHOWN.fullmatch(request.headers["authorization"])
    names = shown["names"].split(";") if shown else []
    must = {name for name in request.headers if name in {"host", "content-type"} or name.startswith("x-acs-")}
    digest = hashlib.sha256(request.body).hexdigest()
    lines = "".join(f"{name}:{request.headers.get(name, '').strip()}\n" for name in names)
    parts = (request.method, request.path, canonical(dict(request.params)), lines, ";".join(names), digest)
    whole = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    text = f"{ALGORITHM}\n{whole}"
    complete = names == sorted(names) and must <= set(names)
    if not complete or request.headers.get("x-acs-content-sha256") != digest:
        return "", text
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest(), text


def _parameters(request: Request) -> dict[str, str]:
    return {**dict(request.params), **form(request)}


def canonical(params: Mapping[str, str]) -> str:
    """Return parameters as they are signed: sorted, and escaped in the one right way."""
    return "&".join(f"{_escaped(name)}={_escaped(value)}" for name, value in sorted(params.items()))


def _escaped(text: str) -> str:
    return quote(text, safe="~")
