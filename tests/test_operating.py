"""The operator's page knows each error, each line of a log and each metric that the product has."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from streamalert_apps.deploy.resources import alarm
from streamalert_apps.errors import AppError
from streamalert_apps.runtime import metrics

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/operating.md").read_text(encoding="utf-8")
ENTRIES = set(re.findall(r"^\| `([^`]+)` \|", PAGE, re.MULTILINE))
PLACEHOLDER = re.compile(r"%[.\d]*[sdf]")
WRITTEN_ELSEWHERE = {"message", "page polled", "on record"}
TREES = [ast.parse(path.read_text(encoding="utf-8")) for path in ROOT.glob("src/streamalert_apps/**/*.py")]
NODES = [node for tree in TREES for node in ast.walk(tree)]
LOGS = {"debug", "info", "warning", "error", "exception", "log"}


def codes() -> set[str]:
    """Return the code of each class of errors: AppError's, and what its kinds name."""
    classes = [node for node in NODES if isinstance(node, ast.ClassDef)]
    named = [word.value for c in classes for word in c.keywords if word.arg == "code"]
    return {AppError.code} | {ast.literal_eval(value) for value in named}


def lines() -> Iterator[str]:
    """Yield what is written to the log of a function, `…` for what differs."""
    for call in (node for node in NODES if isinstance(node, ast.Call)):
        if not isinstance(call.func, ast.Attribute) or call.func.attr not in LOGS:
            continue
        if not isinstance(call.func.value, ast.Name) or call.func.value.id != "LOGGER":
            continue
        for argument in call.args[:2]:
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield PLACEHOLDER.sub("…", argument.value).partition(". ")[0].partition("; only")[0]
                break


def test_the_sources_are_read_well() -> None:
    assert {"error", "usage_error", "rate_limited", "cancelled"} <= codes()
    assert {"run ended", "the sweep begins again at …"} <= set(lines())


@pytest.mark.parametrize("code", sorted(codes()))
def test_each_error_code_has_an_entry(code: str) -> None:
    assert code in ENTRIES


@pytest.mark.parametrize("line", sorted({*lines()} - {"…"}))
def test_each_line_of_the_log_has_an_entry(line: str) -> None:
    assert line in ENTRIES


def test_no_entry_is_of_a_line_or_an_error_that_is_no_more() -> None:
    known = {*lines()} | codes() | {*metrics.UNITS} | WRITTEN_ELSEWHERE

    assert {entry for entry in ENTRIES if not entry.startswith("<function>_")} <= known


def test_each_line_of_a_run_has_an_entry() -> None:
    assert WRITTEN_ELSEWHERE <= ENTRIES


@pytest.mark.parametrize("metric", metrics.UNITS)
def test_each_metric_has_an_entry_with_its_unit(metric: str) -> None:
    assert f"| `{metric}` | {metrics.UNITS[metric]} |" in PAGE


def test_the_alarm_that_the_page_shows_has_the_name_that_deploy_reads() -> None:
    assert f'"{alarm.CURSOR_AGE}": {{"threshold": 14400}}' in PAGE
