"""Alibaba Cloud ActionTrail, LookupEvents of version 2020-07-06.

Each region has a log of its own, of 90 days, whose events can be looked up about ten minutes after they
happened: 50 a request, two requests a second, the oldest first with Direction=FORWARD. The next page is
asked for with the very same parameters and a token. A request is signed (ACS3-HMAC-SHA256) over its
headers; the nonce among them is good for one attempt.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from secrets import token_hex
from typing import Final
from urllib.parse import quote

import msgspec

from streamalert_apps.errors import CredentialsError, RateLimited, Unavailable
from streamalert_apps.sdk.app import AuthField, Checkpoint, Json
from streamalert_apps.sdk.clock import iso
from streamalert_apps.sdk.events import Fetched, Row
from streamalert_apps.sdk.feed import OldestFirst
from streamalert_apps.sdk.pace import Rate, Wait
from streamalert_apps.sdk.refusals import SET_CLOCK, by_code

PAGE: Final = 50
ALGORITHM: Final = "ACS3-HMAC-SHA256"
# Regions without a host of their own, as the vendor's SDK (alibabacloud_actiontrail20200706 2.6.0) has them.
HOSTS: Final = {
    **dict.fromkeys(
        """
        cn-beijing-finance-1 cn-beijing-finance-pop cn-beijing-gov-1 cn-beijing-nu16-b01 cn-edge-1 cn-fujian
        cn-haidian-cm12-c01 cn-hangzhou-bj-b01 cn-hangzhou-finance cn-hangzhou-internal-prod-1
        cn-hangzhou-internal-test-1 cn-hangzhou-internal-test-2 cn-hangzhou-internal-test-3
        cn-hangzhou-test-306 cn-hongkong-finance-pop cn-qingdao-nebula cn-shanghai-et15-b01
        cn-shanghai-et2-b01 cn-shanghai-inner cn-shanghai-internal-test-1 cn-shenzhen-finance-1
        cn-shenzhen-inner cn-shenzhen-st4-d01 cn-shenzhen-su18-b01 cn-wuhan cn-yushanfang
        cn-zhangbei-na61-b01 cn-zhangjiakou-na62-a01 cn-zhengzhou-nebula-1
        """.split(),  # noqa: SIM905 (a list of names reads better so)
        "actiontrail.aliyuncs.com",
    ),
    **dict.fromkeys(
        ("ap-northeast-2-pop", "eu-west-1-oxs", "rus-west-1-pop"), "actiontrail.ap-northeast-1.aliyuncs.com"
    ),
}
EMPTY: Final = hashlib.sha256(b"").hexdigest()


class _Page(msgspec.Struct, rename="pascal"):
    events: list[Row] = []
    next_token: str | None = None


class AliyunActionTrail(OldestFirst):
    """Management events of one region."""

    type = "aliyun_actiontrail"
    collects = "calls to Alibaba Cloud's API, and actions and sign-ins in its console, in one region"
    schemas = ("aliyun:actiontrail_v2",)
    auth = (
        AuthField(
            "access_key_id",
            "the ID of a RAM user's AccessKey, which starts with 'LTAI'",
            re.compile(r"LTAI[0-9A-Za-z]{12,26}"),
        ),
        AuthField(
            "access_key_secret",
            "the secret of that AccessKey, 30 letters and digits",
            re.compile(r"[0-9A-Za-z]{30,64}"),
            secret=True,
        ),
        AuthField(
            "region_id",
            "the ID of the region whose events to collect, like 'ap-northeast-1'",
            re.compile(r"[a-z]{2,4}(-[a-z0-9]+){1,6}"),
        ),
    )
    documentation = "https://www.alibabacloud.com/help/en/actiontrail/developer-reference/api-actiontrail-2020-07-06-lookupevents"
    rate = Rate(requests=1, seconds=0.6)
    waits = (Wait("x-acs-retry-after", unit="ms"),)
    time_field = "eventTime"
    id_fields = ("eventId",)
    precision = timedelta(seconds=1)
    lag = timedelta(minutes=20)  # documented: about 10
    retention = timedelta(days=90)

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Ask for up to 50 events; never for the future, as `until` is a second too wide."""
        params = {
            "Direction": "FORWARD",
            "EndTime": iso(until - self.precision),
            "MaxResults": str(PAGE),
            "StartTime": iso(since),
        }
        if token is not None:
            params["NextToken"] = token
        query = "&".join(f"{name}={quote(value, safe='~')}" for name, value in sorted(params.items()))
        region = self.credentials["region_id"]
        host = HOSTS.get(region) or f"actiontrail.{region}.aliyuncs.com"
        answer = self.api.post(
            f"https://{host}/?{query}", headers=lambda: self._signed(host, query), judge=_judge
        )
        page = answer.json(_Page)
        return Fetched(page.events, page.next_token or None)

    def last_timestamp(self, checkpoint: Checkpoint) -> Json:
        """Return how far the app is in ISO 8601, as StreamAlert's own app stores it."""
        return iso(self.watermark(checkpoint))

    def _signed(self, host: str, query: str) -> dict[str, str]:
        """Return the headers of one attempt: with a date and a nonce of its own, signed."""
        headers = {
            "host": host,
            "x-acs-action": "LookupEvents",
            "x-acs-content-sha256": EMPTY,
            "x-acs-date": iso(self.api.clock.now()),
            "x-acs-signature-nonce": token_hex(16),
            "x-acs-version": "2020-07-06",
        }
        signature = sign(self.credentials["access_key_secret"], query, headers)
        credential = f"Credential={self.credentials['access_key_id']}"
        signed = f"SignedHeaders={';'.join(headers)}"
        return headers | {"authorization": f"{ALGORITHM} {credential},{signed},Signature={signature}"}


def sign(secret: str, query: str, headers: Mapping[str, str]) -> str:
    """Return the signature of a POST to / without a body; `query` and `headers` are sorted."""
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    request = f"POST\n/\n{query}\n{lines}\n{';'.join(headers)}\n{EMPTY}"
    text = f"{ALGORITHM}\n{hashlib.sha256(request.encode()).hexdigest()}"
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


class _Failure(msgspec.Struct, rename="pascal"):
    code: str


_judge = by_code(
    lambda answer: answer.json(_Failure).code.partition(".")[0],  # the status differs from gateway to gateway
    {
        "Throttling": partial(RateLimited, "ActionTrail throttled the requests."),
        **dict.fromkeys(
            ("InternalError", "ServiceUnavailable", "ServiceTimeout", "ServiceBusy"),
            partial(Unavailable, "ActionTrail has a server error."),
        ),
        "SignatureNonceUsed": partial(Unavailable, "ActionTrail received a request twice."),
        "InvalidTimeStamp": partial(
            CredentialsError, "Alibaba Cloud refused the request's timestamp.", hint=SET_CLOCK
        ),
        "InvalidAccessKeyId": partial(
            CredentialsError,
            "Alibaba Cloud refused the AccessKey ID.",
            hint="It may be mistyped, disabled or deleted.",
        ),
        **dict.fromkeys(
            ("SignatureDoesNotMatch", "IncompleteSignature"),
            partial(
                CredentialsError, "Alibaba Cloud refused the signature.", hint="Check the AccessKey secret."
            ),
        ),
        **dict.fromkeys(
            ("Forbidden", "NoPermission"),
            partial(
                CredentialsError,
                "Alibaba Cloud does not let this user look up events.",
                hint="Grant the RAM user a policy with 'actiontrail:LookupEvents'.",
            ),
        ),
    },
)
