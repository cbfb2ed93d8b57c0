"""The clients that a deploy works with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from streamalert_apps.aws.session import Session
from streamalert_apps.deploy.quota import Quota


@dataclass(frozen=True, slots=True)
class Aws:
    """Clients of one account and region; they may be shared by threads."""

    iam: Any
    functions: Any
    events: Any
    logs: Any
    alarms: Any

    @classmethod
    def connect(cls, session: Session, quota: Quota | None = None) -> Aws:
        """Make the clients; Lambda's keeps to the account's limits."""
        functions = session.client("lambda")
        (quota or Quota()).apply(functions)
        return cls(
            session.client("iam"),
            functions,
            session.client("events"),
            session.client("logs"),
            session.client("cloudwatch"),
        )
