"""The clients that a deploy works with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from streamalert_apps.aws.session import Session
from streamalert_apps.deploy.quota import Quota

UPLOAD_SECONDS: Final = (
    300  # much of a body may wait in the system's buffers when the wait for an answer begins
)


@dataclass(frozen=True, slots=True)
class Aws:
    """Clients of one account and region; they may be shared by threads. `uploads`: Lambda's, for code."""

    iam: Any
    functions: Any
    uploads: Any
    events: Any
    logs: Any
    alarms: Any

    @classmethod
    def connect(cls, session: Session, quota: Quota | None = None) -> Aws:
        """Make the clients; Lambda's keeps to the account's limits."""
        functions = session.client("lambda")
        uploads = session.client("lambda", read_timeout=UPLOAD_SECONDS)
        quota = quota or Quota()
        quota.apply(functions)
        quota.apply(uploads)
        return cls(
            session.client("iam"),
            functions,
            uploads,
            session.client("events"),
            session.client("logs"),
            session.client("cloudwatch"),
        )
