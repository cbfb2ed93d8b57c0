"""One turn of an app on this machine."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from streamalert_apps.runtime.collect import Outcome, Terms
from streamalert_apps.runtime.store.memory import MemoryStore
from streamalert_apps.sdk.app import Checkpoint, Memory, Page, with_lag
from streamalert_apps.sdk.clock import SystemClock
from streamalert_apps.serve.turn import Place, Span, Turn
from streamalert_apps.services.duo.app import DuoAuth
from tests.deploy.cloud import app

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.mark.parametrize(
    ("extra", "lag"), [({"lag": "10m"}, timedelta(minutes=10)), ({}, timedelta(minutes=5))]
)
def test_an_app_runs_with_the_lag_that_conf_states_or_with_its_types(
    extra: dict[str, Any], lag: timedelta
) -> None:
    seen: list[timedelta | None] = []

    class Asked(DuoAuth):
        def walk(self, checkpoint: Checkpoint, memory: Memory) -> Iterator[Page]:  # noqa: ARG002
            seen.append(self.lag)
            yield Page([], checkpoint, more=False)

    place = Place(MemoryStore(SystemClock()), "owner")
    keys = {"api_hostname": "api-abcdef12.duosecurity.com", "integration_key": "DI", "secret_key": "s"}

    Turn(app(extra=extra), Asked, lambda: keys, place, {}).collect()

    assert seen == [lag]


def test_another_lag_makes_another_type_and_leaves_the_first_alone() -> None:
    assert with_lag(DuoAuth, timedelta(hours=1)).lag == timedelta(hours=1)
    assert DuoAuth.lag == timedelta(minutes=5)
    assert with_lag(DuoAuth, None) is DuoAuth


def test_a_turn_audits_and_a_look_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    def collected(_: Any, __: Any, ___: Any, terms: Terms) -> Outcome:
        asked.append(terms.audits)
        return Outcome()

    monkeypatch.setattr("streamalert_apps.serve.turn.collect", collected)
    turn = Turn(app(), DuoAuth, dict, Place(MemoryStore(SystemClock()), "owner"), {})

    turn.collect()
    turn.look(Span())

    assert asked == [True, False]
