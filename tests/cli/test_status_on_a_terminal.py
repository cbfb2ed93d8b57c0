"""`sa-apps status` as a person sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.test_status import entered, head, keep, place, ran
from tests.terminal import CTRL_C, Terminal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Ran


@pytest.fixture
def several(local: Path, sa_apps: Callable[..., Ran], auth_file: Path) -> Path:
    """A local project with a healthy app and one that is not."""
    sa_apps("new", "duo_auth", "-c", "prod", "--auth-file", str(auth_file), "--no-check")
    entered(local, "fine", "ill")
    keep(local, "fine", head(ran()))
    keep(local, "ill", head(ran("failed", message="Duo refused."), checkpoint=place(floor=90, looked=60)))
    return local


def test_it_is_a_table_with_what_is_wrong_below_it(several: Path) -> None:
    with Terminal("status", folder=several) as terminal:
        terminal.see("2 apps: 1 unhealthy, 1 healthy; largest lag 1 h 0 min.")
        lines = terminal.text.splitlines()
    table = next(number for number, line in enumerate(lines) if "Health" in line and "Lag" in line)
    assert [line.split()[0] for line in lines[table + 2 : table + 4]] == ["ill", "fine"]
    assert "  ! Its last run failed: Duo refused." in lines


def test_watching_draws_it_until_ctrl_c_and_leaves_the_last_answer(several: Path) -> None:
    with Terminal("status", "--watch", folder=several) as terminal:
        terminal.see("Ctrl-C ends").type(CTRL_C)
        terminal.see("largest lag 1 h 0 min.")
        assert terminal.ends() == 5
