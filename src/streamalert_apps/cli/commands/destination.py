"""`sa-apps destination`: where events go."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from streamalert_apps.cli.terminal import options, output
from streamalert_apps.errors import Cancelled, CredentialsError, UsageError
from streamalert_apps.sdk.count import counted

if TYPE_CHECKING:
    from pathlib import Path

    from streamalert_apps.aws.session import Session
    from streamalert_apps.cli.terminal.prompts import Prompts
    from streamalert_apps.config.conf import Project
    from streamalert_apps.runtime.credentials import CredentialStore
    from streamalert_apps.runtime.outlets import Definition
    from streamalert_apps.runtime.sink import Setting, Sink
    from streamalert_apps.sdk.app import AuthField

EXAMPLES = """Examples:

\b
  sa-apps destination add lake --type s3 --set bucket=acme-lake --set hold=5m
  sa-apps destination list
  sa-apps destination test lake"""

ADD_EXAMPLES = """Examples:

\b
  sa-apps destination add soc --type http
  sa-apps destination add soc --type http --set url=https://logs.example.com/in --auth-file - < soc.json
  sa-apps destination add soc --update-auth     replace a destination's credentials

On a terminal, it asks for what is missing. Events go there when an app or a cluster names it:
`sa-apps new TYPE --to soc`, or `destinations` in conf/."""

LIST_EXAMPLES = """Examples:

\b
  sa-apps destination list
  sa-apps destination list --json"""

TEST_EXAMPLES = """Examples:

\b
  sa-apps destination test lake
  sa-apps destination test soc --json

The event has the key `sa_apps_test`. It is sent from this machine, with your permissions in AWS, not
the app's."""

REMOVE_EXAMPLES = """Examples:

\b
  sa-apps destination remove soc
  sa-apps destination remove soc --yes --json

What has not been delivered yet never will be, except to other destinations. What the destination refused is
kept for 30 days. In AWS, apps send there until they are deployed again."""

WHAT: Final = "the destination's credentials"

group = typer.Typer(
    name="destination",
    help="Manage where events go.",
    epilog=EXAMPLES,
    rich_markup_mode=None,
    invoke_without_command=True,
)

Name = Annotated[
    str,
    typer.Argument(
        help="The destination's name.",
        metavar="NAME",
        show_default=False,
        autocompletion=options.complete_destination,
    ),
]


@group.callback()
def root(context: typer.Context) -> None:
    """Manage where events go."""
    if context.invoked_subcommand is None:
        output.data(context.get_help())


@group.command("add", epilog=ADD_EXAMPLES)
def add(
    *,
    name: Annotated[
        str, typer.Argument(help="A name for the destination.", metavar="NAME", show_default=False)
    ],
    kind: Annotated[
        str | None,
        typer.Option(
            "--type",
            help="Its kind, like http or s3.",
            metavar="TYPE",
            show_default=False,
            autocompletion=options.complete_kind,
        ),
    ] = None,
    given: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting, like url=https://…; may be repeated.", metavar="KEY=VALUE"),
    ] = None,
    auth_file: options.AuthFile = None,
    update_auth: Annotated[
        bool, typer.Option("--update-auth", help="If it exists, replace its credentials without asking.")
    ] = False,
    project_dir: options.ProjectDir = None,
    no_input: options.NoInput = False,
    as_json: options.Json = False,
) -> None:
    """Define a destination, with its credentials.

    The settings go to conf/destinations.json, the credentials to Parameter Store or, in a local project, to
    .sa-apps/.
    """
    from streamalert_apps.cli.project import know_plugins, open_project
    from streamalert_apps.cli.terminal.prompts import Prompts
    from streamalert_apps.config import rules
    from streamalert_apps.runtime.outlets import Definition

    prompts = Prompts.on_terminal(no_input=no_input)
    project = open_project(project_dir)
    know_plugins(project.root)
    definition = project.destinations.get(rules.destination_name(name))
    is_new = definition is None
    if definition is None:
        found = _kind(kind or _ask_kind(prompts))
        definition = Definition(name, _settings(found, given or (), prompts))
    else:
        _check_is_update(definition, prompts, is_changed=bool(kind or given), update_auth=update_auth)
    changed = ["settings"] if is_new else []
    changed += _store_all(project, definition, prompts, auth_file, is_new=is_new)
    if as_json:
        told = {"destination": _described(project, definition), "created": is_new, "changed": changed}
        output.envelope("destination add", told)
        return
    if "credentials" in changed:
        output.say(f"The credentials of {name} are saved to {_place(project, name)}.")
    if is_new:
        output.say(f"Added '{name}' to conf/destinations.json.")
    output.say(f"Next: `sa-apps destination test {name}`" if changed else "No changes.")


