"""`sa-apps new`: configure an app, its credentials included."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from streamalert_apps.cli.terminal import options, output
from streamalert_apps.errors import Cancelled, ConfigError, UsageError
from streamalert_apps.runtime.names import CLASSIFIER

if TYPE_CHECKING:
    from streamalert_apps.cli.adding import Outcome
    from streamalert_apps.cli.credentials import Source
    from streamalert_apps.cli.several import Planned, Terms
    from streamalert_apps.cli.tenants import Row
    from streamalert_apps.cli.terminal.prompts import Prompts
    from streamalert_apps.config.conf import AppConf, Project
    from streamalert_apps.plugins.registry import Registry

EXAMPLES = """Examples:

\b
  sa-apps new duo_auth --cluster prod
  sa-apps new duo_auth -c prod -n duo_prod_collector --interval 'rate(2 hours)' --timeout 80
  sa-apps new duo_admin -c prod --auth-file - < duo.json
  sa-apps new duo_auth -c prod --to lake --to soc
  sa-apps new duo_auth -c prod --update-settings --memory 256
  sa-apps new duo_auth -c prod --from-file tenants.csv --dry-run

\b
Without a terminal, for an app that already exists:
  --update-settings  changes its interval, timeout, memory and destinations to those given
  --update-auth      replaces its credentials with those in --auth-file

--from-file adds an app for each row: a CSV file whose first line names the columns, or a JSON list of
objects. A row has the app's name and its credentials by their names, or the name of a file in auth_file:

\b
  name,api_hostname,integration_key,secret_key
  acme,api-1a2b3c4d.duosecurity.com,DI…,…

\b
  name,auth_file
  acme,acme.json

