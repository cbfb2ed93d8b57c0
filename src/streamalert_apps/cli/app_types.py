"""`sa-apps types`: what can be collected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamalert_apps.cli import options, output

if TYPE_CHECKING:
    from streamalert_apps.sdk.app import App

EXAMPLES = """Examples:

\b
  sa-apps types
  sa-apps types --json"""


def command(*, as_json: options.Json = False) -> None:
    """Show what can be collected, and what it needs."""
    from streamalert_apps import services

    known = [services.find(name) for name in services.names()]
    if as_json:
        output.envelope("types", {"types": [_described(app) for app in known]})
        return
    output.data("\n\n".join(_text(app) for app in known))


def _described(app: type[App]) -> dict[str, Any]:
    from streamalert_apps.sdk.app import service_of

    return {
        "type": app.type,
        "service": service_of(app.type),
        "collects": app.collects,
        "auth": [{"name": f.name, "description": f.description, "secret": f.secret} for f in app.auth],
        "schemas": list(app.schemas),
    }


def _text(app: type[App]) -> str:
    width = max(len(field.name) for field in app.auth)
    needs = [
        f"  {field.name:<{width}}  {field.description}{' (secret)' if field.secret else ''}"
        for field in app.auth
    ]
    return "\n".join([f"{app.type}  {app.collects}", *needs])