def _store_all(
    project: Project, definition: Definition, prompts: Prompts, auth_file: Path | None, *, is_new: bool
) -> list[str]:
    """Store the credentials of a destination and, where it is new, its settings; all or nothing.

    Return `credentials` where they are others than before.
    """
    from streamalert_apps.cli.credentials import hide_secrets, load_if_any, read_file, saved

    name, kind = definition.name, _kind(definition.kind)
    fields = kind.auth(definition.settings(kind))
    if not fields:
        if auth_file or not is_new:
            raise UsageError(f"{name} has no credentials: with its settings, it needs none.")
        project.add_destination(name, definition.given)
        return []
    if definition.auth_from:
        return _check_reference(project, definition, fields, is_new=is_new)
    store = _store(project, name)
    present = load_if_any(store)
    values = read_file(auth_file, fields) if auth_file else _asked(prompts, fields, present)
    hide_secrets(fields, values)
    with saved(store, values, _place(project, name)):
        if is_new:
            project.add_destination(name, definition.given)
    return [] if values == present else ["credentials"]


def _check_reference(
    project: Project, definition: Definition, fields: Sequence[AuthField], *, is_new: bool
) -> list[str]:
    """Define a destination whose credentials are where conf/ says, and are right."""
    from streamalert_apps.cli.credentials import read_new_reference

    if not is_new:
        raise UsageError(
            f"The credentials of {definition.name} come from {definition.auth_from}, as conf/ says.",
            hint="Change them there.",
        )
    read_new_reference(project, definition.auth_from, tuple(fields))
    project.add_destination(definition.name, definition.given)
    return []


def _check_is_update(old: Definition, prompts: Prompts, *, is_changed: bool, update_auth: bool) -> None:
    """Raise where a destination that is there would be defined anew, or nobody said that it is meant."""
    if is_changed:
        raise UsageError(
            f"There is a destination '{old.name}' already.",
            hint=f"Change it with `sa-apps config set destinations.{old.name}.KEY VALUE`.",
        )
    if update_auth:
        return
    there = f"There is a destination '{old.name}' already."
    if not prompts.allowed:
        raise UsageError(there, hint="--update-auth replaces its credentials.")
    output.say(there)
    if not prompts.confirm("Change its credentials?", flag="--update-auth"):
        raise Cancelled("Cancelled; nothing was changed.")


def _kind(name: str) -> type[Sink]:
    from streamalert_apps.runtime import kinds

    return kinds.find(name)


def _ask_kind(prompts: Prompts) -> str:
    from streamalert_apps.runtime import kinds

    names = kinds.names()
    choices = {name: f"{name}: {kinds.find(name).takes}" for name in names}
    flag = f"--type, one of {', '.join(names)}"
    return prompts.choice("Which kind of destination?", what="the kind", flag=flag, choices=choices)


def _settings(kind: type[Sink], given: Sequence[str], prompts: Prompts) -> dict[str, Any]:
    """Return a definition of the settings that were given, and those that have to be and were asked for."""
    from streamalert_apps.config.suggest import did_you_mean
    from streamalert_apps.runtime import outlets
    from streamalert_apps.runtime.sink import REQUIRED

    known = {setting.name: setting for setting in outlets.known(kind)}
    values: dict[str, Any] = {}
    for pair in given:
        key, equals, text = pair.partition("=")
        if not equals:
            raise UsageError(f"--set takes KEY=VALUE, not '{pair}'.")
        if key not in known:
            raise UsageError(
                f"{kind.kind} has no setting '{key}'.",
                hint=f"{did_you_mean(key, known)}It has {', '.join(known)}.",
            )
        values[key] = _meant(known[key], text)
    for name, setting in known.items():
        if setting.default is REQUIRED and name not in values:
            values[name] = prompts.text(
                f"Please supply {setting.description}:",
                what=f"{name}, {setting.description}",
                flag=f"--set {name}=VALUE",
                parse=_parser(setting),
            )
    return {"type": kind.kind, **values}


def _parser(setting: Setting) -> Callable[[str], Any]:
    return lambda text: _meant(setting, text)


def _meant(setting: Setting, text: str) -> Any:
    """Return the value of a setting that is meant by a text: JSON, or else the text."""
    from streamalert_apps.config import jsonfile

    refused: UsageError | None = None
    for value in jsonfile.meant(text):
        try:
            setting.rule(value)
        except UsageError as error:
            refused = error
        else:
            return value
    assert refused is not None  # noqa: S101 (a text is always tried)
    raise UsageError(f"{setting.name}: {refused.message}", hint=refused.hint)


def _asked(
    prompts: Prompts, fields: Sequence[AuthField], present: Mapping[str, Any] | None
) -> dict[str, Any]:
    from streamalert_apps.cli.credentials import FLAG, ask_all

    prompts.need(WHAT, FLAG)
    return ask_all(prompts, fields, present or {}, WHAT)


