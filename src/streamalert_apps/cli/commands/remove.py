"""`sa-apps remove`: delete an app with everything that belongs to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from streamalert_apps.cli.terminal import options, output
from streamalert_apps.errors import AlreadyRunning, Cancelled, ConfigError
from streamalert_apps.sdk.count import counted

if TYPE_CHECKING:
    from streamalert_apps.config.conf import AppConf, Project
    from streamalert_apps.sdk.clock import Clock
    from streamalert_apps.serve.turn import Place

Removal: TypeAlias = tuple[list[tuple[str, str]], Callable[[], None]]
"""Kind and name of each thing that goes, in that order, and what takes them away; what is gone is fine."""

EXAMPLES = """Examples:

\b
  sa-apps remove duo_prod_collector
  sa-apps remove duo_prod_collector --keep-auth
  sa-apps remove collector --cluster prod --yes --json

What will be deleted is shown first, including the app's record. Delivered events stay where they are.
An app that is running is not removed."""


def command(
    *,
    names: options.Names = None,
    names_option: options.NamesOption = None,
    cluster: options.Cluster = None,
    every_app: options.All = False,
    keep_auth: Annotated[bool, typer.Option("--keep-auth", help="Keep the credentials.")] = False,
    yes: options.Yes = False,
    project_dir: options.ProjectDir = None,
    no_input: options.NoInput = False,
    as_json: options.Json = False,
) -> int:
    """Delete an app from AWS and conf/, with its credentials."""
    from streamalert_apps.cli.each import Told, each
    from streamalert_apps.cli.project import aws_session
    from streamalert_apps.cli.selection import chosen
    from streamalert_apps.cli.terminal.description import label
    from streamalert_apps.cli.terminal.prompts import Prompts
    from streamalert_apps.sdk.clock import SystemClock
    from streamalert_apps.serve.turn import place_of

    prompts = Prompts.on_terminal(no_input=no_input)
    picked = chosen(project_dir, names, names_option, cluster, every=every_app, no_input=no_input)
    project, clock = picked.project, SystemClock()
    find = _local if project.account.local else _deployed
    places = {
        app.function: place_of(project, app, lambda: aws_session(project.account)) for app in picked.apps
    }
    removals = {app.function: find(project, app, places[app.function], keep_auth) for app in picked.apps}
    for app in picked.apps:
        output.say(f"This will delete {label(app)}:")
        for kind, thing in _gone(app, removals[app.function]):
            output.say(f"  {kind:<10}  {thing}")
    what = counted(len(picked.apps), "app") if picked.several else label(picked.apps[0])
    if not yes and not prompts.confirm(f"Delete {what}?", flag="--yes", deletes=True):
        raise Cancelled("Cancelled; nothing was changed.")

    def removed(app: AppConf) -> Told:
        _begin(app, places[app.function], clock)
        _, carry_out = removals[app.function]
        carry_out()
        project.remove_app(app)
        if not as_json:
            output.say(f"{label(app)} is deleted.")
        gone = _gone(app, removals[app.function])
        return Told({"removed": [{"kind": kind, "name": thing} for kind, thing in gone]})

    return each("remove", picked, removed, done="deleted", as_json=as_json)


def _gone(app: AppConf, removal: Removal) -> list[tuple[str, str]]:
    things, _ = removal
    return [*things, ("entries", f"conf/clusters/{app.cluster}.json")]


def _begin(app: AppConf, place: Place, clock: Clock) -> None:
    """Keep runs from beginning; during one nothing is removed."""
    from streamalert_apps.serve import removal

    try:
        removal.begin(place, clock)
    except AlreadyRunning as error:
        raise AlreadyRunning(
            f"Nothing was removed: {app.name} is running.",
            hint=f"Wait for its end. {error.message} `sa-apps disable` keeps new runs from starting.",
            until=error.until,
        ) from None


def _local(project: Project, app: AppConf, place: Place, keep_auth: bool) -> Removal:
    """Find the files of a local app: all of its folder, and its head."""
    from streamalert_apps.runtime import names
    from streamalert_apps.runtime.files import remove_leftovers
    from streamalert_apps.serve import removal

    folder = names.local_folder(project.root, app.function)
    keep = ("auth.json",) if keep_auth else ()
    tops = sorted({name.partition("/")[0] for name in removal.objects(place)} - {*keep})

    def carry_out() -> None:
        removal.finish(place, keep)
        remove_leftovers(folder / "auth.json")
        try:
            if not keep and folder.exists():
                rmtree(folder)
        except OSError as error:
            raise ConfigError(
                f".sa-apps/{folder.name} can't be removed: {error.strerror}.",
                hint="Remove it by hand, then try again: it may hold credentials.",
            ) from None

    return [("file", (Path(".sa-apps") / folder.name / top).as_posix()) for top in tops], carry_out


def _deployed(project: Project, app: AppConf, place: Place, keep_auth: bool) -> Removal:
    """Find what an app has in AWS. The schedule goes first, then the role, the parameters, the record."""
    from streamalert_apps.cli.fleet import Fleet
    from streamalert_apps.cli.terminal.progress import applying
    from streamalert_apps.deploy import apply, parameters, survey
    from streamalert_apps.runtime import names
    from streamalert_apps.serve import removal

    fleet = Fleet.of(project)
    (plan,) = survey.survey([fleet.job(app.function)], 1)
    if plan.error:
        raise plan.error
    wanted = [names.state_parameter(app.function)]
    wanted += [] if keep_auth else [names.auth_parameter(app.function)]
    ssm = fleet.session.client("ssm")
    stored = tuple(parameters.values(ssm, wanted))
    record = [("record", f"s3://{project.account.bucket}/{app.function}/")] if removal.objects(place) else []

    def carry_out() -> None:
        with applying([plan]) as tell:
            (result,) = apply.apply([plan], 1, tell)
        if result.error:
            raise result.error
        parameters.delete(ssm, stored)
        removal.finish(place)

    things = [(change.subject.kind, change.subject.name) for change in plan.changes]
    return [*things, *(("parameter", name) for name in stored), *record], carry_out
