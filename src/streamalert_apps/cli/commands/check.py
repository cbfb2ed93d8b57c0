"""`sa-apps check`: whether an app's stored credentials work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from streamalert_apps.cli.selection import known_types
from streamalert_apps.cli.terminal import options, output
from streamalert_apps.cli.terminal.description import label
from streamalert_apps.errors import AppError, CredentialsError, TransientError

if TYPE_CHECKING:
    from streamalert_apps.config.conf import AppConf, Project
    from streamalert_apps.plugins.registry import Registry
    from streamalert_apps.runtime.store import Store
    from streamalert_apps.sdk.app import App

EXAMPLES = """Examples:

\b
  sa-apps check duo_prod_collector
  sa-apps check collector --cluster prod --json
  sa-apps check --all

Exit codes: 0 if the service accepts the credentials, 4 if it refuses them, 1 if it can't be reached; 5 if
some of several apps failed."""

_NETWORK: Final = "This doesn't mean that the credentials are wrong. Check network, proxy and firewall."
_HINTS: Final = {
    "unavailable": _NETWORK,
    "out_of_time": _NETWORK,
    "rate_limited": "This doesn't mean that the credentials are wrong. Try again in a minute.",
}


def command(
    *,
    names: options.Names = None,
    names_option: options.NamesOption = None,
    cluster: options.Cluster = None,
    every_app: options.All = False,
    simulator: options.Simulator = "",
    project_dir: options.ProjectDir = None,
    no_input: options.NoInput = False,
    as_json: options.Json = False,
) -> int:
    """Test an app's stored credentials.

    It makes one cheap request and explains the service's answer.
    """
    from streamalert_apps.cli.each import Told, each
    from streamalert_apps.cli.selection import chosen

    picked = chosen(project_dir, names, names_option, cluster, every=every_app, no_input=no_input)
    types = known_types(picked.project.root)

    def tried(app: AppConf) -> Told:
        try:
            _check(picked.project, app, types, simulator)
        except AppError as error:
            return Told({"accepted": False if isinstance(error, CredentialsError) else None}, error)
        if not as_json or picked.several:
            output.say(f"The service accepts the credentials of {label(app)}.")
        return Told({"accepted": True})

    return each("check", picked, tried, done="accepted", as_json=as_json)


def _check(project: Project, app: AppConf, types: Registry, simulator: str) -> None:
    from streamalert_apps.cli.credentials import credentials_of, record_of

    app_type = types.find(app.type)
    credentials = credentials_of(project, app, app_type)
    with output.working(f"Trying the credentials of {label(app)}"):
        _try(app, app_type, credentials, simulator, record_of(project, app))


def _try(
    app: AppConf, app_type: type[App], credentials: Mapping[str, Any], simulator: str, record: Store
) -> None:
    """Ask the service; say in a hint what helps."""
    from streamalert_apps.cli.credentials import ask_service

    try:
        ask_service(app_type, credentials, simulator=simulator, record=record)
    except CredentialsError as refused:
        refused.hint = f"{refused.hint} `sa-apps update-auth {app.name}` replaces them.".strip()
        raise
    except TransientError as trouble:
        trouble.hint = trouble.hint or _HINTS.get(trouble.code, "")
        raise
