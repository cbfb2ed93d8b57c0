"""`sa-apps types`: what can be collected."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Ran

    Command = Callable[..., Ran]


def test_types_are_listed_by_service_a_line_each(sa_apps: Command) -> None:
    ran = sa_apps("types")
    duo = next(part for part in ran.out.split("\n\n") if part.startswith("duo\n"))
    assert (
        duo.splitlines()[2]
        == "  duo_admin      what administrators do: sign in, change users, settings and devices"
    )
    assert "secret_key" not in ran.out


def test_the_types_of_one_service_are_listed(sa_apps: Command) -> None:
    ran = sa_apps("types", "duo")
    assert [line.split()[0] for line in ran.out.splitlines()] == [
        "duo",
        "duo_activity",
        "duo_admin",
        "duo_auth",
        "duo_telephony",
    ]


def test_types_are_found_by_what_they_collect(sa_apps: Command) -> None:
    found = {
        entry["type"] for entry in json.loads(sa_apps("types", "--search", "Sign-In", "--json").out)["types"]
    }
    assert "okta_system_log" in found
    assert "duo_telephony" not in found


def test_a_search_without_a_result_says_so(sa_apps: Command) -> None:
    ran = sa_apps("types", "--search", "submarine")
    assert (ran.code, ran.out) == (2, "")
    assert "No app type contains 'submarine'." in ran.err


def test_one_type_is_told_in_full(sa_apps: Command) -> None:
    out = sa_apps("types", "duo_auth").out
    assert out.startswith("**duo_auth** collects each authentication")
    assert "2. Under **Permissions**, tick only **Grant read log**." in out
    assert "- `secret_key`: the secret key of your Duo Admin API application" in out
    assert "- Schemas of the classifier: `duo:authentication_v2`" in out
    assert "- Requests: at most 2 in 60 seconds" in out
    assert "- Events may be late by: 5 minutes" in out
    assert "- The service keeps: 180 days" in out
    assert "<https://duo.com/docs/adminapi>" in out


def test_one_type_as_json_has_the_form_of_all(sa_apps: Command) -> None:
    every = {entry["type"]: entry for entry in json.loads(sa_apps("types", "--json").out)["types"]}
    (one,) = json.loads(sa_apps("types", "box_admin_events", "--json").out)["types"]
    assert one == every["box_admin_events"]
    assert (one["rate"], one["lag"], one["retention"]) == (None, None, 14 * 24 * 3600)
    assert "**Manage enterprise properties**" in one["setup"]


def test_a_type_that_is_not_there_gets_a_suggestion(sa_apps: Command) -> None:
    ran = sa_apps("types", "duo_auht")
    assert ran.code == 2
    assert "Did you mean 'duo_auth'?" in ran.err


def test_types_as_json_mark_secrets(sa_apps: Command) -> None:
    types = {entry["type"]: entry for entry in json.loads(sa_apps("types", "--json").out)["types"]}
    secret = {field["name"]: field["secret"] for field in types["duo_admin"]["auth"]}
    assert secret == {"api_hostname": False, "integration_key": False, "secret_key": True}
    assert types["duo_admin"]["service"] == "duo"


def test_a_mistyped_service_is_suggested(sa_apps: Command) -> None:
    assert "Did you mean 'duo'?" in sa_apps("types", "duoo").err
