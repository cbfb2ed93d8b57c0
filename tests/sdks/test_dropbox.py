"""Dropbox's own SDK, which takes nothing that is not specified: events cursor by cursor, a refused token."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import dropbox
import pytest
from dropbox.team_common import TimeRange

from streamalert_apps.services.dropbox.twin import Dropbox
from tests.sdks.conftest import Serve

END = datetime.now(UTC) - timedelta(minutes=10)
BEGIN = END - timedelta(hours=1)


def client(twin: Dropbox, **other: str) -> Any:
    given = twin.credentials | other
    return dropbox.DropboxTeam(
        oauth2_refresh_token=given["refresh_token"],
        app_key=given["app_key"],
        app_secret=given.get("app_secret"),
        max_retries_on_error=0,
    )


@pytest.mark.parametrize("pkce", [True, False])
def test_every_event_comes_cursor_by_cursor(served: Serve, *, pkce: bool) -> None:
    twin = Dropbox(pkce=pkce, page_size=20)
    twin.seed("dropbox_team", events=120, start=BEGIN, end=END)
    served(twin)
    team = client(twin)

    page = team.team_log_get_events(time=TimeRange(start_time=BEGIN.replace(tzinfo=None)))
    events = list(page.events)
    while page.has_more:
        page = team.team_log_get_events_continue(page.cursor)
        events += page.events

    assert len(events) == 120
    assert {event.event_type._tag for event in events} >= {"login_success", "file_add"}


def test_a_refused_token_is_told(served: Serve) -> None:
    twin = Dropbox()
    served(twin)

    with pytest.raises(dropbox.exceptions.AuthError):
        client(twin, refresh_token="x" * 64).team_log_get_events()


def test_a_cursor_that_is_not_known_is_told(served: Serve) -> None:
    twin = Dropbox()
    served(twin)

    with pytest.raises(dropbox.exceptions.ApiError) as caught:
        client(twin).team_log_get_events_continue("another")

    assert caught.value.error.is_reset()
