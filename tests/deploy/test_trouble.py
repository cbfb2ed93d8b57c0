"""What passes is waited for, what stays is told, and one app's trouble is its own."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from streamalert_apps.errors import CredentialsError, RateLimited, TransientError
from tests import proxy
from tests.deploy.cloud import CODE, OTHER_CODE, Cloud, app, client, world
from tests.proxy import Answer, Call, Cut, Fault, Refuse, Rewrite

if TYPE_CHECKING:
    from collections.abc import Callable

FUNCTION = app().function
NOT_ASSUMED = "The role defined for the function cannot be assumed by Lambda."
BUSY = Refuse(409, "ResourceConflictException", message="An update is in progress for resource")


class Times:
    """A hook that spoils the first so many calls of a name."""

    def __init__(self, fault: Fault, name: str, times: int) -> None:
        self.fault, self.name, self.left = fault, name, times
        self._lock = threading.Lock()

    def __call__(self, call: Call) -> Fault | None:
        with self._lock:
            if call.name == self.name and self.left:
                self.left -= 1
                return self.fault
        return None


@pytest.fixture
def right(cloud: Cloud) -> dict[str, Any]:
    """Return what a deploy in peace makes; the account is empty again."""
    cloud.deploy_well(app())
    there = world()
    cloud.deploy_well(gone=[FUNCTION])
    cloud.writes()
    return there


def test_a_new_role_is_waited_for(cloud: Cloud, right: dict[str, Any]) -> None:
    refusal = Refuse(400, "InvalidParameterValueException", message=NOT_ASSUMED)
    cloud.proxy.before = Times(refusal, "lambda.CreateFunction", 4)

    cloud.deploy_well(app())

    assert world() == right
    assert cloud.writes().count("lambda.CreateFunction") == 5
    waits = [step.waiting for step in cloud.steps if step.waiting]
    assert waits == ["the new role is not known everywhere yet"] * 4
    assert cloud.clock.slept == sorted(cloud.clock.slept)


def test_a_role_that_never_becomes_known_fails_the_app_after_minutes(cloud: Cloud) -> None:
    refusal = Refuse(400, "InvalidParameterValueException", message=NOT_ASSUMED)
    cloud.proxy.before = Times(refusal, "lambda.CreateFunction", 1000)

    (result,) = cloud.deploy(app())

    assert result.error is not None
    assert NOT_ASSUMED in result.error.message
    assert 290 <= sum(cloud.clock.slept) <= 300


def test_another_invalid_parameter_is_not_tried_again(cloud: Cloud) -> None:
    refusal = Refuse(400, "InvalidParameterValueException", message="The runtime is no longer supported.")
    cloud.proxy.before = Times(refusal, "lambda.CreateFunction", 1000)

    (result,) = cloud.deploy(app())

    assert result.error is not None
    assert cloud.clock.slept == []
    assert cloud.writes().count("lambda.CreateFunction") == 1


@pytest.mark.parametrize(
    "name",
    [
        "iam.CreateRole",
        "iam.PutRolePolicy",
        "logs.CreateLogGroup",
        "logs.PutRetentionPolicy",
        "lambda.CreateFunction",
        "lambda.PutFunctionConcurrency",
        "lambda.CreateAlias",
        "lambda.AddPermission",
        "events.PutRule",
        "events.PutTargets",
        "cloudwatch.PutMetricAlarm",
    ],
)
def test_a_call_that_was_made_and_answered_with_an_error_is_not_made_twice_over(
    cloud: Cloud, right: dict[str, Any], name: str
) -> None:
    cloud.proxy.after = Times(Refuse(500, "InternalFailure"), name, 1)

    cloud.deploy_well(app())

    assert world() == right


@pytest.mark.parametrize("name", ["iam.CreateRole", "lambda.CreateFunction", "lambda.GetFunction"])
def test_a_broken_connection_is_tried_again(cloud: Cloud, right: dict[str, Any], name: str) -> None:
    cloud.proxy.after = Times(Cut(), name, 1)

    cloud.deploy_well(app())

    assert world() == right


def test_throttling_is_waited_out(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
    refused = 0

    def every_third(call: Call) -> Fault | None:
        nonlocal refused
        if call.number % 3 == 0 and call.service == "lambda":
            refused += 1
            return Refuse(429, "TooManyRequestsException")
        return None

    cloud.proxy.before = every_third

    cloud.deploy_well(*[app(f"app{number}") for number in range(5)])

    assert refused
    assert len(world()["functions"]) == 5


def test_throttling_without_end_fails_the_app(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
    cloud.proxy.before = Times(Refuse(429, "TooManyRequestsException"), "lambda.CreateFunction", 10_000)

    (result,) = cloud.deploy(app())

    assert isinstance(result.error, RateLimited)


@pytest.mark.parametrize("name", ["lambda.UpdateFunctionConfiguration", "lambda.UpdateFunctionCode"])
def test_an_update_under_way_is_waited_for(cloud: Cloud, name: str) -> None:
    cloud.deploy_well(app())
    cloud.proxy.before = Times(BUSY, name, 2)

    cloud.deploy_well(app(memory=256), code=OTHER_CODE)

    live = client("lambda").get_function(FunctionName=FUNCTION, Qualifier="production")["Configuration"]
    assert (live["MemorySize"], live["CodeSha256"]) == (256, OTHER_CODE.sha256_base64)


def in_state(**state: str) -> Rewrite:
    def change(answer: Any) -> Any:
        answer.get("Configuration", answer).update(state)
        return answer

    return Rewrite(change)


def test_a_function_that_is_pending_is_waited_for(cloud: Cloud, right: dict[str, Any]) -> None:
    pending = in_state(State="Pending")
    created, asked = Times(pending, "lambda.CreateFunction", 1), Times(pending, "lambda.GetFunction", 3)
    cloud.proxy.after = lambda call: created(call) or (None if created.left else asked(call))

    cloud.deploy_well(app())

    assert world() == right
    assert cloud.clock.slept == [0.2, 0.5, 1.0]


def test_nothing_is_published_before_an_update_has_ended(cloud: Cloud) -> None:
    cloud.deploy_well(app())
    cloud.proxy.calls.clear()
    busy = in_state(LastUpdateStatus="InProgress")
    updated, asked = Times(busy, "lambda.UpdateFunctionCode", 1), Times(busy, "lambda.GetFunction", 2)
    cloud.proxy.after = lambda call: updated(call) or (None if updated.left else asked(call))

    cloud.deploy_well(app(), code=OTHER_CODE)

    names = cloud.proxy.names()
    between = names[names.index("lambda.UpdateFunctionCode") : names.index("lambda.PublishVersion")]
    assert between.count("lambda.GetFunction") >= 3


def test_a_function_that_lambda_cannot_make_ready_fails_the_app(cloud: Cloud) -> None:
    failed = in_state(State="Failed", StateReason="The subnet has no free addresses.")
    created, asked = (
        Times(failed, "lambda.CreateFunction", 1),
        Times(failed, "lambda.GetFunction", 99),
    )
    cloud.proxy.after = lambda call: created(call) or (None if created.left else asked(call))

    (result,) = cloud.deploy(app())

    assert result.error is not None
    assert "The subnet has no free addresses." in result.error.message
    assert "lambda.CreateAlias" not in cloud.writes()


def test_a_target_that_eventbridge_does_not_take_fails_the_app(cloud: Cloud) -> None:
    entry = {"TargetId": "sa-apps", "ErrorCode": "LimitExceeded", "ErrorMessage": "too many"}
    answer = Rewrite(lambda _: {"FailedEntryCount": 1, "FailedEntries": [entry]})
    cloud.proxy.after = Times(answer, "events.PutTargets", 1)

    (result,) = cloud.deploy(app())

    assert result.error is not None
    assert "LimitExceeded: too many" in result.error.message


def test_a_target_that_eventbridge_does_not_take_just_now_is_put_again(
    cloud: Cloud, right: dict[str, Any]
) -> None:
    entry = {"TargetId": "sa-apps", "ErrorCode": "ConcurrentModificationException", "ErrorMessage": "wait"}
    answer = Rewrite(lambda _: {"FailedEntryCount": 1, "FailedEntries": [entry]})
    cloud.proxy.after = Times(answer, "events.PutTargets", 2)

    cloud.deploy_well(app())

    assert world() == right


def test_an_empty_page_with_a_token_is_not_the_end(cloud: Cloud) -> None:
    cloud.deploy_well(app())
    there = client("events").list_targets_by_rule(Rule=f"{FUNCTION}_schedule")["Targets"]
    pages = [{"Targets": [], "NextToken": "more"}, {"Targets": there}]
    cloud.proxy.before = lambda call: (
        Answer(200, json.dumps(pages.pop(0)).encode()) if call.name == "events.ListTargetsByRule" else None
    )

    (planned,) = cloud.plan(app())

    assert (planned.error, planned.changes) == (None, ())


def test_the_apps_beside_one_that_fails_are_deployed(cloud: Cloud) -> None:
    def second_only(call: Call) -> Fault | None:
        denied = call.name == "lambda.CreateFunction" and call.json["FunctionName"] == app("b").function
        return Refuse(403, "AccessDeniedException") if denied else None

    cloud.proxy.before = second_only

    results = cloud.deploy(app("a"), app("b"), app("c"))

    assert [type(result.error) for result in results] == [type(None), CredentialsError, type(None)]
    assert set(world()["functions"]) == {app("a").function, app("c").function}


def test_concurrency_that_the_account_has_not_left_is_explained(cloud: Cloud) -> None:
    message = "Specified ReservedConcurrentExecutions decreases account's UnreservedConcurrentExecution"
    refusal = Refuse(400, "InvalidParameterValueException", message=message)
    cloud.proxy.before = Times(refusal, "lambda.PutFunctionConcurrency", 1)

    (result,) = cloud.deploy(app())

    assert result.error is not None
    assert "concurrency_limit" in result.error.hint


def test_a_version_is_never_made_of_two_deploys(cloud: Cloud) -> None:
    cloud.deploy_well(app())
    meddled: list[int] = []

    def meddle(call: Call) -> Fault | None:
        if call.name == "lambda.UpdateFunctionCode" and not meddled:
            meddled.append(call.number)
            client("lambda").update_function_configuration(FunctionName=FUNCTION, MemorySize=1024)
        return None

    cloud.proxy.after = meddle

    cloud.deploy_well(app(), code=OTHER_CODE)

    published = client("lambda").list_versions_by_function(FunctionName=FUNCTION)["Versions"]
    assert {version["MemorySize"] for version in published} == {128}
    assert "Somebody else changed the function at the same time." in [step.waiting for step in cloud.steps]


def test_two_deploys_that_undo_each_others_work_end(cloud: Cloud) -> None:
    cloud.deploy_well(app())

    def meddle(call: Call) -> Fault | None:
        if call.name in {"lambda.UpdateFunctionConfiguration", "lambda.UpdateFunctionCode"}:
            client("lambda").update_function_configuration(FunctionName=FUNCTION, MemorySize=1024)
        return None

    cloud.proxy.after = meddle

    (result,) = cloud.deploy(app(memory=256))

    assert isinstance(result.error, TransientError)


def test_a_version_is_published_only_of_the_code_and_the_revision_that_were_seen(cloud: Cloud) -> None:
    cloud.deploy_well(app())
    cloud.proxy.after = lambda call: (
        in_state(RevisionId="seen-last") if call.name == "lambda.GetFunction" else None
    )

    cloud.deploy_well(app(), code=OTHER_CODE)

    (call,) = [call for call in cloud.proxy.calls if call.name == "lambda.PublishVersion"]
    assert call.json["RevisionId"] == "seen-last"
    assert call.json["CodeSha256"] == OTHER_CODE.sha256_base64


def together(*deploys: Callable[[], object]) -> None:
    threads = [threading.Thread(target=deploy) for deploy in deploys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_two_deploys_at_once_make_one_app(cloud: Cloud, right: dict[str, Any]) -> None:
    first, second = cloud, Cloud(cloud.proxy, cloud.aws)
    errors: list[object] = []

    def deploy(deployer: Cloud) -> None:
        errors.extend(result.error for result in deployer.deploy(app(), app("b")))

    together(lambda: deploy(first), lambda: deploy(second))

    assert errors == [None] * 4
    cloud.deploy_well(gone=[app("b").function])
    assert world() == right


def test_of_two_deploys_with_different_code_one_runs_whole(cloud: Cloud) -> None:
    cloud.deploy_well(app())
    small = replace(OTHER_CODE, own={"any.py": b"three"})
    first, second = cloud, Cloud(cloud.proxy, cloud.aws)

    together(
        lambda: first.deploy(app(memory=256), code=OTHER_CODE),
        lambda: second.deploy(app(memory=512), code=small),
    )

    live = client("lambda").get_function(FunctionName=FUNCTION, Qualifier="production")["Configuration"]
    made_of = (live["MemorySize"], live["CodeSha256"])
    assert made_of in {
        (128, CODE.sha256_base64),
        (256, OTHER_CODE.sha256_base64),
        (512, small.sha256_base64),
    }
    cloud.deploy_well(app(memory=256), code=OTHER_CODE)
    live = client("lambda").get_function(FunctionName=FUNCTION, Qualifier="production")["Configuration"]
    assert (live["MemorySize"], live["CodeSha256"]) == (256, OTHER_CODE.sha256_base64)


def test_the_answers_of_a_proxy_that_knows_no_aws_are_no_traceback(cloud: Cloud) -> None:
    cloud.proxy.before = Times(proxy.Refuse(407, "ProxyAuthenticationRequired"), "lambda.GetFunction", 99)

    (result,) = cloud.deploy(app())

    assert result.error is not None
    assert "ProxyAuthenticationRequired" in result.error.message


UNREADABLE = {"ErrorCode": "AccessDeniedException", "Message": "not authorized to perform: lambda:ListTags"}


def without_tags(call: Call) -> Fault | None:
    """GetFunction, as it is answered to who may not lambda:ListTags."""

    def change(answer: Any) -> Any:
        answer.pop("Tags", None)
        return {**answer, "TagsError": UNREADABLE}

    return Rewrite(change) if call.name == "lambda.GetFunction" else None


def test_tags_that_may_not_be_read_are_not_taken_for_none(cloud: Cloud) -> None:
    layer = client("lambda").publish_layer_version(LayerName="own", Content={"ZipFile": CODE.archive})
    cloud.deploy_well(app())
    client("lambda").update_function_configuration(FunctionName=FUNCTION, Layers=[layer["LayerVersionArn"]])
    cloud.writes()
    cloud.proxy.after = without_tags

    (planned,) = cloud.plan(app())
    assert (planned.error, planned.changes) == (None, ())
    cloud.deploy_well(app(memory=256))

    assert "lambda.TagResource" not in cloud.writes()
    there = client("lambda").get_function(FunctionName=FUNCTION)["Configuration"]
    assert [layer["Arn"] for layer in there["Layers"]] == [layer["LayerVersionArn"]]


def test_whose_a_function_with_another_handler_is_has_to_be_told_by_its_tags(cloud: Cloud) -> None:
    cloud.deploy_well(app())
    client("lambda").update_function_configuration(FunctionName=FUNCTION, Handler="other.handler")
    cloud.proxy.after = without_tags

    (planned,) = cloud.plan(app())

    assert isinstance(planned.error, CredentialsError)
    assert "lambda:ListTags" in planned.error.hint


def test_an_environment_that_may_not_be_decrypted_is_not_taken_for_none(cloud: Cloud) -> None:
    cloud.deploy_well(app())
    cloud.writes()

    def undecrypted(call: Call) -> Fault | None:
        def change(answer: Any) -> Any:
            told = {"ErrorCode": "AccessDeniedException", "Message": "KMS access was denied."}
            answer["Configuration"]["Environment"] = {"Error": told}
            return answer

        return Rewrite(change) if call.name == "lambda.GetFunction" else None

    cloud.proxy.after = undecrypted
    assert cloud.plan(app())[0].changes == ()
    cloud.deploy_well(app(memory=256))
    assert cloud.writes().count("lambda.PublishVersion") == 1


def test_a_key_that_lambda_may_not_use_is_told_at_once(cloud: Cloud) -> None:
    refusal = Refuse(502, "KMSAccessDeniedException", message="KMS access was denied.")
    cloud.proxy.before = Times(refusal, "lambda.CreateFunction", 99)

    (result,) = cloud.deploy(app())

    assert isinstance(result.error, CredentialsError)
    assert cloud.clock.slept == []


def live_alias() -> Any:
    return client("lambda").get_alias(FunctionName=FUNCTION, Name="production")


def test_a_second_version_behind_the_alias_is_taken_away(cloud: Cloud) -> None:
    cloud.deploy_well(app())
    cloud.deploy_well(app(memory=256))
    weights = {"AdditionalVersionWeights": {"1": 0.1}}
    client("lambda").update_alias(FunctionName=FUNCTION, Name="production", RoutingConfig=weights)
    cloud.writes()

    cloud.deploy_well(app(memory=256))

    assert cloud.writes() == ["lambda.UpdateAlias"]
    assert live_alias()["FunctionVersion"] == "2"
    assert not live_alias().get("RoutingConfig", {}).get("AdditionalVersionWeights")


def test_lambda_repeats_no_run_that_failed(cloud: Cloud) -> None:
    def retries() -> Any:
        functions = client("lambda")
        told = functions.get_function_event_invoke_config(FunctionName=FUNCTION, Qualifier="production")
        return told["MaximumRetryAttempts"]

    cloud.deploy_well(app())
    assert retries() == 0
    client("lambda").delete_function_event_invoke_config(FunctionName=FUNCTION, Qualifier="production")
    cloud.writes()

    cloud.deploy_well(app(), code=OTHER_CODE)

    assert retries() == 0
    assert cloud.writes().count("lambda.PutFunctionEventInvokeConfig") == 1


def test_a_deploy_that_was_killed_before_it_said_so_is_completed(cloud: Cloud) -> None:
    made = ["iam.CreateRole", "iam.PutRolePolicy", "logs.CreateLogGroup", "logs.PutRetentionPolicy"]
    made += ["lambda.CreateFunction", "lambda.PutFunctionConcurrency", "lambda.CreateAlias"]
    with cloud.killed_after(len(made)):
        cloud.deploy(app(), workers=1)
    assert cloud.writes() == made

    cloud.deploy_well(app())

    assert cloud.writes()[0] == "lambda.PutFunctionEventInvokeConfig"