Apps that already exist stay as they are, unless --update-settings or --update-auth is given."""

NAME: Final = "collector"


def command(
    *,
    type_argument: Annotated[
        str | None,
        typer.Argument(
            help="The app type; `sa-apps types` shows them.",
            metavar="TYPE",
            show_default=False,
            autocompletion=options.complete_type,
        ),
    ] = None,
    type_option: Annotated[
        str | None,
        typer.Option(
            "--type", help="The app type, as an option.", metavar="TYPE", autocompletion=options.complete_type
        ),
    ] = None,
    cluster: options.Cluster = None,
    name: Annotated[
        str | None,
        typer.Option(
            "--name",
            "-n",
            help="The app's name, unique in the cluster.  [default: collector]",
            metavar="NAME",
        ),
    ] = None,
    interval: Annotated[
        str | None,
        typer.Option(
            "--interval",
            "--schedule-expression",
            "-s",
            help="When it collects: 1h, rate(1 hour) or cron(0 9 ? * MON-FRI *).  [default: rate(2 hours)]",
            metavar="SCHEDULE",
        ),
    ] = None,
    timeout: Annotated[
        int | None,
        typer.Option(
            "--timeout", help="Seconds a run may take, 10 to 900.  [default: 80]", metavar="SECONDS"
        ),
    ] = None,
    memory: Annotated[
        int | None,
        typer.Option("--memory", "-m", help="MB of memory, 128 to 10240.  [default: 128]", metavar="MB"),
    ] = None,
    to: Annotated[
        list[str] | None,
        typer.Option(
            "--to",
            help="Where its events go: a destination of conf/; may be repeated.",
            metavar="NAME",
            autocompletion=options.complete_target,
        ),
    ] = None,
    auth_file: options.AuthFile = None,
    auth_from: Annotated[
        str | None,
        typer.Option(
            "--auth-from",
            help="Where the credentials are, for `sa-apps serve`: env:NAME, file:PATH or secretsmanager:ID.",
            metavar="REF",
        ),
    ] = None,
    from_file: Annotated[
        Path | None,
        typer.Option(
            "--from-file",
            help="CSV or JSON file with an app in each row; - reads it from standard input.",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --from-file: show the plan and change nothing.")
    ] = False,
    yes: options.Yes = False,
    no_check: options.NoCheck = False,
    simulator: options.Simulator = "",
    update_settings: Annotated[
        bool, typer.Option("--update-settings", help="If the app exists, change its settings without asking.")
    ] = False,
    update_auth: Annotated[
        bool, typer.Option("--update-auth", help="If the app exists, replace its credentials without asking.")
    ] = False,
    project_dir: options.ProjectDir = None,
    no_input: options.NoInput = False,
    as_json: options.Json = False,
) -> int:
    """Configure an app and its credentials, or many from a file.

    The settings go to conf/, the credentials to Parameter Store or, in a local project, to .sa-apps/.
    On a terminal, it asks for what is missing. Credentials are tested at the service before they are saved.
    """
    from streamalert_apps.cli.adding import add, there, wanted, with_settings
    from streamalert_apps.cli.credentials import Source, read_file, read_new_reference, record_of
    from streamalert_apps.cli.project import open_project
    from streamalert_apps.cli.selection import either, known_types
    from streamalert_apps.cli.several import Terms
    from streamalert_apps.cli.tenants import read
    from streamalert_apps.cli.terminal.prompts import Prompts
    from streamalert_apps.config import rules

    _refuse_together(auth_file, auth_from, from_file, name, dry_run=dry_run)
    prompts = Prompts.on_terminal(no_input=no_input)
    project = open_project(project_dir)
    settings = _checked(schedule_expression=interval, timeout=timeout, memory=memory)
    settings |= {"destinations": _destinations(project, to)} if to else {}
    if cluster:
        project.cluster(cluster)
    types = known_types(project.root)
    app_type = types.find(either(type_argument, type_option, "app type") or _ask_type(prompts, types))
    if from_file:
        terms = Terms(
            cluster or _ask_cluster(project, prompts),
            app_type.type,
            settings,
            update_settings=update_settings,
            update_auth=update_auth,
            check=not no_check,
            simulator=simulator,
        )
        rows = read(from_file, app_type.auth)
        return _from_file(project, rows, types, terms, prompts, dry_run=dry_run, yes=yes, as_json=as_json)
    cluster = cluster or _ask_cluster(project, prompts)
    app = wanted(project, cluster, app_type.type, name or _name(project, cluster, app_type.type, prompts))
    given = read_file(auth_file, app_type.auth) if auth_file else None
    if auth_from:
        settings["auth"] = {"from": rules.reference(auth_from)}
        given = read_new_reference(project, auth_from, app_type.auth)
    source = Source(
        prompts,
        given,
        check=not no_check,
        simulator=simulator,
        setup=types.setup(app_type.type),
        record=lambda: record_of(project, app),
    )
    old = there(project, app)
    if old is None:
        outcome = add(project, with_settings(app, settings), types, source)
    else:
        what = _what_to_change(old, prompts, settings=update_settings, credentials=update_auth)
        outcome = _changed(project, old, what, settings, source, types=types)
    _tell(project, outcome, simulator, as_json=as_json)
    return 0


def _refuse_together(
    auth_file: Path | None, auth_from: str | None, from_file: Path | None, name: str | None, *, dry_run: bool
) -> None:
    """Raise UsageError for options that contradict each other."""
    if auth_file and auth_from:
        raise UsageError("--auth-file and --auth-from can't be given together.", hint="Give one.")
    if dry_run and not from_file:
        raise UsageError("--dry-run goes with --from-file.")
    alone = {"--name": name, "--auth-file": auth_file, "--auth-from": auth_from}
    beside = [option for option, value in alone.items() if value]
    if from_file and beside:
        raise UsageError(
            f"{beside[0]} does not go with --from-file.", hint="Each row of the file has its own."
        )


def _from_file(
    project: Project,
    rows: Sequence[Row],
    types: Registry,
    terms: Terms,
    prompts: Prompts,
    *,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Add an app for each row: show what is to be done, ask, do it."""
    from streamalert_apps.cli import several

    planned, outcomes = several.plan(project, rows, terms), []
    _show(project, planned)
    if not dry_run and several.pending(planned):
        if not yes and not prompts.confirm("Apply these changes?", flag="--yes"):
            raise Cancelled("Cancelled; nothing was changed.")
        done = []
        with output.working(f"Adding apps to cluster {terms.cluster}"):
            for one, outcome in several.carry_out(project, planned, types, terms):
                done.append(one)
                outcomes += [outcome] if outcome else []
        planned = done
    return _tell_of_several(project, planned, outcomes, terms, dry_run=dry_run, as_json=as_json)


