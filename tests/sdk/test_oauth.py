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

from streamalert_apps.errors import BadResponse, ConfigError, CredentialsError
from streamalert_apps.sdk.http import Answer, Api
from streamalert_apps.sdk.oauth import Bearer, Refusal, Token, load_private_key, signed_jwt
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


def answer(body: Any) -> Answer:
    return Answer("api.example.com/token", 200, {}, json.dumps(body).encode())


def test_no_token_is_asked_for_before_it_is_needed() -> None:
    assert Service().given == 0


def test_one_token_serves_many_requests() -> None:
    service = Service()

    service.bearer.get(URL)
    service.bearer.post(URL, json={})
    list(service.bearer.stream(URL))

    assert service.used == ["t1", "t1", "t1"]


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
    assert Token.of(answer({"access_token": "t"})) == Token("t", None)


def test_an_answer_without_a_token_is_told() -> None:
    with pytest.raises(BadResponse, match="missing required field `access_token`"):
        Token.of(answer({"error": "x"}))


def test_a_refusal_is_read_and_anything_else_is_none() -> None:
    assert Refusal.of(answer({"error": "invalid_grant"})).error == "invalid_grant"
    assert Refusal.of(answer([1])) == Refusal()


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
        (pem(KEY), "s3cr3t"),
    ],
    ids=["nothing", "no key", "wrong passphrase", "no passphrase", "needless passphrase"],
)
def test_a_key_that_can_not_be_loaded_is_told_without_showing_it(text: str, passphrase: str | None) -> None:
    with pytest.raises(ConfigError, match=r"^The private key can't be loaded\.$"):
        load_private_key(text, passphrase)


def test_a_key_of_another_kind_is_told() -> None:
    with pytest.raises(ConfigError, match="not an RSA key"):
        load_private_key(pem(ec.generate_private_key(ec.SECP256R1())))
