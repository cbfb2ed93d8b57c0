"""OAuth tokens: asked for when one is needed, kept until they expire, renewed when they are refused."""

from __future__ import annotations

import json
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

import msgspec

from streamalert_apps.errors import (
    AppError,
    BadResponse,
    ConfigError,
    CredentialsError,
    RateLimited,
    TransientError,
    Unavailable,
)
from streamalert_apps.sdk.clock import Clock
from streamalert_apps.sdk.http import Answer, Api, Judge

T = TypeVar("T")

EARLY: Final = timedelta(seconds=60)  # a token is renewed this long before its end
DEFAULT_LIFE: Final = timedelta(hours=1)
LONGEST_LIFE: Final = timedelta(days=365)
PASSING: Final = {
    "server_error",  # RFC 6749, 4.1.2.1, as is the next; the others are of those who did not read it
    "temporarily_unavailable",
    "internal_error",
    "internal_failure",
    "internal_server_error",
    "backend_error",
    "service_unavailable",
    "timeout",
    "request_timeout",
    "unknown_error",
}
_LIMIT: Final = re.compile(
    r"(rate|requests?|quota)[ _-]*(limit)?[ _-]*exceeded|too[ _]many|slow_down|throttl", re.IGNORECASE
)
_AGAIN: Final = re.compile(
    r"retry your request|try (your request )?again|temporar(y|ily)|internal error", re.IGNORECASE
)
_TOKEN: Final = re.compile(r"[!-~]+")
_ERROR: Final = 400
UNAUTHORIZED: Final = 401
_PEM: Final = re.compile(
    r"-----BEGIN (?P<label>(RSA |ENCRYPTED )?PRIVATE KEY)-----(?P<body>.*?)-----END (?P=label)-----",
    re.DOTALL,
)
_PEM_BEGIN: Final = re.compile(r"-----BEGIN (RSA |ENCRYPTED )?PRIVATE KEY-----")
_OTHER_PEM: Final = re.compile(r"-----BEGIN (?P<label>[A-Z0-9 ]{1,40})-----")
_PEM_HEADERS: Final = re.compile(r"\s*(Proc-Type: *4,ENCRYPTED\s+DEK-Info: *[A-Z0-9-]+,[0-9A-Fa-f]+)\s+")
JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
CLIENT_ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_LIFE: Final = timedelta(minutes=30)  # of an hour that is allowed: clocks differ


class _Granted(msgspec.Struct):
    access_token: str
    expires_in: Any = None  # a number; some services write it as a string


class Refusal(msgspec.Struct):
    """Why no token was given (RFC 6749, 5.2); the description is for telling cases apart, not for showing."""

    error: str = ""
    error_description: str = ""

    @classmethod
    def of(cls, answer: Answer) -> Refusal:
        """Return what an answer says; nothing where it says nothing of this kind."""
        try:
            return answer.json(cls)
        except BadResponse:
            return cls()

    def passing(self) -> TransientError | None:
        """Return what will pass of it: some services tell a limit or a fault of theirs with status 400."""
        said = f"{self.error} {self.error_description}"
        if _LIMIT.search(said):
            return RateLimited("The service has had too many sign-ins.")
        if self.error.lower() in PASSING or _AGAIN.search(said):
            return Unavailable("The service could not sign the app in just now.")
        return None


def judging_sign_in(meaning: Callable[[Refusal, Answer], AppError | None]) -> Judge:
    """Return a judge of sign-ins: what will pass passes, and what a refusal means is the service's to say.

    An answer that is no refusal of OAuth's form is left to its status.
    """

    def judge(answer: Answer) -> AppError | None:
        if answer.status < _ERROR:
            return None
        refusal = Refusal.of(answer)
        if not refusal.error:
            return None
        return refusal.passing() or meaning(refusal, answer)

    return judge


