"""Whether the project's bucket is there and private, once an app needs it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from streamalert_apps.checks.finding import Finding
from streamalert_apps.checks.subject import Subject
from streamalert_apps.deploy import bucket
from streamalert_apps.errors import AppError

CHECK: Final = "bucket"
_NO_RECORD: Final = "No run can put anything on record."
_WHY: Final = {
    "public_access_blocked": "Somebody could make events public.",
    "tls_only": "It can be read without TLS.",
    "versioning": "Events that were deleted stay.",
    "kms_key": "Events are not encrypted by the key that conf/ names.",
    "bucket_key": "Each object costs a call of KMS.",
    "tags": "What belongs to the project is found by its tags.",
}


def look(subject: Subject) -> Iterator[Finding]:
    """Yield what differs from what it shall be."""
    try:
        plan = bucket.look(subject.client("s3"), subject.place)
    except AppError as error:
        yield Finding(CHECK, error.message, _NO_RECORD, error.hint)
        return
    for change in plan.changes:
        if change.action == "create":
            if subject.deployed:
                yield Finding(
                    CHECK, f"There is no bucket {subject.place.bucket}.", _NO_RECORD, "`sa-apps deploy`"
                )
            continue
        for key in change.differing:
            yield Finding(
                CHECK,
                f"The bucket {subject.place.bucket} is not as sa-apps makes it: {key.replace('_', ' ')}.",
                _WHY[key],
                "`sa-apps deploy`",
                pressing=key not in {"bucket_key", "tags"},
            )
