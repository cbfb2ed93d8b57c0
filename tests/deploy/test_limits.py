"""What AWS would refuse is said before anything is written."""

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
        {"schedule_expression": "rate(1 minute)"},
        {"concurrency_limit": None},
        {"concurrency_limit": -1},
        {"concurrency_limit": 0},
        {"log_level": "INFO"},
        {"log_retention_days": 3653},
        {"vpc_config": {"subnet_ids": [], "security_group_ids": []}},
        {"vpc_config": {"subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"]}},
        {"metric_alarms": {"errors": {"enabled": False}}},
        {"metric_alarms": {"throttles": {"period_secs": 10, "threshold": 0.5}}},
        {"extra": {"architecture": "x86_64", "runtime": "python3.14", "log_format": "json"}},
        {"extra": {"batch_bytes": 100_000, "enable_custom_metrics": True}},
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
        ({"schedule_expression": "rate(1 hours)"}, "AWS wants 'hour' after 1"),
        ({"schedule_expression": "cron(0 1 * * ? *)"}, "is not a rate"),
        ({"timeout": 901}, "timeout of 901 seconds"),
        ({"memory": 64}, "memory of 64 MB"),
        ({"log_retention_days": 13}, "log_retention_days is 13"),
        ({"log_level": "chatty"}, "log_level is 'chatty'"),
        ({"concurrency_limit": -2}, "concurrency_limit"),
        ({"vpc_config": {"subnet_ids": ["subnet-1"]}}, "vpc_config needs"),
        ({"metric_alarms": {"errors": {"period_secs": 7}}}, "metric_alarms.errors.period_secs"),
        ({"metric_alarms": {"errors": {"evaluation_periods": 0}}}, "metric_alarms.errors.evaluation_periods"),
        ({"metric_alarms": {"errors": {"threshold": "3"}}}, "metric_alarms.errors.threshold"),
        ({"metric_alarms": {"errors": True}}, "metric_alarms.errors has to be an object"),
        ({"extra": {"architecture": "arm65"}}, "architecture is 'arm65'"),
        ({"extra": {"runtime": "python2.7"}}, "runtime is 'python2.7'"),
        ({"extra": {"log_format": "xml"}}, "log_format is 'xml'"),
        ({"extra": {"batch_bytes": 0}}, "batch_bytes"),
        ({"extra": {"enable_custom_metrics": "yes"}}, "enable_custom_metrics has to be true or false"),
        (
            {"metric_alarms": {"cursor_age": {"threshold": 9}}},
            "metric_alarms.cursor_age needs enable_custom_metrics to be true",
        ),
        ({"metric_alarms": {"cursor_age": {}}, "extra": METRICS}, "cursor_age.threshold has to say"),
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
        limits.check(app(timeout=1, memory=1))
    assert "timeout" in error.value.message
    assert "memory" in error.value.message
