"""What checks found, in words."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from streamalert_apps.cli.terminal import output
from streamalert_apps.errors import AppError

if TYPE_CHECKING:
    from streamalert_apps.aws.session import Session
    from streamalert_apps.config.conf import AppConf


def warn_of_quotas(session: Session, apps: Sequence[AppConf]) -> None:
    """Say what the account has no room for; nothing where AWS does not tell: `doctor` says that."""
    from botocore.exceptions import BotoCoreError, ClientError

    from streamalert_apps.checks import quotas

    with suppress(AppError, ClientError, BotoCoreError):
        for finding in quotas.look(session, apps):
            output.warn(finding.text())
