"""`sa-apps deploy`: bring AWS to what conf/ says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from streamalert_apps.cli.terminal import options, output
from streamalert_apps.errors import Cancelled, UsageError

if TYPE_CHECKING:
    from streamalert_apps.cli.deploying import Deploy, Outcome, Whole

EXAMPLES = """Examples:

\b
  sa-apps deploy
  sa-apps deploy collector --cluster prod --with-classifier
  sa-apps deploy --dry-run --exit-code         3 where AWS is not what conf/ says
  sa-apps deploy --yes --json
  sa-apps deploy --functions classifier apps   StreamAlert's way to say --with-classifier

What is to be done is shown first. A deploy that ends midway does no harm: the next one goes on.
Nothing of an app is deleted unless --prune says so."""

PENDING = 3


def command(
    *,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Names of apps; without one all are deployed.",
            metavar="[NAME]...",
            show_default=False,
            autocompletion=options.complete_name,
        ),
    ] = None,
    names_option: Annotated[
        list[str] | None,
        typer.Option(
            "--name",
            "-n",
            help="An app's name, as an option; may be repeated.",
            metavar="NAME",
            autocompletion=options.complete_name,
        ),
    ] = None,
    clusters: Annotated[
        list[str] | None,
        typer.Option(
            "--cluster",
            "-c",
            help="Only this cluster; may be repeated.",
            metavar="CLUSTER",
            autocompletion=options.complete_cluster,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done, and write nothing.")
    ] = False,
    yes: options.Yes = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Also delete what was deployed for apps that conf/ has no more.")
    ] = False,
    adopt: Annotated[
        bool,
        typer.Option(
            "--adopt", help="Take over things of the same name that neither we nor StreamAlert made."
        ),
    ] = False,
    with_classifier: Annotated[
        bool,
        typer.Option("--with-classifier", help="Also give StreamAlert's classifier the new conf/ files."),
    ] = False,
    functions: Annotated[
        list[str] | None,
        typer.Option("--functions", "-f", help="StreamAlert's words: apps, classifier.", metavar="WORD"),
    ] = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="With --dry-run: end with 3 where something is to be done.")
    ] = False,
    at_once: Annotated[
        int, typer.Option("--jobs", help="How many apps at a time.", min=1, max=16, metavar="N")
    ] = 8,
    project_dir: options.ProjectDir = None,
    no_input: options.NoInput = False,
    as_json: options.Json = False,
) -> int:
    """Bring AWS to what conf/ says, app by app.

    An app has a function, a role, a schedule, a log group and alarms.

    Only differences are written. The alias that the schedule invokes moves last, so that a run sees the
    old version or the new one, and nothing in between.
    """
    from streamalert_apps.cli.deploying import Deploy, Outcome, Whole
    from streamalert_apps.cli.fleet import Fleet, choose
    from streamalert_apps.cli.project import open_project
    from streamalert_apps.cli.terminal.prompts import Prompts

    names = [*(names or ()), *(names_option or ())]
    words = _words(functions, names)
    if words:
        names, with_classifier = [], with_classifier or "classifier" in words
    if prune and names:
        raise UsageError("--prune is about all apps of a cluster.", hint="Leave out the names.")
    prompts = Prompts.on_terminal(no_input=no_input)
    project = open_project(project_dir)
    apps = choose(project, clusters or (), names)
    deploy = Deploy(Fleet.of(project), project, at_once, adopt=adopt)
    with output.working("Comparing conf/ with AWS"):
        meant = clusters or list(dict.fromkeys(app.cluster for app in apps))
        classifiers = deploy.classifiers(meant) if with_classifier else []
        if words == {"classifier"}:
            apps = []
        whole = Whole(deploy.plan(apps, (clusters or ()) if prune else None), classifiers)
    if dry_run or not whole.pending:
        outcome = Outcome.of_plan(whole, dry_run=dry_run)
    else:
        _show(whole, deploy)
        if not yes and not prompts.confirm("Carry this out?", flag="--yes"):
            raise Cancelled("Cancelled; nothing was changed.")
        outcome = deploy.apply(whole)
    _tell(whole, outcome, as_json=as_json)
    if dry_run and exit_code and whole.pending:
        return outcome.exit_code or PENDING
    return outcome.exit_code


def _words(functions: Sequence[str] | None, names: Sequence[str]) -> set[str]:
    """Return StreamAlert's words for what to deploy; it lets them follow one --functions."""
    if not functions:
        return set()
    words = {*functions, *names}
    if foreign := sorted(words - {"apps", "classifier"}):
        raise UsageError(
            f"sa-apps deploys apps and the classifier, not {', '.join(foreign)}.",
            hint="With --functions no app can be named; --name does without it. The rest is StreamAlert's.",
        )
    return words


def _show(whole: Whole, deploy: Deploy) -> None:
    """Say what is to be done."""
    from streamalert_apps.cli.report import Report, label, summary

    for line in whole.lines():
        output.say(line)
    output.say(f"Plan: {summary(map(Report.of_plan, whole.apps), done=False)}")
    for plan in deploy.without_credentials(whole.apps):
        output.warn(f"{label(plan.job)} has no credentials yet: its runs fail until `sa-apps update-auth`.")


def _tell(whole: Whole, outcome: Outcome, *, as_json: bool) -> None:
    """Say what was done, or would be; data is only what a dry run is asked for."""
    from streamalert_apps.cli.report import summary

    if as_json:
        output.envelope("deploy", outcome.described(), errors=outcome.errors)
    elif outcome.dry_run:
        for line in whole.lines():
            output.data(line)
    for error in outcome.errors:
        output.error(error)
    if outcome.dry_run:
        output.say(f"Plan: {summary(outcome.apps, done=False)}")
    elif not whole.pending and not outcome.errors:
        output.say("No changes: AWS is as conf/ says.")
    else:
        output.say(f"Apps: {summary(outcome.apps, done=True)}")
