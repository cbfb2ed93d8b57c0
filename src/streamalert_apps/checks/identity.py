"""Whether the project's region is one, and somebody is signed in to its account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import botocore.session

from streamalert_apps.checks.finding import Finding
from streamalert_apps.config.conf import Account
from streamalert_apps.errors import AppError
from streamalert_apps.runtime import names

CHECK: Final = "identity"


def regions(account: Account) -> Iterator[Finding]:
    """Yield that AWS's library does not know the region; it may be younger."""
    partition = names.partition(account.region)
    known = botocore.session.get_session().get_available_regions("lambda", partition)
    if account.region not in known:
        yield Finding(
            CHECK,
            f"AWS's library knows no region '{account.region}'.",
            "No call reaches a region that there is not.",
            "`sa-apps config set account.region REGION` sets another; for a new one upgrade boto3.",
        )


def refused(error: AppError) -> Finding:
    """Return what keeps somebody from being signed in."""
    return Finding(CHECK, error.message, "Nothing in AWS can be looked at or deployed.", error.hint)