@group.command("list", epilog=LIST_EXAMPLES)
def show(*, project_dir: options.ProjectDir = None, as_json: options.Json = False) -> None:
    """Show the destinations in conf/, and which apps use them."""
    from streamalert_apps.cli.project import open_project

    project = open_project(project_dir)
    described = [_described(project, definition) for definition in project.destinations.values()]
    if as_json:
        output.envelope("destination list", {"destinations": described})
        return
    if not described:
        output.data("No destinations configured")
    elif output.is_terminal(sys.stdout):
        output.table(
            ("name", "type", "apps"),
            [(each["name"], each["type"], ", ".join(_apps(each)) or "none") for each in described],
        )
    else:
        output.data("\n".join("\t".join((each["name"], each["type"], *_apps(each))) for each in described))


def _apps(described: Mapping[str, Any]) -> list[str]:
    return [f"{app['name']} ({app['cluster']})" for app in described["apps"]]


def _described(project: Project, definition: Definition) -> dict[str, Any]:
    from streamalert_apps.cli.terminal.description import identity

    name = definition.name
    return {
        "name": name,
        "type": definition.kind,
        "settings": {key: value for key, value in definition.given.items() if key != "type"},
        "apps": [identity(app) for app in project.all_apps if any(sink.name == name for sink in app.sinks)],
    }


@group.command("test", epilog=TEST_EXAMPLES)
def send(*, name: Name, project_dir: options.ProjectDir = None, as_json: options.Json = False) -> None:
    """Send a test event to a destination and show its answer."""
    from streamalert_apps.cli.project import open_project
    from streamalert_apps.sdk.clock import SystemClock
    from streamalert_apps.serve.probe import MARK, probe

    project = open_project(project_dir)
    definition = project.destination(name)
    _hide(project, definition)
    with output.working(f"Sending an event to {name}"):
        mark = probe(project, definition, _session(project), SystemClock())
    if as_json:
        output.envelope("destination test", {"name": name, "type": definition.kind, "event": {MARK: mark}})
    else:
        output.say(f'{name} accepted the event. Look for "{MARK}": "{mark}" there.')
        if not _described(project, definition)["apps"]:
            step = f"sa-apps new TYPE --cluster CLUSTER --name NAME --update-settings --to {name}"
            output.say(f"No app sends its events there yet. Next: `{step}`")


def _hide(project: Project, definition: Definition) -> None:
    """Never write the destination's secrets; that there are none is told by who needs them."""
    from contextlib import suppress

    from streamalert_apps.cli.credentials import hide_secrets

    kind = _kind(definition.kind)
    fields = kind.auth(definition.settings(kind))
    if fields:
        with suppress(CredentialsError):
            hide_secrets(fields, _store(project, definition.name).load())


@group.command("remove", epilog=REMOVE_EXAMPLES)
def remove(
    *,
    name: Name,
    yes: options.Yes = False,
    project_dir: options.ProjectDir = None,
    no_input: options.NoInput = False,
    as_json: options.Json = False,
) -> None:
    """Delete a destination, with its credentials."""
    from streamalert_apps.cli.project import open_project
    from streamalert_apps.cli.terminal.description import identity, label
    from streamalert_apps.cli.terminal.prompts import Prompts
    from streamalert_apps.serve import positions

    prompts = Prompts.on_terminal(no_input=no_input)
    project = open_project(project_dir)
    project.destination(name)
    project.without_destination(name)
    session, store = _session(project), _store(project, name)
    held = [one for one in positions.held(project, project.all_apps, session) if one.destination == name]
    output.say(f"This will delete {name}:")
    output.say("  the definition in conf/destinations.json")
    if has_credentials := store.exists():
        output.say(f"  the credentials, {_place(project, name)}")
    for one in held:
        left = f"{counted(one.waiting, 'event')} undelivered" if one.waiting else "nothing undelivered"
        output.say(f"  the position of {label(one.app)}, {left}")
    waiting = sum(one.waiting for one in held)
    question = (
        f"Remove {name}, with {counted(waiting, 'event')} undelivered?" if waiting else f"Remove {name}?"
    )
    if not yes and not prompts.confirm(question, flag="--yes", deletes=True):
        raise Cancelled("Cancelled; nothing was changed.")
    for one in held:
        positions.drop(project, one, session)
    if has_credentials:
        store.delete()
    project.remove_destination(name)
    if as_json:
        dropped = [{**identity(one.app), "undelivered": one.waiting} for one in held]
        output.envelope("destination remove", {"name": name, "positions": dropped})
    else:
        output.say(f"{name} is deleted.")


def _session(project: Project) -> Callable[[], Session]:
    """Return what opens the way to AWS, where it is needed."""
    from streamalert_apps.cli.project import aws_session

    return lambda: aws_session(project.account)


def _store(project: Project, name: str) -> CredentialStore:
    from streamalert_apps.config import jsonfile
    from streamalert_apps.serve import destinations

    if project.account.local:
        jsonfile.private_folder(project.root)
    return destinations.credentials_of(project, name, _session(project))


def _place(project: Project, name: str) -> str:
    """Name the place where a destination's credentials live."""
    from streamalert_apps.runtime import names

    if project.account.local:
        return names.local_destination(project.root, name).relative_to(project.root).as_posix()
    return f"Parameter Store as {names.destination_parameter(project.account.prefix, name)}"
