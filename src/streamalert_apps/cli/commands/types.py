"""`sa-apps types`: what can be collected."""

from __future__ import annotations

import textwrap
from datetime import timedelta
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Final

import typer

from streamalert_apps.cli.terminal import options, output
from streamalert_apps.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from streamalert_apps.plugins.registry import Registry
    from streamalert_apps.sdk.app import App, AuthField
    from streamalert_apps.services.table import AppType, Credential

EXAMPLES = """Examples:

\b
  sa-apps types
  sa-apps types duo
  sa-apps types duo_auth
  sa-apps types --search sign-in
  sa-apps types --json

Plugins' types are included: from the project's apps/ folder, and from installed packages."""


_NARROW_INDENT: Final = 6
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
            help="A service, to list its types, or one type, to show its setup.",
            metavar="SERVICE|TYPE",
            show_default=False,
            autocompletion=options.complete_type,
        ),
    ] = None,
    search: Annotated[
        str, typer.Option("--search", "-s", help="List the types that contain this text.", metavar="TEXT")
    ] = "",
    project_dir: options.ProjectDir = None,
    as_json: options.Json = False,
) -> None:
    """List what can be collected, or show how to set up a type."""
    import sys
    from dataclasses import asdict

    from streamalert_apps.cli.selection import known_types
    from streamalert_apps.config.conf import root_if_any
    from streamalert_apps.services.table import describe

    types = known_types(root_if_any(project_dir))
    known = [one for one in types.described().values() if not search or _has(one, search)]
    of_service = [one for one in known if one.service == app_type]
    if app_type and not of_service:
        found = _found(types, app_type, {one.service for one in known})
        if not as_json:
            output.markdown(_page(found, types), sys.stdout)
            return
        known = [describe(found)]
    known = of_service or known
    if not known:
        raise UsageError(f"No app type contains '{search}'.", hint="`sa-apps types` lists them all.")
    if as_json:
        warnings = [output.described(error) for error in types.left_out]
        described = [asdict(app) | {"setup": types.setup(app.type)} for app in known]
        output.envelope("types", {"types": described, "warnings": warnings})
    else:
        output.data("\n\n".join(_listed(known, _columns())))


def _found(types: Registry, app_type: str, services: Collection[str]) -> type[App]:
    """Return the class of an app type; raise UsageError where there is neither type nor service."""
    from streamalert_apps.config.suggest import did_you_mean

    try:
        return types.find(app_type)
    except UsageError as error:
        if hint := did_you_mean(app_type, services):
            raise UsageError(error.message, hint=hint.rstrip()) from None
        raise


def _has(app: AppType, text: str) -> bool:
    return text.lower() in f"{app.type} {app.service} {app.collects}".lower()


def _columns() -> int | None:
    """Return how wide the terminal is; None: it is none, so that each type stays on a line of its own."""
    import shutil
    import sys

    return shutil.get_terminal_size().columns if output.is_terminal(sys.stdout) else None


def _listed(known: list[AppType], columns: int | None) -> Iterator[str]:
    """Yield a paragraph for each service: a line for each of its types, wrapped below itself."""
    for service, grouped in groupby(known, attrgetter("service")):
        apps = list(grouped)
        width = max(len(app.type) for app in apps)
        lines = [(f"  {app.type:<{width}}  ", app.collects) for app in apps]
        yield "\n".join([service, *(_hung(name, text, columns) for name, text in lines)])


def _hung(name: str, text: str, columns: int | None) -> str:
    """Return a type and what it collects; what does not fit goes on below the text, or below the name."""
    if columns is None or len(name) + len(text) <= columns:
        return name + text
    indent = len(name) if len(name) <= columns // 2 else _NARROW_INDENT
    wrapped = textwrap.wrap(text, columns - indent)
    if indent == _NARROW_INDENT:
        return "\n".join([name.rstrip(), *(" " * indent + line for line in wrapped)])
    return name + ("\n" + " " * indent).join(wrapped)


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
