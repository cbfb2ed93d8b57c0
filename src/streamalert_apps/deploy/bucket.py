"""The project's bucket, in which each app has its record: made where it is not there, kept private.

One that conf/ names is the user's own: it is looked at and never changed. Nothing here deletes a bucket.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from streamalert_apps.aws.answer import statements
from streamalert_apps.deploy import tags
from streamalert_apps.deploy.patience import Patience, explained
from streamalert_apps.deploy.place import Place
from streamalert_apps.deploy.plan import Change, Resource, compared
from streamalert_apps.errors import AppError, ConfigError, CredentialsError
from streamalert_apps.sdk.clock import Clock, SystemClock

KIND: Final = "bucket"
LONGEST_NAME: Final = 63
TLS_ONLY: Final = "SaAppsTlsOnly"

_BLOCKED: Final = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
_NOT_SET: Final = {
    "NoSuchBucketPolicy",
    "NoSuchPublicAccessBlockConfiguration",
    "NoSuchTagSet",
    "ServerSideEncryptionConfigurationNotFoundError",
}
_NO_REGION_TO_NAME: Final = "us-east-1"  # S3 refuses it as a location


@dataclass(frozen=True, slots=True)
class BucketPlan:
    """The bucket, and what has to be done to it: one change at most."""

    s3: Any
    place: Place
    changes: tuple[Change, ...] = ()
    clock: Clock = SystemClock()  # noqa: RUF009 (it has no state)


def look(s3: Any, place: Place) -> BucketPlan:
    """Plan what the bucket needs; raise AppError, in one line, for one that can't be used."""
    _check(place)
    try:
        there = _is_there(s3, place)
        if place.named_bucket:
            if not there:
                raise ConfigError(
                    f"There is no bucket {place.bucket}, which sa_apps.bucket in conf/global.json names.",
                    hint="Create it, or take the key out: then `sa-apps deploy` creates one.",
                )
            return BucketPlan(s3, place)
        observed = _observed(s3, place) if there else None
    except (ClientError, BotoCoreError) as error:
        raise explained(error) from error
    return BucketPlan(s3, place, compared(observed, desired(place)))


def desired(place: Place) -> Resource:
    """Return the bucket as it shall be."""
    attributes = {
        "public_access_blocked": True,
        "tls_only": _tls_only(place),
        "kms_key": place.kms_key,
        "bucket_key": bool(place.kms_key),
        "versioning": False,
        "tags": {**dict(place.tags), tags.PREFIX: place.prefix},
    }
    return Resource(KIND, place.bucket, attributes)


def apply(plan: BucketPlan) -> None:
    """Carry the plan out, waiting for what passes; to do a step twice does no harm."""
    patience = Patience(plan.clock)
    for change in plan.changes:
        patience.persist(partial(_carry_out, plan, change))


def _check(place: Place) -> None:
    """Refuse what S3 would only refuse midway, or at the first run."""
    if len(place.bucket) > LONGEST_NAME:
        over = len(place.bucket) - LONGEST_NAME
        raise ConfigError(
            f"The bucket's name {place.bucket} is {over} characters too long for S3.",
            hint="Name a bucket of yours in conf/global.json: sa_apps.bucket.",
        )
    if place.kms_key and place.kms_key.split(":")[3] != place.region:
        raise ConfigError(
            f"The KMS key is in {place.kms_key.split(':')[3]}, and the bucket in {place.region}.",
            hint="Give a key of that region in conf/global.json: sa_apps.kms_key.",
        )


def _is_there(s3: Any, place: Place) -> bool:
    """Tell whether there is such a bucket; raise for one that is another account's, or in another region."""
    try:
        region = s3.head_bucket(**_bucket(place)).get("BucketRegion")
    except RecursionError:  # botocore follows for ever what leads to no region
        region = "another region"
    except ClientError as error:
        answer = error.response["ResponseMetadata"]
        if answer["HTTPStatusCode"] == HTTPStatus.NOT_FOUND:
            return False
        if answer["HTTPStatusCode"] == HTTPStatus.FORBIDDEN:
            raise _not_ours(place) from None
        region = answer.get("HTTPHeaders", {}).get("x-amz-bucket-region")
        if region in {None, place.region}:
            raise
    if region not in {None, place.region}:
        raise ConfigError(
            f"The bucket {place.bucket} is in {region}, and the project in {place.region}.",
            hint="Name a bucket of that region in conf/global.json: sa_apps.bucket.",
        )
    return True


def _not_ours(place: Place) -> AppError:
    """Return what a refusal means: S3 does not tell the two reasons apart."""
    return CredentialsError(
        f"The bucket {place.bucket} belongs to another AWS account than {place.account}, "
        "or your AWS user may not s3:ListBucket it.",
        hint="Name another in conf/global.json (sa_apps.bucket), or see the policy in docs/security.md.",
    )


