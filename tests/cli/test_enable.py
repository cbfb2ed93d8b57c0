"""`sa-apps enable` and `sa-apps disable`: the schedule, on and off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
import pytest

from tests.cli.conftest import FUNCTION, writes
from tests.cli.test_json import check

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Ran
    from tests.proxy import Proxy

    Command = Callable[..., Ran]


def test_the_schedule_is_switched_off_and_on(deployed: Path, sa_apps: Command, aws: Proxy) -> None:
    off = check(sa_apps("disable", "collector", "--json").out, "disable")
    assert (off["enabled"], off["changed"]) == (False, True)
    assert boto3.client("events").describe_rule(Name=f"{FUNCTION}_schedule")["State"] == "DISABLED"
    on = check(sa_apps("enable", "collector", "--json").out, "enable")
    assert (on["enabled"], on["changed"]) == (True, True)
    assert boto3.client("events").describe_rule(Name=f"{FUNCTION}_schedule")["State"] == "ENABLED"


@pytest.mark.parametrize("word", ["enable", "disable"])
def test_what_is_so_already_is_not_written(deployed: Path, sa_apps: Command, aws: Proxy, word: str) -> None:
    sa_apps(word, "collector")
    writes(aws)

    ran = sa_apps(word, "collector")

    assert (ran.code, writes(aws)) == (0, [])
    assert "No change" in ran.err
