"""What is deployed can be ill although all of it is there; what it relies on can be missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber

from streamalert_apps.aws.session import Session
from streamalert_apps.deploy import health, surroundings
from tests.deploy.cloud import CODE, PLACE, app, client
from tests.proxy import Refuse, Rewrite

if TYPE_CHECKING:
    from tests.deploy.cloud import Cloud
    from tests.proxy import Call, Fault

FUNCTION = app().function
CLASSIFIER = "acme_prod_streamalert_classifier"


def problems(cloud: Cloud) -> list[str]:
    (planned,) = cloud.plan(app())
    assert planned.view
    return health.deployment_problems(planned.view)


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (
            {"State": "Failed", "StateReason": "The subnet is gone."},
            "Lambda can't run it: The subnet is gone.",
        ),
        ({"State": "Inactive"}, "Lambda has put it to rest"),
        (
            {"LastUpdateStatus": "Failed", "LastUpdateStatusReason": "The key is disabled."},
            "Its last update failed: The key is disabled.",
        ),
        ({"State": "Failed", "StateReason": None}, "the reason is not told"),
    ],
)
def test_a_function_that_is_not_ready_is_told(cloud: Cloud, state: dict[str, Any], told: str) -> None:
    cloud.deploy_well(app())
    assert problems(cloud) == []

    def change(answer: Any) -> Any:
        answer["Configuration"].update(state)
        return answer

    cloud.proxy.after = lambda call: Rewrite(change) if call.name == "lambda.GetFunction" else None

    (problem,) = problems(cloud)
    assert told in problem


def test_a_version_that_runs_besides_is_told(cloud: Cloud) -> None:
    cloud.deploy_well(app())
    cloud.deploy_well(app(memory=256))
    weights = {"AdditionalVersionWeights": {"1": 0.25}}
    client("lambda").update_alias(FunctionName=FUNCTION, Name="production", RoutingConfig=weights)

    (planned,) = cloud.plan(app(memory=256))
    assert planned.view
    assert health.deployment_problems(planned.view) == [
        "Version 1 runs besides, in 25% of its runs; `sa-apps deploy` takes it away."
    ]


def warnings(functions: Any = None, *, confirmed: str = "1") -> list[str]:
    """Return what is told where the topic has so many subscribers; the emulator counts none."""
    sns = boto3.client("sns", region_name="us-east-1")
    with Stubber(sns) as stubbed:
        answer: Any = {"Attributes": {"SubscriptionsConfirmed": confirmed}}
        stubbed.add_response("get_topic_attributes", answer, {"TopicArn": PLACE.topic()})
        return surroundings.warnings(sns, functions or client("lambda"), PLACE, ["prod"])


def test_alarms_that_nobody_hears_are_told(aws_env: str) -> None:
    (told,) = warnings(confirmed="0")
    assert told == "The SNS topic acme_streamalert_monitoring has no subscriber: nobody hears the alarms."
    assert warnings(confirmed="2") == []


def test_a_topic_that_is_not_there_is_told(aws_env: str) -> None:
    told = surroundings.warnings(client("sns"), client("lambda"), PLACE, ["prod"])
    assert told == ["There is no SNS topic acme_streamalert_monitoring: nobody hears the alarms."]


def classifier() -> None:
    role = client("iam").create_role(RoleName="any", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    client("lambda").create_function(
        FunctionName=CLASSIFIER,
        Role=role,
        Runtime="python3.9",
        Handler="streamalert.classifier.main.handler",
        Code={"ZipFile": CODE.archive},
        Publish=True,
    )
    client("lambda").create_alias(FunctionName=CLASSIFIER, Name="production", FunctionVersion="1")


QUEUE = "arn:aws:sqs:us-east-1:123456789012:dead"


def test_a_classifier_that_keeps_nothing_it_failed_on_is_told(aws_env: str) -> None:
    classifier()
    (told,) = warnings()
    assert f"{CLASSIFIER} has no dead-letter queue" in told
    client("lambda").put_function_event_invoke_config(
        FunctionName=CLASSIFIER,
        Qualifier="production",
        DestinationConfig={"OnFailure": {"Destination": QUEUE}},
    )
    assert warnings() == []


def test_one_with_a_dead_letter_queue_is_well(cloud: Cloud) -> None:
    classifier()

    def change(answer: Any) -> Any:
        answer["Configuration"]["DeadLetterConfig"] = {"TargetArn": QUEUE}
        return answer

    cloud.proxy.after = lambda call: Rewrite(change) if call.name == "lambda.GetFunction" else None
    assert warnings(cloud.aws.functions) == []


def test_what_may_not_be_looked_at_is_told_and_harms_nothing(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(call: Call) -> Fault | None:
        return Refuse(403, "AuthorizationError") if call.service == "sns" else None

    cloud.proxy.before = denied
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.proxy.url)
    told = surroundings.warnings(Session("us-east-1").client("sns"), cloud.aws.functions, PLACE, ["prod"])
    assert told[0].startswith("Whether anybody hears the alarms could not be checked: ")
