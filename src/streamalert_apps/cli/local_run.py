"""One run of an app on this machine: what `sa-apps run` and `sa-apps demo` do."""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from streamalert_apps.cli.credentials import credentials_of
from streamalert_apps.cli.project import aws_session
from streamalert_apps.cli.selection import known_types
from streamalert_apps.runtime import names
from streamalert_apps.runtime.batch import DEFAULT_BATCH_BYTES, Batches
from streamalert_apps.runtime.collect import Terms, collect
from streamalert_apps.runtime.schedule import interval
from streamalert_apps.runtime.state import MemorySlot, State
from streamalert_apps.sdk.clock import Deadline, SystemClock
from streamalert_apps.sdk.http import Api
from streamalert_apps.sdk.pace import Pace

if TYPE_CHECKING:
    from streamalert_apps.config.conf import AppConf, Project
    from streamalert_apps.runtime.batch import Keep
    from streamalert_apps.runtime.collect import Outcome
    from streamalert_apps.runtime.destinations import Destination
    from streamalert_apps.runtime.state import StateSlot
    from streamalert_apps.sdk.clock import Clock

LEASE: Final = timedelta(minutes=10)
LONGEST_WAIT_SECONDS: Final = 300.0


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
                lambda: kind(credentials_of(self.project, self.app, kind), api),
                slot,
                self.destination,
                batches,
                terms,
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
