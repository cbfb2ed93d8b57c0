"""ActionTrail's twin: both signatures, what is refused by which code, and how it pages."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import timedelta
from itertools import count
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from streamalert_apps.errors import UsageError
from streamalert_apps.services.aliyun.twin import Aliyun
from streamalert_apps.services.aliyun.twin.access import expected
from streamalert_apps.simulator.contract import Request, Response
from streamalert_apps.simulator.transport import transport
from tests.simulator.world import NOW, StillClock

HOST = "actiontrail.cn-hangzhou.aliyuncs.com"
EMPTY = hashlib.sha256(b"").hexdigest()
CREDENTIALS = {
    "access_key_id": "LTAI5tExampleKeyId000001",
    "access_key_secret": "ExampleSecret0123456789abcdef0",
    "region_id": "cn-hangzhou",
}
WINDOW = {"StartTime": "2023-11-21T09:00:00Z", "EndTime": "2023-11-21T09:45:00Z", "Direction": "FORWARD"}

# Requests as documented, with their signatures.
OURS = "Direction=FORWARD&EndTime=2023-11-21T09%3A45%3A00Z&MaxResults=50&StartTime=2023-11-21T09%3A00%3A00Z"
OURS_SIGNED = "ed83b0cedfdbeef639bd850a3981f08f798a6c1796f3dfb567d1a185bb10e7f3"
NONCE = "b1d8e2c45f604a379e127c3d0f4a6b58"
VENDORS = "ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai"
VENDORS_SIGNED = "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
OLD = (
    "AccessKeyId=LTAI5tExampleKeyId000001&Action=LookupEvents&Direction=FORWARD"
    "&EndTime=2023-11-21T09%3A45%3A00Z&Format=JSON&LookupAttribute.1.Key=EventRW"
    "&LookupAttribute.1.Value=Write&MaxResults=50&NextToken=eyJhIjoxfQ%3D%3D&SignatureMethod=HMAC-SHA1"
    "&SignatureNonce=b1d8e2c4-5f60-4a37-9e12-7c3d0f4a6b58&SignatureVersion=1.0"
    "&StartTime=2023-11-21T09%3A00%3A00Z&Timestamp=2023-11-21T10%3A00%3A00Z&Version=2020-07-06"
)


def acs3(host: str, action: str, version: str, date: str, nonce: str) -> dict[str, str]:
    """Return the headers of the third signature, but for the signature itself."""
    headers = {
        "host": host,
        "x-acs-action": action,
        "x-acs-content-sha256": EMPTY,
        "x-acs-date": date,
        "x-acs-signature-nonce": nonce,
        "x-acs-version": version,
    }
    shown = f"Credential=YourAccessKeyId,SignedHeaders={';'.join(headers)},Signature=0"
    return headers | {"authorization": f"ACS3-HMAC-SHA256 {shown}"}


def test_the_signature_of_the_vendors_example_is_the_published_one() -> None:
    headers = acs3(
        "ecs.cn-shanghai.aliyuncs.com",
        "RunInstances",
        "2014-05-26",
        "2023-10-26T10:22:32Z",
        "3156853299f313e23d1673dc12e1703d",
    )

    assert expected(Request("POST", f"/?{VENDORS}", headers), "YourAccessKeySecret")[0] == VENDORS_SIGNED


def test_the_signature_of_a_lookup_is_right_whatever_the_order_on_the_wire() -> None:
    headers = acs3(HOST, "LookupEvents", "2020-07-06", "2023-11-21T10:00:00Z", NONCE)
    backwards = "&".join(reversed(OURS.split("&")))

    for query in (OURS, backwards):
        request = Request("POST", f"/?{query}", headers)
        assert expected(request, CREDENTIALS["access_key_secret"])[0] == OURS_SIGNED


@pytest.mark.parametrize(
    ("method", "signature"),
    [("GET", "C6b0+V+SowNIBdyy90FYWdnwCYM="), ("POST", "TxLu/gYv5d3opHnm5z2QFhcFKcE=")],
)
def test_the_older_signature_is_over_method_and_parameters(method: str, signature: str) -> None:
    request = Request(method, f"/?{OLD}&Signature={quote(signature, safe='')}", {"host": HOST})

    assert expected(request, CREDENTIALS["access_key_secret"])[0] == signature


def test_what_is_not_signed_makes_a_signature_worthless() -> None:
    headers = acs3(HOST, "LookupEvents", "2020-07-06", "2023-11-21T10:00:00Z", NONCE)

    assert expected(Request("POST", f"/?{OURS}", headers | {"x-acs-extra": "1"}), "secret")[0] == ""
    assert expected(Request("POST", f"/?{OURS}", headers, b"body"), "secret")[0] == ""


class Client:
    """Signs as documented; every part of a request can be falsified."""

    def __init__(self, twin: Aliyun) -> None:
        self.twin = twin
        self.nonces = map(str, count(1))
        self.http = httpx.Client(transport=transport(twin))

    def ask(self, params: Mapping[str, Any] = WINDOW, *, secret: str = "", **changed: str) -> httpx.Response:
        query = "&".join(f"{quote(k, safe='~')}={quote(str(v), safe='~')}" for k, v in sorted(params.items()))
        date = self.twin.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        headers = acs3(HOST, "LookupEvents", "2020-07-06", date, next(self.nonces))
        headers |= {name.replace("_", "-"): value for name, value in changed.items() if name != "key"}
        names = sorted(set(headers) - {"authorization"})
        lines = "".join(f"{name}:{headers[name]}\n" for name in names)
        whole = f"POST\n/\n{query}\n{lines}\n{';'.join(names)}\n{EMPTY}"
        text = f"ACS3-HMAC-SHA256\n{hashlib.sha256(whole.encode()).hexdigest()}"
        secret = secret or self.twin.credentials["access_key_secret"]
        signature = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        key = changed.get("key", self.twin.credentials["access_key_id"])
        shown = f"Credential={key},SignedHeaders={';'.join(names)},Signature={signature}"
        if "authorization" not in changed:
            headers["authorization"] = f"ACS3-HMAC-SHA256 {shown}"
        return self.http.post(f"https://{HOST}/?{query}", headers=headers)

    def events(self, **params: Any) -> list[dict[str, Any]]:
        """Follow NextToken to the end."""
        found: list[dict[str, Any]] = []
        token: dict[str, str] = {}
        while True:
            answer = self.ask(WINDOW | params | token)
            assert answer.status_code == 200, answer.text
            found += answer.json()["Events"]
            if "NextToken" not in answer.json():
                return found
            token = {"NextToken": answer.json()["NextToken"]}


def client(**options: Any) -> Client:
    return Client(Aliyun(StillClock(), credentials=CREDENTIALS, **({"rate": None} | options)))


def refusal(answer: httpx.Response) -> tuple[int, str]:
    assert set(answer.json()) == {"RequestId", "HostId", "Code", "Message", "Recommend"}
    return answer.status_code, answer.json()["Code"]


def test_a_request_that_is_signed_is_answered() -> None:
    answer = client().ask()

    assert answer.status_code == 200
    assert answer.json() == {
        "RequestId": answer.json()["RequestId"],
        "StartTime": WINDOW["StartTime"],
        "EndTime": WINDOW["EndTime"],
        "Events": [],
    }


def test_a_request_in_the_older_way_is_answered() -> None:
    twin = client().twin
    params = OLD.replace("&LookupAttribute.1.Key=EventRW&LookupAttribute.1.Value=Write", "")
    params = params.replace("&NextToken=eyJhIjoxfQ%3D%3D", "")
    unsigned = Request("GET", f"/?{params}&Signature=", {"host": HOST})
    signature = quote(expected(unsigned, CREDENTIALS["access_key_secret"])[0], safe="")

    answer = twin.handle(Request("GET", f"/?{params}&Signature={signature}", {"host": HOST}))

    assert answer.status == 200


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"secret": "0" * 30}, 400, "SignatureDoesNotMatch"),
        ({"key": "LTAI5tSomebodyElses00000"}, 404, "InvalidAccessKeyId.NotFound"),
        ({"x_acs_date": "yesterday"}, 400, "InvalidTimeStamp.Format"),
        ({"x_acs_date": "2023-11-21T09:44:59Z"}, 400, "InvalidTimeStamp.Expired"),
        ({"x_acs_date": "2023-11-21T10:15:01Z"}, 400, "InvalidTimeStamp.Expired"),
        ({"x_acs_version": "2017-12-04"}, 404, "InvalidApi.NotFound"),
        ({"x_acs_action": "DescribeTrails"}, 404, "InvalidApi.NotFound"),
        ({"host": "actiontrail.eu-central-1.aliyuncs.com"}, 404, "InvalidProduct.NotFound"),
        ({"authorization": "Bearer x"}, 400, "MissingParameter"),
    ],
)
def test_a_request_that_is_not_right_is_refused_by_name(
    changed: dict[str, Any], status: int, code: str
) -> None:
    assert refusal(client().ask(**changed)) == (status, code)


def test_a_nonce_is_good_once() -> None:
    asking = client()
    asking.ask(x_acs_signature_nonce="same")

    assert refusal(asking.ask(x_acs_signature_nonce="same")) == (400, "SignatureNonceUsed")


def test_a_user_without_the_permission_is_refused() -> None:
    assert refusal(client(permitted=False).ask()) == (403, "NoPermission")


@pytest.mark.parametrize("status", [400, 429, 503])
def test_the_third_request_in_a_second_is_throttled(status: int) -> None:
    asking = client(rate=2, throttled=status)
    statuses = [asking.ask().status_code for _ in range(2)]

    assert statuses == [200, 200]
    assert refusal(asking.ask()) == (status, "Throttling.User")
    asking.twin.clock.sleep(1)
    assert asking.ask().status_code == 200


@pytest.mark.parametrize(
    ("params", "code"),
    [
        (WINDOW | {"StartTime": "2023-11-21 09:00"}, "InvalidStartTime"),
        (WINDOW | {"StartTime": "2023-11-21T09:45:01Z"}, "InvalidEndTime"),
        (WINDOW | {"EndTime": "2023-11-21T10:00:01Z"}, "InvalidEndTime"),
        (WINDOW | {"StartTime": "2023-08-01T00:00:00Z"}, "InvalidEndTime"),
        (WINDOW | {"MaxResults": 51}, "InvalidMaxResults"),
        (WINDOW | {"MaxResults": "all"}, "InvalidMaxResults"),
        (WINDOW | {"Direction": "forward"}, "InvalidDirection"),
        (WINDOW | {"NextToken": "eyJhIjoxfQ=="}, "InvalidNextToken"),
        (WINDOW | {"Sort": "asc"}, "InvalidSort"),
    ],
)
def test_a_wrong_parameter_is_refused(params: dict[str, Any], code: str) -> None:
    assert refusal(client().ask(params)) == (400, code)


def test_one_bound_is_enough() -> None:
    asking = client()
    inside = asking.twin.put("aliyun_actiontrail", at=NOW - timedelta(days=2))
    asking.twin.put("aliyun_actiontrail", at=NOW - timedelta(days=9))

    for bound in ({"StartTime": "2023-11-18T10:00:00Z"}, {"EndTime": "2023-11-21T09:00:00Z"}):
        assert [event["eventId"] for event in asking.ask(bound).json()["Events"]] == [inside]


def test_events_come_in_the_direction_asked_for_and_newest_first_by_default() -> None:
    asking = client()
    asking.twin.seed("aliyun_actiontrail", events=120, start=NOW - timedelta(hours=1), end=NOW)

    forward = asking.events()
    backward = asking.events(Direction="BACKWARD")
    by_default = [
        event["eventId"]
        for event in asking.ask({k: v for k, v in WINDOW.items() if k != "Direction"}).json()["Events"]
    ]

    assert [event["eventTime"] for event in forward] == sorted(event["eventTime"] for event in forward)
    assert backward == forward[::-1]
    assert by_default == [event["eventId"] for event in backward[:20]]


def test_an_event_can_be_looked_up_ten_minutes_after_it_happened() -> None:
    asking = client()
    asking.twin.put("aliyun_actiontrail", at=NOW - timedelta(minutes=10))
    asking.twin.put("aliyun_actiontrail", at=NOW - timedelta(minutes=9, seconds=59))
    window = {"EndTime": "2023-11-21T10:00:00Z"}

    assert len(asking.events(**window)) == 1
    asking.twin.clock.sleep(1)
    assert len(asking.events(**window)) == 2


@pytest.mark.parametrize(("inclusive", "found"), [(True, 3), (False, 1)])
def test_the_bounds_belong_to_a_query_or_not(inclusive: bool, found: int) -> None:
    asking = client(inclusive=inclusive)
    for seconds in range(3):
        asking.twin.put("aliyun_actiontrail", at=NOW - timedelta(hours=1) + timedelta(seconds=seconds))

    assert len(asking.events(EndTime="2023-11-21T09:00:02Z")) == found


def test_a_page_token_is_bound_to_the_parameters_it_came_with() -> None:
    asking = client()
    asking.twin.seed(
        "aliyun_actiontrail", events=60, start=NOW - timedelta(minutes=50), end=NOW - timedelta(minutes=20)
    )
    token = asking.ask().json()["NextToken"]

    assert asking.ask(WINDOW | {"NextToken": token}).status_code == 200
    assert refusal(asking.ask(WINDOW | {"NextToken": token, "MaxResults": 50})) == (400, "InvalidNextToken")


def test_a_page_token_may_end() -> None:
    asking = client(token_seconds=60)
    asking.twin.seed(
        "aliyun_actiontrail", events=60, start=NOW - timedelta(minutes=50), end=NOW - timedelta(minutes=20)
    )
    token = asking.ask().json()["NextToken"]
    asking.twin.clock.sleep(61)

    assert refusal(asking.ask(WINDOW | {"NextToken": token})) == (400, "InvalidNextToken")


def test_what_is_older_than_ninety_days_is_gone() -> None:
    asking = client()
    asking.twin.put("aliyun_actiontrail", at=NOW - timedelta(days=90, seconds=1))
    asking.twin.put("aliyun_actiontrail", at=NOW - timedelta(days=90))
    window = {"StartTime": "2023-08-23T00:00:00Z", "EndTime": "2023-11-21T00:00:00Z"}

    assert len(asking.events(**window)) == 1


def test_another_log_is_not_simulated() -> None:
    with pytest.raises(UsageError, match="aliyun_other"):
        client().twin.held("aliyun_other")


def test_an_error_reads_as_the_vendors() -> None:
    response = client().twin.failure(503)

    assert isinstance(response, Response)
    assert b'"Code": "ServiceUnavailable"' in response.body
