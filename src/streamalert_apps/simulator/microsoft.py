"""Microsoft's sign-in, as the twins of several of its APIs have it: tokens of client credentials at Entra."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from random import Random
from string import ascii_letters, digits
from typing import Any, Final

from streamalert_apps.simulator.access import arguments, client
from streamalert_apps.simulator.contract import Refused, Request, Response
from streamalert_apps.simulator.oauth import Tokens
from streamalert_apps.simulator.single import uuid

_METADATA: Final = re.compile(r"/(?P<tenant>[^/]+)/v2\.0/\.well-known/openid-configuration")
_TOKEN: Final = re.compile(r"/(?P<tenant>[^/]+)/oauth2/v2\.0/token")
_CHARACTERS: Final = f"{ascii_letters}{digits}~._-"


def registered(random: Random) -> dict[str, Any]:
    """Return what signs an app in that is registered in a tenant."""
    secret = "".join(random.choices(_CHARACTERS, k=40))
    return {"tenant_id": uuid(random), "client_id": uuid(random), "client_secret": secret}


def sign_in(request: Request, credentials: Mapping[str, Any], resource: str, tokens: Tokens) -> Response:
    """Answer a request to a login host: where tokens are to be had, or for one for a resource.

    Raises Refused with one of Microsoft's codes.
    """
    if request.method == "GET" and (asked := _METADATA.fullmatch(request.path)):
        return _metadata(f"https://{request.headers['host']}/{asked['tenant']}")
    if request.method != "POST" or not _TOKEN.fullmatch(request.path):
        raise Refused(Response(404, b"", note="no such page at the sign-in"))
    return _grant(request, credentials, resource, tokens)


def _metadata(tenant: str) -> Response:
    places = {
        "issuer": f"{tenant}/v2.0",
        "authorization_endpoint": f"{tenant}/oauth2/v2.0/authorize",
        "token_endpoint": f"{tenant}/oauth2/v2.0/token",
        "jwks_uri": f"{tenant}/discovery/v2.0/keys",
    }
    return Response(200, json.dumps(places).encode())


def _grant(request: Request, credentials: Mapping[str, Any], resource: str, tokens: Tokens) -> Response:
    given = arguments(request)
    path = _TOKEN.fullmatch(request.path)
    if path is None or path["tenant"].lower() != credentials["tenant_id"]:
        raise _refused(400, "invalid_request", 90002, "Tenant not found. Check the tenant ID and the cloud.")
    if given.get("grant_type") != "client_credentials":
        raise _refused(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.")
    if given.get("scope") != f"{resource}/.default":
        raise _refused(400, "invalid_scope", 1002012, "The value of scope is not valid for this flow.")
    name, secret = client(request)
    if name.lower() != credentials["client_id"]:
        raise _refused(400, "unauthorized_client", 700016, "The application was not found in the directory.")
    if secret != credentials["client_secret"]:
        raise _refused(401, "invalid_client", 7000215, "Invalid client secret provided.")
    granted = {"token_type": "Bearer", "expires_in": tokens.seconds, "ext_expires_in": tokens.seconds}
    return Response(200, json.dumps({**granted, "access_token": tokens.issue()}).encode())


def _refused(status: int, error: str, code: int, said: str) -> Refused:
    body = {"error": error, "error_description": f"AADSTS{code}: {said}", "error_codes": [code]}
    return Refused(Response(status, json.dumps(body).encode(), note=said))
