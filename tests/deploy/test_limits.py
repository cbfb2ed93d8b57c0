"""What AWS would refuse of settings that are right one by one is said before anything is written."""

from __future__ import annotations

from typing import Any

import pytest

from streamalert_apps.deploy import limits
from streamalert_apps.errors import ConfigError
from streamalert_apps.runtime.outlets import Definition
from tests.deploy.cloud import app

HOOK = {"type": "http", "url": "https://logs.example.com/in"}
METRICS = {"enable_custom_metrics": True}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"vpc_config": {"subnet_ids": [], "security_group_ids": []}},
        {"vpc_config": {"subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"]}},
        {"metric_alarms": {"errors": {"enabled": False}}},
        {"metric_alarms": {"cursor_age": {"threshold": 9}}, "extra": METRICS},
        {"metric_alarms": {"cursor_age": {"enabled": False}}},
        {"sinks": (Definition("classifier"), Definition("hook", HOOK))},
        {
            "metric_alarms": {"cursor_age": {"threshold": 9, "period_secs": 3600, "evaluation_periods": 2}},
            "extra": METRICS,
        },
    ],
    ids=str,
)
def test_what_lambda_takes_passes(settings: dict[str, Any]) -> None:
    limits.check(app(**settings))


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"function": "x" * 56}, "1 characters too long"),
        ({"schedule_expression": "rate(30 seconds)"}, r"'rate\(30 seconds\)' is for `sa-apps serve`"),
        ({"extra": {"auth": {"from": "env:DUO"}}}, r"auth \(env:DUO\) is for `sa-apps serve`"),
        ({"vpc_config": {"subnet_ids": ["subnet-1"]}}, "vpc_config needs"),
        (
            {"metric_alarms": {"cursor_age": {"threshold": 9}}},
            "metric_alarms.cursor_age needs enable_custom_metrics to be true",
        ),
        (
            {"metric_alarms": {"cursor_age": {}}, "extra": METRICS},
            "metric_alarms.cursor_age.threshold must be",
        ),
        (
            {"metric_alarms": {"cursor_age": {"threshold": 9, "period_secs": 3600}}, "extra": METRICS},
            "has to be 7200 at least",
        ),
        (
            {
                "schedule_expression": "rate(4 days)",
                "metric_alarms": {"cursor_age": {"threshold": 9}},
                "extra": METRICS,
            },
            "less than once in 3 days",
        ),
    ],
    ids=str,
)
def test_what_it_would_refuse_is_named_with_its_file(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told) as error:
        limits.check(app(**settings))
    assert "conf/clusters/prod.json" in error.value.hint


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            HOOK | {"credentials": {"from": "env:X"}},
            "credentials of the destination hook is for `sa-apps serve`",
        ),
        ({"type": "htp"}, "There is no kind of destination 'htp'."),
        ({"type": "http"}, "destination hook: url is missing."),
        (HOOK | {"headers": {"X-A": "x" * 3_000}}, "The settings of its destinations take"),
    ],
)
def test_a_destination_that_can_not_be_is_named(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        limits.check(app(sinks=(Definition("hook", given),)))

    assert told in caught.value.message


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as error:
        limits.check(app(vpc_config={"subnet_ids": ["subnet-1"]}, metric_alarms={"cursor_age": {}}))
    assert "vpc_config" in error.value.message
    assert "cursor_age" in error.value.message
