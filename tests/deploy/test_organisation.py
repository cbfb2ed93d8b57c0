"""What organisations demand of all that is made: a permissions boundary, tags, a key of their own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from streamalert_apps.deploy import bucket
from streamalert_apps.runtime.ssm import ParameterCredentials
from tests.deploy import cloud as clouds
from tests.deploy.cloud import PLACE, app, client, world
from tests.proxy import Rewrite

if TYPE_CHECKING:
    from tests.deploy.cloud import Cloud
    from tests.proxy import Call, Fault

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"
TAGS = (("cost", "security"), ("owner", "blue team"))
FUNCTION = app().function


@pytest.fixture
def demanding(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """Return an account whose project has all three settings."""
    place = replace(PLACE, named_key=KEY, role_boundary=BOUNDARY, tags=TAGS)
    monkeypatch.setattr(clouds, "PLACE", place)
    return cloud


def tags_of_all() -> list[dict[str, str]]:
    there = world()
    return [
        *(
            there[kind][name]["tags"]
            for kind in ("roles", "rules", "log groups", "alarms")
            for name in there[kind]
        ),
        there["functions"][FUNCTION]["tags"],
    ]


class WithKey:
    """Lets a function have its key once it was told; the emulator drops that."""

    def __init__(self) -> None:
        self.is_told = False

    def __call__(self, call: Call) -> Fault | None:
        if call.name == "lambda.UpdateFunctionConfiguration":
            self.is_told = call.json.get("KMSKeyArn") == KEY
        return Rewrite(self.change) if self.is_told and call.name == "lambda.GetFunction" else None

    def change(self, answer: Any) -> Any:
        answer["Configuration"]["KMSKeyArn"] = KEY
        return answer


def boundary() -> Any:
    role = client("iam").get_role(RoleName=f"{FUNCTION}_role")["Role"]
    return role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")


def test_they_hold_from_the_first_call(demanding: Cloud) -> None:
    demanding.deploy_well(app())

    made = {call.name: call for call in demanding.proxy.calls}
    assert b"PermissionsBoundary=" in made["iam.CreateRole"].body
    assert made["lambda.CreateFunction"].json["KMSKeyArn"] == KEY
    assert {("cost", "security"), ("owner", "blue team")} <= made["lambda.CreateFunction"].json[
        "Tags"
    ].items()
    assert "iam.PutRolePermissionsBoundary" not in made
    assert all(dict(TAGS).items() <= tags.items() for tags in tags_of_all())
    assert boundary() == BOUNDARY


def test_deployed_again_nothing_is_written(demanding: Cloud) -> None:
    demanding.deploy_well(app())
    demanding.writes()
    demanding.deploy_well(app())
    assert demanding.writes() == []


def test_they_come_to_what_was_deployed_without_them(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud.deploy_well(app())
    place = replace(PLACE, named_key=KEY, role_boundary=BOUNDARY, tags=TAGS)
    monkeypatch.setattr(clouds, "PLACE", place)
    cloud.proxy.after = WithKey()

    cloud.deploy_well(app())

    assert all(dict(TAGS).items() <= tags.items() for tags in tags_of_all())
    assert boundary() == BOUNDARY
    updates = [call for call in cloud.proxy.calls if call.name == "lambda.UpdateFunctionConfiguration"]
    assert updates[0].json["KMSKeyArn"] == KEY
    cloud.writes()
    cloud.deploy_well(app())
    assert cloud.writes() == []


def test_without_them_a_boundary_and_tags_of_others_stay(cloud: Cloud) -> None:
    cloud.deploy_well(app())
    client("iam").put_role_permissions_boundary(RoleName=f"{FUNCTION}_role", PermissionsBoundary=BOUNDARY)
    client("lambda").tag_resource(Resource=PLACE.function(FUNCTION), Tags={"cost": "mine"})
    cloud.writes()

    cloud.deploy_well(app())

    assert cloud.writes() == []
    assert boundary() == BOUNDARY


def test_the_bucket_has_the_tags() -> None:
    place = replace(PLACE, tags=TAGS)
    assert dict(TAGS).items() <= bucket.desired(place).attributes["tags"].items()


def test_credentials_are_stored_with_key_and_tags_at_once_and_again(aws_env: str) -> None:
    ssm: Any = client("ssm")
    store = ParameterCredentials(ssm, f"{FUNCTION}_auth", key=KEY, tags=TAGS)
    for secret in ("one", "two"):
        store.save({"secret": secret})

        (described,) = ssm.describe_parameters()["Parameters"]
        assert described["KeyId"] == KEY
        listed = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=f"{FUNCTION}_auth")[
            "TagList"
        ]
        assert {tag["Key"]: tag["Value"] for tag in listed} == dict(TAGS)
        assert store.load() == {"secret": secret}
