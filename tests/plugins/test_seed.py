"""StreamAlert's own example of a new app, completed, with no line changed but its import."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from streamalert_apps.sdk.clock import Clock, SystemClock
from streamalert_apps.simulator.contract import Request, Response
from streamalert_apps.simulator.server import serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cli.conftest import Ran

    Command = Callable[..., Ran]

IMPORT = "from streamalert_apps import AppIntegration, LOGGER, StreamAlertApp"
STREAMALERTS_IMPORT = "from . import AppIntegration, LOGGER, StreamAlertApp"
SEED = '''
import re

@StreamAlertApp
class BoxApp(AppIntegration):
    """Box StreamAlert App"""
    _BOX_API_V2_EVENTS_ENDPOINT = 'https://api.box.com/2.0/events'
    _MAX_EVENTS_LIMIT = 500

    # Implement this abstractproperty
    @classmethod
    def service(cls):
        return 'box'

    # Implement this abstractproperty
    @classmethod
    def _type(cls):
        return 'admin_logs'

    # Implement this abstractmethod
    def required_auth_info(self):
        return {
            'secret_key':
                {
                    'description': ('the secret key for this Box instance...'),
                    'format': re.compile(r'[a-z]{8}')
                },
            'client_id':
                {
                    'description': ('the client_id for this Box instance...'),
                    'format': re.compile(r'[a-z]{8}')
                },
            'token':
                {
                    'description': ('the token for this Box instance...'),
                    'format': re.compile(r'[a-z]{8}')
                }
        }

    # Implement this abstractmethod
    def _sleep_seconds(self):
        """Return the number of seconds this polling function should sleep for between requests"""
        return self._poll_count / 10 * 1

    # Implement this abstractmethod
    def _gather_logs(self):
        """Gather the Box event logs."""
        headers = {'Authorization': 'Bearer {}'.format(self._get_oauth())}
        params = {'stream_position': self._last_timestamp,
                  'limit': self._MAX_EVENTS_LIMIT,
                  'stream_type': 'admin_logs'}

        # Make the request to the api, resulting in a bool or dict
        response = self._make_request(self._BOX_API_V2_EVENTS_ENDPOINT, headers=headers, params=params)
        if not response:
            return False

        logs = response['entries']

        # Set the last timestamp to the next stream position to be used in the next poll
        self._last_timestamp = response['next_stream_position']

        # Set self._more_to_poll to indicate there are more logs to collect
        self._more_to_poll = len(logs) >= self._MAX_EVENTS_LIMIT

        return logs

    def _get_oauth(self):
        """This should return the oauth token for this request"""
        secret_key = self._config.auth['secret_key']
        client_id = self._config.auth['client_id']
        token = self._config.auth['token']

        return '-'.join((client_id, secret_key, token))
'''
CREDENTIALS = {"secret_key": "secretaa", "client_id": "clientaa", "token": "tokenaaa"}


@dataclass
class Box:
    """As much of Box as the example asks for: positions count events, and an unknown one is the first."""

    events: list[dict[str, int]]
    clock: Clock = field(default_factory=SystemClock)

    def handle(self, request: Request) -> Response:
        if request.headers["authorization"] != "Bearer clientaa-secretaa-tokenaaa":
            return self.failure(401)
        asked = dict(request.params)
        assert (request.path, asked["stream_type"]) == ("/2.0/events", "admin_logs")
        start = int(known[1]) if (known := re.fullmatch(r"at-(\d+)", asked["stream_position"])) else 0
        entries = self.events[start : start + int(asked["limit"])]
        answer = {"entries": entries, "next_stream_position": f"at-{start + len(entries)}"}
        return Response(200, json.dumps(answer).encode())

    def failure(self, status: int) -> Response:
        return Response(status, b"{}")


@pytest.fixture
def box() -> Box:
    """Return a Box with more events than two pages hold."""
    return Box([{"event_id": number} for number in range(1200)])


@pytest.fixture
def url(box: Box) -> Iterator[str]:
    with serve(box) as server:  # type: ignore[arg-type]
        yield server.url


@pytest.fixture
def project_with_seed(local: Path) -> Path:
    (local / "apps").mkdir()
    (local / "apps/box.py").write_text(IMPORT + SEED)
    (local / "box.json").write_text(json.dumps(CREDENTIALS))
    (local / "box.json").chmod(0o600)
    return local


def new(sa_apps: Command, url: str, *more: str) -> Ran:
    words = ["box_admin_logs", "-c", "prod", "-n", "box", "--auth-file", "box.json", "--simulator", url]
    return sa_apps("new", *words, *more)


def run(sa_apps: Command, url: str) -> Ran:
    return sa_apps("run", "box", "--simulator", url, "--to", "logs.jsonl")


def arrived(root: Path) -> list[int]:
    return [json.loads(line)["event_id"] for line in (root / "logs.jsonl").read_text().splitlines()]


def test_it_is_configured_and_collects_everything_once(
    project_with_seed: Path, sa_apps: Command, box: Box, url: str
) -> None:
    assert new(sa_apps, url).code == 0
    assert run(sa_apps, url).code == 0
    box.events += [{"event_id": number} for number in range(1200, 1210)]
    assert run(sa_apps, url).code == 0

    assert arrived(project_with_seed) == list(range(1210))


def test_it_stands_beside_the_built_in_types_of_its_service(
    project_with_seed: Path, sa_apps: Command
) -> None:
    found = {kind["type"]: kind for kind in json.loads(sa_apps("types", "--json").out)["types"]}

    assert found["box_admin_logs"]["collects"] == "Box StreamAlert App"
    assert all(auth["secret"] for auth in found["box_admin_logs"]["auth"])


def test_a_request_that_fails_is_a_failure_and_says_why(
    project_with_seed: Path, sa_apps: Command, url: str
) -> None:
    wrong = CREDENTIALS | {"token": "tokenbbb"}
    (project_with_seed / "box.json").write_text(json.dumps(wrong))
    assert new(sa_apps, url, "--no-check").code == 0
    ran = run(sa_apps, url)

    assert ran.code == 4
    assert "api.box.com/2.0/events answered 401" in ran.err


def test_with_streamalerts_import_the_line_to_write_is_given(local: Path, sa_apps: Command) -> None:
    (local / "apps").mkdir()
    (local / "apps/box.py").write_text(STREAMALERTS_IMPORT + SEED)
    ran = sa_apps("types")

    assert ran.code == 0
    assert f"apps/box.py, line 1: this import is StreamAlert's. Write instead: {IMPORT}" in ran.err
