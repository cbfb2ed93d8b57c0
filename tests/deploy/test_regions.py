"""A role is one for all regions: what another region's deploy made of the same name is left alone."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from streamalert_apps.aws.session import Session
from streamalert_apps.deploy import apply, prune, survey
from streamalert_apps.deploy.clients import Aws
from streamalert_apps.deploy.job import Job
from streamalert_apps.errors import ConfigError
from tests.deploy.cloud import CODE, PLACE, NoQuota, app, client, world
from tests.deploy.streamalert import terraform

if TYPE_CHECKING:
    from streamalert_apps.deploy.survey import AppPlan
    from tests.deploy.cloud import Cloud

IRELAND = replace(PLACE, region="eu-west-1")
ROLE = f"{app().function}_role"


class Ireland:
    """The same account and prefix, from another region."""

    def __init__(self) -> None:
        self.aws = Aws.connect(Session("eu-west-1"), NoQuota())  # type: ignore[arg-type]

    def plan(self, *, gone: bool = False, adopt: bool = False) -> AppPlan:
        job = Job(self.aws, IRELAND, app().function)
        if not gone:
            job.app, job.build = app(), lambda _: CODE
        (planned,) = survey.survey([job], 1, adopt=adopt)
        return planned

    def deploy(self, **words: Any) -> None:
        (result,) = apply.apply([self.plan(**words)], 1, lambda _: None)
        assert result.error is None


def forget_the_region() -> None:
    """Make the role one of before 0.2.0, which had no tag of its region."""
    client("iam").untag_role(RoleName=ROLE, TagKeys=["sa-apps:region"])


@pytest.mark.parametrize("is_old", [False, True])
@pytest.mark.parametrize("adopt", [False, True])
def test_a_role_of_another_region_is_refused_whatever_is_asked(
    cloud: Cloud, is_old: bool, adopt: bool
) -> None:
    cloud.deploy_well(app())
    if is_old:
        forget_the_region()
    before = world()["roles"]

    error = Ireland().plan(adopt=adopt).error

    assert isinstance(error, ConfigError)
    assert f"role {ROLE} belongs to the app in us-east-1" in error.message
    assert world()["roles"] == before


def test_a_role_that_streamalert_made_in_another_region_is_refused(cloud: Cloud) -> None:
    terraform()
    itself = "arn:aws:lambda:us-east-1:123456789012:function:x"
    statement = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": itself}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    client("iam").put_role_policy(RoleName=ROLE, PolicyName="LambdaInvokeSelf", PolicyDocument=document)
    assert isinstance(Ireland().plan().error, ConfigError)


@pytest.mark.parametrize("is_old", [False, True])
def test_pruning_and_removing_leave_it(cloud: Cloud, is_old: bool) -> None:
    cloud.deploy_well(app())
    if is_old:
        forget_the_region()
    before = world()

    assert prune.gone(Ireland().aws, IRELAND, (), ()) == []
    Ireland().deploy(gone=True)

    assert world() == before


def test_what_a_region_has_besides_is_removed_without_the_role(cloud: Cloud) -> None:
    """0.1.0 let two regions share the role; the last deploy's policy tells whose it is."""
    Ireland().deploy()
    client("iam").delete_role_policy(RoleName=ROLE, PolicyName="sa-apps")
    forget_the_region()
    cloud.deploy_well(app())
    before = world()["roles"]

    Ireland().deploy(gone=True)

    assert world()["roles"] == before
    functions: Any = boto3.client("lambda", region_name="eu-west-1")
    assert functions.list_functions()["Functions"] == []


def test_a_deployment_of_before_the_tag_keeps_working(cloud: Cloud) -> None:
    cloud.deploy_well(app())
    forget_the_region()
    cloud.writes()

    cloud.deploy_well(app())
    assert cloud.writes() == []
    (planned,) = cloud.plan(app(memory=256))
    assert planned.error is None
    (job,) = prune.gone(cloud.aws, PLACE, (), ())
    assert job.function == app().function


def test_apps_of_two_prefixes_in_one_conf_are_both_deployed(cloud: Cloud) -> None:
    other = replace(app(), function="beta_prod_duo_auth_collector_app")

    cloud.deploy_well(app(), other)

    assert {*world()["functions"]} == {app().function, other.function}
    cloud.writes()
    cloud.deploy_well(app(), other)
    assert cloud.writes() == []
