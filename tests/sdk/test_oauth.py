"""A token is got when it is needed, kept while it lives, renewed once when it is refused."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from datetime import timedelta
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from streamalert_apps.errors import (
    AppError,
    BadResponse,
    ConfigError,
    CredentialsError,
    RateLimited,
    Unavailable,
)
from streamalert_apps.sdk.http import Answer, Api
from streamalert_apps.sdk.oauth import (
    Bearer,
    Refusal,
    Token,
    client_assertion,
    judging_sign_in,
    load_private_key,
    signed_jwt,
)
from tests.simulator.world import StillClock

URL = "https://api.example.com/v1"


class Service:
    """Gives tokens t1, t2 … that live for so long, and takes those that are not refused."""

    def __init__(self, seconds: float | None = 3600) -> None:
        self.seconds = seconds
        self.given = 0
        self.refused: set[str] = set()
        self.used: list[str] = []
        self.clock = StillClock()
        self.api = Api(clock=self.clock, transport=httpx.MockTransport(self._answer))
        self.bearer = Bearer(self.api, self._give)

    def _give(self) -> Token:
        self.given += 1
        return Token(f"t{self.given}", self.seconds)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        token = request.headers["Authorization"].removeprefix("Bearer ")
        self.used.append(token)
        return httpx.Response(401 if token in self.refused else 200, json={})


def answer(body: Any, status: int = 200) -> Answer:
    return Answer("api.example.com/token", status, {}, json.dumps(body).encode())


def test_no_token_is_asked_for_before_it_is_needed() -> None:
    assert Service().given == 0


def test_one_token_serves_many_requests() -> None:
    service = Service()

    service.bearer.get(URL)
    service.bearer.post(URL, json={})
    list(service.bearer.stream(URL))

    assert service.used == ["t1", "t1", "t1"]


def test_what_is_posted_may_have_headers_of_its_own() -> None:
    seen: list[httpx.Headers] = []

    def note(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers)
        return httpx.Response(200, json={})

    api = Api(clock=StillClock(), transport=httpx.MockTransport(note))
    Bearer(api, lambda: Token("t1")).post(URL, headers={"X-Kind": "JWT"}, json={})

    assert (seen[0]["X-Kind"], seen[0]["Authorization"]) == ("JWT", "Bearer t1")


@pytest.mark.parametrize(("seconds", "kept"), [(3600, 3539), (30, 14), (None, 3539)])
def test_a_token_is_renewed_before_its_end(seconds: float | None, kept: float) -> None:
    service = Service(seconds)
    service.bearer.get(URL)

    service.clock.time += timedelta(seconds=kept)
    service.bearer.get(URL)
    service.clock.time += timedelta(seconds=2)
    service.bearer.get(URL)

    assert service.used == ["t1", "t1", "t2"]


def test_a_kept_token_that_is_refused_is_renewed_once() -> None:
    service = Service()
    service.bearer.get(URL)
    service.refused = {"t1"}

    service.bearer.get(URL)

    assert service.used == ["t1", "t1", "t2"]


def test_a_new_token_that_is_refused_is_a_refusal() -> None:
    service = Service()
    service.refused = {"t1", "t2"}

    with pytest.raises(CredentialsError):
        service.bearer.get(URL)

    assert service.used == ["t1"]


def test_a_renewed_token_that_is_refused_too_is_a_refusal() -> None:
    service = Service()
    service.bearer.get(URL)
    service.refused = {"t1", "t2"}

    with pytest.raises(CredentialsError):
        service.bearer.get(URL)

    assert service.used == ["t1", "t1", "t2"]


def test_a_token_shows_nothing_of_itself() -> None:
    assert "s3cr3t" not in repr(Token("s3cr3t", 3600))


def test_a_grant_is_read() -> None:
    assert Token.of(answer({"access_token": "t", "expires_in": 60, "scope": "x"})) == Token("t", 60)
    assert Token.of(answer({"access_token": "t", "expires_in": "60"})) == Token("t", 60)


@pytest.mark.parametrize("told", [None, "", "soon", 0, -1, [], {}, "NaN"])
def test_a_life_that_makes_no_sense_is_as_if_it_were_not_told(told: Any) -> None:
    assert Token.of(answer({"access_token": "t", "expires_in": told})) == Token("t")


@pytest.mark.parametrize("told", [1e300, 2**70, "1e999"])
def test_a_life_without_end_is_a_long_one(told: Any) -> None:
    service = Service(Token.of(answer({"access_token": "t", "expires_in": told})).seconds)

    service.bearer.get(URL)
    service.clock.time += timedelta(days=300)
    service.bearer.get(URL)

    assert service.used == ["t1", "t1"]


@pytest.mark.parametrize("token", ["", "a b", "a\nb", "\u00e9"])
def test_a_token_that_no_request_can_carry_is_told_at_once(token: str) -> None:
    with pytest.raises(BadResponse, match="gave no token that a request can carry"):
        Token.of(answer({"access_token": token}))
    assert Token.of(answer({"access_token": "t"})) == Token("t", None)


def test_an_answer_without_a_token_is_told() -> None:
    with pytest.raises(BadResponse, match="missing required field `access_token`"):
        Token.of(answer({"error": "x"}))


def test_a_refusal_is_read_and_anything_else_is_none() -> None:
    assert Refusal.of(answer({"error": "invalid_grant"})).error == "invalid_grant"
    assert Refusal.of(answer([1])) == Refusal()


@pytest.mark.parametrize(
    ("error", "description", "kind"),
    [
        ("unknown_error", "retry your request", Unavailable),
        ("server_error", "", Unavailable),
        ("temporarily_unavailable", "", Unavailable),
        ("internal_failure", "", Unavailable),
        ("invalid_grant", "Please try again later.", Unavailable),
        ("invalid_grant", "login rate exceeded", RateLimited),
        ("login_rate_exceeded", "", RateLimited),
        ("rate_limit_exceeded", "", RateLimited),
        ("too_many_requests", "", RateLimited),
        ("slow_down", "", RateLimited),
    ],
)
@pytest.mark.parametrize("status", [400, 401, 403])
def test_what_will_pass_is_no_refusal_whatever_its_status(
    error: str, description: str, kind: type[AppError], status: int
) -> None:
    judge = judging_sign_in(lambda *_: CredentialsError("Make a new key."))
    said = Answer("it", status, {}, json.dumps({"error": error, "error_description": description}).encode())

    assert type(judge(said)) is kind


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error": {"code": 400}}'])
def test_what_is_no_refusal_of_its_form_is_left_to_its_status(body: bytes) -> None:
    judge = judging_sign_in(lambda *_: CredentialsError("Make a new key."))

    assert judge(Answer("it", 400, {}, body)) is None


def test_a_refusal_means_what_the_service_says() -> None:
    judge = judging_sign_in(lambda refusal, _: CredentialsError(refusal.error))

    error = judge(answer({"error": "invalid_client"}, 400))

    assert isinstance(error, CredentialsError)
    assert error.message == "invalid_client"


# Signed tokens

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: Any, passphrase: bytes | None = None) -> str:
    encryption: Any = (
        serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    )
    form = serialization.PrivateFormat.PKCS8
    return str(key.private_bytes(serialization.Encoding.PEM, form, encryption).decode())


def decoded(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_a_signed_token_can_be_verified_with_the_public_key() -> None:
    token = signed_jwt({"iss": "é", "exp": 1}, load_private_key(pem(KEY)), key_id="k1")

    header, claims, signature = token.split(".")
    signed = f"{header}.{claims}".encode()
    KEY.public_key().verify(decoded(signature), signed, padding.PKCS1v15(), hashes.SHA256())
    assert json.loads(decoded(header)) == {"alg": "RS256", "typ": "JWT", "kid": "k1"}
    assert json.loads(decoded(claims)) == {"iss": "é", "exp": 1}
    assert "=" not in token


def test_a_key_may_have_a_passphrase() -> None:
    assert load_private_key(pem(KEY, b"open"), "open").key_size == 2048


@pytest.mark.parametrize(
    ("text", "passphrase"),
    [
        ("", None),
        ("s3cr3t", None),
        (pem(KEY, b"s3cr3t"), "wrong"),
        (pem(KEY, b"s3cr3t"), None),
        (pem(KEY)[:800] + "-----END PRIVATE KEY-----", None),
        (pem(KEY).replace("PRIVATE KEY", "CERTIFICATE"), None),
        (pem(KEY).replace("PRIVATE KEY", "OPENSSH PRIVATE KEY"), None),
        (pem(KEY)[:800], None),
    ],
    ids=[
        "nothing",
        "no key",
        "wrong passphrase",
        "no passphrase",
        "damaged",
        "certificate",
        "openssh",
        "cut",
    ],
)
def test_why_a_key_can_not_be_loaded_is_told_without_showing_it(
    text: str, passphrase: str | None, request: pytest.FixtureRequest
) -> None:
    reasons = {
        "nothing": "it is not in PEM form",
        "no key": "it is not in PEM form",
        "wrong passphrase": "its passphrase is another",
        "no passphrase": "it needs a passphrase, and none is given",
        "damaged": "it is damaged",
        "certificate": "but CERTIFICATE",
        "openssh": "its form, OPENSSH PRIVATE KEY",
        "cut": "it is cut off",
    }
    with pytest.raises(ConfigError, match="can't be loaded: ") as raised:
        load_private_key(text, passphrase)

    assert reasons[request.node.callspec.id] in raised.value.message
    assert "s3cr3t" not in raised.value.message
    assert pem(KEY)[100:120] not in raised.value.message


OLD = KEY.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.TraditionalOpenSSL,
    serialization.BestAvailableEncryption(b"open"),
).decode()


@pytest.mark.parametrize(
    ("text", "passphrase"),
    [
        (pem(KEY).replace("\n", "\\n"), None),
        (pem(KEY).replace("\n", "\\r\\n"), None),
        (pem(KEY).replace("\n", "\r\n"), None),
        (pem(KEY).replace("\n", " "), None),
        (pem(KEY).replace("\n", ""), None),
        (pem(KEY).replace("\n", "\n    "), None),
        (f'"{pem(KEY).strip()}"', None),
        ("\ufeff" + pem(KEY), None),
        ("Bag Attributes\n  friendlyName: x\n" + pem(KEY), None),
        (pem(KEY), "needless"),
        (pem(KEY, b"open"), "open\n"),
        (pem(KEY, b"open"), "open\r\n"),
        (pem(KEY, b"open").replace("\n", "\\n"), "open"),
        (OLD, "open"),
        (OLD.replace("\n", "\\n"), "open"),
        (OLD.replace("\n", "\r\n"), "open"),
    ],
)
def test_a_key_is_taken_as_people_have_it(text: str, passphrase: str | None) -> None:
    assert load_private_key(text, passphrase).private_numbers() == KEY.private_numbers()


def test_a_key_of_another_kind_is_told() -> None:
    with pytest.raises(ConfigError, match="not an RSA key"):
        load_private_key(pem(ec.generate_private_key(ec.SECP256R1())))


def test_a_client_shows_that_it_has_a_key_by_a_jwt_for_the_one_who_is_asked() -> None:
    now = StillClock().now()

    fields = client_assertion("c1", KEY, audience="https://a.example.com/token", now=now, key_id="k1")

    header, claims = (json.loads(decoded(part)) for part in fields["client_assertion"].split(".")[:2])
    assert fields["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    assert header == {"alg": "RS256", "typ": "JWT", "kid": "k1"}
    assert (claims["iss"], claims["sub"], claims["aud"]) == ("c1", "c1", "https://a.example.com/token")
    assert 0 < claims["exp"] - now.timestamp() <= 3600


def test_no_assertion_is_made_twice() -> None:
    made = [client_assertion("c1", KEY, audience="a", now=StillClock().now()) for _ in range(2)]

    assert made[0] != made[1]
