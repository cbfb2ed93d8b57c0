"""The options that several commands share, what the shell completes for them, and what they mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperOption

from streamalert_apps.cli.terminal import output
from streamalert_apps.errors import UsageError

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_DAYS: Final = {"today": 0, "yesterday": 1}


def _folder(context: typer.Context) -> Path | None:
    folder = context.params.get("project_dir")  # a half-typed line's values are not converted
    return Path(folder) if folder else None


def _project(context: typer.Context) -> Any:
    from streamalert_apps.config import conf

    return conf.load(conf.root_of(_folder(context)))


def _complete(context: typer.Context, incomplete: str, kind: str) -> Iterable[str]:
    """Return what begins with `incomplete`; a broken project completes nothing."""
    try:
        words = _words(context, kind)
    except Exception:  # noqa: BLE001 (an error has no place on a half-typed line)
        return []
    return sorted(word for word in words if word.startswith(incomplete))


def _words(context: typer.Context, kind: str) -> Iterable[str]:
    from streamalert_apps import services

    match kind:
        case "type":
            return _types(context)
        case "service":
            return services.services()
        case "demo":
            return ("all", *services.services(), *services.names())
        case "cluster":
            words: Iterable[str] = _project(context).clusters
            return words
        case "destination" | "target":
            of_conf = _project(context).destinations
            return ("classifier", *of_conf) if kind == "target" else of_conf
        case "kind":
            from streamalert_apps.runtime import kinds

            return kinds.names()
    named = context.params.get("names") or ()
    return {app.name for app in _project(context).apps(context.params.get("cluster"))} - {*named}


def _types(context: typer.Context) -> Iterable[str]:
    from streamalert_apps.config.conf import root_if_any
    from streamalert_apps.plugins.registry import Registry

    return Registry(root_if_any(_folder(context))).stated_names()


def complete_type(context: typer.Context, incomplete: str) -> Iterable[str]:
    """Complete an app type."""
    return _complete(context, incomplete, "type")


def complete_service(context: typer.Context, incomplete: str) -> Iterable[str]:
    """Complete a service that has a simulator."""
    return _complete(context, incomplete, "service")


def complete_demo(context: typer.Context, incomplete: str) -> Iterable[str]:
    """Complete what a demonstration can be of."""
    return _complete(context, incomplete, "demo")


def complete_runtime(incomplete: str) -> Iterable[str]:
    """Complete a runtime of Lambda."""
    from streamalert_apps.deploy.package import RUNTIMES

    return [runtime for runtime in RUNTIMES if runtime.startswith(incomplete)]


def complete_architecture(incomplete: str) -> Iterable[str]:
    """Complete a processor of Lambda."""
    from streamalert_apps.deploy.package import ARCHITECTURES

    return [architecture for architecture in ARCHITECTURES if architecture.startswith(incomplete)]


def complete_cluster(context: typer.Context, incomplete: str) -> Iterable[str]:
    """Complete a cluster."""
    return _complete(context, incomplete, "cluster")


def complete_destination(context: typer.Context, incomplete: str) -> Iterable[str]:
    """Complete a destination's name."""
    return _complete(context, incomplete, "destination")


def complete_kind(context: typer.Context, incomplete: str) -> Iterable[str]:
    """Complete a kind of destination."""
    return _complete(context, incomplete, "kind")


def complete_target(context: typer.Context, incomplete: str) -> Iterable[str]:
    """Complete where events can be sent: a destination of conf/, or the classifier."""
    return _complete(context, incomplete, "target")


def complete_name(context: typer.Context, incomplete: str) -> Iterable[str]:
    """Complete an app's name."""
    return _complete(context, incomplete, "name")


def _switch(name: str, short: str, switch: Callable[[bool], None], means: str) -> TyperOption:
    """Return an option that every command has, and that no command sees."""
    return TyperOption(
        param_decls=[name, short],
        is_flag=True,
        default=False,
        is_eager=True,
        expose_value=False,
        callback=lambda _context, _option, value: switch(value),
        help=means,
    )