def _observed(s3: Any, place: Place) -> Resource:
    """Return the bucket as it is; of its policy and its tags, what is ours."""
    bucket = _bucket(place)
    blocked = _set(lambda: s3.get_public_access_block(**bucket)).get("PublicAccessBlockConfiguration", {})
    rules = _set(lambda: s3.get_bucket_encryption(**bucket)).get("ServerSideEncryptionConfiguration", {})
    rule: dict[str, Any] = next(iter(rules.get("Rules", ())), {})
    encrypted = rule.get("ApplyServerSideEncryptionByDefault", {})
    own_key = encrypted.get("SSEAlgorithm", "AES256") == "AES256"
    key = "" if own_key else encrypted.get("KMSMasterKeyID", "aws/s3")
    attributes = {
        "public_access_blocked": all(blocked.get(name) for name in _BLOCKED),
        "tls_only": next((s for s in _statements(s3, place) if s.get("Sid") == TLS_ONLY), {}),
        "kms_key": key,
        "bucket_key": bool(key and rule.get("BucketKeyEnabled")),
        "versioning": s3.get_bucket_versioning(**bucket).get("Status") == "Enabled",
        "tags": tags.judged(tags.of_list(_tags(s3, place)), place),
    }
    return Resource(KIND, place.bucket, attributes)


def _carry_out(plan: BucketPlan, change: Change) -> None:
    s3, place, wanted = plan.s3, plan.place, change.subject.attributes
    bucket = _bucket(place)
    if change.before is None:
        _create(s3, place)
    differing = set(change.differing) or {"public_access_blocked", "tls_only", "tags"}
    if change.before is None and wanted["kms_key"]:  # S3's own key is used unasked
        differing.add("kms_key")
    if "public_access_blocked" in differing:
        s3.put_public_access_block(**bucket, PublicAccessBlockConfiguration=dict.fromkeys(_BLOCKED, True))
    if "tls_only" in differing:
        others = [s for s in _statements(s3, place) if s.get("Sid") != TLS_ONLY]
        policy = {"Version": "2012-10-17", "Statement": [*others, wanted["tls_only"]]}
        s3.put_bucket_policy(**bucket, Policy=json.dumps(policy))
    if differing & {"kms_key", "bucket_key"}:
        s3.put_bucket_encryption(**bucket, ServerSideEncryptionConfiguration={"Rules": [_encryption(wanted)]})
    if "versioning" in differing:
        s3.put_bucket_versioning(**bucket, VersioningConfiguration={"Status": "Suspended"})
    if "tags" in differing:
        others = [tag for tag in _tags(s3, place) if tag["Key"] not in wanted["tags"]]
        s3.put_bucket_tagging(**bucket, Tagging={"TagSet": [*others, *tags.as_list(wanted["tags"])]})


def _create(s3: Any, place: Place) -> None:
    location = (
        {}
        if place.region == _NO_REGION_TO_NAME
        else {"CreateBucketConfiguration": {"LocationConstraint": place.region}}
    )
    try:
        s3.create_bucket(Bucket=place.bucket, **location)
    except s3.exceptions.BucketAlreadyOwnedByYou:
        return  # an earlier try made it
    except s3.exceptions.BucketAlreadyExists:
        raise ConfigError(
            f"The name {place.bucket} is taken: another AWS account has a bucket of that name.",
            hint="Name a bucket of yours in conf/global.json: sa_apps.bucket.",
        ) from None


def _encryption(wanted: Mapping[str, Any]) -> dict[str, Any]:
    if not wanted["kms_key"]:
        return {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    by_key = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": wanted["kms_key"]}
    return {"ApplyServerSideEncryptionByDefault": by_key, "BucketKeyEnabled": True}


def _tls_only(place: Place) -> dict[str, Any]:
    return {
        "Sid": TLS_ONLY,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [place.bucket_arn(), f"{place.bucket_arn()}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def _statements(s3: Any, place: Place) -> list[dict[str, Any]]:
    answer = _set(lambda: s3.get_bucket_policy(**_bucket(place)))
    return statements(answer) if answer.get("Policy") else []


def _tags(s3: Any, place: Place) -> list[dict[str, str]]:
    return list(_set(lambda: s3.get_bucket_tagging(**_bucket(place))).get("TagSet", ()))


def _set(call: Any) -> dict[str, Any]:
    """Return what is set of a bucket; nothing where it was never set."""
    try:
        answer: dict[str, Any] = call()
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NOT_SET:
            raise
        return {}
    return answer


def _bucket(place: Place) -> dict[str, str]:
    """Return what names the bucket in each call: it has to be the account's own."""
    return {"Bucket": place.bucket, "ExpectedBucketOwner": place.account}
