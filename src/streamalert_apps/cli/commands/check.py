"""`sa-apps check`: whether an app's stored credentials work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from streamalert_apps.cli.terminal import options, output
from streamalert_apps.errors import CredentialsError, TransientError

if TYPE_CHECKING:
    from streamalert_apps.config.conf import AppConf
    from streamalert_apps.runtime.store import Store
    from streamalert_apps.sdk.app import App

EXAMPLES = """Examples:

\b
  sa-apps check duo_prod_collector
  sa-apps check collector --cluster prod --json

One cheap request from this machine, with the stored credentials. 0: the service accepts them,
4: it refuses them, 1: it could not be asked."""

_NETWORK: Final = "This doesn't mean that the credentials are wrong. Check network, proxy and firewall."
_HINTS: Final = {
    "unavailable": _NETWORK,
    "out_of_time": _NETWORK,
    "rate_limited": "This doesn't mean that the credentials are wrong. Try again in a minute.",
}


def command(
    *,
    name: options.Name = None,
    name_option: options.NameOption = None,
    cluster: options.Cluster = None,
    simulator: options.Simulator = "",
    project_dir: options.ProjectDir = None,
    no_input: options.NoInput = False,
    as_json: options.Json = False,
) -> None:
    """Test an app's stored credentials.

    One cheap request; what the service answers is explained.
    """
    from streamalert_apps.cli.credentials import credentials_of, record_of
    from streamalert_apps.cli.selection import known_types, one_app
    from streamalert_apps.cli.terminal.description import identity, label
    from streamalert_apps.cli.terminal.prompts import Prompts

    project, app = one_app(project_dir, name, name_option, cluster, Prompts.on_terminal(no_input=no_input))
    app_type = known_types(project.root).find(app.type)
    credentials = credentials_of(project, app, app_type)
    with output.working(f"Trying the credentials of {label(app)}"):
        _try(app, app_type, credentials, simulator, record_of(project, app))
    if as_json:
        output.envelope("check", {**identity(app), "accepted": True})
    else:
        output.say(f"The service accepts the credentials of {label(app)}.")


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
