"""Twilio's own SDK: events page by page, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from twilio.base.exceptions import TwilioException
from twilio.rest import Client

from streamalert_apps.services.twilio.twin import Twilio
from tests.sdks.conftest import Serve

END = datetime.now(UTC) - timedelta(minutes=10)
BEGIN = END - timedelta(hours=1)


def client(twin: Twilio, **other: str) -> Any:
    given = dict(twin.credentials) | other
    return Client(given["sid"], given["secret"], account_sid="AC" + "0" * 32)


@pytest.mark.usefixtures("certificate")
def test_every_event_comes_page_by_page(served: Serve) -> None:
    twin = Twilio()
    twin.seed("twilio_events", events=250, start=BEGIN, end=END)
    served(twin)

    listed = client(twin).monitor.v1.events.list(
        start_date=BEGIN - timedelta(minutes=1), end_date=END + timedelta(minutes=1), page_size=100
    )

    assert len({event.sid for event in listed}) == 250
    assert listed[0].event_date >= listed[-1].event_date


@pytest.mark.usefixtures("certificate")
def test_a_wrong_secret_is_told(served: Serve) -> None:
    twin = Twilio()
    server = served(twin)

    with pytest.raises(TwilioException):
        client(twin, secret="x" * 32).monitor.v1.events.list(limit=1)

    assert [asked.status for asked in server.requests] == [401]
