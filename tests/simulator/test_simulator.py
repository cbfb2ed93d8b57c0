from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest

from streamalert_apps import services
from streamalert_apps.errors import UsageError
from streamalert_apps.services import twins
from streamalert_apps.simulator.tally import compare
from tests.simulator.world import NOW, Client, StillClock, tenant


def test_every_service_there_is_has_a_twin() -> None:
    assert "duo" in services.services()
    for service in services.services():
        twin = twins.twin(service, clock=StillClock(), seed=2)
        assert twin.clock.now() == NOW
        assert twin.credentials


def test_options_reach_the_twin() -> None:
    assert twins.twin("duo", seed=1).credentials != twins.twin("duo", seed=2).credentials


@pytest.mark.parametrize(("name", "hint"), [("due", "Did you mean 'duo'?"), ("acme", "There are: ")])
def test_an_unknown_service_is_refused_with_a_suggestion(name: str, hint: str) -> None:
    with pytest.raises(UsageError) as refused:
        twins.twin(name)

    assert refused.value.hint.startswith(hint)


def test_the_names_of_services_are_known_without_loading_one() -> None:
    script = (
        "import sys; from streamalert_apps import services; services.services();"
        "print([m for m in sys.modules if m.startswith(('streamalert_apps.simulator.', 'httpx', 'http.'))])"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_a_tally_tells_lost_from_repeated_from_foreign() -> None:
    twin = tenant()
    names = sorted(twin.put("duo_auth", at=NOW - timedelta(minutes=5)) for _ in range(3))
    logs = Client(twin).page(sort="ts:asc")["authlogs"]

    whole = compare(twin, "duo_auth", logs)
    broken = compare(twin, "duo_auth", [logs[1], logs[1], logs[2], {"txid": "?"}])

    assert (whole.held, whole.arrived, whole.lost, whole.repeated, whole.foreign) == (3, 3, (), (), ())
    assert (broken.held, broken.arrived) == (3, 4)
    assert (broken.lost, broken.repeated, broken.foreign) == ((names[0],), (names[1],), ("?",))


def test_a_tally_counts_equal_rows() -> None:
    twin = tenant()
    row: dict[str, Any] = {"action": "user_update", "description": None, "object": None, "username": "API"}
    name, _ = (twin.put("duo_admin", at=NOW, **row) for _ in range(2))
    sent = row | {"isotimestamp": "2023-11-21T10:00:00+00:00", "timestamp": 1700560800}

    assert compare(twin, "duo_admin", [sent]).lost == (name,)
    assert compare(twin, "duo_admin", [sent] * 2).lost == ()
    assert compare(twin, "duo_admin", [sent] * 3).repeated == (name,)


def test_a_tally_can_be_kept_of_a_span_of_time() -> None:
    twin = tenant()
    for minutes in range(3):
        twin.put("duo_auth", at=NOW - timedelta(minutes=minutes))

    since, until = NOW - timedelta(minutes=1), NOW - timedelta(seconds=1)

    assert compare(twin, "duo_auth", [], since=since, until=until).held == 1
