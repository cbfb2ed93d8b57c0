"""Who may ask, and how Slack says no: the Web API with 200 and a word, the Audit Logs API with both."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from streamalert_apps.simulator.contract import Refused, Request, Response

ARGUMENTS: Final = {
    "slack_access": {"before", "count", "page", "cursor", "limit", "team_id"},
    "slack_integration": {"count", "page", "team_id"},
    "slack_audit": {"oldest", "latest", "limit", "cursor"},
}
_WEB: Final = {401: "invalid_auth", 403: "no_permission", 404: "unknown_method", 429: "ratelimited"}
_AUDIT: Final = {400: "invalid_arguments", 401: "invalid_authentication", 404: "unknown_path"}


@dataclass(frozen=True, slots=True)
class Tenant:
    """What decides about a request before it is answered.

    `plan`: free, paid or enterprise. `scopes`: those of the token. `organisation`: the token is of the
    whole organisation, and a workspace must be named.
    """

    plan: str = "enterprise"
    scopes: frozenset[str] = frozenset({"admin", "auditlogs:read"})
    organisation: bool = False


def admit_web(
    request: Request, tenant: Tenant, credentials: Mapping[str, str], arguments: Mapping[str, str], known: str
) -> None:
    """Raise Refused unless the token may call the method of an app type with these arguments."""
    token = _token(request)
    if not token:
        raise web("not_authed")
    if token.startswith("xoxb-"):
        raise web("not_allowed_token_type")
    if token != credentials["auth_token"]:
        raise web("invalid_auth")
    if "admin" not in tenant.scopes:
        raise web("missing_scope", needed="admin", provided=",".join(sorted(tenant.scopes)))
    if tenant.plan == "free":
        raise web("paid_only")
    for name in sorted(arguments.keys() - ARGUMENTS[known]):
        raise web("invalid_arg_name", note=name)
    if tenant.organisation and "team_id" not in arguments:
        raise web("missing_argument", note="team_id")
    if tenant.organisation and arguments["team_id"] != credentials["team_id"]:
        raise web("invalid_auth", note="the owner of the token is no member of this team")


def admit_audit(
    request: Request, tenant: Tenant, credentials: Mapping[str, str], arguments: Mapping[str, str]
) -> None:
    """Raise Refused unless the token may read the organisation's audit logs with these arguments."""
    token = _token(request)
    if token != credentials["auth_token"]:
        raise audit(401, "" if token else "missing_authentication")
    if tenant.plan != "enterprise":
        raise audit(403, "feature_not_enabled")
    if "auditlogs:read" not in tenant.scopes:
        raise audit(403, "missing_scope")
    for name in sorted(arguments.keys() - ARGUMENTS["slack_audit"]):
        raise audit(400, note=name)


def number(arguments: Mapping[str, str], name: str, default: int) -> int:
    """Return a whole number that was sent, or what it is otherwise."""
    value = arguments.get(name, str(default))
    if not (value.isascii() and value.isdecimal()):
        raise web("invalid_arguments", note=name)
    return int(value)


def failure(status: int, *headers: tuple[str, str]) -> Response:
    """Word an error as Slack does."""
    error = _WEB.get(status, "internal_error")
    return Response(status, encode({"ok": False, "error": error}), headers, note=error)


def web(error: str, *, note: str = "", **more: str) -> Refused:
    """Return the Web API's way to refuse."""
    return Refused(Response(200, encode({"ok": False, "error": error} | more), note=note or error))


def audit(status: int, error: str = "", *, note: str = "") -> Refused:
    """Return the Audit Logs API's way to refuse."""
    error = error or _AUDIT[status]
    return Refused(Response(status, encode({"ok": False, "error": error}), note=note or error))


def encode(content: Any) -> bytes:
    """Return JSON as Slack writes it."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _token(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme == "Bearer" else ""