@dataclass(frozen=True, slots=True)
class Token:
    """A token, and the seconds that it lives; None where the service does not say."""

    value: str
    seconds: float | None = None

    @classmethod
    def of(cls, answer: Answer) -> Token:
        """Return the token that an answer grants (RFC 6749, 5.1); raise BadResponse where it is none."""
        granted = answer.json(_Granted)
        if not _TOKEN.fullmatch(granted.access_token):
            raise BadResponse(f"{answer.place} gave no token that a request can carry.")
        return cls(granted.access_token, _life(granted.expires_in))

    def __repr__(self) -> str:
        return "Token(…)"


def _life(told: Any) -> float | None:
    """Return the seconds that a token lives; None where that is not told in a way that makes sense."""
    try:
        seconds = float(told)
    except (TypeError, ValueError, OverflowError):
        return None
    return min(seconds, LONGEST_LIFE.total_seconds()) if seconds > 0 else None


class Bearer:
    """Requests that carry a token. `fetch` gets a new one; `scheme` is what stands before it."""

    def __init__(self, api: Api, fetch: Callable[[], Token], scheme: str = "Bearer ") -> None:
        self._api = api
        self._fetch = fetch
        self._scheme = scheme
        self._token: Token | None = None
        self._ends: datetime | None = None

    def get(
        self, url: str, *, headers: Mapping[str, str] | None = None, judge: Judge | None = None
    ) -> Answer:
        """GET `url` with the token, as `Api.get`; a token that is refused is renewed once."""
        return self._authorized(
            lambda authorization: self._api.get(
                url, headers={**(headers or {}), **authorization}, judge=judge
            )
        )

    def post(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        judge: Judge | None = None,
        **content: Any,
    ) -> Answer:
        """POST to `url` with the token, as `Api.post`."""
        return self._authorized(
            lambda authorization: self._api.post(
                url, headers={**(headers or {}), **authorization}, judge=judge, **content
            )
        )

    @property
    def clock(self) -> Clock:
        """The time."""
        return self._api.clock

    def exchange(self, url: str, content: bytes, headers: Mapping[str, str]) -> Answer:
        """POST bytes once with the token, as `Api.exchange`; a token that is refused is renewed once."""
        was_kept = self._token is not None
        answer = self._api.exchange(url, content, {**headers, **self._header()})
        if answer.status != UNAUTHORIZED or not was_kept:
            return answer
        self._token = None
        return self._api.exchange(url, content, {**headers, **self._header()})

    def stream(self, url: str, *, judge: Judge | None = None) -> Iterator[bytes]:
        """GET `url` with the token, as `Api.stream`."""
        return self._authorized(
            lambda authorization: self._api.stream(url, headers=authorization, judge=judge)
        )

    def sign_in(self) -> None:
        """Get a token now, unless there is one: where its answer says more than the token."""
        self._header()

    def _authorized(self, ask: Callable[[Mapping[str, str]], T]) -> T:
        was_kept = self._token is not None
        try:
            return ask(self._header())
        except CredentialsError:
            if not was_kept:
                raise
            self._token = None
            return ask(self._header())

    def _header(self) -> Mapping[str, str]:
        now = self._api.clock.now()
        if self._token is None or self._ends is None or now >= self._ends:
            self._token = self._fetch()
            seconds = self._token.seconds
            life = DEFAULT_LIFE if seconds is None else timedelta(seconds=seconds)
            self._ends = now + max(life - EARLY, life / 2)
        return {"Authorization": f"{self._scheme}{self._token.value}"}


def by_client_credentials(
    api: Api, url: str, credentials: Mapping[str, Any], *, judge: Judge, **form: str
) -> Bearer:
    """Return requests with tokens that a client gets for itself at `url` (RFC 6749, 4.4).

    Its `client_id` and `client_secret` are in the form, as is whatever else is given.
    """
    client = {name: credentials[name] for name in ("client_id", "client_secret")}
    asked = {"grant_type": "client_credentials", **client, **form}
    return Bearer(api, lambda: Token.of(api.post(url, form=asked, judge=judge)))


