"""Each kind of destination has a page, which names what it can be told and what it costs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from streamalert_apps.runtime import kinds
from streamalert_apps.runtime.outlets import COMMON

PAGES = Path("docs/destinations")
TABLE = Path("docs/destinations.md").read_text("utf-8")

each_kind = pytest.mark.parametrize("kind", kinds.names())


@each_kind
def test_the_page_has_a_row_for_each_setting(kind: str) -> None:
    page = (PAGES / f"{kind}.md").read_text("utf-8")
    rows = " ".join(re.findall(r"^\| (`[^|]+) \|", page, re.MULTILINE))

    assert re.findall(r"`(\w+)`", rows) == [setting.name for setting in kinds.find(kind).settings]


@each_kind
def test_the_page_says_what_it_costs_and_is_listed(kind: str) -> None:
    assert "\n## Cost\n" in (PAGES / f"{kind}.md").read_text("utf-8")
    assert f"[`{kind}`](destinations/{kind}.md)" in TABLE


def test_what_all_kinds_can_be_told_is_said_in_one_place() -> None:
    assert all(re.search(rf'[`"]{setting.name}[`"]', TABLE) for setting in COMMON)
