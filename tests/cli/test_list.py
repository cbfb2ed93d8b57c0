"""`sa-apps list`: the configured apps, by cluster."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Ran

    Command = Callable[..., Ran]


@pytest.fixture
def with_app(local: Path, auth_file: Path, sa_apps: Command) -> Path:
    arguments = ["--name", "duo_prod_collector", "--auth-file", str(auth_file), "--no-check"]
    assert sa_apps("new", "duo_auth", "--cluster", "prod", *arguments).code == 0
    return local


def test_an_app_is_listed_under_its_cluster_with_every_field(with_app: Path, sa_apps: Command) -> None:
    lines = [line.strip() for line in sa_apps("list").out.splitlines()]
    assert [line for line in lines if line] == [
        "Cluster: prod",
        "Name: duo_prod_collector",
        "log_level: info",
        "interval: rate(2 hours)",
        "timeout: 80",
        "memory: 128",
        "type: duo_auth",
    ]


def test_a_cluster_without_apps_says_so(local: Path, sa_apps: Command) -> None:
    ran = sa_apps("list")
    assert ran.code == 0
    assert "Cluster: prod" in ran.out
    assert "No Apps configured" in ran.out


def test_a_project_without_clusters_says_so(local: Path, sa_apps: Command) -> None:
    (local / "conf/clusters/prod.json").unlink()
    assert sa_apps("list").out == "No Apps configured\n"


def test_one_cluster_can_be_picked(with_app: Path, sa_apps: Command) -> None:
    sa_apps("init", "--cluster", "corp")
    assert "prod" not in sa_apps("list", "--cluster", "corp").out


def test_clusters_are_set_apart_by_a_line(local: Path, sa_apps: Command) -> None:
    sa_apps("init", "--cluster", "corp")
    nothing = "\n\n  No Apps configured\n"
    assert sa_apps("list").out == f"Cluster: corp{nothing}\nCluster: prod{nothing}"


def test_an_unknown_cluster_is_refused(with_app: Path, sa_apps: Command) -> None:
    ran = sa_apps("list", "--cluster", "prd")
    assert ran.code == 2
    assert "Did you mean 'prod'?" in ran.err


def test_json_has_every_field(with_app: Path, sa_apps: Command) -> None:
    assert json.loads(sa_apps("list", "--json").out) == {
        "schema": 1,
        "command": "list",
        "status": "ok",
        "errors": [],
        "apps": [
            {
                "cluster": "prod",
                "name": "duo_prod_collector",
                "type": "duo_auth",
                "service": "duo",
                "function": "local_prod_duo_auth_duo_prod_collector_app",
                "interval": "rate(2 hours)",
                "timeout": 80,
                "memory": 128,
                "log_level": "info",
                "log_retention_days": 14,
                "concurrency_limit": 1,
            }
        ],
    }


def test_a_person_sees_a_table(with_app: Path) -> None:
    with Terminal("list", folder=with_app) as terminal:
        assert terminal.ends() == 0
        assert "log_level" in terminal.text
        assert "─" in terminal.text


def test_a_narrow_terminal_gets_lines(with_app: Path) -> None:
    with Terminal("list", folder=with_app, columns=40) as terminal:
        assert terminal.ends() == 0
        assert "name: duo_prod_collector\n  log_level: info\n" in terminal.text


def test_apps_are_sorted_as_a_person_counts(with_app: Path, sa_apps: Command, auth_file: Path) -> None:
    for name in ("app10", "app2"):
        words = ("new", "duo_auth", "-c", "prod", "-n", name, "--auth-file", str(auth_file), "--no-check")
        assert sa_apps(*words).code == 0
    assert re.findall("Name: (app.*)", sa_apps("list").out) == ["app2", "app10"]


def test_a_project_elsewhere_is_named_by_a_flag_or_a_variable(
    with_app: Path, sa_apps: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    by_flag = sa_apps("list", "--project-dir", str(with_app)).out
    monkeypatch.setenv("SA_APPS_PROJECT_DIR", str(with_app))
    assert "duo_prod_collector" in by_flag
    assert sa_apps("list").out == by_flag


def test_a_project_is_found_from_below(
    with_app: Path, sa_apps: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = with_app / "rules"
    below.mkdir()
    monkeypatch.chdir(below)
    assert "duo_prod_collector" in sa_apps("list").out


def test_broken_json_is_told_with_its_place(with_app: Path, sa_apps: Command) -> None:
    (with_app / "conf/clusters/prod.json").write_text('{\n  "id": }')
    ran = sa_apps("list")
    assert ran.code == 1
    assert "conf/clusters/prod.json is not valid JSON: line 2, column 9" in ran.err
