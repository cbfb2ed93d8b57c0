"""`sa-apps types`: what can be collected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamalert_apps.cli import options, output

if TYPE_CHECKING:
    from streamalert_apps.sdk.app import App

EXAMPLES = """Examples:

\b
  sa-apps types
  sa-apps types --json

Those of plugins are among them: apps/*.py of the project's folder, and what installed distributions offer."""


def command(*, project_dir: options.ProjectDir = None, as_json: options.Json = False) -> None:
    """Show what can be collected, and what it needs."""
    from streamalert_apps.cli.project import known_types, root_if_any

    types = known_types(root_if_any(project_dir))
    known = [types.find(name) for name in types.names()]
    if as_json:
        warnings = [output.described(error) for error in types.left_out]
        output.envelope("types", {"types": [_described(app) for app in known], "warnings": warnings})
        return
    output.data("\n\n".join(_text(app) for app in known))


def _described(app: type[App]) -> dict[str, Any]:
    from streamalert_apps.sdk.app import service_of

    return {
        "type": app.type,
        "service": service_of(app.type),
        "collects": app.collects,
        "auth": [
            {
                "name": field.name,
                "description": field.description,
                "secret": field.secret,
                "optional": field.optional,
            }
            for field in app.auth
        ],
        "schemas": list(app.schemas),
    }


def _text(app: type[App]) -> str:
    width = max(len(field.name) for field in app.auth)
    needs = [
        f"  {field.name:<{width}}  {field.description}"
        f"{' (secret)' if field.secret else ''}{' (optional)' if field.optional else ''}"
        for field in app.auth
    ]
    return "\n".join([f"{app.type}  {app.collects}", *needs])
