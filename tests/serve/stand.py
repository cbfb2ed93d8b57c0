"""A project, a simulated Duo whose events come as time goes on, and collectors in processes of their own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from streamalert_apps.config import conf
from streamalert_apps.runtime import head as heads
from streamalert_apps.runtime import journal
from streamalert_apps.sdk.clock import SystemClock
from streamalert_apps.serve.turn import place_of
from streamalert_apps.services import twins
from streamalert_apps.simulator.server import serve
from tests.deploy.cloud import app

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streamalert_apps.aws.session import Session
    from streamalert_apps.runtime.store import Store
    from streamalert_apps.simulator.server import Server

UNLIMITED = Path(__file__).parent.parent / "unlimited"
PATIENCE_SECONDS = 90.0


@dataclass
class Duo:
    """A simulated Duo without a limit, and the ids of the events that it has shown or is to show."""

    twin: Any
    server: Server
    ids: set[str] = field(default_factory=set)

    @property
    def credentials(self) -> dict[str, str]:
        """What it accepts."""
        return dict(self.twin.credentials)

    def emit(self, events: int, within: float) -> None:
        """Let events happen, evenly, in the seconds to come."""
        start = SystemClock().now()
        for number in range(events):
            at = start + timedelta(seconds=within * number / events)
            self.ids.add(self.twin.put("duo_auth", at=at, visible=at))


@contextmanager
def duo() -> Iterator[Duo]:
    """Serve a Duo."""
    twin = twins.twin("duo", rate=None)
    with serve(twin) as server:
        yield Duo(twin, server)


def write_project(
    root: Path, names: Sequence[str], duo: Duo, *, store: str = "local", **settings: Any
) -> None:
    """Write a project whose apps collect from a Duo each second."""
    settings = {"schedule_expression": "rate(1 second)", **settings}
    apps = {}
    for name in names:
        entry = app(name=name, function=f"acme_prod_duo_auth_{name}_app", **settings)
        apps[entry.function] = entry.settings()
        auth = root / ".sa-apps" / entry.function / "auth.json"
        auth.parent.mkdir(parents=True, exist_ok=True)
        auth.write_text(json.dumps(duo.credentials))
        auth.chmod(0o600)
    (root / "conf/clusters").mkdir(parents=True, exist_ok=True)
    (root / "conf/global.json").write_text(
        json.dumps({"account": {"prefix": "acme"}, "sa_apps": {"store": store}})
    )
    (root / "conf/clusters/prod.json").write_text(
        json.dumps({"id": "prod", "modules": {"streamalert_apps": apps}})
    )


class Serving:
    """A collector in a process of its own."""

    def __init__(self, root: Path, duo: Duo, *options: str, **env: str) -> None:
        self.log = root / f"serve-{time.monotonic_ns()}.log"
        self._file = self.log.open("wb")
        words = ("--project-dir", str(root), "--simulator", duo.server.url, "--listen", "127.0.0.1:0")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "streamalert_apps", "serve", *words, *options],
            stdin=subprocess.DEVNULL,
            stdout=self._file,
            stderr=self._file,
            env={**os.environ, "PYTHONPATH": str(UNLIMITED), "PYTHONFAULTHANDLER": "1", **env},
            cwd=root,
        )

    @property
    def said(self) -> str:
        """What it wrote so far."""
        return self.log.read_text("utf-8")

    @property
    def url(self) -> str:
        """Where it answers."""
        found = re.search(r"Serving (http://\S+?);", self.until(r"Serving http://\S+;"))
        assert found
        return found[1]

    def until(self, pattern: str, seconds: float = PATIENCE_SECONDS) -> str:
        """Wait until it has written something, and return all that it wrote."""
        give_up = time.monotonic() + seconds
        while not re.search(pattern, self.said):
            assert time.monotonic() < give_up, f"{pattern} did not come:\n{self.said}"
            assert self.process.poll() is None or re.search(pattern, self.said), self.said
            time.sleep(0.02)
        return self.said

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Tell it to stop, and wait for its end."""
        self.process.send_signal(number)
        return self._ended()

    def kill(self) -> None:
        """End it at once, as a power failure does."""
        self.process.kill()
        self._ended()

    def _ended(self) -> int:
        code = self.process.wait(PATIENCE_SECONDS)
        self._file.close()
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(ProcessLookupError):
            self.process.kill()
        self._ended()


def stores(root: Path, session: Session | None = None) -> dict[str, Store]:
    """Return the apps' records, by name."""

    def signed_in() -> Session:
        assert session
        return session

    project = conf.load(root)
    return {app.name: place_of(project, app, signed_in).store for app in project.all_apps}


def until_each_has_run(stores: dict[str, Store]) -> None:
    """Wait until each app has ended a run well: from then on it wants all that happens."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while not all(_has_run(store) for store in stores.values()):
        assert time.monotonic() < give_up, "not every app has run"
        time.sleep(0.1)


def _has_run(store: Store) -> bool:
    there = store.read(heads.NAME)
    runs = heads.parse(there.body)[0].runs if there.version else []
    return bool(runs) and runs[-1].status == "succeeded"


def record(store: Store) -> Counter[str]:
    """Return how often each event is on record."""
    there = store.read(heads.NAME)
    if there.version is None:
        return Counter()
    head, _ = heads.parse(there.body)
    found: Counter[str] = Counter()
    for entry in journal.entries(store, head.birth, since=head.first, up_to=head.sequence):
        body = store.get(entry.name)
        assert body is not None
        found.update(json.loads(bytes(line.raw))["txid"] for _, line in journal.read(body))
    return found


def until_all_is_on_record(stores: dict[str, Store], duo: Duo) -> None:
    """Wait until each app has all events on record."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    left = dict(stores)
    while left:
        left = {name: store for name, store in left.items() if record(store).keys() != duo.ids}
        assert time.monotonic() < give_up, {name: len(record(store)) for name, store in left.items()}
        time.sleep(0.3)
