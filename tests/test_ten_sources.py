"""Ten sources without AWS, set up in a terminal as docs/machine.md says: typed, served, looked at."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from streamalert_apps import services
from streamalert_apps.sdk.clock import SystemClock
from streamalert_apps.services import twins
from streamalert_apps.simulator.server import Server, serve
from tests.serve.stand import UNLIMITED, stores, until_each_has_run
from tests.terminal import CTRL_C, ENTER, Terminal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import pytest

    from streamalert_apps.simulator.contract import Request, Response, Twin

SOURCES = {
    "duo_auth": "duosecurity.com",
    "okta_system_log": "okta.com",
    "slack_access": "slack.com",
    "github_audit": "github.com",
    "tailscale_configuration": "tailscale.com",
    "openai_audit": "openai.com",
    "pagerduty_audit": "pagerduty.com",
    "zendesk_audit": "zendesk.com",
    "onelogin_events": "onelogin.com",
    "cursor_audit": "cursor.com",
}
TYPED = {"duo_auth", "slack_access", "onelogin_events"}  # credentials that are typed; a file has the others
MINUTES = 10.0  # that a person may take


class Internet:
    """Several simulated services, each asked under its own host."""

    def __init__(self, twins: dict[str, Twin]) -> None:
        self._twins = twins
        self.clock = SystemClock()

    def handle(self, request: Request) -> Response:
        host = request.headers["host"]
        (twin,) = (twin for domain, twin in self._twins.items() if host.endswith(domain))
        return twin.handle(request)


def name_of(app_type: str) -> str:
    """Return what an app is called: as its service."""
    return app_type.partition("_")[0]


@contextmanager
def internet() -> Iterator[tuple[Server, dict[str, Twin]]]:
    """Serve all services."""
    made: dict[str, Twin] = {}
    for app_type, domain in SOURCES.items():
        made[domain] = twins.twin(name_of(app_type), rate=None)
    there: Any = Internet(made)
    with serve(there) as server:
        yield server, made


def file_of(path: Path, credentials: dict[str, Any]) -> str:
    """Write credentials to a file that nobody else can read; return its name."""
    path.touch(0o600)
    path.write_text(json.dumps(credentials))
    return path.name


def type_in(terminal: Terminal, app_type: str, credentials: Any) -> None:
    """Answer each question with what the service's page would give; what is optional with nothing."""
    for field in services.find(app_type).auth:
        words = f"Please supply {field.description}{', or nothing' if field.optional else ''}:"
        terminal.see(words[:100]).type(str(credentials.get(field.name, "")) + ENTER)


def until_there_are(files: Iterable[Path]) -> None:
    """Wait until each source's events have arrived."""
    left, give_up = [*files], time.monotonic() + 60
    while left := [file for file in left if not file.exists()]:
        assert time.monotonic() < give_up, left
        time.sleep(0.1)


def test_ten_sources_without_aws_are_set_up_in_a_terminal(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = time.monotonic()
    monkeypatch.setenv("PYTHONPATH", str(UNLIMITED))
    with Terminal("init", "--local", folder=project) as terminal:
        assert terminal.ends() == 0, terminal.text
    with internet() as (server, made):
        simulator = ("--simulator", server.url)
        for app_type, domain in SOURCES.items():
            words = ["--cluster", "prod", "--name", name_of(app_type), "--interval", "2s"]
            credentials = dict(made[domain].credentials)
            if app_type not in TYPED:
                words += ["--auth-file", file_of(project / f"{app_type}.json", credentials)]
            with Terminal("new", app_type, *words, *simulator, folder=project) as terminal:
                if app_type in TYPED:
                    type_in(terminal, app_type, credentials)
                terminal.see("The service accepts the credentials.").see(
                    f"Successfully added '{name_of(app_type)}'"
                )
                assert terminal.ends() == 0, terminal.text
        with Terminal("serve", "--listen", "127.0.0.1:0", *simulator, folder=project) as terminal:
            terminal.see("collecting; apps: 10")
            until_each_has_run(stores(project))
            for app_type, domain in SOURCES.items():
                now = made[domain].clock.now()
                made[domain].put(app_type, at=now, visible=now)
            until_there_are(project / f"logs/{name_of(app_type)}.jsonl" for app_type in SOURCES)
            terminal.type(CTRL_C)
            assert terminal.ends() == 0, terminal.text

    assert time.monotonic() - began < MINUTES * 60
    command = [sys.executable, "-m", "streamalert_apps", "status", "--json"]
    told = json.loads(subprocess.run(command, cwd=project, check=True, capture_output=True).stdout)
    assert sorted(app["type"] for app in told["apps"]) == sorted(SOURCES)
    assert [app["problems"] for app in told["apps"] if app["problems"]] == []
