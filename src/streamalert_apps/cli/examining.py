"""What checks are told of a project: its session in AWS, and how a service is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from streamalert_apps.checks.subject import Subject
from streamalert_apps.checks.told import Told
from streamalert_apps.cli.credentials import ask_service, hide_secrets, read_reference, record_of
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

    def refer(app: AppConf, kind: type[App]) -> Mapping[str, Any]:
        return read_reference(project, app.auth_from, kind.auth)

    return Subject(project, types or Registry(project.root), ask, refer, SystemClock(), session)


def lacking_room(project: Project, session: Session, apps: Sequence[AppConf]) -> Iterator[str]:
    """Yield what the account has no room for among these apps; nothing where AWS does not tell."""
    from botocore.exceptions import BotoCoreError, ClientError

    from streamalert_apps.checks import quotas

    subject = subject_of(replace(project, all_apps=tuple(apps)), session)
    with suppress(AppError, ClientError, BotoCoreError):
        yield from (finding.text() for finding in quotas.look(subject))


def lacking_classifiers(project: Project, session: Session, apps: Sequence[AppConf]) -> Iterator[str]:
    """Yield the classifiers that are missing for these apps; nothing where AWS does not tell."""
    from botocore.exceptions import BotoCoreError, ClientError

    from streamalert_apps.checks import classifier
    from streamalert_apps.runtime import names

    clusters = Counter(app.cluster for app in apps if classifier.sends_there(app))
    functions = session.client("lambda") if clusters else None
    for cluster, count in sorted(clusters.items()):
        with suppress(AppError, ClientError, BotoCoreError):
            name = names.classifier(project.account.prefix, cluster)
            if finding := classifier.missing(functions, name, count):
                yield finding.text()
