"""`run` forwards to where conf/ says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from streamalert_apps.config.conf import Account, AppConf, Project
from streamalert_apps.sdk.clock import SystemClock
from streamalert_apps.serve.destinations import own
from streamalert_apps.simulator.server import serve
from tests.cli.test_run import EVENTS, Tried, tried
from tests.destinations.http import TOKEN, Endpoint
from tests.terminal import Terminal

__all__ = ["tried"]  # the fixture


def write_private(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    path.chmod(0o600)


@pytest.mark.parametrize("has_credentials", [True, False])
def test_events_go_to_the_destinations_of_the_cluster(tried: Tried, *, has_credentials: bool) -> None:
    twin = Endpoint(SystemClock())
    with serve(twin) as endpoint:  # type: ignore[arg-type] # it is asked for no more than this
        stated = {"soc": {"type": "http", "url": f"{endpoint.url}/in"}}
        (tried.folder / "conf/destinations.json").write_text(
            json.dumps({"destinations": stated, "clusters": {"prod": ["soc"]}})
        )
        if has_credentials:
            write_private(tried.folder / ".sa-apps/destinations/soc.json", {"token": TOKEN})
        with Terminal(*tried.words, folder=tried.folder) as terminal:
            if has_credentials:
                terminal.see("200 events on record, 200 delivered to soc")
                assert terminal.ends() == 0
            else:
                terminal.see("There are no credentials")
                assert terminal.ends() == 4
            assert TOKEN not in terminal.text

    assert len(twin.arrived) == (EVENTS if has_credentials else 0)
    assert [*tried.head.positions] == ["soc"]


def test_local_apps_of_one_name_have_a_file_each(tmp_path: Path) -> None:
    one, other = (
        AppConf(cluster, f"local_{cluster}_duo_auth_x_app", "x", "duo_auth", "rate(1 hour)")
        for cluster in "ab"
    )
    account = Account("", "local", "", local=True)

    def path(app: AppConf, *apps: AppConf) -> str:
        target = own(Project(tmp_path, account, ("a", "b"), apps), app, lambda: pytest.fail("no AWS"))
        return Path(target.shown).name

    assert path(one, one) == "x.jsonl"
    assert {path(one, one, other), path(other, one, other)} == {
        "local_a_duo_auth_x_app.jsonl",
        "local_b_duo_auth_x_app.jsonl",
    }
