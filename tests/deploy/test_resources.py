"""What an app shall have, from conf alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from streamalert_apps.deploy.job import Wanted
from streamalert_apps.deploy.place import Place
from streamalert_apps.deploy.plan import Resource
from streamalert_apps.deploy.resources import KINDS
from streamalert_apps.runtime.outlets import Definition
from tests.deploy.cloud import CODE, PLACE, app

KEY = "1234abcd-12ab-34cd-56ef-1234567890ab"


def desired(kind: str, place: Place = PLACE, **settings: Any) -> tuple[Resource, ...]:
    return KINDS[kind].desired(Wanted(app(**settings), place, CODE))


def alarms(**settings: Any) -> dict[str, Resource]:
    """Return an app's alarms by what their names end with."""
    made = desired("alarm", **settings)
    return {alarm.name.removeprefix("acme_prod_duo_auth_collector_app_"): alarm for alarm in made}


def attributes(kind: str, **settings: Any) -> Any:
    (resource,) = desired(kind, **settings)
    return resource.attributes


def statements(place: Place = PLACE, **settings: Any) -> list[Any]:
    policy = attributes("role", place=place, **settings)["policy"]
    return list(policy["Statement"])


def test_a_key_may_be_used_only_where_conf_names_one() -> None:
    assert not [s for s in statements() if "kms" in str(s)]
    (statement,) = [s for s in statements(replace(PLACE, named_key=KEY)) if "kms" in str(s)]
    assert statement["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    assert statement["Resource"] == [f"arn:aws:kms:us-east-1:123456789012:key/{KEY}"]


def test_a_bucket_that_conf_names_is_the_one_that_the_role_reaches() -> None:
    reached = [s["Resource"] for s in statements(replace(PLACE, named_bucket="ours")) if "s3" in str(s)]
    assert reached == [["arn:aws:s3:::ours/acme_prod_duo_auth_collector_app/*"], ["arn:aws:s3:::ours"]]


def test_only_an_app_in_a_vpc_may_make_interfaces() -> None:
    vpc = {"subnet_ids": ["subnet-2", "subnet-1"], "security_group_ids": ["sg-1"]}
    assert not [
        s for s in statements(vpc_config={"subnet_ids": [], "security_group_ids": []}) if "ec2" in str(s)
    ]
    assert [s for s in statements(vpc_config=vpc) if "ec2:CreateNetworkInterface" in s["Action"]]
    assert attributes("function", vpc_config=vpc)["subnets"] == ("subnet-1", "subnet-2")


def environment(place: Place = PLACE, **extra: Any) -> Any:
    return attributes("function", place=place, extra=extra)["environment"]


def test_the_bucket_is_told_to_the_function() -> None:
    assert environment()["SA_APPS_BUCKET"] == "acme-sa-apps-123456789012-us-east-1"
    assert environment(replace(PLACE, named_bucket="ours"))["SA_APPS_BUCKET"] == "ours"


def test_what_conf_states_of_the_record_is_told_to_the_function() -> None:
    told = environment(journal_days=30, lag="10m", batch_bytes=1000)
    assert (told["SA_APPS_JOURNAL_DAYS"], told["SA_APPS_LAG"]) == ("30", "600")
    assert told["SA_APPS_BATCH_BYTES"] == "1000"


def test_what_conf_does_not_state_is_left_to_the_function() -> None:
    assert set(environment()) == {"SA_APPS_TYPE", "SA_APPS_LOG_LEVEL", "SA_APPS_BUCKET"}


def test_a_bucket_for_large_events_is_superseded() -> None:
    assert "big" not in str(environment(oversize_bucket="big"))
    assert "big" not in str(statements(extra={"oversize_bucket": "big"}))


@pytest.mark.parametrize(("limit", "reserved"), [(None, None), (-1, None), (0, 0), (3, 3)])
def test_concurrency_is_reserved_as_conf_says(limit: int | None, reserved: int | None) -> None:
    assert attributes("function", concurrency_limit=limit)["concurrency"] == reserved


@pytest.mark.parametrize(("chosen", "sent"), [({}, "Text"), ({"log_format": "json"}, "JSON")])
def test_the_log_format_is_as_chosen(chosen: dict[str, str], sent: str) -> None:
    assert attributes("function", extra=chosen)["log_format"] == sent


def test_an_alarm_has_streamalerts_defaults_and_confs_values() -> None:
    errors, throttles = (
        alarms(metric_alarms={"throttles": {"threshold": 5, "period_secs": 300}})[kind]
        for kind in ("invocation_errors", "throttles")
    )
    assert (errors.attributes["threshold"], errors.attributes["period"]) == (0.0, 120)
    assert (throttles.attributes["threshold"], throttles.attributes["period"]) == (5.0, 300)
    assert throttles.name == "acme_prod_duo_auth_collector_app_throttles"


@pytest.mark.parametrize(
    ("schedule", "period", "count"),
    [
        ("rate(1 minute)", 120, 1),
        ("rate(7 minutes)", 840, 1),
        ("rate(12 hours)", 86_400, 1),
        ("rate(13 hours)", 46_800, 2),
        ("rate(3 days)", 86_400, 6),
    ],
)
def test_the_cursors_age_is_judged_over_two_intervals(schedule: str, period: int, count: int) -> None:
    made = alarms(schedule_expression=schedule, metric_alarms={"cursor_age": {"threshold": 3600}})
    for kind in ("cursor_age", "behind"):
        judged = made[kind].attributes
        assert (judged["period"], judged["evaluation_periods"]) == (period, count)
    assert (made["problems"].attributes["period"], made["problems"].attributes["evaluation_periods"]) == (
        period,
        1,
    )


def test_failed_behind_and_problems_are_alarms_unless_conf_says_otherwise() -> None:
    assert set(alarms(metric_alarms={})) == {"invocation_errors", "behind", "problems"}
    off = {kind: {"enabled": False} for kind in ("errors", "behind", "problems")}
    assert alarms(metric_alarms=off) == {}


@pytest.mark.parametrize(
    ("schedule", "seconds"),
    [("rate(1 minute)", 3600.0), ("rate(20 minutes)", 3600.0), ("rate(2 hours)", 21600.0)],
)
def test_behind_is_an_hour_or_three_intervals(schedule: str, seconds: float) -> None:
    assert alarms(schedule_expression=schedule)["behind"].attributes["threshold"] == seconds


def test_an_app_that_stops_running_is_told_and_a_new_one_that_has_not_run_is_not() -> None:
    behind = alarms()["behind"].attributes
    assert behind["missing"] == "missing"  # a new alarm is undecided, and stays so until the first run
    assert behind["undecided"] == behind["actions"] == (PLACE.topic(),)


def test_an_app_that_runs_seldom_has_no_alarm_that_would_ring_between_two_runs() -> None:
    assert set(alarms(schedule_expression="rate(4 days)")) == {"invocation_errors", "problems"}


def test_what_conf_states_of_an_alarm_stays() -> None:
    behind = alarms(metric_alarms={"behind": {"threshold": 60, "period_secs": 7200}})["behind"].attributes
    assert (behind["threshold"], behind["period"]) == (60.0, 7200)


def test_a_function_writes_no_metrics_where_no_alarm_goes_by_them() -> None:
    off = {kind: {"enabled": False} for kind in ("behind", "problems")}
    assert attributes("function", metric_alarms=off)["environment"]["SA_APPS_METRICS"] == "off"


def test_a_function_knows_when_its_credentials_end_where_conf_says_so() -> None:
    told = environment(credentials_expire="2027-01-31")["SA_APPS_CREDENTIALS_UNTIL"]
    assert datetime.fromtimestamp(int(told), UTC) == datetime(2027, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize(("chosen", "told"), [({}, None), ({"enable_custom_metrics": True}, "on")])
def test_a_function_writes_metrics_where_conf_says_so(chosen: dict[str, bool], told: str | None) -> None:
    assert attributes("function", extra=chosen)["environment"].get("SA_APPS_METRICS") == told


def test_throttles_ring_only_where_conf_says_so() -> None:
    assert "throttles" not in alarms(metric_alarms={})


@pytest.mark.parametrize(
    ("region", "partition"), [("us-east-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")]
)
def test_arns_are_of_the_regions_partition(region: str, partition: str) -> None:
    place = Place("123456789012", region, "acme", "topic")
    for arn in (place.function("f"), place.role("f"), place.rule("f"), place.topic(), place.bucket_arn()):
        assert arn.startswith(f"arn:{partition}:")


# Destinations


LAKE = Definition("lake", {"type": "s3", "bucket": "acme-lake", "prefix": "saas/"})
HOOK = Definition("hook", {"type": "http", "url": "https://logs.example.com/in"})
OPEN_HOOK = Definition("open", {"type": "http", "url": "https://logs.example.com/in", "auth": "none"})
PARAMETER = "arn:aws:ssm:us-east-1:123456789012:parameter/acme_destination_"


def allowed(action: str, *sinks: Definition) -> list[str]:
    """Return the resources that the role of an app with these destinations allows an action on."""
    return [
        resource
        for statement in statements(sinks=sinks)
        if action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
        for resource in statement["Resource"]
    ]


def test_the_role_may_write_to_the_bucket_of_a_destination() -> None:
    objects = "arn:aws:s3:::acme-lake/saas/*"

    assert objects not in allowed("s3:PutObject", HOOK)
    assert objects in allowed("s3:PutObject", LAKE, HOOK)
    assert objects not in allowed("s3:GetObject", LAKE) + allowed("s3:DeleteObject", LAKE)


def test_the_role_may_read_the_credentials_of_those_destinations_that_have_some() -> None:
    read = [
        name for name in allowed("ssm:GetParameters", LAKE, HOOK, OPEN_HOOK) if name.startswith(PARAMETER)
    ]

    assert read == [f"{PARAMETER}hook_auth"]


def test_only_an_app_whose_events_go_to_the_classifier_may_invoke_it() -> None:
    def invoked(*sinks: Definition) -> bool:
        return any("classifier" in resource for resource in allowed("lambda:InvokeFunction", *sinks))

    assert invoked()
    assert invoked(Definition("classifier"), LAKE)
    assert not invoked(LAKE)


def test_the_function_is_told_of_destinations_in_their_order_and_without_secrets() -> None:
    told = attributes("function", sinks=(HOOK, Definition("classifier"), LAKE))["environment"]

    assert told["SA_APPS_DESTINATIONS"] == (
        '{"hook":{"type":"http","url":"https://logs.example.com/in"},"classifier":{},'
        '"lake":{"type":"s3","bucket":"acme-lake","prefix":"saas/"}}'
    )
    assert (told["SA_APPS_NAME"], told["SA_APPS_PREFIX"]) == ("collector", "acme")
    assert not [name for name in environment() if name in {"SA_APPS_DESTINATIONS", "SA_APPS_PREFIX"}]
