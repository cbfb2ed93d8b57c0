"""A deploy that is killed after any of its writes is completed by the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.deploy.cloud import OTHER_CODE, app, world

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.deploy.cloud import Cloud

CREATION, CHANGE, REMOVAL, REPLACEMENT = 14, 11, 7, 8
CHANGED: dict[str, Any] = {
    "memory": 256,
    "schedule_expression": "rate(1 hour)",
    "log_retention_days": 30,
    "concurrency_limit": 2,
    "metric_alarms": {"errors": {"threshold": 3}},
    "extra": {"journal_days": 30},
}
FUNCTION = app().function


@pytest.fixture
def created(cloud: Cloud) -> None:
    """Deploy one app."""
    cloud.deploy_well(app())
    cloud.writes()


@pytest.fixture(scope="module")
def right(fresh_cloud: Callable[[], Cloud]) -> list[dict[str, Any]]:
    """Return the worlds that a deploy in peace makes: before everything changes, and after."""
    cloud = fresh_cloud()
    cloud.deploy_well(app())
    before = world()
    cloud.deploy_well(app(**CHANGED), code=OTHER_CODE)
    return [before, world()]


@pytest.mark.parametrize("writes", range(CREATION))
def test_a_creation(right: list[Any], cloud: Cloud, writes: int) -> None:
    with cloud.killed_after(writes):
        cloud.deploy(app(), workers=1)
    assert len(cloud.writes()) == writes

    cloud.deploy_well(app())

    assert world() == right[0]


def test_a_creation_has_that_many_writes(cloud: Cloud) -> None:
    cloud.deploy_well(app())
    assert len(cloud.writes()) == CREATION


@pytest.mark.usefixtures("created")
@pytest.mark.parametrize("writes", range(CHANGE))
def test_a_change_of_everything(right: list[Any], cloud: Cloud, writes: int) -> None:
    with cloud.killed_after(writes):
        cloud.deploy(app(**CHANGED), code=OTHER_CODE, workers=1)
    assert len(cloud.writes()) == writes

    cloud.deploy_well(app(**CHANGED), code=OTHER_CODE)

    assert world() == right[1]


@pytest.mark.usefixtures("created")
def test_a_change_of_everything_has_that_many_writes(cloud: Cloud) -> None:
    cloud.deploy_well(app(**CHANGED), code=OTHER_CODE)
    assert len(cloud.writes()) == CHANGE


@pytest.mark.usefixtures("created")
@pytest.mark.parametrize("writes", range(CHANGE))
def test_what_runs_is_the_old_version_until_the_alias_moves(
    right: list[Any], cloud: Cloud, writes: int
) -> None:
    old = right[0]["functions"][FUNCTION]["aliases"]["production"]
    with cloud.killed_after(writes):
        cloud.deploy(app(**CHANGED), code=OTHER_CODE, workers=1)

    live = world()["functions"][FUNCTION]["aliases"]["production"]
    moved = "lambda.UpdateAlias" in cloud.writes()
    assert (live["MemorySize"], live["CodeSha256"]) == (
        (256, OTHER_CODE.sha256_base64) if moved else (old["MemorySize"], old["CodeSha256"])
    )


@pytest.mark.usefixtures("created")
@pytest.mark.parametrize("writes", range(REMOVAL))
def test_a_removal(cloud: Cloud, writes: int) -> None:
    with cloud.killed_after(writes):
        cloud.deploy(gone=[FUNCTION], workers=1)
    assert len(cloud.writes()) == writes

    cloud.deploy_well(gone=[FUNCTION])

    assert not any(world().values())


@pytest.mark.usefixtures("created")
@pytest.mark.parametrize("writes", range(REPLACEMENT))
def test_a_replacement_of_a_function_that_lost_its_role(right: list[Any], cloud: Cloud, writes: int) -> None:
    cloud.aws.iam.delete_role_policy(RoleName=f"{FUNCTION}_role", PolicyName="sa-apps")
    cloud.aws.iam.delete_role(RoleName=f"{FUNCTION}_role")
    cloud.writes()
    with cloud.killed_after(writes):
        cloud.deploy(app(), workers=1)
    assert len(cloud.writes()) == writes

    cloud.deploy_well(app())

    assert world() == right[0]
