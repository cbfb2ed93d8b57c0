"""`sa-apps update-auth`: replace an app's credentials."""

from __future__ import annotations

from streamalert_apps.cli.terminal import options, output

EXAMPLES = """Examples:

\b
  sa-apps update-auth duo_prod_collector
  sa-apps update-auth --cluster prod --name duo_prod_collector
  sa-apps update-auth collector -c prod --auth-file - < duo.json"""


def command(
    *,
    name: options.Name = None,
    name_option: options.NameOption = None,
    cluster: options.Cluster = None,
    auth_file: options.AuthFile = None,
    no_check: options.NoCheck = False,
    simulator: options.Simulator = "",
    project_dir: options.ProjectDir = None,
    no_input: options.NoInput = False,
    as_json: options.Json = False,
) -> None:
    """Replace an app's credentials.

    They are tried at the service first. On a terminal, what is no secret is shown and can be kept.
    """
    from streamalert_apps.cli.credentials import (
        Source,
        load_if_any,
        place,
        read_file,
        record_of,
        save,
        store_of,
    )
    from streamalert_apps.cli.selection import known_types, one_app
    from streamalert_apps.cli.terminal.description import described
    from streamalert_apps.cli.terminal.prompts import Prompts

    prompts = Prompts.on_terminal(no_input=no_input)
    project, app = one_app(project_dir, name, name_option, cluster, prompts)
    app_type = known_types(project.root).find(app.type)
    given = read_file(auth_file, app_type.auth) if auth_file else None
    source = Source(
        prompts, given, check=not no_check, simulator=simulator, record=lambda: record_of(project, app)
    )
    source.need()
    store = store_of(project, app.function)
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
    else:
        output.say("No changes: these are the credentials that are stored.")
