"""Stripe, events of an account.

Events are listed between two times in whole seconds, the newest first, and go on after an event's id. What an
event says may change, as it counts who has still to be told of it; its id does not. Stripe keeps events for
30 days.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from streamalert_apps.errors import AppError, BadResponse, CredentialsError, PageTokenExpired
from streamalert_apps.sdk.app import AuthField, Json
from streamalert_apps.sdk.events import Fetched, Row
from streamalert_apps.sdk.feed import NewestFirst
from streamalert_apps.sdk.http import Answer, with_params
from streamalert_apps.sdk.pace import Rate

URL: Final = "https://api.stripe.com/v1/events"
PAGE: Final = 100


class _Page(msgspec.Struct):
    data: list[Row]
    has_more: bool = False


class _Id(msgspec.Struct):
    id: str


class StripeEvents(NewestFirst):
    """Events."""

    type = "stripe_events"
    collects = (
        "what changes in an account: customers, payments, payouts, disputes, settings, connected accounts"
    )
    schemas = ("stripe:events",)
    auth = (
        AuthField(
            "key",
            "a restricted key that can read events ('rk_live_…'), or a secret key ('sk_live_…')",
            re.compile(r"[rs]k_(live|test)_[A-Za-z0-9]{16,250}"),
            secret=True,
        ),
        AuthField(
            "account",
            "the ID of a connected account, like 'acct_…', if its events are wanted",
            re.compile(r"acct_[A-Za-z0-9]{8,40}"),
            optional=True,
        ),
    )
    documentation = "https://docs.stripe.com/api/events/list"
    rate = Rate(requests=10, seconds=1, after_429=5)  # of 25 in a sandbox, and 100 live
    precision = timedelta(seconds=1)
    lag = timedelta(minutes=5)  # a guess: not documented
    retention = timedelta(days=30)
    time_field = "created"
    id_fields = ("id",)

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Ask for up to 100 events. The token is the id of the last one."""
        params: dict[str, Any] = {
            "created[gte]": int(since.timestamp()),
            "created[lte]": int(until.timestamp()),
            "limit": PAGE,
        }
        headers = {"Authorization": f"Bearer {self.credentials['key']}"}
        if account := self.credentials.get("account"):
            headers["Stripe-Account"] = account
        url = with_params(URL, params | ({"starting_after": token} if token else {}))
        page = self.api.get(url, headers=headers, judge=_judge).json(_Page)
        if not page.has_more:
            return Fetched(page.data)
        if not page.data:
            raise BadResponse("Stripe has more events, but returned none to continue from.")
        return Fetched(page.data, _id(page.data[-1]))


def _id(row: Row) -> str:
    try:
        return msgspec.json.decode(row, type=_Id).id
    except msgspec.MsgspecError:
        raise BadResponse(
            "Stripe returned a page whose last event has no id, so the list can't be continued."
        ) from None


class _Error(msgspec.Struct):
    code: str = ""
    param: str = ""


class _Failure(msgspec.Struct):
    error: _Error = msgspec.field(default_factory=_Error)


def _judge(answer: Answer) -> AppError | None:
    match answer.status:
        case 401:
            return CredentialsError("Stripe refused the key.", hint="It may have been rolled or deleted.")
        case 403:
            return CredentialsError(
                "Stripe refused access to events.", hint="The key needs Events: Read, and the right account."
            )
        case 400 | 404 if answer.json(_Failure).error.code == "resource_missing":
            return PageTokenExpired("Stripe no longer knows the event to continue from.")
        case _:
            return None
