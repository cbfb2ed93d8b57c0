"""Box's own SDK: both ways to sign in, both streams to their end, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from box_sdk_gen import BoxAPIError, BoxCCGAuth, BoxClient, BoxJWTAuth, CCGConfig, JWTConfig
from box_sdk_gen.managers.events import GetEventsStreamType

from streamalert_apps.services.box.twin import Box
from streamalert_apps.simulator.faults import Fault, Status
from tests.sdks.conftest import Serve

APP = "box_admin_events"
END = datetime.now(UTC) - timedelta(hours=3)  # the list of the past is an hour late
BEGIN = END - timedelta(hours=1)


def client(twin: Box, **other: str) -> Any:
    file = twin.credentials["keyfile"]
    settings = file["boxAppSettings"] | other
    pair = {"client_id": settings["clientID"], "client_secret": settings["clientSecret"]}
    key = settings["appAuth"]
    if not key["privateKey"]:
        return BoxClient(BoxCCGAuth(CCGConfig(**pair, enterprise_id=file["enterpriseID"])))
    config = JWTConfig(
        **pair,
        jwt_key_id=key["publicKeyID"],
        private_key=key["privateKey"],
        private_key_passphrase=key["passphrase"],
        enterprise_id=file["enterpriseID"],
    )
    return BoxClient(BoxJWTAuth(config))


def everything(asking: Any, stream: GetEventsStreamType, **bounds: datetime) -> set[str]:
    seen: set[str] = set()
    position: str | None = "0" if stream == GetEventsStreamType.ADMIN_LOGS_STREAMING else None
    while True:
        page = asking.events.get_events(stream_type=stream, stream_position=position, limit=100, **bounds)
        if not page.entries:
            return seen
        seen |= {event.event_id for event in page.entries}
        position = str(page.next_stream_position)


@pytest.mark.parametrize("stream", [GetEventsStreamType.ADMIN_LOGS_STREAMING, GetEventsStreamType.ADMIN_LOGS])
def test_every_event_comes_position_by_position(served: Serve, stream: GetEventsStreamType) -> None:
    twin = Box()
    twin.seed(APP, events=250, start=BEGIN, end=END)
    served(twin)
    past = stream == GetEventsStreamType.ADMIN_LOGS
    bounds = {"created_after": BEGIN - timedelta(minutes=1)} if past else {}

    assert len(everything(client(twin), stream, **bounds)) == 250


def test_an_app_without_a_key_signs_in_with_its_secret(served: Serve) -> None:
    twin = Box(grant="client_credentials")
    twin.seed(APP, events=10, start=BEGIN, end=END)
    served(twin)

    assert len(everything(client(twin), GetEventsStreamType.ADMIN_LOGS_STREAMING)) == 10


def test_a_wrong_secret_is_told(served: Serve) -> None:
    twin = Box()
    served(twin)

    with pytest.raises(BoxAPIError) as raised:
        client(twin, clientSecret="a" * 32).events.get_events()

    assert raised.value.response_info.body["error"] == "invalid_client"


def test_a_limit_is_waited_out_as_long_as_the_header_says(
    served: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)
    twin = Box()
    server = served(twin, Fault(Status(429, retry_after=7), path="/2.0/events", nth=1))

    everything(client(twin), GetEventsStreamType.ADMIN_LOGS_STREAMING)

    assert [asked.status for asked in server.requests if asked.path == "/2.0/events"] == [429, 200]
    assert 7 in waits


def test_a_token_that_has_ended_is_renewed(served: Serve) -> None:
    twin = Box()
    server = served(twin)
    asking = client(twin)
    everything(asking, GetEventsStreamType.ADMIN_LOGS_STREAMING)
    twin.revoke_tokens()

    everything(asking, GetEventsStreamType.ADMIN_LOGS_STREAMING)

    assert [asked.status for asked in server.requests].count(401) == 1


def test_servers_of_long_polling_are_refused_in_boxs_words(served: Serve) -> None:
    twin = Box()
    served(twin)

    with pytest.raises(BoxAPIError) as raised:
        client(twin).events.get_events_with_long_polling()

    assert raised.value.response_info.status_code in {404, 405}