def _show(project: Project, planned: Sequence[Planned]) -> None:
    from streamalert_apps.cli import several

    for one in planned:
        if one.fate != "unchanged":
            output.say(one.line())
    output.say(f"Plan: {several.summary(planned, done=False)}")
    added = [one.app for one in planned if one.app and one.fate == "create"]
    if added and not project.account.local:
        from streamalert_apps.cli.examining import lacking_room
        from streamalert_apps.cli.project import aws_session

        for lack in lacking_room(project, aws_session(project.account), [*project.all_apps, *added]):
            output.warn(lack)


def _tell_of_several(
    project: Project,
    planned: Sequence[Planned],
    outcomes: Sequence[Outcome],
    terms: Terms,
    *,
    dry_run: bool,
    as_json: bool,
) -> int:
    from streamalert_apps.cli import several
    from streamalert_apps.cli.terminal.exit_code import of_several

    errors = [error for error in (one.labelled_error() for one in planned) if error]
    added = sorted({name for outcome in outcomes for name in outcome.schemas.added})
    step = f"sa-apps {'status' if project.account.local else 'deploy'} --cluster {terms.cluster}"
    if as_json:
        content = {
            "dry_run": dry_run,
            "totals": several.totals(planned),
            "apps": [one.described() for one in planned],
            "schemas": added,
            "next": step,
        }
        output.envelope("new", content, errors=errors)
    for error in errors:
        output.error(error)
    if not dry_run:
        output.say(f"Apps: {several.summary(planned, done=True)}")
        if outcomes:
            output.say(f"Next: `{step}`")
    return of_several(errors, len(planned))


def _tell(project: Project, outcome: Outcome, simulator: str, *, as_json: bool) -> None:
    from streamalert_apps.cli.credentials import place
    from streamalert_apps.cli.terminal.description import described

    app = outcome.app
    verb = "run" if project.account.local else "deploy"
    simulated = f" --simulator {simulator}" if simulator and verb == "run" else ""
    step = f"sa-apps {verb} {app.name} --cluster {app.cluster}{simulated}"
    for name in outcome.schemas.differing:
        output.warn(
            f"conf/schemas/{app.service}.json has another '{name}' than this version knows: "
            "the classifier drops logs that do not match it."
        )
    if as_json:
        output.envelope(
            "new",
            {
                "app": described(app),
                "created": outcome.created,
                "changed": list(outcome.changed),
                "schemas": list(outcome.schemas.added),
                "next": step,
            },
        )
        return
    if not outcome.changed and not outcome.schemas.added:
        output.say("No changes.")
        return
    if "credentials" in outcome.changed:
        output.say(f"App authentication info successfully saved to {place(project, app.function)}.")
    if "settings" in outcome.changed:
        verb = "added" if outcome.created else "updated"
        to = "to" if outcome.created else "in"
        output.say(
            f"Successfully {verb} '{app.name}' {to} 'conf/clusters/{app.cluster}.json' "
            f"for service '{app.type}'."
        )
    if outcome.schemas.added:
        output.say(f"Added to conf/schemas/{app.service}.json: {', '.join(outcome.schemas.added)}.")
    if project.account.local:
        output.say(f"Next: `{step}` collects now; `sa-apps serve{simulated}` collects on schedule.")
    else:
        output.say(f"Next: `{step}`")


def _checked(**given: Any) -> dict[str, Any]:
    """Return the settings that were given, checked."""
    from streamalert_apps.config import rules

    checks: dict[str, Callable[[Any], Any]] = {
        "schedule_expression": rules.schedule_expression,
        "timeout": rules.timeout,
        "memory": rules.memory,
    }
    return {key: checks[key](value) for key, value in given.items() if value is not None}


def _destinations(project: Project, names: Sequence[str]) -> list[str]:
    """Return the names of destinations, which have to be there."""
    for name in names:
        if name != CLASSIFIER:
            project.destination(name)
        elif project.account.local:
            raise UsageError("This is a local project (no AWS): it has no classifier.")
    return list(dict.fromkeys(names))


