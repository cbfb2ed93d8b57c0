"""Box's twin: how an app signs in, what is refused, and the two feeds of an enterprise."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from streamalert_apps.services.box.twin import Box
from streamalert_apps.simulator.transport import transport
from tests.simulator.world import NOW, StillClock

APP = "box_admin_events"
TOKEN = "https://api.box.com/oauth2/token"
EVENTS = "https://api.box.com/2.0/events"
STREAM, LOG = "admin_logs_streaming", "admin_logs"
START = NOW - timedelta(hours=3)
AT = int(NOW.timestamp())
NONE = "\0"  # stands for a claim or field that is left out
HASHES: dict[str, Callable[[], HashAlgorithm]] = {"RS256": SHA256, "RS384": SHA384, "RS512": SHA512}


@cache
def other_key() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


@cache
def loaded(pem: str, passphrase: str) -> RSAPrivateKey:
    key = load_pem_private_key(pem.encode(), passphrase.encode())
    assert isinstance(key, RSAPrivateKey)
    return key


class Client:
    """Signs in and asks as documented; every part of it can be falsified."""

    def __init__(self, **options: Any) -> None:
        self.twin = Box(StillClock(), **options)
        self.http = httpx.Client(transport=transport(self.twin))
        file = self.twin.credentials["keyfile"]
        self.settings, self.enterprise = file["boxAppSettings"], file["enterpriseID"]
        self.token = ""
        self.count = 0

    def key(self) -> RSAPrivateKey:
        own = self.settings["appAuth"]
        return loaded(own["privateKey"], own["passphrase"])

    def sign_in(
        self,
        *,
        key: RSAPrivateKey | None = None,
        header: dict[str, str] | None = None,
        form: dict[str, str] | None = None,
        **claims: Any,
    ) -> httpx.Response:
        self.count += 1
        told = {"alg": "RS256", "typ": "JWT", "kid": self.settings["appAuth"]["publicKeyID"]} | (header or {})
        stated = {
            "iss": self.settings["clientID"],
            "sub": self.enterprise,
            "box_sub_type": "enterprise",
            "aud": TOKEN,
            "jti": f"{self.count:032}",
            "exp": int(self.twin.clock.now().timestamp()) + 45,
        } | claims
        text = ".".join(base64(json.dumps(kept(part)).encode()) for part in (told, stated))
        signature = (key or self.key()).sign(text.encode(), PKCS1v15(), HASHES.get(told["alg"], SHA256)())
        return self.post({
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion": f"{text}.{base64(signature)}",
            **(form or {}),
        })

    def post(self, form: dict[str, str]) -> httpx.Response:
        client = {"client_id": self.settings["clientID"], "client_secret": self.settings["clientSecret"]}
        return self.http.post(TOKEN, data=kept(client | form))

    def get(self, **params: Any) -> httpx.Response:
        self.token = self.token or self.sign_in().json()["access_token"]
        sent: dict[str, Any] = {"stream_type": STREAM, "limit": 500} | params
        return self.http.get(EVENTS, params=sent, headers={"Authorization": f"Bearer {self.token}"})

    def pages(self, **params: Any) -> list[dict[str, Any]]:
        """Follow the positions to an empty page."""
        pages = [self.get(**params).json()]
        while pages[-1]["entries"]:
            position = pages[-1]["next_stream_position"]
            pages.append(self.get(**(params | {"stream_position": position})).json())
        return pages


def base64(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def kept(part: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in part.items() if value != NONE}


def ids(pages: list[dict[str, Any]]) -> Counter[str]:
    return Counter(entry["event_id"] for page in pages for entry in page["entries"])


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    body = answer.json()
    if "error" in body:
        return answer.status_code, body["error"], body["error_description"]
    assert (body["type"], body["status"]) == ("error", answer.status_code)
    return answer.status_code, body["code"], body["message"]


@pytest.mark.parametrize("algorithm", HASHES)
def test_an_app_with_a_key_gets_a_token_for_an_hour(algorithm: str) -> None:
    answer = Client().sign_in(header={"alg": algorithm})

    assert answer.status_code == 200
    assert answer.json().keys() == {"access_token", "expires_in", "restricted_to", "token_type"}
    assert (answer.json()["expires_in"], answer.json()["token_type"]) == (4169, "bearer")


def test_the_private_key_is_encrypted_as_in_boxs_file() -> None:
    own = Client().settings["appAuth"]

    assert own["privateKey"].startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----")
    with pytest.raises(ValueError, match="password"):
        load_pem_private_key(own["privateKey"].encode(), b"another")


def test_another_key_or_key_id_is_a_wrong_signature() -> None:
    client = Client()
    wrong = (400, "invalid_grant", "OAuth JWT signature validation failed")

    assert refusal(client.sign_in(key=other_key())) == wrong
    assert refusal(client.sign_in(header={"kid": "00000000"})) == wrong
    assert refusal(client.sign_in(header={"alg": "HS256"})) == wrong
    assert refusal(client.sign_in(form={"assertion": "rubbish"})) == wrong


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"iss": "0" * 32}, "'iss'"),
        ({"sub": "1"}, "'sub'"),
        ({"box_sub_type": "user"}, "'box_sub_type'"),
        ({"aud": "https://oauth2.googleapis.com/token"}, "'aud'"),
        ({"exp": AT + 61}, "exceeds the maximum value of 60 seconds"),
        ({"exp": AT}, "MUST be before the expiration"),
        ({"exp": NONE}, "'exp'"),
        ({"jti": "short"}, "'jti'"),
        ({"jti": "x" * 129}, "'jti'"),
        ({"jti": NONE}, "'jti'"),
    ],
)
def test_a_wrong_claim_is_refused_by_its_name(claims: dict[str, Any], words: str) -> None:
    status, error, description = refusal(Client().sign_in(**claims))

    assert (status, error) == (400, "invalid_grant")
    assert words in description


def test_an_assertion_is_good_for_once() -> None:
    client = Client()

    first = client.sign_in(jti="a" * 64).status_code
    second = refusal(client.sign_in(jti="a" * 64))

    assert first == 200
    assert "A unique 'jti' value is required" in second[2]


@pytest.mark.parametrize("field", ["client_id", "client_secret"])
@pytest.mark.parametrize("value", ["0" * 32, NONE])
def test_a_wrong_client_is_refused(field: str, value: str) -> None:
    assert refusal(Client().sign_in(form={field: value}))[:2] == (400, "invalid_client")


def test_an_app_that_nobody_approved_gets_no_token() -> None:
    assert refusal(Client(authorized=False).sign_in())[:2] == (400, "unauthorized_client")


@pytest.mark.parametrize("grant", ["password", NONE])
def test_another_grant_is_unsupported(grant: str) -> None:
    assert refusal(Client().sign_in(form={"grant_type": grant}))[:2] == (400, "unsupported_grant_type")


def ccg(client: Client, **changed: str) -> httpx.Response:
    form = {"grant_type": "client_credentials", "box_subject_type": "enterprise"}
    return client.post(form | {"box_subject_id": client.enterprise} | changed)


def test_an_app_without_a_key_gets_a_token_by_its_secret() -> None:
    assert ccg(Client(grant="client_credentials")).status_code == 200


@pytest.mark.parametrize("changed", [{"box_subject_id": "1"}, {"box_subject_type": "user"}])
def test_a_subject_that_is_not_the_enterprise_is_refused(changed: dict[str, str]) -> None:
    answer = ccg(Client(grant="client_credentials"), **changed)

    assert refusal(answer) == (400, "invalid_grant", "Grant credentials are invalid")


def test_each_app_has_one_grant() -> None:
    by_secret = Client(grant="client_credentials")

    assert refusal(ccg(Client()))[1] == "unauthorized_client"
    assert refusal(by_secret.sign_in(key=other_key()))[1] == "unauthorized_client"


def test_without_a_token_or_with_a_foreign_or_an_old_one_nothing_is_shown() -> None:
    client = Client(token_seconds=600)
    client.token = "foreign"
    foreign = client.get()
    client.token = ""
    good = client.get().status_code
    client.twin.clock.sleep(600)

    assert refusal(foreign)[:2] == refusal(client.get())[:2] == (401, "unauthorized")
    assert "invalid_token" in foreign.headers["www-authenticate"]
    assert good == 200


def test_revoked_tokens_are_refused() -> None:
    client = Client()
    good = client.get().status_code
    client.twin.revoke_tokens()

    assert (good, client.get().status_code) == (200, 401)


def test_an_app_without_the_scope_is_refused() -> None:
    assert refusal(Client(scope=False).get())[:2] == (403, "insufficient_scope")


def test_more_requests_than_the_limit_are_429_with_the_seconds_to_wait() -> None:
    client = Client(rate=2)
    client.get()
    client.twin.clock.sleep(20)
    client.get()

    answer = client.get()
    client.twin.clock.sleep(int(answer.headers["retry-after"]))

    assert refusal(answer)[:2] == (429, "rate_limit_exceeded")
    assert answer.headers["retry-after"] == "40"
    assert client.get().status_code == 200


@pytest.mark.parametrize(
    "params",
    [
        {"limit": 0},
        {"limit": 501},
        {"limit": "all"},
        {"stream_type": "everything"},
        {"stream_type": "changes"},
        {"stream_position": "tomorrow"},
        {"stream_position": "12345"},
        {"stream_position": "-1"},
        {"stream_type": LOG, "stream_position": "12345"},
        {"stream_type": LOG, "created_after": "yesterday"},
        {"event_type": "LOGIN"},
    ],
)
def test_a_wrong_parameter_is_refused(params: dict[str, Any]) -> None:
    assert refusal(Client().get(**params))[:2] == (400, "bad_request")


def test_what_is_somewhere_else_is_not_found_and_another_method_is_refused() -> None:
    client = Client()
    client.get()
    headers = {"Authorization": f"Bearer {client.token}"}

    assert client.http.get("https://api.box.com/2.0/users", headers=headers).status_code == 404
    assert client.http.get("https://example.com/2.0/events", headers=headers).status_code == 404
    assert client.http.post(EVENTS, headers=headers).status_code == 405


def test_the_stream_gives_each_event_at_least_once_on_pages_that_are_not_full() -> None:
    client = Client()
    client.twin.seed(APP, events=1500, burst=400, start=START, end=NOW - timedelta(minutes=1))

    pages = client.pages(stream_position="0")

    given = ids(pages)
    sizes = [page["chunk_size"] for page in pages]
    assert given.keys() == client.twin.held(APP).keys()
    assert set(given.values()) == {1, 2}
    assert sizes[-1] == 0
    assert min(sizes[:-2]) < 500
    assert [len(page["entries"]) for page in pages] == sizes


def test_a_second_copy_comes_soon_after_the_first() -> None:
    client = Client()
    client.twin.seed(APP, events=600, start=START, end=NOW - timedelta(minutes=1))

    order = [entry["event_id"] for page in client.pages(stream_position="0") for entry in page["entries"]]

    twice = [name for name, times in Counter(order).items() if times == 2]
    gaps = [len(order) - 1 - order[::-1].index(name) - order.index(name) for name in twice]
    assert len(twice) > 10
    assert set(gaps) == {12}


def test_positions_are_numbers_too_large_for_a_float_or_texts() -> None:
    client = Client(page_size=10, short_pages=False)
    client.twin.seed(APP, events=90, start=START, end=NOW - timedelta(minutes=1))

    positions = [page["next_stream_position"] for page in client.pages(stream_position="0")]

    assert {type(position) for position in positions} == {int, str}
    assert all(int(position) > 2**53 for position in positions)
    assert any(int(float(position)) != int(position) for position in positions)


def test_an_empty_page_of_the_stream_hands_out_the_same_position_again() -> None:
    client = Client()
    first = client.get(stream_position="now").json()

    again = client.get(stream_position=first["next_stream_position"]).json()

    assert (again["chunk_size"], again["entries"]) == (0, [])
    assert int(again["next_stream_position"]) == int(first["next_stream_position"])


def test_what_is_late_comes_after_the_position_and_not_before_it() -> None:
    client = Client()
    client.twin.put(APP, at=NOW - timedelta(minutes=1))
    late = client.twin.put(APP, at=NOW - timedelta(hours=2), visible=NOW + timedelta(minutes=1))
    position = client.pages(stream_position="0")[-1]["next_stream_position"]
    client.twin.clock.sleep(60)

    (page, _) = client.pages(stream_position=position)

    assert [entry["event_id"] for entry in page["entries"]] == [late]


def test_the_stream_holds_two_weeks() -> None:
    client = Client()
    client.twin.put(APP, at=NOW - timedelta(days=14, minutes=1))
    kept_one = client.twin.put(APP, at=NOW - timedelta(days=13, hours=23))

    assert ids(client.pages(stream_position="0")).keys() == {kept_one}


@pytest.mark.parametrize("refuses_old", [True, False])
def test_a_position_that_is_too_old_is_refused_or_taken_for_the_oldest(*, refuses_old: bool) -> None:
    client = Client(refuses_old=refuses_old)
    position = client.get(stream_position="now").json()["next_stream_position"]
    client.twin.put(APP, at=NOW)
    client.twin.clock.sleep(15 * 86400)
    kept_one = client.twin.put(APP, at=client.twin.clock.now() - timedelta(minutes=1))
    client.token = ""

    answer = client.get(stream_position=position)

    assert answer.status_code == (400 if refuses_old else 200)
    assert refuses_old or [entry["event_id"] for entry in answer.json()["entries"]] == [kept_one]


def test_the_log_gives_each_event_once_as_it_happened_between_two_times() -> None:
    client = Client()
    client.twin.seed(APP, events=900, start=START - timedelta(hours=3), end=NOW - timedelta(hours=2))
    bounds = {"created_after": START.isoformat(), "created_before": (NOW - timedelta(hours=1)).isoformat()}

    pages = client.pages(stream_type=LOG, **bounds)

    times = [datetime.fromisoformat(entry["created_at"]) for page in pages for entry in page["entries"]]
    assert ids(pages) == client.twin.held(APP, since=START)
    assert times == sorted(times)


def test_the_bounds_of_the_log_do_not_count_any_more_where_a_position_is_given() -> None:
    client = Client(page_size=5)
    client.twin.seed(APP, events=30, start=START, end=NOW - timedelta(hours=2))
    before = {"created_before": (START + timedelta(minutes=20)).isoformat()}

    pages = client.pages(stream_type=LOG, **before)

    assert ids(pages) == client.twin.held(APP)


def test_the_log_has_an_event_an_hour_later() -> None:
    client = Client()
    client.twin.put(APP, at=NOW - timedelta(minutes=59))

    assert client.get(stream_type=LOG).json()["chunk_size"] == 0
    client.twin.clock.sleep(120)
    assert client.get(stream_type=LOG).json()["chunk_size"] == 1


def test_an_empty_page_of_the_log_has_the_position_zero() -> None:
    assert int(Client().get(stream_type=LOG).json()["next_stream_position"]) == 0


def test_the_log_holds_a_year() -> None:
    client = Client()
    client.twin.put(APP, at=NOW - timedelta(days=366))
    kept_one = client.twin.put(APP, at=NOW - timedelta(days=364))

    assert ids(client.pages(stream_type=LOG)).keys() == {kept_one}


def test_events_are_as_varied_as_real_ones() -> None:
    client = Client()
    client.twin.seed(APP, events=800, start=START, end=NOW - timedelta(minutes=1))

    events = [entry for page in client.pages(stream_position="0") for entry in page["entries"]]

    sources = [event["source"] for event in events]
    assert None in sources
    assert {"item_type", "etag", "login"} <= {name for source in sources if source for name in source}
    assert {type(event["additional_details"]) for event in events} == {dict, type(None)}
    assert {True, False} == {"recorded_at" in event for event in events}
    assert all(event["created_at"].endswith("-08:00") for event in events)


def test_a_single_event_can_be_given_fields_and_a_size() -> None:
    client = Client()
    client.twin.put(APP, at=START, size=5000, event_type="100% ü")

    (event,) = client.get(stream_position="0").json()["entries"]

    assert event["event_type"] == "100% ü"
    assert len(json.dumps(event)) > 5000


def test_credentials_are_those_of_the_seed_and_open_the_same_key() -> None:
    one, two = Client(seed=1), Client(seed=2)

    assert one.settings["clientID"] == Client(seed=1).settings["clientID"] != two.settings["clientID"]
    assert one.key().private_numbers() == two.key().private_numbers()
