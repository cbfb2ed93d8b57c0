"""Credentials that are JSON Web Tokens say themselves when they end."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from streamalert_apps.sdk.expiry import ends


def token(claims: Any) -> str:
    parts = (json.dumps({"alg": "ES256"}), json.dumps(claims), "signature")
    return ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts)


def test_the_first_one_to_end_counts() -> None:
    credentials = {
        "token": token({"exp": 1_900_000_000}),
        "other": token({"exp": 1_800_000_000}),
        "host": "a.b.c",
    }
    assert ends(credentials) == 1_800_000_000


@pytest.mark.parametrize(
    "value",
    [
        "api-0123.duosecurity.com",
        "a.b.c",
        token({}),
        token([]),
        token({"exp": "soon"}),
        token({"exp": float("inf")}),
        token({"exp": -1}),
        token({"exp": 10**400}),
        {"exp": 1},
        None,
        7,
    ],
)
def test_what_does_not_say_when_it_ends_is_not_known_to_end(value: Any) -> None:
    assert ends({"token": value}) == 0.0
