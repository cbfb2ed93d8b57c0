"""Whether the KMS key that conf/ names can encrypt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from botocore.exceptions import ClientError

from streamalert_apps.aws.trouble import told
from streamalert_apps.checks.finding import Finding
from streamalert_apps.checks.subject import Subject

CHECK: Final = "key"
_WHY: Final = "Nothing can be put on record, and no credentials can be read."


def look(subject: Subject) -> Iterator[Finding]:
    """Yield why it can't be used. That it is in another region is told with the bucket."""
    key = subject.place.kms_key
    if not key or key.split(":")[3] != subject.place.region:
        return
    try:
        described = subject.client("kms").describe_key(KeyId=key)["KeyMetadata"]
    except ClientError as error:
        if told(error.response)[0] != "NotFoundException":
            raise
        yield Finding(
            CHECK,
            f"There is no KMS key {key}.",
            _WHY,
            "`sa-apps config set sa_apps.kms_key ARN` names another.",
        )
        return
    if described["KeyState"] == "PendingDeletion":
        undo = f"`aws kms cancel-key-deletion --key-id {key}`, then `aws kms enable-key --key-id {key}`"
        yield Finding(CHECK, f"The KMS key {key} is going to be deleted.", _WHY, undo)
    elif described["KeyState"] != "Enabled":
        yield Finding(
            CHECK,
            f"The KMS key {key} is {described['KeyState'].lower()}.",
            _WHY,
            f"`aws kms enable-key --key-id {key}`",
        )
    elif described.get("KeySpec", "SYMMETRIC_DEFAULT") != "SYMMETRIC_DEFAULT":
        yield Finding(
            CHECK,
            f"The KMS key {key} is not symmetric ({described['KeySpec']}).",
            _WHY,
            "`sa-apps config set sa_apps.kms_key ARN` names another.",
        )
