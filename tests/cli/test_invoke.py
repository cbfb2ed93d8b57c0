"""`sa-apps invoke`: run a deployed app now."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests import proxy
from tests.cli.conftest import FUNCTION
from tests.cli.test_json import check
from tests.proxy import Refuse

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Ran
    from tests.proxy import Proxy

    Command = Callable[..., Ran]

EVENT = {
    "app_type": "duo_auth",
    "destination_function_name": "acme_prod_streamalert_classifier",
    "schedule_expression": "rate(2 hours)",
}


def test_an_invocation_is_that_of_the_schedule(deployed: Path, sa_apps: Command, aws: Proxy) -> None:
    ran = sa_apps("invoke", "collector")

    assert (ran.code, ran.out) == (0, "")
    call = aws.calls[-1]
    assert aws.names() == ["sts.GetCallerIdentity", "lambda.Invoke"]
    assert call.path == f"/2015-03-31/functions/{FUNCTION}/invocations?Qualifier=production"
    assert (call.headers["X-Amz-Invocation-Type"], call.json) == ("Event", EVENT)


def test_the_end_of_a_run_can_be_waited_for(deployed: Path, sa_apps: Command) -> None:
    answer = check(sa_apps("invoke", "collector", "--wait", "--json").out, "invoke")
    assert (answer["waited"], answer["summary"]) == (True, EVENT)  # moto answers with what it was given


def test_a_run_that_failed_is_told(deployed: Path, sa_apps: Command, aws: Proxy) -> None:
    raised = json.dumps({"errorType": "CredentialsError", "errorMessage": "Duo refused the credentials."})
    failed = proxy.Answer(200, raised.encode(), {"X-Amz-Function-Error": "Unhandled"})
    aws.before = lambda call: failed if call.name == "lambda.Invoke" else None

    ran = sa_apps("invoke", "collector", "--wait", "--json")

    assert ran.code == 1
    assert "CredentialsError: Duo refused the credentials." in json.loads(ran.out)["errors"][0]["message"]


def test_a_run_is_never_made_twice(deployed: Path, sa_apps: Command, aws: Proxy) -> None:
    aws.after = lambda call: proxy.Cut() if call.name == "lambda.Invoke" else None

    assert sa_apps("invoke", "collector", "--wait").code == 1
    assert aws.names().count("lambda.Invoke") == 1


def test_no_room_for_another_run_is_explained(deployed: Path, sa_apps: Command, aws: Proxy) -> None:
    busy = Refuse(
        429, "TooManyRequestsException", message="ReservedFunctionConcurrentInvocationLimitExceeded"
    )
    aws.before = lambda call: busy if call.name == "lambda.Invoke" else None

    ran = sa_apps("invoke", "collector", "--wait")
    assert ran.code == 1
    assert "runs already" in ran.err


@pytest.mark.parametrize("words", [[], ["--wait"]], ids=str)
def test_an_answer_that_is_not_lambdas_is_told(
    deployed: Path, sa_apps: Command, aws: Proxy, words: list[str]
) -> None:
    page = proxy.Answer(200, b"<html>Sign in</html>")
    aws.before = lambda call: page if call.name == "lambda.Invoke" else None

    ran = sa_apps("invoke", "collector", *words)

    assert ran.code == 1
    assert "whether the app runs is not known" in ran.err
