"""What a setting may be."""

from __future__ import annotations

from typing import Any

import pytest

from streamalert_apps.config import rules, schema
from streamalert_apps.errors import UsageError


@pytest.mark.parametrize("text", ["rate(1 minute)", "rate(1 hour)", "rate(2 hours)", "rate(30 days)"])
def test_a_rate_as_aws_writes_it_is_taken(text: str) -> None:
    assert rules.schedule_expression(text) == text


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("rate(1 hours)", "rate(1 hour)"),
        ("rate(2 hour)", "rate(2 hours)"),
        ("rate(5 minute)", "rate(5 minutes)"),
    ],
)
def test_singular_and_plural_are_put_right(text: str, right: str) -> None:
    with pytest.raises(UsageError) as caught:
        rules.schedule_expression(text)
    assert right in caught.value.hint


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("30s", "rate(30 seconds)"),
        ("60s", "rate(1 minute)"),
        ("90m", "rate(90 minutes)"),
        ("1h", "rate(1 hour)"),
        ("48h", "rate(2 days)"),
    ],
)
def test_a_length_of_time_is_a_rate_too(text: str, rate: str) -> None:
    assert rules.schedule_expression(text) == rate


def test_a_cron_expression_is_taken_as_it_is() -> None:
    assert rules.schedule_expression("cron(0 9 ? * MON-FRI *)") == "cron(0 9 ? * MON-FRI *)"


def test_spaces_that_aws_would_not_take_are_left_out() -> None:
    assert rules.schedule_expression("rate( 2  hours )") == "rate(2 hours)"


@pytest.mark.parametrize(
    "text", ["", "2 hours", "rate(0 hours)", "rate(-1 hours)", "1w", "0h", "cron(0 * * * * *)"]
)
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        rules.schedule_expression(text)


@pytest.mark.parametrize("seconds", [10, 80, 900])
def test_a_possible_timeout_is_taken(seconds: int) -> None:
    assert rules.timeout(seconds) == seconds


@pytest.mark.parametrize("seconds", [9, 901, -1])
def test_an_impossible_timeout_names_the_limits(seconds: int) -> None:
    with pytest.raises(UsageError) as caught:
        rules.timeout(seconds)
    assert caught.value.hint == "Give 10 to 900 seconds."


@pytest.mark.parametrize("megabytes", [127, 10241])
def test_an_impossible_memory_names_the_limits(megabytes: int) -> None:
    with pytest.raises(UsageError) as caught:
        rules.memory(megabytes)
    assert caught.value.hint == "Give 128 to 10240 MB."


@pytest.mark.parametrize("name", ["Collector", "a b", "a.b", "", "ä", "a\n"])
def test_a_name_that_aws_would_not_take_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        rules.app_name(name)


def test_a_function_name_of_55_characters_fits() -> None:
    name = "x" * (55 - len("acme_prod_duo_auth__app"))
    assert len(rules.function_name("acme", "prod", "duo_auth", name)) == 55


def test_a_longer_function_name_says_how_much_to_cut() -> None:
    name = "x" * (58 - len("acme_prod_duo_auth__app"))
    with pytest.raises(UsageError) as caught:
        rules.function_name("acme", "prod", "duo_auth", name)
    assert "3 shorter" in caught.value.hint


@pytest.mark.parametrize("text", ["12345678901", "1234567890123", "12345678901a", "١٢٣٤٥٦٧٨٩٠١٢"])
def test_an_account_id_has_12_digits(text: str) -> None:
    with pytest.raises(UsageError):
        rules.account_id(text)


@pytest.mark.parametrize("text", ["us-east-1", "eu-central-2", "us-gov-west-1", "ap-southeast-4"])
def test_a_region_is_taken(text: str) -> None:
    assert rules.region(text) == text


@pytest.mark.parametrize("text", ["virginia", "us-east", "US-EAST-1", "us_east_1"])
def test_what_is_no_region_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        rules.region(text)


@pytest.mark.parametrize("text", ["Acme", "a_b", "a.b"])
def test_a_prefix_is_lower_case_without_underscore(text: str) -> None:
    with pytest.raises(UsageError):
        rules.prefix(text)


@pytest.mark.parametrize(
    "name", ["eusc-de-east-1", "us-isob-east-1", "us-isof-south-1", "eu-isoe-west-1", "cn-north-1"]
)
def test_a_region_of_any_partition_is_one(name: str) -> None:
    assert rules.region(name) == name


TAGS: Any = schema.at("global", "sa_apps", "tags")


@pytest.mark.parametrize(
    "tags",
    [
        *({"aws:x": "1"}, {"sa-apps:app": "x"}, {"cost": 1}, {"": "x"}, {"k" * 129: "x"}, {"a*": "b"}),
        *({"k": "v" * 257}, {"k": "<b>"}),
    ],
    ids=lambda tags: next(iter(tags))[:9],
)
def test_tags_that_aws_would_refuse_are_refused(tags: dict[str, Any]) -> None:
    assert not schema.takes(TAGS, tags)


def test_tags_as_people_have_them_are_taken() -> None:
    assert schema.takes(TAGS, {"cost centre": "42/b", "Owner": "jö@acme.example", "empty": ""})


@pytest.mark.parametrize("arn", ["boundary", "arn:aws:iam::12:policy/x", "arn:aws:iam::123456789012:role/x"])
def test_what_is_no_policy_is_no_boundary(arn: str) -> None:
    assert not schema.takes(schema.at("global", "sa_apps", "role_boundary") or {}, arn)
