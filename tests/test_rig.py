"""The rig of the tests is itself held to what AWS does."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Literal

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from tests import proxy
from tests.lambda_rig import LambdaFunction
from tests.proxy import Call, Cut, Fault, Proxy
from tests.runtime_api import Reply

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HANDLERS = """
import os, time

def handler(event, context):
    if event.get("sleep"):
        print("asleep", flush=True)
        time.sleep(60)
    if event.get("raise"):
        raise ValueError("no")
    return {"pid": os.getpid(), "function": context.function_name, "arn": context.invoked_function_arn,
            "left": context.get_remaining_time_in_millis()}
"""


@pytest.fixture
def function(tmp_path: Path) -> Iterator[LambdaFunction]:
    (tmp_path / "handlers.py").write_text(HANDLERS)
    with LambdaFunction("ours", "handlers.handler", path=[tmp_path], timeout_seconds=30) as function:
        yield function


@pytest.fixture
def aws(aws_env: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    with proxy.serve(aws_env) as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        yield aws


def test_a_function_learns_its_name_its_alias_and_its_time_limit(function: LambdaFunction) -> None:
    reply = function.invoke({})

    assert reply.kind == "response"
    assert reply.body["function"] == "ours"
    assert reply.body["arn"].endswith(":function:ours:production")
    assert 0 < reply.body["left"] <= 30_000


def test_a_second_event_finds_the_same_process_warm(function: LambdaFunction) -> None:
    first, second = function.invoke({}), function.invoke({})

    assert first.body["pid"] == second.body["pid"]
    assert function.starts == 1


def test_an_exception_is_a_lambda_error_and_the_process_lives_on(function: LambdaFunction) -> None:
    reply = function.invoke({"raise": True})

    assert (reply.kind, reply.body["errorType"]) == ("error", "ValueError")
    assert "ValueError: no" in function.log
    assert function.invoke({}).kind == "response"
    assert function.starts == 1


def test_a_module_that_is_missing_fails_the_init() -> None:
    with LambdaFunction("ours", "nowhere.handler") as function:
        reply = function.invoke({})

    assert (reply.kind, reply.body["errorType"]) == ("init_error", "Runtime.ImportModuleError")


def test_a_killed_function_starts_anew_at_the_next_event(function: LambdaFunction) -> None:
    replies: list[Reply] = []
    caller = threading.Thread(target=lambda: replies.append(function.invoke({"sleep": True})))
    caller.start()
    while "asleep" not in function.log:
        caller.join(0.01)
    function.kill()
    caller.join()

    assert replies == [Reply("killed")]
    assert function.invoke({}).kind == "response"
    assert function.starts == 2


def test_a_function_past_its_time_limit_is_killed(function: LambdaFunction) -> None:
    function.timeout_seconds = 1

    assert function.invoke({"sleep": True}) == Reply("timed_out")
    function.timeout_seconds = 30
    assert function.invoke({}).kind == "response"


def test_calls_are_named_as_boto3_names_them(aws: Proxy) -> None:
    boto3.client("ssm").describe_parameters()
    boto3.client("sts").get_caller_identity()
    boto3.client("iam").list_roles()
    boto3.client("lambda").list_functions()
    boto3.client("lambda").list_versions_by_function(FunctionName="a", MaxItems=1)
    boto3.client("events").list_rules()
    boto3.client("logs").describe_log_groups()
    boto3.client("cloudwatch").describe_alarms()

    assert aws.names() == [
        "ssm.DescribeParameters",
        "sts.GetCallerIdentity",
        "iam.ListRoles",
        "lambda.ListFunctions",
        "lambda.ListVersionsByFunction",
        "events.ListRules",
        "logs.DescribeLogGroups",
        "cloudwatch.DescribeAlarms",
    ]


@pytest.mark.parametrize(
    ("service", "call"), [("ssm", "describe_parameters"), ("iam", "list_roles"), ("lambda", "list_functions")]
)
def test_a_refusal_has_the_form_of_its_service(
    aws: Proxy, service: Literal["ssm", "iam", "lambda"], call: str
) -> None:
    aws.before = lambda _: proxy.Refuse(403, "AccessDeniedException")

    with pytest.raises(ClientError, match="AccessDeniedException, says the test") as refusal:
        getattr(boto3.client(service), call)()
    assert refusal.value.response["Error"]["Code"] == "AccessDeniedException"


def test_a_throttled_call_is_tried_again_by_boto3(aws: Proxy) -> None:
    def first_only(call: Call) -> Fault | None:
        return proxy.THROTTLED if call.number == 0 else None

    aws.before = first_only
    boto3.client("ssm").describe_parameters()

    assert aws.names() == ["ssm.DescribeParameters"] * 2


def test_a_call_whose_answer_is_lost_was_carried_out(aws: Proxy) -> None:
    client = boto3.client("ssm", config=Config(retries={"total_max_attempts": 1}))
    aws.after = lambda _: Cut()

    with pytest.raises(ConnectionClosedError):
        client.put_parameter(Name="a", Value="b", Type="String")
    aws.after = lambda _: None
    assert client.get_parameters(Names=["a"])["Parameters"][0]["Value"] == "b"


def test_an_answer_can_be_cut_in_the_middle(aws: Proxy) -> None:
    aws.after = lambda _: Cut(5)

    with pytest.raises(httpx.RemoteProtocolError, match="received 5 bytes"):
        httpx.get(f"{aws.url}/moto-api/")
