"""Credentials of which some may be left out: OneLogin's account is named by its subdomain or its region."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from streamalert_apps.services import twins
from streamalert_apps.simulator.server import serve
from tests.terminal import ENTER, Terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Ran

    Command = Callable[..., Ran]

NEW = ("new", "onelogin_events", "--cluster", "prod")
KEYS = {"client_id": "a1" * 32, "client_secret": "b2" * 32}


def stored(root: Path) -> Any:
    return json.loads((root / ".sa-apps/local_prod_onelogin_events_collector_app/auth.json").read_text())


def auth_file(folder: Path, **values: str | None) -> str:
    path = folder / "onelogin.json"
    path.write_text(json.dumps(KEYS | values))
    path.chmod(0o600)
    return str(path)


@pytest.mark.parametrize(
    "given",
    [{"region": "us"}, {"region": "us", "subdomain": None}, {"region": "us", "subdomain": ""}],
)
def test_what_a_file_leaves_out_is_not_stored(
    local: Path, sa_apps: Command, tmp_path: Path, given: dict[str, str | None]
) -> None:
    ran = sa_apps(*NEW, "--auth-file", auth_file(tmp_path, **given), "--no-check")

    assert ran.code == 0, ran.err
    assert stored(local) == KEYS | {"region": "us"}


def test_a_value_of_the_wrong_form_is_refused_though_it_is_optional(
    local: Path, sa_apps: Command, tmp_path: Path
) -> None:
    ran = sa_apps(*NEW, "--auth-file", auth_file(tmp_path, region="en"), "--no-check")

    assert ran.code == 2
    assert "wrong form: region" in ran.err


@pytest.mark.parametrize("given", [{}, {"region": "us", "subdomain": "acme"}])
def test_two_that_exclude_each_other_are_refused_when_they_are_tried(
    local: Path, sa_apps: Command, tmp_path: Path, given: dict[str, str]
) -> None:
    ran = sa_apps(*NEW, "--auth-file", auth_file(tmp_path, **given), "--simulator", "http://127.0.0.1:9")

    assert ran.code == 4
    assert "either a subdomain or a region" in ran.err
    assert "Nothing was saved" in ran.err


def test_an_app_runs_without_what_is_optional(local: Path, sa_apps: Command, tmp_path: Path) -> None:
    twin = twins.twin("onelogin")
    twin.seed("onelogin_events", events=100)
    path = tmp_path / "onelogin.json"
    path.write_text(json.dumps(dict(twin.credentials)))

    with serve(twin) as server:
        made = sa_apps(*NEW, "--auth-file", str(path), "--simulator", server.url)
        ran = sa_apps("run", "collector", "--simulator", server.url, "--to", "logs.jsonl", "--json")

    assert (made.code, ran.code) == (0, 0), made.err + ran.err
    assert json.loads(ran.out)["logs"] == 100


def test_a_person_may_answer_with_nothing(local: Path) -> None:
    with Terminal(*NEW, "--no-check", folder=local) as terminal:
        terminal.see("acme.onelogin.com, or nothing:").type(ENTER)
        terminal.answer("'us' or 'eu', instead of a subdomain, or nothing:", "eu")
        terminal.answer("client ID", KEYS["client_id"])
        terminal.answer("client secret", KEYS["client_secret"])
        assert terminal.ends() == 0
    assert stored(local) == KEYS | {"region": "eu"}


def test_a_person_may_take_a_value_away(local: Path, sa_apps: Command, tmp_path: Path) -> None:
    sa_apps(*NEW, "--auth-file", auth_file(tmp_path, region="eu"), "--no-check")

    with Terminal("update-auth", "collector", "--no-check", folder=local) as terminal:
        terminal.answer("acme.onelogin.com, or nothing:", "acme")
        terminal.see("or nothing: eu").type("\x7f\x7f" + ENTER)
        terminal.see("client ID").type(ENTER)
        terminal.see("client secret").type(ENTER)
        assert terminal.ends() == 0
    assert stored(local) == KEYS | {"subdomain": "acme"}


def test_what_is_optional_is_told(sa_apps: Command) -> None:
    described = {app["type"]: app["auth"] for app in json.loads(sa_apps("types", "--json").out)["types"]}

    optional = [field["name"] for field in described["onelogin_events"] if field["optional"]]
    assert optional == ["subdomain", "region"]
    assert "instead of a subdomain (optional)" in sa_apps("types", "onelogin_events").out
