"""What twins read of a request before they answer it: its arguments, and what it signs in with."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping

from streamalert_apps.simulator.contract import Request
from streamalert_apps.simulator.oauth import form


def arguments(request: Request) -> dict[str, str]:
    """Return what a request asks with: the query, and what was posted as a form or as a JSON object."""
    return {**dict(request.params), **form(request), **_json(request)}


def bearer(request: Request) -> str:
    """Return the bearer token of a request, or nothing."""
    return _given(request, "bearer")


def basic(request: Request) -> tuple[str, str]:
    """Return name and password of HTTP's basic authentication, or two times nothing."""
    try:
        name, _, password = b64decode(_given(request, "basic"), validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return name, password


def client(request: Request) -> tuple[str, str]:
    """Return the id and the secret that an OAuth client shows, in what it posts or as name and password."""
    given = arguments(request)
    posted = given.get("client_id", ""), given.get("client_secret", "")
    return posted if any(posted) else basic(request)


def _given(request: Request, wanted: str) -> str:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    return value if scheme.lower() == wanted else ""


def _json(request: Request) -> Mapping[str, str]:
    if not request.headers.get("content-type", "").startswith("application/json"):
        return {}
    try:
        content = json.loads(request.body)
    except ValueError:
        return {}
    if not isinstance(content, dict):
        return {}
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in content.items()}
