"""The schema of conf/: what it takes, what it refuses and where, which keys it knows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from streamalert_apps.config import schema
from streamalert_apps.config.conf import AppConf, Serving
from streamalert_apps.deploy.package import ARCHITECTURES, DEFAULT_ARCHITECTURE, DEFAULT_RUNTIME, RUNTIMES
from streamalert_apps.deploy.resources.function import LOG_FORMATS
from streamalert_apps.errors import ConfigError
from streamalert_apps.runtime.schedule import interval

WHOLE = schema.whole()
UNDERSTOOD = {
    *("$ref", "type", "enum", "const", "anyOf", "pattern", "minimum", "maximum", "multipleOf", "items"),
    *("properties", "required", "propertyNames", "additionalProperties", "if", "then", "else"),
}
ONLY_SAID = {"$schema", "$defs", "title", "description", "default", "examples", "deprecated"}
APP = {"app_name": "duo_prod", "schedule_expression": "rate(2 hours)", "type": "duo_auth"}
ACCOUNT = {"aws_account_id": "123456789012", "prefix": "acme", "region": "us-east-1"}
KEY = "1234abcd-12ab-34cd-56ef-1234567890ab"
STREAMALERTS = {
    "global": {
        "account": ACCOUNT | {"kms_key_alias": "acme_streamalert_secrets"},
        "general": {"matcher_locations": ["matchers"], "rule_locations": ["rules"]},
        "infrastructure": {
            "alerts_table": {"read_capacity": 5, "write_capacity": 5},
            "monitoring": {"create_sns_topic": True},
            "rule_staging": {"cache_refresh_minutes": 10, "enabled": False},
        },
        "s3_access_logging": {"create_bucket": True, "logging_bucket": "acme-streamalert-s3-logging"},
        "terraform": {"create_bucket": True, "tfstate_bucket": "acme-streamalert-terraform-state"},
    },
    "clusters": {
        "prod": {
            "id": "prod",
            "classifier_config": {"inputs": {"aws-sns": []}, "timeout": 60},
            "data_sources": {"sns": {"topic": ["duo"]}, "streamalert_app": {"acme_f": ["duo"]}},
            "modules": {
                "cloudwatch_monitoring": {"enabled": True},
                "streamalert": {},
                "streamalert_apps": {
                    "acme_f": APP
                    | {
                        "concurrency_limit": 2,
                        "enable_custom_metrics": False,
                        "log_level": "info",
                        "log_retention_days": 14,
                        "memory": 128,
                        "metric_alarms": {"errors": {"enabled": True, "period_secs": 120, "threshold": 0}},
                        "timeout": 80,
                        "vpc_config": {"security_group_ids": ["sg-1"], "subnet_ids": ["subnet-1"]},
                    }
                },
            },
        }
    },
}
OURS = {
    "global": {
        "account": {"prefix": "acme"},
        "sa_apps": {
            "store": "local",
            "serve": {"workers": 8, "grace": "30s", "listen": "127.0.0.1:9464"},
            "kms_key": KEY,
            "bucket": "acme-record",
            "role_boundary": "arn:aws:iam::123456789012:policy/team/boundary",
            "tags": {"team": "security"},
        },
    },
    "clusters": {
        "prod": {
            "modules": {
                "streamalert_apps": {
                    "f": APP
                    | {
                        "auth": {"from": "file:/run/secrets/duo.json"},
                        "batch_bytes": 100_000,
                        "destinations": ["classifier", "lake", "splunk"],
                        "journal_days": 7,
                        "lag": "10m",
                        "oversize_bucket": "old",
                    }
                }
            }
        }
    },
    "destinations": {
        "destinations": {
            "lake": {"type": "s3", "bucket": "acme-lake", "prefix": "saas/", "hold": "5m"},
            "splunk": {"type": "splunk", "url": "https://hec.example:8088", "redact": ["access_device.ip"]},
        },
        "clusters": {"prod": ["classifier", "lake"]},
    },
}


def forms(form: Any) -> Iterator[dict[str, Any]]:
    """Yield a form and all forms in it."""
    if isinstance(form, dict):
        yield form
        for word in ("properties", "$defs"):
            for inner in form.get(word, {}).values():
                yield from forms(inner)
        for word in ("items", "additionalProperties", "propertyNames", "if", "then", "else"):
            yield from forms(form.get(word))
        for inner in form.get("anyOf", ()):
            yield from forms(inner)


def said(form: Any, value: Any) -> list[str]:
    return [f"{schema.dotted(finding.keys)} {finding.message}" for finding in schema.refused(form, value)]


def warned(value: Any) -> list[str]:
    return [
        f"{schema.dotted(finding.keys)} {finding.message}. {finding.hint}".rstrip()
        for finding in schema.unknown(WHOLE, value)
    ]


def app(**settings: Any) -> list[str]:
    return said(schema.named("app"), APP | settings)


# The file


def test_it_is_a_json_schema() -> None:
    Draft202012Validator.check_schema(WHOLE)


def test_it_uses_only_words_that_are_understood() -> None:
    assert {word for form in forms(WHOLE) for word in form} <= UNDERSTOOD | ONLY_SAID


def test_its_patterns_are_about_whole_strings() -> None:
    patterns = [form["pattern"] for form in forms(WHOLE) if "pattern" in form]
    assert [pattern for pattern in patterns if not re.fullmatch(r"\^.*\$", pattern)] == []


def test_each_key_is_described() -> None:
    objects = [form for form in forms(WHOLE) if form.get("type") == "object"]
    keys = {
        key: schema.resolved(inner) for form in objects for key, inner in form.get("properties", {}).items()
    }
    assert [key for key, form in keys.items() if not form.keys() & {"description", "properties"}] == []


def test_what_a_function_may_be_is_what_can_be_packaged() -> None:
    settings = schema.named("app")["properties"]
    assert tuple(settings["runtime"]["enum"]) == RUNTIMES
    assert tuple(settings["architecture"]["enum"]) == ARCHITECTURES
    assert tuple(settings["log_format"]["enum"]) == tuple(LOG_FORMATS)
    assert settings["runtime"]["default"] == DEFAULT_RUNTIME
    assert settings["architecture"]["default"] == DEFAULT_ARCHITECTURE


@pytest.mark.parametrize("key", ["timeout", "memory", "log_level", "log_retention_days", "journal_days"])
def test_the_default_that_is_told_is_the_one_that_holds(key: str) -> None:
    default = schema.named("app")["properties"][key]["default"]
    assert default == getattr(AppConf("prod", "f", "x", "duo_auth", "rate(1 hour)"), key)


@pytest.mark.parametrize("key", ["workers", "grace", "listen"])
def test_the_default_of_serve_that_is_told_is_the_one_that_holds(key: str) -> None:
    default = schema.named("sa_apps")["properties"]["serve"]["properties"][key]["default"]
    assert default == getattr(Serving(), key)


# What it takes and refuses


@pytest.mark.parametrize("whole", [STREAMALERTS, OURS], ids=["StreamAlert's", "ours"])
def test_what_is_right_is_taken_without_a_word(whole: dict[str, Any]) -> None:
    assert said(WHOLE, whole) == []
    assert warned(whole) == []


@pytest.mark.parametrize(
    "settings",
    [
        {"schedule_expression": "rate(1 minute)"},
        {"schedule_expression": "rate(30 seconds)"},
        {"schedule_expression": "cron(0 9 ? * MON-FRI *)"},
        {"concurrency_limit": -1},
        {"concurrency_limit": 0},
        {"log_level": "INFO"},
        {"log_retention_days": 3653},
        {"vpc_config": {"subnet_ids": [], "security_group_ids": []}},
        {"metric_alarms": {"errors": {"enabled": False}}},
        {"metric_alarms": {"throttles": {"period_secs": 10, "threshold": 0.5}}},
        {"architecture": "x86_64", "runtime": "python3.14", "log_format": "json"},
        {"journal_days": 0},
        {"journal_days": 0.5},
        {"lag": "90s"},
        {"lag": "43200m"},
        {"lag": "720h"},
        {"lag": "30d"},
    ],
    ids=str,
)
def test_what_lambda_and_we_take_passes(settings: dict[str, Any]) -> None:
    assert app(**settings) == []


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"schedule_expression": "rate(1 hours)"}, "schedule_expression must be a rate like rate(1 hour)"),
        ({"schedule_expression": "cron(0 1 * * *)"}, 'not "cron(0 1 * * *)"'),
        ({"timeout": 901}, "timeout must be a whole number from 10 to 900, not 901"),
        ({"timeout": 80.5}, "timeout must be a whole number from 10 to 900, not 80.5"),
        ({"timeout": True}, "timeout must be a whole number from 10 to 900, not true"),
        ({"timeout": None}, "timeout must be a whole number from 10 to 900, not null"),
        ({"memory": 64}, "memory must be a whole number from 128 to 10240, not 64"),
        ({"log_retention_days": 13}, "3288 or 3653, not 13"),
        ({"log_level": "chatty"}, "log_level must be debug, info, warning, error or critical"),
        ({"concurrency_limit": -2}, "concurrency_limit must be a whole number of at least -1, not -2"),
        (
            {"vpc_config": {"subnet_ids": "subnet-1"}},
            "vpc_config.subnet_ids must be a list, each item a string",
        ),
        ({"vpc_config": {"subnet_ids": [1]}}, "vpc_config.subnet_ids.0 must be a string, not 1"),
        ({"vpc_config": []}, "vpc_config must be an object, not a list"),
        (
            {"metric_alarms": {"errors": {"period_secs": 40}}},
            "must be 10, 20, 30 or a multiple of 60, not 40",
        ),
        ({"metric_alarms": {"errors": {"evaluation_periods": 0}}}, "metric_alarms.errors.evaluation_periods"),
        ({"metric_alarms": {"errors": {"threshold": "3"}}}, 'threshold must be a number, not "3"'),
        ({"metric_alarms": {"errors": True}}, "metric_alarms.errors must be an object, not true"),
        ({"architecture": "arm65"}, 'architecture must be "arm64" or "x86_64", not "arm65"'),
        ({"runtime": "python2.7"}, "runtime must be"),
        ({"log_format": "xml"}, 'log_format must be "text" or "json"'),
        ({"batch_bytes": 0}, "batch_bytes must be a whole number of at least 1, not 0"),
        ({"enable_custom_metrics": "yes"}, 'enable_custom_metrics must be true or false, not "yes"'),
        ({"destinations": "lake"}, "destinations must be a list"),
        ({"destinations": ["The Lake"]}, "destinations.0 must be a name of at most 32 lower-case letters"),
        ({"auth": {}}, "auth lacks from"),
        ({"auth": {"from": "duo.json"}}, "auth.from must be a reference: env:NAME"),
        ({"type": 5}, "type must be an app type, see `sa-apps types`, not 5"),
        ({"app_name": "X" * 70}, "not a string of 72 characters"),
        ({"journal_days": -1}, "journal_days must be a number of days from 0 to 3650, not -1"),
        ({"journal_days": "7"}, "journal_days"),
        ({"lag": 600}, "lag must be a duration of at most 30 days"),
        ({"lag": "43201m"}, "lag"),
        ({"lag": "721h"}, "lag"),
        ({"lag": "31d"}, "lag"),
        ({"lag": "0m"}, "lag"),
        ({"lag": "10m\n"}, "lag"),
    ],
    ids=str,
)
def test_what_is_wrong_is_named_with_what_is_allowed(settings: dict[str, Any], told: str) -> None:
    assert told in " ".join(app(**settings))


@pytest.mark.parametrize("key", APP)
def test_what_every_app_has_must_be_there(key: str) -> None:
    entry = {has: value for has, value in APP.items() if has != key}
    assert said(schema.named("app"), entry) == [f" lacks {key}"]


@pytest.mark.parametrize(
    ("ours", "told"),
    [
        ({"bucket": "s3://ours"}, 'sa_apps.bucket must be the name of a bucket, not "s3://ours"'),
        ({"bucket": "a_b"}, "sa_apps.bucket"),
        ({"bucket": 1}, "sa_apps.bucket must be the name of a bucket, not 1"),
        ({"kms_key": "alias/acme"}, "sa_apps.kms_key must be the id or the ARN of a KMS key, not an alias"),
        ({"role_boundary": "boundary"}, "sa_apps.role_boundary must be the ARN of an IAM policy"),
        ({"store": "s4://x"}, 'sa_apps.store must be "local" or an address like s3://bucket/prefix'),
        ({"serve": {"workers": 0}}, "sa_apps.serve.workers must be a whole number from 1 to 256, not 0"),
        ({"serve": {"listen": "9464"}}, "sa_apps.serve.listen must be an address and a port"),
        ({"tags": {"aws:x": "1"}}, 'sa_apps.tags has the key "aws:x", which must be'),
        ({"tags": {"team": 1}}, "sa_apps.tags.team must be a tag's value"),
    ],
    ids=str,
)
def test_a_wrong_setting_of_the_project_is_named(ours: dict[str, Any], told: str) -> None:
    assert told in " ".join(said(schema.named("global"), {"account": ACCOUNT, "sa_apps": ours}))


@pytest.mark.parametrize("key", [KEY, f"arn:aws:kms:us-east-1:123456789012:key/{KEY}", f"mrk-{'1a' * 16}"])
def test_a_key_is_given_by_its_id_or_its_arn(key: str) -> None:
    assert schema.takes(schema.named("kms_key"), key)


def test_a_project_in_aws_needs_an_account_and_a_region() -> None:
    assert said(schema.named("global"), {"account": {"prefix": "acme"}}) == [
        "account lacks aws_account_id",
        "account lacks region",
    ]
    local = {"account": {"prefix": "acme"}, "sa_apps": {"store": "local"}}
    assert said(schema.named("global"), local) == []


def test_all_errors_are_found_at_once() -> None:
    assert len(app(timeout=1, memory=1, lag=1)) == 3


@given(st.from_regex(r"rate\(\s*\d{1,7}\s+[a-z]{3,7}\s*\)", fullmatch=True) | st.text())
def test_a_rate_is_what_the_schedule_can_be_made_of(text: str) -> None:
    try:
        interval(text)
    except ConfigError:
        assert not schema.takes(schema.named("schedule"), text)
    else:
        assert schema.takes(schema.named("schedule"), text) or re.search(r"\(\s*0", text)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 4000)
    | st.sampled_from([0.5, "", "x", "local", "10m", "7d", "rate(1 hour)", "acme", KEY, "duo_auth", "a\n"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from([
                *schema.named("app")["properties"],
                *schema.named("alarm")["properties"],
                "errors",
                "from",
            ]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(st.sampled_from(sorted(WHOLE["$defs"])), VALUES, st.booleans())
def test_the_verdict_is_that_of_the_reference(name: str, value: Any, based: bool) -> None:
    if name == "app" and based and isinstance(value, dict):
        value = APP | value
    reference = Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": WHOLE["$defs"]})
    if isinstance(value, str) and "\n" in value:
        return  # a `$` of Python matches before a line break, one of JSON Schema does not
    assert schema.takes(schema.named(name), value) == reference.is_valid(value)


# Keys that it does not know


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"memori": 256, "memory": 128}, ["memori is not a known key. Did you mean 'memory'?"]),
        ({"owner": "team"}, ["owner is not a known key."]),
        (
            {"metric_alarms": {"eror": {"enabled": True}}},
            ["metric_alarms.eror is not a known key. Did you mean 'errors'?"],
        ),
    ],
    ids=str,
)
def test_an_unknown_key_of_an_app_is_told_with_the_likely_one(entry: dict[str, Any], told: list[str]) -> None:
    whole = {"clusters": {"prod": {"modules": {"streamalert_apps": {"f": APP | entry}}}}}
    assert warned(whole) == [f"clusters.prod.modules.streamalert_apps.f.{line}" for line in told]


def test_where_others_have_keys_only_what_is_nearly_ours_is_told() -> None:
    whole = {"global": {"acount": {}, "account": ACCOUNT | {"owner": "x"}, "threat_intel": {}}}
    assert warned(whole) == ["global.acount is not a known key. Did you mean 'account'?"]


def test_a_destination_has_keys_of_its_kind() -> None:
    assert warned({"destinations": {"destinations": {"x": {"type": "s3", "bucket": "b"}}}}) == []
    assert warned({"destinations": {"destination": {}}}) == [
        "destinations.destination is not a known key. Did you mean 'destinations'?"
    ]


def test_odd_keys_are_told_in_quotation_marks() -> None:
    assert schema.dotted(("a", "b c", "\x1b", "d")) == 'a."b c"."\\u001b".d'
