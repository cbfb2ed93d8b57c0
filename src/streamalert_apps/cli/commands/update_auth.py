"""`sa-apps update-auth`: replace an app's credentials."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streamalert_apps.cli.terminal import options, output
from streamalert_apps.errors import AppError, UsageError

if TYPE_CHECKING:
    from streamalert_apps.config.conf import AppConf, Project
    from streamalert_apps.runtime.credentials import CredentialStore

EXAMPLES = """Examples:

\b
  sa-apps update-auth duo_prod_collector
  sa-apps update-auth --cluster prod --name duo_prod_collector
  sa-apps update-auth collector -c prod --auth-file - < duo.json
  sa-apps update-auth duo_prod_collector --rollback

The service has to accept the new credentials before they are stored. Revoke the old ones when the command
says so: a run that is under way still uses them. --rollback restores them."""


def command(
    *,
    name: options.Name = None,
    name_option: options.NameOption = None,
    cluster: options.Cluster = None,
    auth_file: options.AuthFile = None,
    rollback: Annotated[bool, typer.Option("--rollback", help="Restore the previous credentials.")] = False,
    no_check: options.NoCheck = False,
    simulator: options.Simulator = "",
    project_dir: options.ProjectDir = None,
    no_input: options.NoInput = False,
    as_json: options.Json = False,
) -> None:
    """Replace an app's credentials.

    They are tested at the service first. On a terminal, values that are not secret are shown and can be kept.
    """
    from streamalert_apps.cli.credentials import (
        Source,
        load_if_any,
        place,
        read_file,
        record_of,
        refuse_reference,
        save,
        store_of,
    )
    from streamalert_apps.cli.selection import known_types, one_app
    from streamalert_apps.cli.terminal.description import described
    from streamalert_apps.cli.terminal.prompts import Prompts

    prompts = Prompts.on_terminal(no_input=no_input)
    project, app = one_app(project_dir, name, name_option, cluster, prompts)
    refuse_reference(app)
    app_type = known_types(project.root).find(app.type)
    if rollback and auth_file:
        raise UsageError("--rollback stores what was there before.", hint="Leave out --auth-file.")
    store = store_of(project, app.function)
    given = read_file(auth_file, app_type.auth) if auth_file else None
    if rollback:
        given = _previous(store, app)
    source = Source(
        prompts, given, check=not no_check, simulator=simulator, record=lambda: record_of(project, app)
    )
    source.need()
    present = load_if_any(store)
    credentials = source.obtain(app_type, present)
    changed = credentials != present
    where = place(project, app.function)
    if changed:
        save(store, credentials, where)
    if as_json:
        output.envelope("update-auth", {"app": described(app), "changed": changed})
    elif changed:
        output.say(f"App authentication info successfully saved to {where}.")
        if present is not None:
            _say_when_to_revoke(project, app)
    else:
        output.say("No changes: these are the credentials that are stored.")


def _previous(store: CredentialStore, app: AppConf) -> dict[str, Any]:
    before = store.previous()
    if before is None:
        raise UsageError(f"There are no earlier credentials of {app.name}.")
    return dict(before)


def _say_when_to_revoke(project: Project, app: AppConf) -> None:
    """Say whether a run still uses the credentials that were there."""
    from streamalert_apps.cli.credentials import record_of
    from streamalert_apps.runtime import head as heads

    back = f"`sa-apps update-auth {app.name} --rollback` restores them."
    with suppress(AppError):
        there = record_of(project, app).read(heads.NAME)
        lease = heads.parse(there.body)[0].lease if there.version else None
        if lease and lease.until > there.now.timestamp():
            until = datetime.fromtimestamp(lease.until, UTC)
            output.say(
                f"A run is under way and still uses the old ones (until {until:%H:%M} UTC at least). "
                f"Revoke them when `sa-apps status {app.name}` shows that it has ended. {back}"
            )
            return
    output.say(f"No run uses the old ones any more: they can be revoked. Until then {back}")