def _ask_type(prompts: Prompts, types: Registry) -> str:
    """Ask for an app type."""
    names = types.names()
    shown = {name: f"{name}: {types.find(name).collects}" for name in names}
    flag = "TYPE, for example duo_auth; `sa-apps types` lists them"
    return prompts.choice("Which type of app?", what="the app type", flag=flag, choices=shown)


def _ask_cluster(project: Project, prompts: Prompts) -> str:
    """Ask for a cluster of the project."""
    if not project.clusters:
        raise ConfigError("There is no cluster yet.", hint="`sa-apps init --cluster NAME` creates one.")
    flag = f"--cluster, one of {', '.join(project.clusters)}"
    choices = {name: name for name in project.clusters}
    return prompts.choice("In which cluster?", what="the cluster", flag=flag, choices=choices)


def _name(project: Project, cluster: str, app_type: str, prompts: Prompts) -> str:
    """Return the usual name; ask for another where an app of another type has that."""
    from streamalert_apps.config import rules

    taken = {app.name: app.type for app in project.apps(cluster)}
    if taken.get(NAME, app_type) == app_type:
        return NAME

    def parse(text: str) -> str:
        name = rules.app_name(text)
        if taken.get(name, app_type) != app_type:
            raise UsageError(f"Cluster '{cluster}' already has an app '{name}', of type {taken[name]}.")
        return name

    name: str = prompts.text(
        f"Name of the app (cluster '{cluster}' already has a '{NAME}'):",
        what="the app's name",
        flag=f"--name, for example --name {app_type}",
        parse=parse,
        default=app_type,
    )
    return name


def _what_to_change(app: AppConf, prompts: Prompts, *, settings: bool, credentials: bool) -> set[str]:
    """Return what shall change of an app that is there, asking where no flag says so."""
    if settings or credentials:
        return _chosen(settings=settings, credentials=credentials)
    there = f"Cluster '{app.cluster}' has an app '{app.name}' of this type already."
    if not prompts.allowed:
        raise UsageError(
            there,
            hint="--update-settings changes its settings, --update-auth its credentials; both may be given.",
        )
    output.say(there)
    return _chosen(
        settings=prompts.confirm("Change its settings?", flag="--update-settings"),
        credentials=prompts.confirm("Change its credentials?", flag="--update-auth"),
    )


def _chosen(**chosen: bool) -> set[str]:
    return {word for word, wanted in chosen.items() if wanted}


def _changed(
    project: Project,
    old: AppConf,
    what: set[str],
    settings: dict[str, Any],
    source: Source,
    *,
    types: Registry,
) -> Outcome:
    """Change an app that is there: its settings to those given or asked for, its credentials to new ones."""
    from streamalert_apps.cli.adding import change, with_settings
    from streamalert_apps.cli.credentials import refuse_reference

    if "settings" in what and not settings and source.prompts.allowed:
        settings = _ask_settings(old, source.prompts)
    new = with_settings(old, settings) if "settings" in what else old
    if "credentials" in what:
        refuse_reference(new)
    others = "credentials" in what or new.auth_from != old.auth_from
    return change(project, old, new, types, source if others else None)


def _ask_settings(app: AppConf, prompts: Prompts) -> dict[str, Any]:
    from streamalert_apps.config import rules

    def number(check: Callable[[int], int]) -> Callable[[str], int]:
        def parse(text: str) -> int:
            if not text.isdecimal():
                raise UsageError(f"'{text}' is not a whole number.")
            return check(int(text))

        return parse

    questions: dict[str, tuple[str, Callable[[str], Any]]] = {
        "schedule_expression": ("Interval:", rules.schedule_expression),
        "timeout": ("Timeout in seconds:", number(rules.timeout)),
        "memory": ("Memory in MB:", number(rules.memory)),
    }
    return {
        key: prompts.text(
            question, what="a setting", flag="--update-settings", parse=parse, default=str(getattr(app, key))
        )
        for key, (question, parse) in questions.items()
    }
