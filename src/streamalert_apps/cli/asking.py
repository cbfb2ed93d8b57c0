"""What the commands have in common that list a span of time again at the service."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from streamalert_apps.cli.terminal import options
from streamalert_apps.errors import UsageError

if TYPE_CHECKING:
    from streamalert_apps.config.conf import AppConf, Project
    from streamalert_apps.serve.verify import Asker


def span_of(since: str, until: str | None) -> tuple[datetime, datetime]:
    """Return the span that is meant; raise UsageError where it is none."""
    now = datetime.now(UTC)
    begin, end = options.moment(since, now), options.moment(until, now) if until else now
    if begin >= end:
        raise UsageError("--since must be before --until and now.")
    return begin, end


def asker_of(project: Project, app: AppConf, simulator: str) -> Asker:
    """Return the app as somebody who asks its service beside its runs."""
    from streamalert_apps.cli.credentials import credentials_of
    from streamalert_apps.cli.project import aws_session
    from streamalert_apps.cli.selection import known_types
    from streamalert_apps.sdk.app import with_lag
    from streamalert_apps.sdk.clock import SystemClock
    from streamalert_apps.serve.turn import place_of
    from streamalert_apps.serve.verify import Asker

    kind = known_types(project.root).find(app.type)
    place = place_of(project, app, lambda: aws_session(project.account))
    return Asker(
        with_lag(kind, app.lag),
        lambda: credentials_of(project, app, kind),
        place,
        SystemClock(),
        simulator,
    )
