"""`sa-apps types`: what can be collected."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Final

import typer

from streamalert_apps.cli.terminal import options, output

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamalert_apps.plugins.registry import Registry
    from streamalert_apps.sdk.app import App, AuthField
    from streamalert_apps.services.table import AppType, Credential

EXAMPLES = """Examples:

\b
  sa-apps types
  sa-apps types duo_auth
  sa-apps types --json

Those of plugins are among them: of the project's apps/ folder, and of installed distributions."""


_UNITS: Final = {
    "day": timedelta(days=1),
    "hour": timedelta(hours=1),
    "minute": timedelta(minutes=1),
    "second": timedelta(seconds=1),
    "microsecond": timedelta(microseconds=1),
}


def command(
    *,
    app_type: Annotated[
        str | None,
        typer.Argument(
            help="Show all about this app type.",
            metavar="TYPE",
            show_default=False,
            autocompletion=options.complete_type,
        ),
    ] = None,
    project_dir: options.ProjectDir = None,
    as_json: options.Json = False,
) -> None:
    """Show what can be collected, and what it needs.

    Of one type, also what an administrator sets up in the service, and what is known of its API.
    """
    import sys
    from dataclasses import asdict

    from streamalert_apps.cli.selection import known_types
    from streamalert_apps.config.conf import root_if_any
    from streamalert_apps.services.table import describe

    types = known_types(root_if_any(project_dir))
    if app_type and not as_json:
        output.markdown(_page(types.find(app_type), types), sys.stdout)
        return
    known = [describe(types.find(app_type))] if app_type else list(types.described().values())
    if as_json:
        warnings = [output.described(error) for error in types.left_out]
        described = [asdict(app) | {"setup": types.setup(app.type)} for app in known]
        output.envelope("types", {"types": described, "warnings": warnings})
    else:
        output.data("\n\n".join("\n".join([_title(app), *_fields(app)]) for app in known))


def _title(app: AppType) -> str:
    return f"{app.type}  {app.collects}"


def _fields(app: AppType) -> Iterator[str]:
    width = max((len(field.name) for field in app.auth), default=0)
    for field in app.auth:
        yield f"  {field.name:<{width}}  {field.description}{_marks(field)}"


def _page(app: type[App], types: Registry) -> str:
    """Return all about an app type, in Markdown."""
    sections = {
        "What to set up": types.setup(app.type).rstrip(),
        "Credentials": "\n".join(_items(app)),
        "What to know": "\n".join(_facts(app)),
    }
    parts = [f"**{title}**\n\n{text}" for title, text in sections.items() if text]
    return "\n\n".join([f"**{app.type}** collects {app.collects}.", *parts])


def _items(app: type[App]) -> Iterator[str]:
    for field in app.auth:
        yield f"- `{field.name}`: {field.description}{_marks(field)}"


def _marks(field: AuthField | Credential) -> str:
    return f"{' (secret)' if field.secret else ''}{' (optional)' if field.optional else ''}"


def _facts(app: type[App]) -> Iterator[str]:
    if app.schemas:
        yield f"- Schemas of the classifier: {', '.join(f'`{name}`' for name in app.schemas)}"
    if app.rate:
        yield f"- Requests: at most {app.rate.requests} in {app.rate.seconds:g} seconds"
    if app.lag:
        yield f"- Events may be late by: {_length(app.lag)}"
    if app.retention:
        yield f"- The service keeps: {_length(app.retention)}"
    if app.documentation:
        yield f"- Documentation of the API: <{app.documentation}>"


def _length(time: timedelta) -> str:
    """Return a length of time in its largest unit that leaves no rest."""
    unit, size = next((unit, size) for unit, size in _UNITS.items() if not time % size)
    return f"{time // size} {unit}{'' if time == size else 's'}"
