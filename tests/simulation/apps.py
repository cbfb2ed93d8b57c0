"""The app types that the simulated service has, written as a plugin's author would."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, ClassVar

import msgspec

from streamalert_apps.errors import AppError, PageTokenExpired
from streamalert_apps.sdk.app import App, AuthField, Json, Log
from streamalert_apps.sdk.catalogue import Catalogue
from streamalert_apps.sdk.events import Events, Fetched, Row
from streamalert_apps.sdk.feed import AnyOrder, Feed, NewestFirst, OldestFirst
from streamalert_apps.sdk.http import Answer, with_params
from streamalert_apps.sdk.integration import AppIntegration, StreamAlertApp
from streamalert_apps.sdk.numbered import Numbered, NumberedPage
from streamalert_apps.sdk.pace import Rate
from streamalert_apps.sdk.seconds import whole_seconds
from streamalert_apps.sdk.stream import Stream
from tests.simulation.plan import Plan

URL = "https://vendor.test"
TYPE = "sim_log"


class _Listed(msgspec.Struct):
    rows: list[Row]
    next: Any


class _Numbered(msgspec.Struct):
    rows: list[Row]
    pages: int


class _Sim(Events):
    type = TYPE
    collects = "what was made up"
    auth = (AuthField("key", "the key", re.compile(r"key-\d+"), secret=True),)
    time_field = "time"
    limit: ClassVar[int] = 100

    def _get(self, path: str, **params: object) -> Answer:
        return self.api.get(
            with_params(f"{URL}{path}", params),
            judge=_judge,
        )

    def check(self) -> None:
        self._get("/events")


def _judge(answer: Answer) -> AppError | None:
    return PageTokenExpired("The page token expired.") if answer.status == 410 else None


class _Feed(_Sim, Feed):
    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        given = {"token": token} if token else {}
        bounds = {"since": since.isoformat(), "until": until.isoformat()}
        listed = self._get("/events", **bounds, limit=self.limit, **given).json(_Listed)
        return Fetched(listed.rows, listed.next)


class _Oldest(_Feed, OldestFirst):
    pass


class _Newest(_Feed, NewestFirst):
    pass


class _Any(_Feed, AnyOrder):
    pass


class _Pages(_Sim, Numbered):
    def page(self, number: int, before: Json) -> NumberedPage:  # noqa: ARG002
        listed = self._get("/numbered", page=number, limit=self.limit).json(_Numbered)
        return NumberedPage(listed.rows, listed.pages)


class _Seconds(_Sim, OldestFirst):
    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:  # noqa: ARG002
        second = token or int(since.timestamp())
        rows = self._get("/seconds", since=second, limit=self.limit).json(_Listed).rows
        return whole_seconds(self, rows, since=second, size=self.limit)


class _Files(_Feed, Catalogue):
    def open(self, file: Row) -> Iterator[Log]:
        yield from self._get(f"/files/{msgspec.json.decode(file)['id']}").json(list[Row])


class _Stream(_Sim, Stream):
    beginning = "0"

    def fetch(self, position: str) -> Fetched:
        listed = self._get("/stream", position=position, limit=self.limit).json(_Listed)
        return Fetched(listed.rows, listed.next)


class _SeedStyle(AppIntegration):
    """Everything, in StreamAlert's form."""

    limit: ClassVar[int] = 100

    @classmethod
    def service(cls) -> str:
        return "sim"

    @classmethod
    def _type(cls) -> str:
        return "log"

    @classmethod
    def required_auth_info(cls) -> dict[str, Any]:
        return {"key": {"description": "the key", "format": re.compile(r"key-\d+")}}

    def _sleep_seconds(self) -> float:
        return 0.0

    @classmethod
    def date_formatter(cls) -> str:
        return "%Y-%m-%dT%H:%M:%SZ"

    def _gather_logs(self) -> list[Json] | bool:
        ok, answer = self._make_get_request(
            f"{URL}/after",
            {},
            {"after": self._last_timestamp, "limit": self.limit},
        )
        if not ok:
            return False
        logs: list[Json] = answer["rows"]
        if logs:
            self._last_timestamp = logs[-1]["time"]
        self._more_to_poll = answer["next"]
        return logs


_KINDS: dict[str, type[App]] = {
    "oldest first": _Oldest,
    "newest first": _Newest,
    "any order": _Any,
    "numbered": _Pages,
    "whole seconds": _Seconds,
    "stream": _Stream,
    "catalogue": _Files,
    "seed style": _SeedStyle,
}


def app_type(plan: Plan) -> type[App]:
    """Return the app type of a plan. Its lag covers what a `Date` in whole seconds leaves open."""
    kind = _KINDS[plan.shape]
    facts = {
        "limit": min(plan.page, 150) if plan.shape == "catalogue" else plan.page,
        "rate": Rate(*plan.rate, after_429=plan.rate[1]) if plan.rate else None,
        "lag": timedelta(seconds=plan.lag + 2 * plan.skew + 7 * plan.future),
        "precision": timedelta(microseconds=plan.unit),
        "overlapping": plan.overlapping,
        "id_fields": ("id",) if plan.ids else (),
    }
    made = type(kind.__name__, (kind,), facts)
    return StreamAlertApp(made) if plan.shape == "seed style" else made
