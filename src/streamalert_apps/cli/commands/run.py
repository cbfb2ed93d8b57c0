"""`sa-apps run`: collect now, from this machine."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Final

import typer

from streamalert_apps.cli.project import aws_session, either, known_types, open_project, pick_app
from streamalert_apps.cli.since import since as parse_since
from streamalert_apps.cli.terminal import options, output
from streamalert_apps.cli.terminal.prompts import Prompts
from streamalert_apps.errors import CredentialsError, UsageError
from streamalert_apps.runtime import names

if TYPE_CHECKING:
    from streamalert_apps.config.conf import AppConf, Project
    from streamalert_apps.runtime.batch import Keep
    from streamalert_apps.runtime.collect import Outcome
    from streamalert_apps.runtime.destinations import Destination
    from streamalert_apps.runtime.state import StateSlot
    from streamalert_apps.sdk.app import AuthField
    from streamalert_apps.sdk.clock import Clock

EXAMPLES = """Examples:

\b
  sa-apps run duo_prod_collector > logs.jsonl
  sa-apps run duo_prod_collector --to logs.jsonl --json
  sa-apps run duo_prod_collector --since 2h | jq .user.name
  sa-apps run duo_prod_collector --to classifier

A run takes its turn with the scheduled function: it goes on where the last one ended, and the
next one goes on after it. --keep-state and --since only look: the next run collects the same."""

LEASE: Final = timedelta(minutes=10)
LONGEST_WAIT_SECONDS: Final = 300.0
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
    look_back = parse_since(since) if since else None
    project = open_project(project_dir)
    app = pick_app(
        project, either(name, name_option, "name"), cluster, Prompts.on_terminal(no_input=no_input)
    )
    with _destination(project, app, to) as destination, output.progress(f"Collecting {app.name}") as show:
        run = Run(project, app, destination, simulator=simulator)
        outcome = run.collect(look_back=look_back, keep_state=keep_state, show=show)
    _tell(app, outcome, as_json=as_json)
    return outcome.error.exit_code if outcome.error and outcome.status == "failed" else 0


@dataclass(frozen=True, slots=True)
class Run:
    """An app with all that it needs on this machine."""

    project: Project
    app: AppConf
    destination: Destination
    simulator: str = ""
    clock: Clock | None = None

    def collect(
        self, *, look_back: timedelta | None = None, keep_state: bool = False, show: Any = lambda _: None
    ) -> Outcome:
        """Collect once; return how it ended."""
        from streamalert_apps.runtime.batch import DEFAULT_BATCH_BYTES, Batches
        from streamalert_apps.runtime.collect import Terms, collect
        from streamalert_apps.runtime.schedule import interval
        from streamalert_apps.runtime.state import MemorySlot, State
        from streamalert_apps.sdk.clock import Deadline, SystemClock
        from streamalert_apps.sdk.http import Api
        from streamalert_apps.sdk.pace import Pace

        clock = self.clock or SystemClock()
        deadline = Deadline(lambda: LONGEST_WAIT_SECONDS)  # the run may take any time, one wait may not
        slot = MemorySlot() if look_back else self._slot()
        stored = slot.read()
        state = State.of_text(stored.text) if stored else State()
        if keep_state and stored:
            slot = MemorySlot(replace(state, lease=None).to_text())
        kind = known_types(self.project.root).find(self.app.type)
        api = Api(clock=clock, deadline=deadline, pace=Pace(kind.rate, clock), simulator=self.simulator)
        terms = Terms(
            holder=f"{socket.gethostname()}:{os.getpid()}",
            clock=clock,
            deadline=deadline,
            lease=LEASE,
            first_look=look_back or interval(self.app.schedule_expression),
            after=state.lease.holder if state.lease and _is_dead(state.lease.holder) else "",
            progress=show,
        )
        batches = Batches(self._keep(), int(self.app.extra.get("batch_bytes", DEFAULT_BATCH_BYTES)))
        try:
            return collect(
                lambda: kind(self._credentials(kind.auth), api), slot, self.destination, batches, terms
            )
        finally:
            api.close()

    def _slot(self) -> StateSlot:
        if self.project.account.local:
            from streamalert_apps.runtime.local import FileSlot

            return FileSlot(names.local_folder(self.project.root, self.app.function) / "state.json")
        from streamalert_apps.runtime.ssm import ParameterSlot

        session = aws_session(self.project.account)
        return ParameterSlot(session.client("ssm"), names.state_parameter(self.app.function))

    def _credentials(self, fields: Sequence[AuthField]) -> Mapping[str, Any]:
        from streamalert_apps.cli.credentials import store_of

        credentials = store_of(self.project, self.app.function).load()
        for field in fields:
            if field.secret and field.name in credentials:
                output.hide(credentials[field.name])
        if missing := [f.name for f in fields if f.name not in credentials and not f.optional]:
            raise CredentialsError(
                f"The credentials of {self.app.name} lack {', '.join(missing)}.",
                hint=f"Give them with `sa-apps update-auth {self.app.name}`.",
            )
        return credentials

    def _keep(self) -> Keep:
        """Return what keeps a log that no delivery can carry: a bucket if the app names one, else a file."""
        if bucket := self.app.extra.get("oversize_bucket"):
            from streamalert_apps.runtime.oversize import Bucket

            return Bucket(aws_session(self.project.account).client("s3"), bucket, self.app.function).keep
        from streamalert_apps.runtime.local import write_private

        def keep(log: bytes, digest: str) -> str:
            path = names.local_folder(self.project.root, self.app.function) / "oversize" / f"{digest}.json"
            write_private(path, log)
            return str(path)

        return keep


@contextmanager
def _destination(project: Project, app: AppConf, to: str) -> Iterator[Destination]:
    """Open the place that logs go to."""
    from streamalert_apps.runtime.destinations.jsonlines import JsonLines

    if to == CLASSIFIER:
        if project.account.local:
            raise UsageError("This project lives without AWS and has no classifier.", hint="Pass --to FILE.")
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


def _is_dead(holder: str) -> bool:
    """Tell whether a run on this machine ended without giving back its lease."""
    host, _, process = holder.rpartition(":")
    if host != socket.gethostname() or not process.isdigit() or sys.platform == "win32":
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False


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