def signed_jwt(claims: Mapping[str, Any], private_key: Any, *, key_id: str = "") -> str:
    """Return a JSON Web Token signed with RS256 (RFC 7519)."""
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 (only services that sign with RSA carry it)
    from cryptography.hazmat.primitives.asymmetric import padding  # noqa: PLC0415

    header = {"alg": "RS256", "typ": "JWT"} | ({"kid": key_id} if key_id else {})
    message = b".".join(
        _base64(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims)
    )
    signature = private_key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    return b".".join((message, _base64(signature))).decode()


def client_assertion(
    client_id: str, private_key: Any, *, audience: str, now: datetime, key_id: str = ""
) -> dict[str, str]:
    """Return the fields with which a client shows that it has a private key (RFC 7523, 2.2)."""
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "jti": secrets.token_hex(16),
        "exp": int((now + ASSERTION_LIFE).timestamp()),
    }
    assertion = signed_jwt(claims, private_key, key_id=key_id)
    return {"client_assertion_type": CLIENT_ASSERTION, "client_assertion": assertion}


def load_private_key(pem: str, passphrase: str | None = None, *, check: bool = True) -> Any:
    r"""Return an RSA private key; raise ConfigError, which shows nothing of it, where it can't be loaded.

    A key may have lost its line breaks, or have them as `\n`; a passphrase may have one at its end, or
    be given without need. `check` its numbers where it comes from a person; in a small Lambda function
    that takes a second.
    """
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    text, encrypted = _pem(pem)
    secret = passphrase.rstrip("\r\n").encode() if passphrase and encrypted else None
    if encrypted and not secret:
        raise ConfigError("The private key can't be loaded: it needs a passphrase, and none is given.")
    try:
        key = load_pem_private_key(text.encode(), secret, unsafe_skip_rsa_key_validation=not check)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        reason = "its passphrase is another, or it is damaged" if encrypted else "it is damaged"
        raise ConfigError(f"The private key can't be loaded: {reason}.") from None
    if not isinstance(key, RSAPrivateKey):
        raise ConfigError("The private key is not an RSA key.")
    return key


def pem_of_web_key(key: Mapping[str, Any]) -> str:
    """Return a JSON Web Key (RFC 7518, 6.3) in PEM; raise ConfigError where it is no private key of RSA."""
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    try:
        n, e, d, p, q, dp, dq, qi = (
            _number(key[name]) for name in ("n", "e", "d", "p", "q", "dp", "dq", "qi")
        )
        private_key = rsa.RSAPrivateNumbers(p, q, d, dp, dq, qi, rsa.RSAPublicNumbers(e, n)).private_key()
    except (KeyError, TypeError, ValueError):
        raise ConfigError("The JSON Web Key is not a private key of RSA.") from None
    return private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _number(text: str) -> int:
    return int.from_bytes(urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def _pem(text: str) -> tuple[str, bool]:
    """Return a private key with its line breaks, and whether it is encrypted; raise ConfigError otherwise."""
    text = text.replace("\\r", "").replace("\\n", "\n")
    found = _PEM.search(text)
    if not found:
        what = "it is not in PEM form, which begins with '-----BEGIN'"
        if other := _OTHER_PEM.search(text):
            what = f"it is not a private key in PEM form but {other['label']}"
            if other["label"].endswith("PRIVATE KEY"):
                what = (
                    "it is cut off"
                    if _PEM_BEGIN.search(text)
                    else f"its form, {other['label']}, is not PEM's"
                )
        raise ConfigError(f"The private key can't be loaded: {what}.")
    label, body = found["label"], found["body"]
    headers = _PEM_HEADERS.match(body)
    lines = "".join(body[headers.end() if headers else 0 :].split())
    pieces = [lines[start : start + 64] for start in range(0, len(lines), 64)]
    if headers:
        pieces = [*(line.strip() for line in headers[0].strip().splitlines()), "", *pieces]
    encrypted = label.startswith("ENCRYPTED") or bool(headers)
    return "\n".join((f"-----BEGIN {label}-----", *pieces, f"-----END {label}-----", "")), encrypted


def _base64(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")
