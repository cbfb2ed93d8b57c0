"""The classifier drops a log that matches no schema, so ours are held against what the services send."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from streamalert_apps import services
from streamalert_apps.runtime.trim import trim
from tests.simulator.world import ADMINISTRATOR, AUTHENTICATION, NOW, Client, span, tenant

if TYPE_CHECKING:
    from collections.abc import Callable

AUTH = services.schemas("duo")["duo:authentication_v2"]
ADMIN = services.schemas("duo")["duo:administrator_v2"]


def accepts(schema: dict[str, Any], log: dict[str, Any]) -> bool:
    """Decide as StreamAlert's classifier does: the keys must be those of the schema, the values convertible.

    Keys are not looked at where a schema, or a nested object in it, says {}; empty values never are.
    """
    if not schema["schema"]:
        return True
    fields, optional = schema["schema"], set(schema["configuration"]["optional_top_level_keys"])
    if not optional <= set(fields) or set(log) | optional != set(fields):
        return False
    return all(converts(kind, log.get(key)) for key, kind in fields.items())


def converts(kind: Any, value: Any) -> bool:
    if not value or kind in ("string", "boolean", {}):
        return True
    if kind == []:
        return isinstance(value, list)
    assert kind in {"integer", "float"}, f"a kind that the classifier does not know: {kind}"
    try:
        int(value) if kind == "integer" else float(value)
    except (TypeError, ValueError):
        return False
    return True


@cache
def authentications() -> list[dict[str, Any]]:
    twin = tenant()
    twin.seed("duo_auth", events=3000, end=NOW - timedelta(minutes=5))
    return [log for page in Client(twin).pages(limit=1000) for log in page["authlogs"]]


@cache
def administrators() -> list[dict[str, Any]]:
    twin = tenant()
    twin.seed("duo_admin", events=1000)
    answer = Client(twin).get(ADMINISTRATOR, mintime=0)
    rows: list[dict[str, Any]] = answer.json()["response"]
    return rows


def test_every_app_type_names_schemas_that_are_there() -> None:
    for app_type in services.names():
        app = services.find(app_type)

        assert app.schemas
        assert set(app.schemas) <= set(services.schemas(app_type.partition("_")[0]))


def test_every_authentication_is_accepted() -> None:
    refused = [log for log in authentications() if not accepts(AUTH, log)]

    assert len(authentications()) == 3000
    assert refused == []


def test_every_administrator_row_is_accepted() -> None:
    refused = [log for log in administrators() if not accepts(ADMIN, log)]

    assert len(administrators()) == 1000
    assert refused == []


def test_no_log_is_taken_for_one_of_the_other_kind() -> None:
    assert not any(accepts(ADMIN, log) for log in authentications())
    assert not any(accepts(AUTH, log) for log in administrators())


def test_rows_of_the_old_authentication_log_are_left_to_the_old_schema() -> None:
    twin = tenant()
    twin.put("duo_auth", at=NOW - timedelta(minutes=5))
    (row,) = Client(twin).get("/admin/v1/logs/authentication").json()["response"]

    assert not accepts(AUTH, row)


@pytest.mark.parametrize(("schema", "logs"), [(AUTH, authentications), (ADMIN, administrators)])
def test_a_log_with_an_unknown_or_a_missing_key_is_refused(
    schema: dict[str, Any], logs: Callable[[], list[dict[str, Any]]]
) -> None:
    log = logs()[0]

    assert accepts(schema, log)
    assert not accepts(schema, log | {"surprise": 1})
    assert not accepts(schema, {key: value for key, value in log.items() if key != "timestamp"})


@pytest.mark.parametrize("wrong", [{"timestamp": "yesterday"}, {"rbfs_triggered_attacks": {"detector": "x"}}])
def test_a_log_with_a_value_of_another_type_is_refused(wrong: dict[str, Any]) -> None:
    assert not accepts(AUTH, authentications()[0] | wrong)


@pytest.mark.parametrize("key", AUTH["configuration"]["optional_top_level_keys"])
def test_a_key_that_only_some_tenants_send_may_be_there_or_not(key: str) -> None:
    log = {name: value for name, value in authentications()[0].items() if name != key}

    assert accepts(AUTH, log)
    assert accepts(AUTH, log | {key: None})


@pytest.mark.parametrize(
    ("app_type", "path", "schema"), [("duo_auth", AUTHENTICATION, AUTH), ("duo_admin", ADMINISTRATOR, ADMIN)]
)
def test_the_trimmed_copy_of_a_log_that_was_too_large_is_accepted(
    app_type: str, path: str, schema: dict[str, Any]
) -> None:
    twin, field = tenant(), "alias" if app_type == "duo_auth" else "description"
    large: dict[str, Any] = {field: "x" * 100_000}
    twin.put(app_type, at=NOW - timedelta(minutes=5), **large)
    params = span() if app_type == "duo_auth" else {}
    response = Client(twin).get(path, **params).json()["response"]
    (log,) = response["authlogs"] if app_type == "duo_auth" else response

    trimmed = json.loads(
        trim(json.dumps(log).encode(), 20_000, {"bytes": 100_500, "sha256": "0", "kept": None})
    )

    assert len(trimmed[field]) < 100_000
    assert accepts(schema, trimmed)
