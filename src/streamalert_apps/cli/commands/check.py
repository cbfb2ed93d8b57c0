"""`sa-apps check`: whether an app's stored credentials work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from streamalert_apps.cli.selection import known_types
from streamalert_apps.cli.terminal import options, output
from streamalert_apps.cli.terminal.description import identity, label
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

One cheap request from this machine, with the stored credentials. 0: the service accepts them,
4: it refuses them, 1: it could not be asked. With --all, 5: so it is of some of the apps."""

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
    every_app: options.All = False,
    simulator: options.Simulator = "",
    project_dir: options.ProjectDir = None,
    no_input: options.NoInput = False,
    as_json: options.Json = False,
) -> int:
    """Test an app's stored credentials.

    One cheap request; what the service answers is explained.
    """
    from streamalert_apps.cli.selection import all_apps, one_app
    from streamalert_apps.cli.terminal.prompts import Prompts

    if every_app:
        project, apps = all_apps(project_dir, name, name_option, cluster)
        return _check_all(project, apps, simulator, as_json=as_json)
    project, app = one_app(project_dir, name, name_option, cluster, Prompts.on_terminal(no_input=no_input))
    _check(project, app, known_types(project.root), simulator)
    if as_json:
        output.envelope("check", {**identity(app), "accepted": True})
    else:
        output.say(f"The service accepts the credentials of {label(app)}.")
    return 0


def _check_all(project: Project, apps: Sequence[AppConf], simulator: str, *, as_json: bool) -> int:
    """Test the credentials of apps, one after the other; return what says how many failed."""
    from streamalert_apps.cli.terminal.failures import Failures

    failures, types = Failures(len(apps)), known_types(project.root)
    told: list[dict[str, Any]] = []
    for app in apps:
        try:
            _check(project, app, types, simulator)
        except AppError as error:
            accepted = False if isinstance(error, CredentialsError) else None
            described = output.described(failures.note(app, error))
            told.append(identity(app) | {"accepted": accepted, "error": described})
            output.error(failures.errors[-1])
        else:
            told.append(identity(app) | {"accepted": True, "error": None})
            output.say(f"The service accepts the credentials of {label(app)}.")
    if as_json:
        output.envelope("check", {"apps": told}, errors=failures.errors)
    output.say(f"{failures.summary('accepted')}.")
    return failures.exit_code


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
