"""What checks are told of a project: its session in AWS, and how a service is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from streamalert_apps.checks.subject import Subject
from streamalert_apps.checks.told import Told
from streamalert_apps.cli.credentials import ask_service, hide_secrets, record_of
from streamalert_apps.errors import AppError
from streamalert_apps.plugins.registry import Registry
from streamalert_apps.sdk.clock import SystemClock

if TYPE_CHECKING:
    from streamalert_apps.aws.session import Session
    from streamalert_apps.config.conf import AppConf, Project
    from streamalert_apps.sdk.app import App


def subject_of(
    project: Project, session: Session | None, types: Registry | None = None, simulator: str = ""
) -> Subject:
    """Return a project as the checks look at it. `session`: signed in; None for one without AWS."""

    def ask(app: AppConf, kind: type[App], credentials: Mapping[str, Any]) -> Told:
        hide_secrets(kind.auth, credentials)
        return ask_service(kind, credentials, simulator=simulator, record=record_of(project, app))

    return Subject(project, types or Registry(project.root), ask, SystemClock(), session)


def lacking_room(project: Project, session: Session, apps: Sequence[AppConf]) -> Iterator[str]:
    """Yield what the account has no room for among these apps; nothing where AWS does not tell."""
    from botocore.exceptions import BotoCoreError, ClientError

    from streamalert_apps.checks import quotas

    subject = subject_of(replace(project, all_apps=tuple(apps)), session)
    with suppress(AppError, ClientError, BotoCoreError):
        yield from (finding.text() for finding in quotas.look(subject))
