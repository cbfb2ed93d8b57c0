"""`sa-apps enable` and `sa-apps disable`: the schedule, on and off."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from tests.cli.conftest import FUNCTION, writes
from tests.cli.test_json import check
from tests.cli.test_rollback import begin_a_record, of_0_1_0
from tests.proxy import Rewrite

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


def deleting() -> dict[str, Any]:
    """Return the rule by which a paused app deletes, with what it invokes."""
    events, name = boto3.client("events"), f"{FUNCTION}_deleting"
    rules = events.list_rules(NamePrefix=name)["Rules"]
    targets = events.list_targets_by_rule(Rule=name)["Targets"] if rules else []
    return {
        "schedules": [(rule["ScheduleExpression"], rule["State"]) for rule in rules],
        "invoked": [(target["Arn"].rpartition(":")[2], json.loads(target["Input"])) for target in targets],
    }


def permitted() -> set[str]:
    client = boto3.client("lambda")
    policy = client.get_policy(FunctionName=FUNCTION, Qualifier="production")["Policy"]
    return {
        statement["Condition"]["ArnLike"]["AWS:SourceArn"].rpartition("/")[2]
        for statement in json.loads(policy)["Statement"]
    }


def test_a_paused_app_deletes_once_a_day_until_it_is_enabled(
    deployed: Path, sa_apps: Command, aws: Proxy
) -> None:
    event = {
        "app_type": "duo_auth",
        "destination_function_name": "acme_prod_streamalert_classifier",
        "schedule_expression": "rate(2 hours)",
        "invocation_type": "deleting",
    }

    sa_apps("disable", "collector")

    assert deleting() == {"schedules": [("rate(1 day)", "ENABLED")], "invoked": [("production", event)]}
    assert permitted() == {f"{FUNCTION}_schedule", f"{FUNCTION}_deleting"}
    writes(aws)
    assert sa_apps("deploy", "--yes").code == 0
    assert writes(aws) == []

    sa_apps("enable", "collector")

    assert deleting() == {"schedules": [], "invoked": []}
    assert permitted() == {f"{FUNCTION}_schedule"}


def test_one_that_was_paused_by_other_means_deletes_from_then_on(
    deployed: Path, sa_apps: Command, aws: Proxy
) -> None:
    boto3.client("events").disable_rule(Name=f"{FUNCTION}_schedule")

    assert check(sa_apps("disable", "collector", "--json").out, "disable")["changed"]

    assert len(deleting()["schedules"]) == 1


def test_removing_a_paused_app_leaves_no_rule(deployed: Path, sa_apps: Command) -> None:
    sa_apps("disable", "collector")
    assert sa_apps("remove", "collector", "--yes").code == 0
    assert boto3.client("events").list_rules(NamePrefix=FUNCTION)["Rules"] == []


def test_a_version_that_knows_no_record_is_not_invoked_while_it_is_paused(
    deployed: Path, sa_apps: Command, aws: Proxy
) -> None:
    version = of_0_1_0(aws)
    begin_a_record(deployed)
    sa_apps("disable", "collector")

    assert sa_apps("rollback", "collector", "--to", version).code == 0
    assert deleting()["schedules"] == []

    assert sa_apps("disable", "collector").code == 0
    assert deleting()["schedules"] == []


@pytest.mark.parametrize("sent", [None, "", "{", "[]", "5", '{"app_type": "duo_auth"}'])
def test_a_target_that_sends_something_else_is_told_before_anything_is_changed(
    deployed: Path, sa_apps: Command, aws: Proxy, sent: str | None
) -> None:
    def change(answer: Any) -> Any:
        for target in answer.get("Targets", ()):
            target["Input"] = sent
        return answer

    aws.after = lambda call: Rewrite(change) if call.name == "events.ListTargetsByRule" else None

    ran = sa_apps("disable", "collector")

    assert ran.code == 1
    assert "is no event of ours" in ran.err
    assert writes(aws) == []
