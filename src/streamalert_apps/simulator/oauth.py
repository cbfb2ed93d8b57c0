"""What simulated services share to check a client as RFC 6749, 7519 and 7523 have it: JWTs and tokens.

The one RSA key is made when it is first asked for, and is always the same: credentials of a
simulator are still good when it is started again.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cache
from itertools import count
from random import Random
from typing import Any, Final
from urllib.parse import parse_qsl

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPrivateNumbers,
    RSAPublicKey,
    RSAPublicNumbers,
)
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm

from streamalert_apps.sdk.clock import Clock
from streamalert_apps.simulator.contract import Request
from streamalert_apps.simulator.store import seeded

JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
FORM: Final = "application/x-www-form-urlencoded"

_HASHES: Final[Mapping[str, Callable[[], HashAlgorithm]]] = {
    "RS256": SHA256,
    "RS384": SHA384,
    "RS512": SHA512,
}
_SMALL_PRIMES: Final = [n for n in range(3, 2000, 2) if all(n % d for d in range(3, int(n**0.5) + 1, 2))]


@cache
def rsa_key() -> RSAPrivateKey:
    """Return the RSA key of 2048 bits that simulated services have handed out. It guards nothing."""
    random = seeded("a key for tests")
    p, q = _prime(random), _prime(random)
    e = 65537
    d = pow(e, -1, (p - 1) * (q - 1))
    public = RSAPublicNumbers(e, p * q)
    return RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), public).private_key()


def _prime(random: Random) -> int:
    while True:
        number = random.getrandbits(1024) | 3 << 1022 | 1
        if all(number % small for small in _SMALL_PRIMES) and pow(2, number - 1, number) == 1:
            return number


def read_jwt(token: str, key: RSAPublicKey) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims of a JWT; raise ValueError for anything that is not one of this key."""
    try:
        signed, _, signature = token.encode("ascii").rpartition(b".")
        header, claims = (dict(json.loads(_decoded(part))) for part in signed.split(b"."))
        key.verify(_decoded(signature), signed, PKCS1v15(), _HASHES[header["alg"]]())
    except (ValueError, KeyError, TypeError, InvalidSignature):
        raise ValueError("not a JWT signed with RSA by the key that is known") from None
    return header, claims


def _decoded(part: bytes) -> bytes:
    if b"=" in part:
        raise ValueError("base64url in a JWT has no padding")
    return urlsafe_b64decode(part + b"=" * (-len(part) % 4))


def form(request: Request) -> Mapping[str, str]:
    """Return the fields of a form that was posted; empty for anything else."""
    if request.method != "POST" or not request.headers.get("content-type", "").startswith(FORM):
        return {}
    return dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))


class Tokens:
    """Access tokens that were issued and when each of them ends."""

    def __init__(self, clock: Clock, prefix: str, seconds: float) -> None:
        self.seconds = seconds
        self._clock = clock
        self._prefix = prefix
        self._numbers = count(1)
        self._ends: dict[str, datetime] = {}

    def issue(self) -> str:
        """Return a new token."""
        number = next(self._numbers)
        value = f"{self._prefix}{seeded(self._prefix, number).getrandbits(256):064x}"
        self._ends[value] = self._clock.now() + timedelta(seconds=self.seconds)
        return value

    def revoke(self) -> None:
        """Make every token that was issued so far invalid."""
        self._ends.clear()

    def admits(self, request: Request) -> bool:
        """Tell whether a request carries a token that was issued and has not ended."""
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and self._ends.get(value, self._clock.now()) > self._clock.now()
