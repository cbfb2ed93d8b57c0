"""What the commands for a deployed app have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import FUNCTION
from tests.proxy import Refuse

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Ran
    from tests.proxy import Proxy

    Command = Callable[..., Ran]


@pytest.mark.parametrize("word", ["invoke", "rollback", "disable", "enable"])
def test_what_is_not_deployed_is_told(deployable: Path, sa_apps: Command, aws: Proxy, word: str) -> None:
    aws.before = lambda call: (  # moto takes any
        Refuse(404, "ResourceNotFoundException") if call.name == "lambda.Invoke" else None
    )

    ran = sa_apps(word, "collector")

    assert ran.code == 1
    assert f"{FUNCTION} is not deployed." in ran.err


@pytest.mark.parametrize("word", ["invoke", "rollback", "disable", "enable"])
def test_a_local_project_has_nothing_deployed(
    local: Path, sa_apps: Command, auth_file: Path, word: str
) -> None:
    sa_apps("new", "duo_auth", "-c", "prod", "--auth-file", str(auth_file), "--no-check")
    ran = sa_apps(word, "collector")
    assert ran.code == 1
    assert "lives without AWS" in ran.err
