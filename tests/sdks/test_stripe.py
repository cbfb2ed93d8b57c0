"""Stripe's own SDK: events page by page, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe

from streamalert_apps.services.stripe.twin import Stripe
from tests.sdks.conftest import Serve

END = datetime.now(UTC) - timedelta(minutes=10)
BEGIN = END - timedelta(hours=1)
SPAN = {"gte": int(BEGIN.timestamp()), "lte": int(END.timestamp())}


def client(key: str) -> Any:
    return stripe.StripeClient(key, http_client=stripe.RequestsClient(verify_ssl_certs=False))


@pytest.mark.usefixtures("certificate")
def test_every_event_comes_page_by_page(served: Serve) -> None:
    twin = Stripe()
    twin.seed("stripe_events", events=250, start=BEGIN, end=END)
    served(twin)

    listed = client(twin.credentials["key"]).v1.events.list({"created": SPAN, "limit": 100})

    assert len({event.id for event in listed.auto_paging_iter()}) == 250


@pytest.mark.usefixtures("certificate")
def test_a_wrong_key_and_one_that_may_not_read_events_are_told(served: Serve) -> None:
    twin = Stripe(permitted=False)
    served(twin)

    with pytest.raises(stripe.AuthenticationError):
        client("sk_test_wrong").v1.events.list()
    with pytest.raises(stripe.PermissionError):
        client(twin.credentials["key"]).v1.events.list()
