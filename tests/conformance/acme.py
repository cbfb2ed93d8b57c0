"""Acme's events, collected well."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import ClassVar

import msgspec

from streamalert_apps.sdk.app import AuthField, Credentials, Json
from streamalert_apps.sdk.events import Fetched, Row
from streamalert_apps.sdk.feed import OldestFirst
from streamalert_apps.sdk.http import Api, with_params
from streamalert_apps.sdk.oauth import Bearer, Token

HOST = "https://api.acme.example"


class _Events(msgspec.Struct):
    events: list[Row]
    after: str | None = None


class AcmeEvents(OldestFirst):
    """Every event."""

    type = "acme_events"
    collects = "every event"
    auth = (AuthField("secret", "the secret", re.compile(r"[a-z0-9-]+"), secret=True),)
    time_field = "time"
    id_fields: ClassVar[tuple[str, ...]] = ("id",)
    lag = timedelta(minutes=3)

    def __init__(self, credentials: Credentials, api: Api) -> None:
        super().__init__(credentials, api)
        self._acme = Bearer(api, self._token)

    def _token(self) -> Token:
        return Token.of(self.api.post(f"{HOST}/token", form={"secret": self.credentials["secret"]}))

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        params = {"since": int(since.timestamp()), "until": int(until.timestamp())}
        if token is not None:
            params["after"] = token
        page = self._acme.get(with_params(f"{HOST}/events", params)).json(_Events)
        return Fetched(page.events, page.after)
