"""An app's record in a bucket, as the command line and `serve` reach it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamalert_apps.config.conf import Account
from streamalert_apps.runtime.store import Store
from streamalert_apps.sdk.clock import Clock, Deadline

if TYPE_CHECKING:
    from streamalert_apps.aws.session import Session


def s3_store(account: Account, function: str, session: Session, clock: Clock, deadline: Deadline) -> Store:
    """Return an app's part of a bucket."""
    from streamalert_apps.runtime.store.s3 import S3Store  # noqa: PLC0415 (it loads boto3)

    client: Any = session.client("s3", retries={"total_max_attempts": 1, "mode": "standard"})
    bucket, prefix = account.in_s3(function)
    missing = "Create it, or correct sa_apps.store in conf/global.json." if account.store else ""
    return S3Store(
        client, bucket, prefix, account.aws_account_id, clock=clock, deadline=deadline, missing=missing
    )
