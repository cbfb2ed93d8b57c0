"""A state that is broken, foreign, too old, too long or from a wrong clock: told in words, and outlived."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from streamalert_apps.errors import StateError
from streamalert_apps.runtime.batch import Batches
from streamalert_apps.runtime.collect import Outcome, Terms, collect
from streamalert_apps.runtime.ssm import ParameterSlot
from streamalert_apps.runtime.state import MemorySlot
from streamalert_apps.sdk.app import App
from streamalert_apps.sdk.clock import Deadline
from streamalert_apps.sdk.http import Api
from streamalert_apps.sdk.pace import Pace, Rate
from tests.simulation.apps import _Newest, _Oldest
from tests.simulator.world import StillClock

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Box:
    """Keeps what is delivered."""

    def __init__(self) -> None:
        self.logs: list[Any] = []

    def forward(self, batch: Any) -> None:
        self.logs += [json.loads(bytes(log)) for log in batch]


class Service:
    """Has one event a minute for two hours, up to now."""

    def __init__(self) -> None:
        self.clock = StillClock(NOW)
        self.asked: list[dict[str, str]] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        asked = dict(request.url.params)
        self.asked.append(asked)
        since, until = (datetime.fromisoformat(asked[bound]) for bound in ("since", "until"))
        times = [NOW - n * MINUTE for n in range(120, 0, -1)]
        rows = [{"id": str(time), "time": time.isoformat()} for time in times if since <= time <= until]
        return httpx.Response(200, json={"rows": rows, "next": None})


def run(slot: Any, service: Service, box: Box, kind: type[App] = _Oldest, first_look: int = 60) -> Outcome:
    """Collect once."""
    deadline = Deadline(lambda: 50.0)
    api = Api(
        clock=service.clock,
        deadline=deadline,
        pace=Pace(kind.rate, service.clock),
        transport=httpx.MockTransport(service.answer),
    )
    terms = Terms("it", service.clock, deadline, timedelta(minutes=5), first_look * MINUTE)
    return collect(lambda: kind({"key": "key-0"}, api), slot, box, Batches(lambda *_: ""), terms)


def state(checkpoint: Any, **own: Any) -> str:
    return json.dumps({"current_state": "succeeded", "sa_apps": {"checkpoint": checkpoint, **own}})


def floor(minutes: int) -> dict[str, str]:
    return {"floor": (NOW - minutes * MINUTE).isoformat()}


BROKEN = [
    "",
    "{",
    "null",
    "[]",
    "7",
    '"running"',
    "{}",
    '{"current_state": "succeeded", "sa_apps": []}x',
    state("2026"),
    state([1]),
    state(None, lease={"holder": "x"}),
    state(None, lease={"holder": "x", "until": "soon"}),
    state(None, lease={"holder": "x", "until": "2026-03-02T12:01:00"}),
    state(floor(5), requests="12"),
    state(floor(5), requests=7),
    state(floor(5), requests=["x"]),
    state(floor(5), not_before="later"),
    state(floor(5), delivered={"logs": "3", "digest": "x"}),
    state(floor(5), delivered={"logs": 3}),
    state(None, since="yesterday"),
    state(None, since="2026-03-02T12:01:00"),
]


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_state_is_told_with_what_to_do_and_left_as_it_is(text: str) -> None:
    slot, box = MemorySlot("x"), Box()
    slot.write(text)
    with pytest.raises(StateError) as caught:
        run(slot, Service(), box)
    assert "delete it" in caught.value.hint
    stored = slot.read()
    assert stored
    assert stored.text == text
    assert not box.logs


@pytest.mark.parametrize(
    "checkpoint",
    [
        {"floor": 5},
        {"floor": "soon"},
        {"position": "7"},
        floor(5) | {"seen": 5},
        floor(5) | {"page": "x"},
        floor(5) | {"page": {"token": 1}},
    ],
)
def test_a_checkpoint_of_another_app_fails_the_run_with_what_to_do(checkpoint: Any) -> None:
    slot, box = MemorySlot(state(checkpoint)), Box()
    outcome = run(slot, Service(), box)
    assert outcome.status == "failed"
    assert outcome.error
    assert "delete it" in outcome.error.hint
    assert not box.logs


@pytest.mark.parametrize("kind", [_Oldest, _Newest])
def test_a_floor_in_the_future_does_not_stop_a_feed(
    kind: type[App], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(kind, "lag", 10 * MINUTE)
    slot, box = MemorySlot(state(floor(-600))), Box()
    with caplog.at_level(logging.WARNING):
        outcome = run(slot, Service(), box, kind)
    assert outcome.status == "succeeded"
    assert len(box.logs) == 10
    assert "a clock was wrong" in caplog.text


@pytest.mark.parametrize("kind", [_Oldest, _Newest])
@pytest.mark.parametrize("page", [False, True])
def test_a_floor_older_than_the_service_keeps_is_told_and_left(
    kind: type[App], page: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(kind, "retention", timedelta(hours=1))
    old = floor(60 * 24 * 30)
    at = {"settled": floor(60 * 24 * 29)["floor"], "until": floor(60 * 24 * 29)["floor"], "token": "t"}
    slot, box = MemorySlot(state(old | ({"page": at} if page else {}))), Box()
    service = Service()
    with caplog.at_level(logging.WARNING):
        outcome = run(slot, service, box, kind)
    assert outcome.status == "succeeded"
    assert len(box.logs) == 59
    assert "can't be collected any more" in caplog.text
    assert min(datetime.fromisoformat(asked["since"]) for asked in service.asked) >= NOW - timedelta(hours=1)


def test_request_times_of_a_wrong_clock_delay_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Oldest, "rate", Rate(1, 60.0))
    slot, box = MemorySlot(state(floor(5), requests=[NOW.timestamp() + 86_400])), Box()
    assert run(slot, Service(), box).status == "succeeded"
    assert len(box.logs) == 5


def test_a_rest_is_not_kept_for_longer_than_a_day() -> None:
    service = Service()
    slot, box = MemorySlot(state(floor(5), not_before=NOW.timestamp() + 9e8)), Box()
    outcome = run(slot, service, box)
    assert outcome.status == "partial"
    assert outcome.retry_after <= 86_400
    assert not service.asked


def test_another_schedule_moves_no_checkpoint() -> None:
    slot, box = MemorySlot(state(floor(5))), Box()
    run(slot, Service(), box, first_look=1)
    run(slot, Service(), box, first_look=6000)
    assert len(box.logs) == 5


def test_another_schedule_moves_no_beginning_of_a_first_run() -> None:
    since = (NOW - 7 * MINUTE).isoformat()
    slot, box = MemorySlot(state(None, since=since, last_run={"started": since})), Box()
    run(slot, Service(), box, first_look=1)
    assert len(box.logs) == 7


class Ssm:
    """Takes a parameter of at most 4,096 characters, or 8,192 in the advanced tier, and says which it was."""

    def __init__(self) -> None:
        self.tiers: list[str] = []

    def put_parameter(self, *, Value: str, Tier: str = "Standard", **_: Any) -> dict[str, int]:  # noqa: N803
        assert len(Value) <= (4096 if Tier == "Standard" else 8192)
        self.tiers.append(Tier)
        return {"Version": 1}


@pytest.mark.parametrize(
    ("characters", "tier"), [(4096, "Standard"), (4097, "Intelligent-Tiering"), (8192, "Intelligent-Tiering")]
)
def test_a_state_above_the_standard_tier_goes_to_the_advanced_one(characters: int, tier: str) -> None:
    ssm = Ssm()
    ParameterSlot(ssm, "it").write("x" * characters)
    assert ssm.tiers == [tier]


def test_a_state_that_no_parameter_holds_says_how_long_it_is() -> None:
    with pytest.raises(StateError, match="would hold 8193 characters; 8192 fit"):
        ParameterSlot(Ssm(), "it", StillClock(NOW), Deadline(lambda: 0.0)).write("x" * 8193)
