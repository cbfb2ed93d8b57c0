"""What docs/plugins.md shows of code is code that works; its console blocks are run with the others."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from streamalert_apps.cli.scaffold import written
from streamalert_apps.plugins.places import GROUP
from streamalert_apps.testing import load_plugin

TEXT = (Path(__file__).parents[2] / "docs/plugins.md").read_text()


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def test_the_plugin_that_is_shown_is_the_one_that_is_written() -> None:
    assert blocks("python")[0] == written("acme_events")["apps/acme/app.py"]


@pytest.mark.parametrize("source", blocks("python"))
def test_every_plugin_that_is_shown_can_be_loaded(tmp_path: Path, source: str) -> None:
    (tmp_path / "acme.py").write_text(source)

    assert load_plugin(tmp_path / "acme.py").apps


def test_the_entry_point_that_is_shown_is_one() -> None:
    (text,) = blocks("text")

    assert tomllib.loads(text)["project"]["entry-points"] == {GROUP: {"acme": "saas_apps.acme.app"}}
