"""The event that invokes a function: StreamAlert's keys, and a succession that ends."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamalert_apps.errors import ConfigError
from streamalert_apps.runtime.event import DEEPEST_SUCCESSION, Event

SCHEDULED = {
    "app_type": "duo_auth",
    "destination_function_name": "acme_prod_streamalert_classifier",
    "schedule_expression": "rate(2 hours)",
}

words = st.text('ab_é"', max_size=8)


def test_the_event_of_streamalerts_schedule_is_understood() -> None:
    assert Event.parse(SCHEDULED) == Event("duo_auth", "acme_prod_streamalert_classifier", "rate(2 hours)")


def test_the_schedules_event_has_streamalerts_keys_and_no_others() -> None:
    assert json.loads(Event.parse(SCHEDULED).to_json()) == SCHEDULED


def test_keys_that_are_not_known_are_left_alone() -> None:
    assert Event.parse(SCHEDULED | {"detail": {"x": 1}}) == Event.parse(SCHEDULED)


@given(st.builds(Event, words, words, words, words, st.integers(0, 9)))
def test_an_event_comes_back_as_it_was_sent(event: Event) -> None:
    needed = dict.fromkeys(SCHEDULED, "")

    assert Event.parse(needed | json.loads(event.to_json())) == event


@pytest.mark.parametrize("missing", SCHEDULED)
def test_a_missing_key_is_named(missing: str) -> None:
    with pytest.raises(ConfigError, match=rf"^The event lacks {missing}\.$"):
        Event.parse({key: value for key, value in SCHEDULED.items() if key != missing})


@pytest.mark.parametrize(
    "wrong",
    [
        {"app_type": None},
        {"app_type": 1},
        {"depth": "1"},
        {"depth": 1.5},
        {"depth": True},
        {"invocation_type": []},
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="have to be strings, and its depth a number"):
        Event.parse(SCHEDULED | wrong)


def test_a_successor_is_one_deeper() -> None:
    successor = Event.parse(SCHEDULED).successor()

    assert successor
    assert json.loads(successor.to_json()) == SCHEDULED | {
        "invocation_type": "successive",
        "depth": 1,
    }


def test_a_succession_ends_before_aws_would_end_it() -> None:
    event: Event | None = Event.parse(SCHEDULED)
    depth = 0
    while event:
        event = event.successor()
        depth += 1

    assert depth == DEEPEST_SUCCESSION + 1 < 16
