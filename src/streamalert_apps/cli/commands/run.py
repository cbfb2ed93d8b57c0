"""`sa-apps run`: collect now, from this machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Final

import typer

from streamalert_apps.cli.terminal import options, output
from streamalert_apps.errors import UsageError

if TYPE_CHECKING:
    from streamalert_apps.config.conf import AppConf, Project
    from streamalert_apps.runtime.collect import Outcome
    from streamalert_apps.runtime.destinations import Destination

EXAMPLES = """Examples:

\b
  sa-apps run duo_prod_collector > logs.jsonl
  sa-apps run duo_prod_collector --to logs.jsonl --json
  sa-apps run duo_prod_collector --since 2h | jq .user.name
  sa-apps run duo_prod_collector --to classifier

A run takes its turn with the scheduled function: it goes on where the last one ended, and the
next one goes on after it. --keep-state and --since only look: the next run collects the same."""

CLASSIFIER: Final = "classifier"


def command(
    *,
    name: options.Name = None,
    name_option: options.NameOption = None,
    cluster: options.Cluster = None,
    to: Annotated[
        str,
        typer.Option(
            "--to", help="A file to append to, - for standard output, or classifier.", metavar="FILE"
        ),
    ] = "-",
    since: Annotated[
        str | None,
        typer.Option(help="Look this far back instead (90s, 30m, 2h, 7d).", metavar="TIME"),
    ] = None,
    keep_state: Annotated[
        bool, typer.Option("--keep-state", help="Only look: do not move the app's checkpoint.")
    ] = False,
    simulator: options.Simulator = "",
    project_dir: options.ProjectDir = None,
    no_input: options.NoInput = False,
    as_json: options.Json = False,
) -> int:
    """Collect an app's logs now, from this machine, as JSON lines.

    The summary goes to standard error; with --json it is the last line of standard output.
    """
    from streamalert_apps.cli.local_run import Run
    from streamalert_apps.cli.selection import one_app
    from streamalert_apps.cli.terminal.prompts import Prompts

    look_back = options.since(since) if since else None
    project, app = one_app(project_dir, name, name_option, cluster, Prompts.on_terminal(no_input=no_input))
    with _destination(project, app, to) as destination, output.progress(f"Collecting {app.name}") as show:
        run = Run(project, app, destination, simulator=simulator)
        outcome = run.collect(look_back=look_back, keep_state=keep_state, show=show)
    _tell(app, outcome, as_json=as_json)
    return outcome.error.exit_code if outcome.error and outcome.status == "failed" else 0


@contextmanager
def _destination(project: Project, app: AppConf, to: str) -> Iterator[Destination]:
    """Open the place that logs go to."""
    from streamalert_apps.runtime.destinations.jsonlines import JsonLines

    if to == CLASSIFIER:
        if project.account.local:
            raise UsageError("This project lives without AWS and has no classifier.", hint="Pass --to FILE.")
        from streamalert_apps.cli.project import aws_session
        from streamalert_apps.runtime import names
        from streamalert_apps.runtime.destinations.classifier import ClassifierLambda

        function = names.classifier(project.account.prefix, app.cluster)
        yield ClassifierLambda(aws_session(project.account).client("lambda"), function, app.function)
        return
    if to == "-":
        yield JsonLines(sys.stdout.buffer)
        return
    with _opened(Path(to)) as file:
        yield JsonLines(file)


def _opened(path: Path) -> BinaryIO:
    """Open a file of logs to append to; a new one is for its owner alone."""
    try:
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")
    except OSError as error:
        raise UsageError(f"{path} can't be written: {error.strerror}.") from None


def summary(outcome: Outcome) -> dict[str, Any]:
    """Return how a run ended, as --json shows it."""
    return {
        "outcome": outcome.status,
        "logs": outcome.logs,
        "bytes": outcome.bytes,
        "batches": outcome.batches,
        "pages": outcome.pages,
        "repeats_removed": outcome.repeats,
        "truncated": outcome.truncated,
        "seconds": round(outcome.seconds, 3),
        "retry_after": round(outcome.retry_after, 1),
    }


def _tell(app: AppConf, outcome: Outcome, *, as_json: bool) -> None:
    failed = outcome.status == "failed"
    if as_json:
        errors = [outcome.error] if outcome.error and failed else []
        output.envelope(
            "run", {"cluster": app.cluster, "name": app.name, **summary(outcome)}, errors=errors, line=True
        )
    output.say(f"{app.name}: {outcome.logs:,} logs in {outcome.seconds:.1f} s, {outcome.status}.")
    if outcome.truncated:
        output.warn(f"{outcome.truncated} logs were too large; the whole of them is kept, see `_truncated`.")
    if failed and outcome.error:
        output.error(outcome.error)
    elif outcome.status == "partial":
        wait = f" in {outcome.retry_after:.0f} s" if outcome.retry_after else ""
        output.say(f"There is more: run it again{wait}.")
