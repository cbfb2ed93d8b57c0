"""The project's bucket: made private, put right, and one that conf/ names left as it is."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from streamalert_apps.aws.session import Session
from streamalert_apps.deploy import bucket
from streamalert_apps.errors import AppError, ConfigError
from tests.deploy.cloud import PLACE, READS, InstantClock, client
from tests.proxy import Answer, Call, Cut, Fault, Refuse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamalert_apps.deploy.place import Place
    from tests.deploy.cloud import Cloud
    from tests.proxy import Proxy

NAME = "acme-sa-apps-123456789012-us-east-1"
KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
THEIRS = {"Sid": "Theirs", "Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "s3:GetObject"}


@pytest.fixture(scope="module")
def s3(_account: Cloud) -> Iterator[Any]:
    client = Session("us-east-1").client("s3")
    yield client
    client.close()


@pytest.fixture
def proxy(cloud: Cloud) -> Proxy:
    return cloud.proxy


def deploy(s3: Any, place: Place = PLACE) -> list[str]:
    """Plan and carry out; return what was to be done."""
    plan = replace(bucket.look(s3, place), clock=InstantClock())
    bucket.apply(plan)
    return [f"{change.action} {' '.join(sorted(change.differing))}".strip() for change in plan.changes]


def writes(proxy: Proxy) -> list[str]:
    return [call.operation for call in proxy.calls if not call.operation.startswith(READS)]


def there() -> dict[str, Any]:
    """Return what AWS says of the bucket."""
    ours = client("s3")
    return {
        "blocked": set(ours.get_public_access_block(Bucket=NAME)["PublicAccessBlockConfiguration"].values()),
        "policy": json.loads(ours.get_bucket_policy(Bucket=NAME)["Policy"])["Statement"],
        "versioning": ours.get_bucket_versioning(Bucket=NAME).get("Status"),
        "tags": {tag["Key"]: tag["Value"] for tag in ours.get_bucket_tagging(Bucket=NAME)["TagSet"]},
    }


def test_it_is_made_private_and_tagged(s3: Any, proxy: Proxy) -> None:
    assert deploy(s3) == ["create"]

    made = there()
    assert made["blocked"] == {True}
    (statement,) = made["policy"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Resource"] == [f"arn:aws:s3:::{NAME}", f"arn:aws:s3:::{NAME}/*"]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert made["versioning"] is None
    assert made["tags"] == {"sa-apps:prefix": "acme"}


def test_it_is_encrypted_by_the_key_that_conf_names(s3: Any, proxy: Proxy) -> None:
    deploy(s3, replace(PLACE, named_key=KEY.rpartition("/")[2]))

    answer = client("s3").get_bucket_encryption(Bucket=NAME)
    (encryption,) = answer["ServerSideEncryptionConfiguration"]["Rules"]
    assert encryption["ApplyServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": KEY,
    }
    assert encryption["BucketKeyEnabled"] is True


def test_the_second_time_nothing_is_written(s3: Any, proxy: Proxy) -> None:
    for place in (PLACE, replace(PLACE, named_key=KEY)):
        deploy(s3, place)
        proxy.calls.clear()
        assert deploy(s3, place) == []
        assert writes(proxy) == []


def test_what_somebody_changed_is_put_right_and_the_rest_left_alone(s3: Any, proxy: Proxy) -> None:
    deploy(s3)
    ours = client("s3")
    ours.delete_public_access_block(Bucket=NAME)
    ours.put_bucket_versioning(Bucket=NAME, VersioningConfiguration={"Status": "Enabled"})
    policy = {"Version": "2012-10-17", "Statement": [THEIRS | {"Resource": f"arn:aws:s3:::{NAME}/*"}]}
    ours.put_bucket_policy(Bucket=NAME, Policy=json.dumps(policy))
    ours.put_bucket_tagging(Bucket=NAME, Tagging={"TagSet": [{"Key": "team", "Value": "security"}]})
    ours.put_bucket_encryption(
        Bucket=NAME,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]
        },
    )

    assert deploy(s3) == ["update kms_key public_access_blocked tags tls_only versioning"]

    now = there()
    assert (now["blocked"], now["versioning"]) == ({True}, "Suspended")
    assert [statement["Sid"] for statement in now["policy"]] == ["Theirs", "SaAppsTlsOnly"]
    assert now["tags"] == {"team": "security", "sa-apps:prefix": "acme"}
    assert deploy(s3) == []


@pytest.mark.parametrize("writes_made", range(4))
def test_a_deploy_that_dies_midway_is_completed_by_the_next(s3: Any, proxy: Proxy, writes_made: int) -> None:
    left = iter(range(writes_made))

    def before(call: Call) -> Fault | None:
        if call.operation.startswith(READS) or next(left, None) is not None:
            return None
        return Refuse(400, "InvalidRequest")

    proxy.before = before
    with pytest.raises(AppError):
        deploy(s3)
    proxy.before = lambda _: None

    deploy(s3)

    assert deploy(s3) == []
    assert there()["blocked"] == {True}


def test_a_creation_whose_answer_is_lost_is_one(s3: Any, proxy: Proxy) -> None:
    cuts = iter([Cut()])
    proxy.after = lambda call: next(cuts, None) if call.operation == "CreateBucket" else None

    assert deploy(s3) == ["create"]
    assert there()["blocked"] == {True}


def test_one_that_conf_names_is_used_as_it_is(s3: Any, proxy: Proxy) -> None:
    client("s3").create_bucket(Bucket="ours")

    assert deploy(s3, replace(PLACE, named_bucket="ours")) == []

    assert proxy.names() == ["s3.HeadBucket"]
    assert proxy.calls[0].headers["x-amz-expected-bucket-owner"] == "123456789012"


def test_one_that_conf_names_and_is_not_there_is_not_made(s3: Any, proxy: Proxy) -> None:
    with pytest.raises(ConfigError, match="There is no bucket ours, which "):
        deploy(s3, replace(PLACE, named_bucket="ours"))
    assert writes(proxy) == []


def test_a_bucket_in_another_region_is_refused(s3: Any, proxy: Proxy) -> None:
    boto3.client("s3", region_name="eu-west-1").create_bucket(
        Bucket="ours", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    with pytest.raises(ConfigError, match="The bucket ours is in eu-west-1, and the project in us-east-1"):
        deploy(s3, replace(PLACE, named_bucket="ours"))


def test_a_bucket_of_which_s3_says_only_that_it_is_elsewhere_is_refused(s3: Any, proxy: Proxy) -> None:
    bucket.apply(bucket.look(s3, PLACE))
    proxy.before = lambda call: Answer(301, b"") if call.operation == "HeadBucket" else None
    with pytest.raises(ConfigError, match="is in another region, and the project in us-east-1"):
        bucket.look(s3, PLACE)


@pytest.mark.parametrize("place", [PLACE, replace(PLACE, named_bucket="ours")])
def test_one_of_another_account_is_told_in_one_line(s3: Any, proxy: Proxy, place: Place) -> None:
    proxy.before = lambda call: Answer(403, b"") if call.operation == "HeadBucket" else None

    with pytest.raises(AppError) as caught:
        deploy(s3, place)

    assert f"The bucket {place.bucket} belongs to another AWS account" in caught.value.message
    assert "\n" not in caught.value.message
    assert writes(proxy) == []


def test_a_name_that_is_taken_meanwhile_is_told_in_one_line(s3: Any, proxy: Proxy) -> None:
    proxy.before = lambda call: (
        Refuse(409, "BucketAlreadyExists") if call.operation == "CreateBucket" else None
    )
    with pytest.raises(ConfigError, match=f"The name {NAME} is taken") as caught:
        deploy(s3)
    assert "sa_apps.bucket" in caught.value.hint


def test_what_passes_is_waited_for(s3: Any, proxy: Proxy) -> None:
    refusals = iter([Refuse(409, "OperationAborted"), Refuse(404, "NoSuchBucket")])
    proxy.before = lambda call: next(refusals, None) if call.method == "PUT" else None

    assert deploy(s3) == ["create"]
    assert there()["blocked"] == {True}


def test_a_name_that_s3_would_not_take_is_refused_before_anything_is_asked(s3: Any, proxy: Proxy) -> None:
    with pytest.raises(ConfigError, match="is 5 characters too long") as caught:
        deploy(s3, replace(PLACE, prefix="a" * 37))
    assert "sa_apps.bucket" in caught.value.hint
    assert proxy.calls == []


def test_a_key_of_another_region_is_refused(s3: Any, proxy: Proxy) -> None:
    with pytest.raises(ConfigError, match="The KMS key is in eu-west-1"):
        deploy(s3, replace(PLACE, named_key=KEY.replace("us-east-1", "eu-west-1")))


def test_each_call_tells_whose_the_bucket_has_to_be(s3: Any, proxy: Proxy) -> None:
    deploy(s3)

    unsaid = {call.operation for call in proxy.calls if "x-amz-expected-bucket-owner" not in call.headers}
    assert unsaid == {"CreateBucket"}


@pytest.mark.parametrize("body", [b"null", b"[]", b"{", b'{"Statement": 5}', b'{"Statement": [5]}', b"{}"])
def test_a_policy_that_can_not_be_read_is_told_and_never_replaced(s3: Any, proxy: Proxy, body: bytes) -> None:
    bucket.apply(bucket.look(s3, PLACE))
    proxy.before = lambda call: Answer(200, body) if call.operation == "GetBucketPolicy" else None
    with pytest.raises(ConfigError, match="Policy is no JSON that can be read"):
        bucket.look(s3, PLACE)
