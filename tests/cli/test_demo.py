"""`sa-apps demo`: everything that the simulated services hold arrives, once."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from streamalert_apps import services
from streamalert_apps.cli.commands import demo
from streamalert_apps.cli.commands.demo import LeapingClock, Shown
from streamalert_apps.sdk.clock import SystemClock
from streamalert_apps.services import twins
from streamalert_apps.simulator.server import serve
from tests.cli.conftest import Ran

Command = Callable[..., Ran]


def shown(app_type: str, **changed: Any) -> Shown:
    numbers = {"events": 100, "delivered": 100, "lost": 0, "repeated": 0, "requests": 4, "refused": 2}
    return Shown(app_type, **(numbers | {"burst": 24, "late": 1, "runs": 3, "seconds": 0.5} | changed))


@pytest.mark.parametrize("service", services.services())
def test_of_each_service_everything_arrives_once(sa_apps: Command, project: Path, service: str) -> None:
    ran = sa_apps("demo", "--service", service, "--events", "300", "--json")

    told = json.loads(ran.out)
    assert ran.code == 0, ran.err
    assert (told["lost"], told["repeated"]) == (0, 0)
    assert told["events"] == told["delivered"] == 300 * len(told["services"])
    assert {entry["service"] for entry in told["services"]} == {service}


def test_one_app_type_can_be_shown(sa_apps: Command, project: Path) -> None:
    told = json.loads(sa_apps("demo", "--service", "duo_admin", "--events", "200", "--json").out)

    (entry,) = told["services"]
    assert (entry["app_type"], entry["events"], entry["delivered"]) == ("duo_admin", 200, 200)


def test_without_a_name_duo_s_authentications_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def demonstrate(kinds: Any, *_: Any, leap: bool) -> list[Shown]:
        asked.append(([kind.type for kind in kinds], leap))
        return [shown("duo_auth")]

    monkeypatch.setattr(demo, "_demonstrate", demonstrate)
    demo.command()

    assert asked == [(["duo_auth"], False)]


def test_all_stands_for_every_service(sa_apps: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "_demonstrate", lambda kinds, *_, **__: [shown(kind.type) for kind in kinds])

    told = json.loads(sa_apps("demo", "--service", "all", "--json").out)

    assert {entry["service"] for entry in told["services"]} == set(services.services())
    assert told["events"] == 100 * len(told["services"])


def test_several_app_types_are_a_table_with_their_totals(
    sa_apps: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = [shown("duo_auth", events=4000), shown("box_admin_events", events=1000, requests=6)]
    monkeypatch.setattr(demo, "_demonstrate", lambda *_, **__: both)

    lines = sa_apps("demo", "--service", "all").out.splitlines()

    assert lines[0].split("\t") == list(demo.COLUMNS)
    assert lines[1].split("\t")[:3] == ["duo", "duo_auth", "4,000"]
    assert lines[2].split("\t")[:3] == ["box", "box_admin_events", "1,000"]
    assert lines[3].split("\t")[:7] == ["all", "2 app types", "5,000", "200", "0", "0", "10"]


@pytest.mark.parametrize("wrong", ["lost", "repeated"])
def test_a_loss_or_a_repeat_of_any_app_type_fails(
    sa_apps: Command, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    both = [shown("duo_auth"), shown("box_admin_events", **{wrong: 1})]
    monkeypatch.setattr(demo, "_demonstrate", lambda *_, **__: both)

    ran = sa_apps("demo", "--service", "all", "--json")

    assert ran.code == 1
    assert (json.loads(ran.out)["status"], json.loads(ran.out)[wrong]) == ("failed", 1)


def test_each_of_several_app_types_is_kept_in_a_project_of_its_own(sa_apps: Command, project: Path) -> None:
    sa_apps("demo", "--service", "slack", "--events", "100", "--keep", "kept")

    kept = {path.name for path in (project / "kept").iterdir()}
    assert {"slack_access", "slack_audit", "slack_integration"} >= kept >= {"slack_access"}
    assert len((project / "kept/slack_access/logs/collector.jsonl").read_bytes().splitlines()) == 100


@pytest.mark.parametrize(("name", "hint"), [("slak", "Did you mean 'slack'?"), ("zzzz", "There are: ")])
def test_an_unknown_service_is_refused_with_a_suggestion(sa_apps: Command, name: str, hint: str) -> None:
    ran = sa_apps("demo", "--service", name)

    assert ran.code == 2
    assert hint in ran.err


def test_a_leaping_clock_costs_no_wait() -> None:
    clock = LeapingClock(1)
    began = clock.now()

    clock.sleep(86_400)

    assert 86_400 <= (clock.now() - began).total_seconds() < 86_460


def test_the_project_that_is_left_goes_on_where_the_demonstration_ended(
    sa_apps: Command, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sa_apps("demo", "--service", "slack_audit", "--events", "100", "--keep", "kept").code == 0
    monkeypatch.chdir(project / "kept")
    clock = SystemClock()
    twin: Any = twins.twin("slack", clock=clock)
    (project / "kept/auth.json").write_text(json.dumps(twin.credentials))
    now = clock.now()
    twin.seed("slack_audit", events=20, start=now - timedelta(minutes=30), end=now - timedelta(minutes=5))
    with serve(twin) as server:
        words = ["--simulator", server.url]
        assert sa_apps("update-auth", "collector", "--auth-file", "auth.json", "--no-check").code == 0
        ran = sa_apps("run", "collector", *words)

    assert len(ran.out.splitlines()) == 20
    assert all(line.startswith(("collector", "warning: ")) for line in ran.err.splitlines())
