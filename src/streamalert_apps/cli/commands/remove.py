"""`sa-apps remove`: take an app away, with all that it has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from streamalert_apps.cli.terminal import options, output
from streamalert_apps.errors import Cancelled

if TYPE_CHECKING:
    from streamalert_apps.cli.fleet import Fleet
    from streamalert_apps.config.conf import AppConf, Project
    from streamalert_apps.deploy.survey import AppPlan

EXAMPLES = """Examples:

\b
  sa-apps remove duo_prod_collector
  sa-apps remove duo_prod_collector --keep-auth
  sa-apps remove collector --cluster prod --yes --json

What goes is shown first. Logs that the app has delivered stay where they are."""


def command(
    *,
    name: options.Name = None,
    name_option: options.NameOption = None,
    cluster: options.Cluster = None,
    keep_auth: Annotated[bool, typer.Option("--keep-auth", help="Keep the credentials.")] = False,
    yes: options.Yes = False,
    project_dir: options.ProjectDir = None,
    no_input: options.NoInput = False,
    as_json: options.Json = False,
) -> None:
    """Take an app away: from AWS, its credentials, from conf/."""
    from streamalert_apps.cli.selection import one_app
    from streamalert_apps.cli.terminal.description import identity, label
    from streamalert_apps.cli.terminal.prompts import Prompts

    prompts = Prompts.on_terminal(no_input=no_input)
    project, app = one_app(project_dir, name, name_option, cluster, prompts)
    removal = _removal(project, app, keep_auth=keep_auth)
    gone = [*removal.things(), ("entries", f"conf/clusters/{app.cluster}.json")]
    output.say(f"Of {label(app)} goes:")
    for kind, thing in gone:
        output.say(f"  {kind:<10}  {thing}")
    if not yes and not prompts.confirm(f"Remove {label(app)}?", flag="--yes"):
        raise Cancelled("Cancelled; nothing was changed.")
    removal.carry_out()
    project.remove_app(app)
    if as_json:
        removed = [{"kind": kind, "name": thing} for kind, thing in gone]
        output.envelope("remove", {**identity(app), "removed": removed})
    else:
        output.say(f"{label(app)} is gone.")


class Removal(Protocol):
    """All that goes but for the entries in conf/."""

    def things(self) -> Iterator[tuple[str, str]]:
        """Yield kind and name of each thing."""

    def carry_out(self) -> None:
        """Take it away; what is gone already is fine."""


def _removal(project: Project, app: AppConf, *, keep_auth: bool) -> Removal:
    """Find out what an app has."""
    if project.account.local:
        return _Local.of(project, app, keep_auth=keep_auth)
    return _Deployed.of(project, app, keep_auth=keep_auth)


@dataclass(frozen=True, slots=True)
class _Local:
    """The files of a local app. What it kept of logs that were too large stays."""

    folder: Path
    files: tuple[str, ...]

    @classmethod
    def of(cls, project: Project, app: AppConf, *, keep_auth: bool) -> _Local:
        from streamalert_apps.runtime import names

        folder = names.local_folder(project.root, app.function)
        files = ("state.json", "state.lock") if keep_auth else ("auth.json", "state.json", "state.lock")
        return cls(folder, tuple(file for file in files if (folder / file).exists()))

    def things(self) -> Iterator[tuple[str, str]]:
        """Yield the files."""
        for file in self.files:
            yield "file", str(Path(".sa-apps") / self.folder.name / file)

    def carry_out(self) -> None:
        """Delete them, and the folder if nothing is left in it."""
        for file in self.files:
            (self.folder / file).unlink(missing_ok=True)
        with suppress(OSError):
            self.folder.rmdir()


@dataclass(frozen=True, slots=True)
class _Deployed:
    """What a deploy has made of an app, and its parameters."""

    fleet: Fleet
    plan: AppPlan
    parameters: tuple[str, ...]

    @classmethod
    def of(cls, project: Project, app: AppConf, *, keep_auth: bool) -> _Deployed:
        """Look what there is."""
        from streamalert_apps.cli.fleet import Fleet
        from streamalert_apps.deploy import parameters, survey
        from streamalert_apps.runtime import names

        fleet = Fleet.of(project)
        (plan,) = survey.survey([fleet.job(app.function)], 1)
        if plan.error:
            raise plan.error
        survey.check_account(fleet.session, fleet.place.account, [plan])
        wanted = [names.state_parameter(app.function)]
        wanted += [] if keep_auth else [names.auth_parameter(app.function)]
        return cls(fleet, plan, tuple(parameters.values(fleet.session.client("ssm"), wanted)))

    def things(self) -> Iterator[tuple[str, str]]:
        """Yield what goes, in the order in which it goes."""
        for change in self.plan.changes:
            yield change.subject.kind, change.subject.name
        for name in self.parameters:
            yield "parameter", name

    def carry_out(self) -> None:
        """Delete it: the schedule first, the role last, then the parameters."""
        from streamalert_apps.cli.terminal.progress import applying
        from streamalert_apps.deploy import apply, parameters

        with applying([self.plan]) as tell:
            (result,) = apply.apply([self.plan], 1, tell)
        if result.error:
            raise result.error
        parameters.delete(self.fleet.session.client("ssm"), self.parameters)
