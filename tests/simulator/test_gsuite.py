"""Google's twin: the sign-in of a service account, what activities.list refuses, and how it lists."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import Counter
from datetime import timedelta
from functools import cache
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from streamalert_apps.errors import UsageError
from streamalert_apps.services.gsuite.twin import Gsuite, Throttled
from streamalert_apps.simulator.faults import Fault
from streamalert_apps.simulator.transport import transport
from tests.simulator.world import NOW, StillClock

TOKEN = "https://oauth2.googleapis.com/token"
SCOPE = "https://www.googleapis.com/auth/admin.reports.audit.readonly"
REPORTS = "https://admin.googleapis.com/admin/reports/v1/activity/users/all/applications"
START = NOW - timedelta(hours=3)
NONE = "\0"  # stands for a claim or parameter that is left out


@cache
def known_key() -> RSAPrivateKey:
    key = load_pem_private_key(Gsuite().credentials["keyfile"]["private_key"].encode(), None)
    assert isinstance(key, RSAPrivateKey)
    return key


@cache
def other_key() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


class Client:
    """Signs in and asks as documented; every part of it can be falsified."""

    def __init__(self, *, faults: tuple[Fault, ...] = (), **options: Any) -> None:
        self.twin = Gsuite(StillClock(), **options)
        self.http = httpx.Client(transport=transport(self.twin, faults))
        self.key = known_key()
        self.token = ""

    def sign_in(self, header: dict[str, Any] | None = None, **claims: Any) -> httpx.Response:
        assertion = self.signed(self.header() | (header or {}), self.claims() | claims)
        form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}
        return self.http.post(TOKEN, data=form)

    def header(self) -> dict[str, Any]:
        return {"alg": "RS256", "typ": "JWT", "kid": self.twin.credentials["keyfile"]["private_key_id"]}

    def claims(self) -> dict[str, Any]:
        now = int(self.twin.clock.now().timestamp())
        return {
            "iss": self.twin.credentials["keyfile"]["client_email"],
            "sub": self.twin.credentials["delegation_email"],
            "scope": SCOPE,
            "aud": TOKEN,
            "iat": now,
            "exp": now + 3600,
        }

    def signed(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        parts = [{name: value for name, value in part.items() if value != NONE} for part in (header, claims)]
        text = ".".join(base64(json.dumps(part).encode()) for part in parts)
        return f"{text}.{base64(self.key.sign(text.encode(), PKCS1v15(), SHA256()))}"

    def get(self, application: str = "login", url: str = "", **params: Any) -> httpx.Response:
        self.token = self.token or self.sign_in().json().get("access_token", "")
        sent = {"startTime": stamp(START), "endTime": stamp(NOW)} | params
        return self.http.get(
            url or f"{REPORTS}/{application}",
            params={name: value for name, value in sent.items() if value != NONE},
            headers={"Authorization": f"Bearer {self.token}"},
        )

    def pages(self, **params: Any) -> list[dict[str, Any]]:
        """Follow nextPageToken to the end."""
        pages: list[dict[str, Any]] = []
        token: dict[str, str] = {}
        while True:
            answer = self.get(**params, **token)
            assert answer.status_code == 200, answer.text
            pages.append(answer.json())
            if "nextPageToken" not in pages[-1]:
                return pages
            token = {"pageToken": pages[-1]["nextPageToken"]}


def base64(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def stamp(time: Any) -> str:
    return str(time.isoformat(timespec="milliseconds").replace("+00:00", "Z"))


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    body = answer.json()
    if isinstance(body["error"], str):
        return answer.status_code, body["error"], body["error_description"]
    assert body["error"]["code"] == answer.status_code
    return answer.status_code, body["error"]["errors"][0]["reason"], body["error"]["message"]


def ids(pages: list[dict[str, Any]]) -> Counter[str]:
    twin = Gsuite()
    return Counter(twin.identify("gsuite_login", item) for page in pages for item in page.get("items", []))


def test_a_service_account_gets_a_token_for_an_hour() -> None:
    answer = Client().sign_in()

    assert answer.status_code == 200
    assert answer.json()["access_token"].startswith("ya29.")
    assert (answer.json()["expires_in"], answer.json()["token_type"]) == (3599, "Bearer")


def test_the_id_of_the_key_may_be_left_out() -> None:
    assert Client().sign_in({"kid": NONE}).status_code == 200


SIGNATURE = (400, "invalid_grant", "Invalid JWT Signature.")


@pytest.mark.parametrize("header", [{"alg": "none"}, {"alg": "HS256"}, {"kid": "0" * 40}, {"alg": NONE}])
def test_a_wrong_header_is_a_wrong_signature(header: dict[str, str]) -> None:
    assert refusal(Client().sign_in(header)) == SIGNATURE


def test_another_key_is_a_wrong_signature() -> None:
    client = Client()
    client.key = other_key()

    assert refusal(client.sign_in()) == SIGNATURE


def test_what_is_not_what_was_signed_is_a_wrong_signature() -> None:
    client = Client()
    header, claims, signature = client.signed(client.header(), client.claims()).split(".")
    changed = json.loads(urlsafe_b64decode(claims + "==")) | {"sub": "root@example.com"}
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"}

    for assertion in (
        f"{header}.{base64(json.dumps(changed).encode())}.{signature}",
        f"{header}.{claims}.{signature}==",
        f"{header}.{claims}",
        "",
        "ü",
    ):
        assert refusal(client.http.post(TOKEN, data=form | {"assertion": assertion})) == SIGNATURE


LIFE = 3600
AT = int(NOW.timestamp())


@pytest.mark.parametrize(
    ("claims", "error", "words"),
    [
        ({"iss": "other@example.iam.gserviceaccount.com"}, "invalid_grant", "account not found"),
        ({"aud": "https://api.box.com/oauth2/token"}, "invalid_grant", "audience"),
        ({"aud": NONE}, "invalid_grant", "audience"),
        ({"exp": AT + LIFE + 1}, "invalid_grant", "short-lived"),
        ({"iat": AT - 7200, "exp": AT - 3600}, "invalid_grant", "short-lived"),
        ({"iat": AT + 600, "exp": AT + 900}, "invalid_grant", "short-lived"),
        ({"exp": NONE}, "invalid_grant", "short-lived"),
        ({"iat": str(AT)}, "invalid_grant", "short-lived"),
        ({"scope": NONE}, "invalid_scope", "scope"),
        ({"sub": "nobody@example.com"}, "invalid_grant", "Invalid email or User ID"),
        ({"sub": NONE}, "invalid_grant", "Invalid email or User ID"),
    ],
)
def test_a_wrong_claim_is_refused_in_its_own_words(claims: dict[str, Any], error: str, words: str) -> None:
    answer = refusal(Client().sign_in(**claims))

    assert answer[:2] == (400, error)
    assert words in answer[2]


@pytest.mark.parametrize("seconds", [-300, 240])
def test_a_clock_that_differs_by_minutes_is_good_enough(seconds: int) -> None:
    assert Client().sign_in(iat=AT + seconds, exp=AT + seconds + 3600).status_code == 200


@pytest.mark.parametrize(
    ("options", "claims"),
    [({"delegated": False}, {}), ({}, {"scope": f"{SCOPE} https://www.googleapis.com/auth/drive"})],
)
def test_a_scope_that_was_not_delegated_is_unauthorized_client(
    options: dict[str, Any], claims: dict[str, Any]
) -> None:
    status, error, words = refusal(Client(**options).sign_in(**claims))

    assert (status, error) == (401, "unauthorized_client")
    assert "not authorized for any of the scopes" in words


@pytest.mark.parametrize("form", [{"grant_type": "client_credentials"}, {}])
def test_another_grant_is_unsupported(form: dict[str, str]) -> None:
    assert refusal(Client().http.post(TOKEN, data=form))[:2] == (400, "unsupported_grant_type")


def test_without_a_token_or_with_a_foreign_or_an_old_one_nothing_is_shown() -> None:
    client = Client(token_seconds=600)
    client.token = "ya29.foreign"
    foreign = refusal(client.get())
    client.token = ""
    good = client.get().status_code
    client.twin.clock.sleep(600)

    assert foreign[:2] == refusal(client.get())[:2] == (401, "authError")
    assert refusal(client.http.get(f"{REPORTS}/login"))[:2] == (401, "authError")
    assert good == 200


def test_revoked_tokens_are_refused() -> None:
    client = Client()
    good = client.get().status_code
    client.twin.revoke_tokens()

    assert (good, client.get().status_code) == (200, 401)


def test_an_administrator_without_the_privilege_is_refused() -> None:
    words = "Access denied. You are not authorized to read activity records."

    assert refusal(Client(privilege=False).get()) == (401, "authError", words)


def test_a_project_without_the_api_is_refused() -> None:
    assert refusal(Client(api_enabled=False).get())[:2] == (403, "accessNotConfigured")


def test_more_requests_than_the_quota_are_429_until_the_minute_is_over() -> None:
    client = Client(rate=2)

    statuses = [client.get().status_code for _ in range(3)]
    client.twin.clock.sleep(60)

    assert statuses == [200, 200, 429]
    assert client.get().status_code == 200


@pytest.mark.parametrize("reason", ["rateLimitExceeded", "userRateLimitExceeded"])
def test_a_limit_can_also_be_told_with_403(reason: str) -> None:
    client = Client(faults=(Fault(Throttled(reason), path="/admin/*"),))

    assert refusal(client.get())[:2] == (403, reason)


@pytest.mark.parametrize("url", [f"{TOKEN}/x", "https://admin.googleapis.com/", "https://example.com/token"])
def test_what_is_somewhere_else_is_not_found(url: str) -> None:
    assert Client().get(url=url).status_code == 404


def test_the_old_host_answers_too() -> None:
    url = f"{REPORTS}/login".replace("admin.googleapis.com", "www.googleapis.com")

    assert Client().get(url=url).status_code == 200


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"startTime": stamp(NOW), "endTime": NONE}, "before the current time"),
        ({"startTime": stamp(NOW + timedelta(days=1)), "endTime": NONE}, "before the current time"),
        ({"startTime": stamp(START), "endTime": stamp(START)}, "before end time"),
        ({"startTime": "yesterday"}, "startTime"),
        ({"startTime": "2023-13-01T00:00:00Z"}, "startTime"),
        ({"startTime": "2023-11-21T00:00:00"}, "startTime"),
        ({"endTime": str(AT)}, "endTime"),
        ({"maxResults": 0}, "maxResults"),
        ({"maxResults": 1001}, "maxResults"),
        ({"maxResults": "all"}, "maxResults"),
        ({"pageToken": "A:1:2:3:C02abcd3e"}, "pageToken"),
        ({"eventName": "login_success"}, "Bad Request"),
    ],
)
def test_a_wrong_parameter_is_refused(params: dict[str, Any], words: str) -> None:
    status, reason, message = refusal(Client().get(**params))

    assert (status, reason) == (400, "badRequest")
    assert words in message


def test_an_unknown_application_is_refused() -> None:
    assert refusal(Client().get("hangouts"))[:2] == (400, "badRequest")


def test_unknown_parameters_are_ignored_and_times_may_have_an_offset() -> None:
    params: dict[str, Any] = {"startTime": "2023-11-21T08:00:00.5+01:00", "surprise": 1}

    assert Client().get(**params).status_code == 200


@pytest.mark.parametrize(
    ("days", "end", "status"), [(30, stamp(NOW), 200), (30.1, stamp(NOW), 400), (1, NONE, 400)]
)
def test_gmail_needs_both_times_and_thirty_days_at_most(days: float, end: str, status: int) -> None:
    answer = Client().get("gmail", startTime=stamp(NOW - timedelta(days=days)), endTime=end)

    assert answer.status_code == status


def test_an_empty_report_has_no_items() -> None:
    answer = Client().get().json()

    assert answer["kind"] == "admin#reports#activities"
    assert "items" not in answer
    assert "nextPageToken" not in answer


def test_following_the_tokens_gives_each_activity_once_newest_first() -> None:
    client = Client()
    client.twin.seed("gsuite_login", events=900, burst=400, start=START, end=NOW - timedelta(minutes=3))

    pages = client.pages(maxResults=70)

    times = [item["id"]["time"] for page in pages for item in page["items"]]
    assert len(pages) == 13
    assert times == sorted(times, reverse=True)
    assert ids(pages) == client.twin.held("gsuite_login")


@pytest.mark.parametrize("size", [1, 7])
def test_pages_end_inside_one_millisecond_and_lose_nothing(size: int) -> None:
    client = Client()
    for _ in range(15):
        client.twin.put("gsuite_login", at=NOW - timedelta(minutes=10))

    assert ids(client.pages(maxResults=size)) == client.twin.held("gsuite_login")


def test_both_bounds_count_in() -> None:
    client = Client()
    at = NOW - timedelta(minutes=10)
    client.twin.put("gsuite_login", at=at)
    step = timedelta(milliseconds=1)

    def found(start: Any, end: Any) -> int:
        return len(client.get(startTime=stamp(start), endTime=stamp(end)).json().get("items", []))

    assert [found(at, at + step), found(at - step, at)] == [1, 1]
    assert [found(at + step, at + 2 * step), found(at - 2 * step, at - step)] == [0, 0]


def test_a_token_is_good_for_the_same_query_alone_and_only_for_its_time() -> None:
    client = Client(page_token_seconds=300)
    client.twin.seed("gsuite_login", events=50, start=START, end=NOW - timedelta(minutes=3))
    token = client.get(maxResults=20).json()["nextPageToken"]

    same = client.get(maxResults=20, pageToken=token).status_code
    other = client.get(maxResults=21, pageToken=token).status_code
    client.twin.clock.sleep(301)
    late = client.get(maxResults=20, pageToken=token).status_code

    assert (same, other, late) == (200, 400, 400)


def test_the_end_can_hand_out_the_same_token_for_ever() -> None:
    client = Client(stuck_token=True)
    client.twin.put("gsuite_login", at=START)

    token = client.get().json()["nextPageToken"]
    after = client.get(pageToken=token).json()

    assert "items" not in after
    assert after["nextPageToken"] == token


def test_activities_show_up_out_of_order() -> None:
    client = Client()
    client.twin.seed("gsuite_token", events=300, start=NOW - timedelta(minutes=30), end=NOW)

    def shown() -> list[str]:
        return [item["id"]["time"] for item in client.get("token").json().get("items", [])]

    first = shown()
    client.twin.clock.sleep(3 * 3600)
    client.token = ""
    later = set(shown()) - set(first)

    assert first
    assert min(later) < max(first)
    assert len(first) + len(later) > 250


def test_one_qualifier_may_be_that_of_two_activities_of_different_times() -> None:
    client = Client()
    client.twin.seed("gsuite_login", events=500, start=START, end=NOW - timedelta(minutes=3))

    qualifiers = Counter(item["id"]["uniqueQualifier"] for item in client.get().json()["items"])

    assert max(qualifiers.values()) == 2
    assert sum(qualifiers.values()) == client.twin.held("gsuite_login").total() == 500


def test_activities_older_than_180_days_are_gone() -> None:
    client = Client()
    kept = NOW - timedelta(days=180, seconds=-1)
    client.twin.put("gsuite_login", at=NOW - timedelta(days=180, seconds=1))
    client.twin.put("gsuite_login", at=kept)

    (item,) = client.get(startTime=NONE, endTime=NONE).json()["items"]

    assert item["id"]["time"] == stamp(kept)


def test_activities_are_as_varied_as_real_ones() -> None:
    client = Client()
    client.twin.seed("gsuite_drive", events=800, start=START, end=NOW - timedelta(minutes=3))

    items = client.get("drive").json()["items"]

    holders = {
        holder
        for item in items
        for event in item["events"]
        for parameter in event.get("parameters", ())
        for holder in parameter.keys() - {"name"}
    }
    assert holders >= {"value", "intValue", "boolValue", "multiValue", "messageValue", "multiMessageValue"}
    assert {len(item["events"]) for item in items} == {1, 2, 3}
    assert {True, False} == {"ipAddress" in item for item in items}
    assert {True, False} == {"email" in item["actor"] for item in items}
    assert any(int(item["id"]["uniqueQualifier"]) < 0 for item in items)


def test_every_application_has_a_report_of_its_own() -> None:
    client = Client()
    for app_type in ("gsuite_gplus", "gsuite_workspace_studio"):
        client.twin.put(app_type, at=START)

    for application in ("gplus", "workspace_studio"):
        (item,) = client.get(application).json()["items"]
        assert item["id"]["applicationName"] == application


def test_fields_size_and_qualifier_of_a_single_activity_can_be_chosen() -> None:
    client = Client()
    client.twin.put("gsuite_login", at=START, qualifier="-7", size=5000, ownerDomain="100% ü.example")

    (item,) = client.get().json()["items"]

    assert (item["id"]["uniqueQualifier"], item["ownerDomain"]) == ("-7", "100% ü.example")
    assert len(json.dumps(item)) > 5000


def test_a_report_that_google_does_not_have_is_unknown() -> None:
    with pytest.raises(UsageError, match="gsuite_hangouts"):
        Gsuite().held("gsuite_hangouts")


def test_credentials_are_those_of_the_seed_and_the_key_is_always_the_same() -> None:
    one, two = Gsuite(seed=1).credentials["keyfile"], Gsuite(seed=2).credentials["keyfile"]

    assert one == Gsuite(seed=1).credentials["keyfile"]
    assert one["client_email"] != two["client_email"]
    assert one["private_key"] == two["private_key"]