def _be_verbose(value: bool) -> None:
    """Write log lines, or write them no more."""
    was = output.is_verbose()
    output.be_verbose(value)
    if was or value:
        from streamalert_apps.cli.terminal import lines

        lines.write("text") if value else lines.stop()


OF_ALL: Final = (
    _switch("--quiet", "-q", output.be_quiet, "Show only results, warnings and errors."),
    _switch(
        "--verbose", "-v", _be_verbose, "Show each request, wait and retry, and in a plan each property."
    ),
)
"""What every command has besides its own options."""

Json = Annotated[bool, typer.Option("--json", help="Answer with one JSON object on standard output.")]
ProjectDir = Annotated[
    Path | None,
    typer.Option(
        "--project-dir",
        envvar="SA_APPS_PROJECT_DIR",
        help="Folder that holds conf/; by default the nearest, in this or a parent folder.",
        metavar="DIR",
        file_okay=False,
        show_default=False,
    ),
]
NoInput = Annotated[
    bool,
    typer.Option(
        "--no-input", envvar="SA_APPS_NO_INPUT", help="Never prompt; fail and name the missing flag."
    ),
]
Cluster = Annotated[
    str | None,
    typer.Option(
        "--cluster", "-c", help="The app's cluster.", metavar="CLUSTER", autocompletion=complete_cluster
    ),
]
Name = Annotated[
    str | None,
    typer.Argument(help="The app's name.", metavar="NAME", show_default=False, autocompletion=complete_name),
]
NameOption = Annotated[
    str | None,
    typer.Option(
        "--name", "-n", help="The app's name, as an option.", metavar="NAME", autocompletion=complete_name
    ),
]
Names = Annotated[
    list[str] | None,
    typer.Argument(
        help="The apps' names.", metavar="[NAME]...", show_default=False, autocompletion=complete_name
    ),
]
NamesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--name",
        "-n",
        help="An app's name, as an option; may be repeated.",
        metavar="NAME",
        autocompletion=complete_name,
    ),
]
Clusters = Annotated[
    list[str] | None,
    typer.Option(
        "--cluster",
        "-c",
        help="Only this cluster; may be repeated.",
        metavar="CLUSTER",
        autocompletion=complete_cluster,
    ),
]
All = Annotated[bool, typer.Option("--all", help="All apps, or all of --cluster.")]
AuthFile = Annotated[
    Path | None,
    typer.Option(
        "--auth-file",
        help="JSON object with the credentials; - reads it from standard input.",
        metavar="FILE",
        show_default=False,
    ),
]
NoCheck = Annotated[
    bool, typer.Option("--no-check", help="Save the credentials without testing them at the service.")
]
Simulator = Annotated[
    str,
    typer.Option(
        "--simulator",
        help="Use a simulated service on this machine, for example http://127.0.0.1:8080.",
        metavar="URL",
        show_default=False,
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask for confirmation.")]


def since(text: str) -> timedelta:
    """Return how far back `text` means, as 90s, 30m, 2h or 7d; raise UsageError for anything else."""
    match = re.fullmatch(r"([0-9]{1,5})([smhd])", text)
    if not match or not int(match[1]):
        raise UsageError(f"'{text}' is not a valid duration.", hint="Write it like 90s, 30m, 2h or 7d.")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def moment(text: str, now: datetime) -> datetime:
    """Return the time that `text` means: so long ago (2h), a date or time, in UTC unless it says else.

    `today` and `yesterday` are the beginning of that day.

    Raises UsageError for anything else.
    """
    if re.fullmatch(r"[0-9]+[a-z]", text):
        return now - since(text)
    if text in _DAYS:
        return now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=_DAYS[text])
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"'{text}' is not a time.",
            hint="Write it like 90s, 2h, 7d, yesterday, 2026-03-01 or 2026-03-01T12:00.",
        ) from None
    return told if told.tzinfo else told.replace(tzinfo=UTC)
