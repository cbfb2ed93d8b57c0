"""One line a run is CloudWatch's embedded metric format, held to the rules of its specification."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from streamalert_apps.runtime import metrics
from streamalert_apps.runtime.collect import Outcome
from streamalert_apps.runtime.forward import Delivered
from streamalert_apps.runtime.log import JsonFormatter

NOW = datetime(2026, 11, 24, 12, 0, 0, 250_000, UTC)
FUNCTION = "acme_prod_duo_auth_collector_app"

# The units and limits of CloudWatch's "Specification: Embedded metric format".
UNITS = [
    *("Seconds", "Microseconds", "Milliseconds", "Percent", "Count", "Count/Second", "None"),
    *(f"{size}{unit}" for size in ("", "Kilo", "Mega", "Giga", "Tera") for unit in ("bytes", "bits")),
    *("Bytes", "Bits", "Bytes/Second", "Bits/Second"),
]
NAME = {"type": "string", "minLength": 1, "maxLength": 1024}
SPECIFICATION = {
    "type": "object",
    "required": ["_aws"],
    "properties": {
        "_aws": {
            "type": "object",
            "required": ["Timestamp", "CloudWatchMetrics"],
            "additionalProperties": False,
            "properties": {
                "Timestamp": {"type": "integer", "minimum": 10**12},  # milliseconds since 1970
                "CloudWatchMetrics": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "type": "object",
                        "required": ["Namespace", "Dimensions", "Metrics"],
                        "additionalProperties": False,
                        "properties": {
                            "Namespace": NAME,
                            "Dimensions": {
                                "type": "array",
                                "minItems": 1,
                                "items": {
                                    "type": "array",
                                    "maxItems": 30,
                                    "items": {"type": "string", "minLength": 1, "maxLength": 250},
                                },
                            },
                            "Metrics": {
                                "type": "array",
                                "maxItems": 100,
                                "items": {
                                    "type": "object",
                                    "required": ["Name"],
                                    "additionalProperties": False,
                                    "properties": {
                                        "Name": NAME,
                                        "Unit": {"enum": UNITS},
                                        "StorageResolution": {"enum": [1, 60]},
                                    },
                                },
                            },
                        },
                    },
                },
            },
        }
    },
}


def faults(line: dict[str, Any]) -> list[str]:
    """Return what CloudWatch would not take of a line."""
    found = [error.message for error in Draft202012Validator(SPECIFICATION).iter_errors(line)]
    for directive in line["_aws"]["CloudWatchMetrics"]:
        dimensions = {name for names in directive["Dimensions"] for name in names}
        values = {metric["Name"]: line.get(metric["Name"]) for metric in directive["Metrics"]}
        found += [f"{name} is no string" for name in dimensions if not is_dimension(line.get(name))]
        found += [f"{name} is no number" for name, value in values.items() if type(value) not in {int, float}]
    return found


def is_dimension(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= 1024


def written(outcome: Outcome) -> dict[str, Any]:
    """Return the line of a run as the log group gets it."""
    return logged(metrics.embedded(outcome, FUNCTION, NOW))


def logged(fields: dict[str, Any]) -> dict[str, Any]:
    record = logging.LogRecord("streamalert_apps.runtime.metrics", logging.INFO, "x", 1, "metrics", (), None)
    record.__dict__["fields"] = fields
    line: dict[str, Any] = json.loads(JsonFormatter().format(record))
    return line


OUTCOMES = {
    "nothing new": Outcome(cursor=NOW),
    "much": Outcome(events=10**9, bytes=10**13, commits=9, pages=9, repeats=3, retries=2, cursor=NOW),
    "behind": Outcome("partial", events=5, cursor=NOW - timedelta(days=3), retry_after=60.0, rate_limits=1),
    "failed before the app was made": Outcome("failed"),
}


@pytest.mark.parametrize("outcome", OUTCOMES.values(), ids=OUTCOMES)
def test_the_line_is_as_cloudwatch_specifies_it(outcome: Outcome) -> None:
    assert faults(written(outcome)) == []


def test_the_rules_notice_what_breaks_them() -> None:
    line = written(OUTCOMES["much"])
    line["_aws"]["Timestamp"] = "now"
    line["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Unit"] = "Apples"
    line |= {"FunctionName": 3, "Bytes": "many"}

    assert len(faults(line)) == 4


def test_namespace_and_dimension_are_those_that_streamalert_and_lambda_have() -> None:
    (directive,) = written(OUTCOMES["much"])["_aws"]["CloudWatchMetrics"]
    assert (directive["Namespace"], directive["Dimensions"]) == ("StreamAlert", [["FunctionName"]])


def test_a_run_is_told_in_numbers() -> None:
    outcome = Outcome(
        "failed", events=7, bytes=900, repeats=2, retries=3, rate_limits=1, cursor=NOW - timedelta(minutes=2)
    )
    line = written(outcome)

    assert {name: line[name] for name in metrics.UNITS if name in line} == {
        "Events": 7,
        "Bytes": 900,
        "Repeats": 2,
        "Retries": 3,
        "RateLimits": 1,
        "FailedRuns": 1,
        "FoundLate": 0,
        "CursorAge": 120.0,
        "Behind": 120.0,
        "Problems": 0,
    }
    assert line["FunctionName"] == FUNCTION


def test_a_cursor_that_nobody_knows_has_no_age() -> None:
    line = written(OUTCOMES["failed before the app was made"])
    names = [metric["Name"] for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]]
    assert "CursorAge" not in names + list(line)


def test_a_cursor_in_the_future_has_the_age_0() -> None:
    assert written(Outcome("partial", cursor=NOW + timedelta(minutes=1)))["CursorAge"] == 0


def test_the_line_is_written_where_only_errors_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    product = logging.getLogger("streamalert_apps")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(product, "level", logging.ERROR)
        metrics.write(OUTCOMES["much"], FUNCTION, NOW, whole=True)

    assert [record.message for record in caplog.records] == ["metrics"]


def test_each_destination_has_a_line_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "streamalert_apps.runtime.metrics")
    outcome = Outcome(delivered={"lake": Delivered(), "soc": Delivered(dead=2, kept=7, lag=90.5)})

    metrics.write(outcome, FUNCTION, NOW, whole=True)

    _, lake, soc = (logged(record.__dict__["fields"]) for record in caplog.records)
    assert faults(lake) == faults(soc) == []
    assert soc["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["FunctionName", "Destination"]]
    names = ("Destination", "DestinationLag", "DestinationRefused", "DestinationDead")
    assert [soc[name] for name in names] == ["soc", 90.5, 2, 7]
    assert [lake[name] for name in names] == ["lake", 0.0, 0, 0]


def alarming(outcome: Outcome) -> dict[str, Any]:
    line = logged(metrics.alarming(outcome, FUNCTION, NOW))
    assert faults(line) == []
    return {name: line[name] for name in metrics.UNITS if name in line}


def test_without_the_switch_a_run_tells_what_alarms_go_by_alone(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "streamalert_apps.runtime.metrics")
    outcome = Outcome(cursor=NOW, delivered={"lake": Delivered(lag=90.5)})
    metrics.write(outcome, FUNCTION, NOW, whole=False)
    (record,) = caplog.records
    line = logged(record.__dict__["fields"])
    assert [one["Name"] for one in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]] == ["Behind", "Problems"]


@pytest.mark.parametrize(
    ("age", "lags", "behind"), [(120, [], 120.0), (120, [7.0, 90.5], 120.0), (5, [7.0, 90.5], 90.5)]
)
def test_the_worst_of_collection_and_destinations_is_how_far_an_app_is_behind(
    age: int, lags: list[float], behind: float
) -> None:
    delivered = {str(number): Delivered(lag=lag) for number, lag in enumerate(lags)}
    assert alarming(Outcome(cursor=NOW - timedelta(seconds=age), delivered=delivered))["Behind"] == behind


def test_where_nobody_knows_how_far_it_is_behind_nothing_is_told() -> None:
    assert alarming(Outcome("failed")) == {"Problems": 0}


@pytest.mark.parametrize(
    ("outcome", "problems"),
    [
        (Outcome(delivered={"lake": Delivered(dead=2, kept=2), "soc": Delivered(dead=1, kept=1)}), 3),
        (Outcome(delivered={"lake": Delivered(kept=2)}), 2),  # of earlier runs
        (Outcome(found_late=4), 4),
        (Outcome(credentials_until=(NOW + timedelta(days=13)).timestamp()), 1),
        (Outcome(credentials_until=(NOW - timedelta(days=1)).timestamp()), 1),
        (Outcome(credentials_until=(NOW + timedelta(days=15)).timestamp()), 0),
        (Outcome("failed"), 0),
    ],
)
def test_what_needs_somebody_is_counted(outcome: Outcome, problems: int) -> None:
    assert alarming(outcome)["Problems"] == problems
