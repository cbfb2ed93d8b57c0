"""A feed of files: each is read once, none holds up the others."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from streamalert_apps.errors import AppError, BadResponse, OutOfTime, RequestRefused, Unavailable
from streamalert_apps.runtime import memory
from streamalert_apps.sdk.app import App, Json, Log
from streamalert_apps.sdk.catalogue import Catalogue
from streamalert_apps.sdk.events import Fetched, Row
from tests.sdk.feed.world import DAY, HOUR, MINUTE, NOW, SECOND, Asked, Runs, Service, exactly_once


class Filed(Runs):
    """Runs of a catalogue whose files hold one event each."""

    def _kind(self, strike: Any) -> Any:
        service = self.service

        def fetch(app: App, since: datetime, until: datetime, token: Json) -> Fetched:
            strike()
            try:
                return service.answer(since, until, token)
            finally:
                app.api.dated = service.dated
                app.api.ahead = service.ours.ahead if service.dated else timedelta(0)

        def read(_: App, file: Row) -> Iterator[Log]:
            yield file

        says = {
            "type": "memory_files",
            "time_field": "time",
            "id_fields": ("id",),
            "lag": service.lag,
            "fetch": fetch,
            "open": read,
        }
        return type("Filed", (Catalogue,), says | self.overridden)


def test_files_that_show_up_late_are_read_once() -> None:
    service = Service(lag=HOUR)
    runs = Filed(service)
    for n in range(60):
        service.happen(NOW - 30 * MINUTE + n * MINUTE, late=(n * 37 % 59) * MINUTE)

    runs.every(5 * MINUTE, 20)
    runs.finish()

    assert exactly_once(runs)


def test_the_time_that_the_first_answer_tells_holds_for_the_request_that_brought_it() -> None:
    service = Service(lag=HOUR)
    runs = Filed(service)
    service.ours.ahead = 3 * DAY
    runs.run()
    service.happen(NOW + MINUTE)

    runs.finish()

    assert exactly_once(runs)


def test_a_file_is_on_record_once_though_a_part_of_the_memory_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory, "INLINE", 2)
    service = Service(lag=HOUR)
    runs = Filed(service)
    service.happen_often(10, NOW - 30 * MINUTE, MINUTE)
    runs.run()
    lost = [item.name for item in runs.store.list("") if "/memory/" in item.name]
    runs.store.delete(lost)

    runs.run()

    assert lost
    assert exactly_once(runs)


@pytest.mark.parametrize(
    "error", [RequestRefused("404"), Unavailable("500"), BadResponse("HTML"), BadResponse("LogFile is null")]
)
def test_a_file_that_can_not_be_read_holds_up_no_other_and_is_let_go_when_it_is_gone(error: AppError) -> None:
    service = Service(lag=HOUR)

    def read(_: App, file: Row) -> Iterator[Log]:
        if b'"e1"' in bytes(file):
            raise error
        yield file

    runs = Filed(service, overridden={"open": read})
    first, bad, last = (service.happen(NOW - (30 - n) * MINUTE) for n in range(3))

    outcome = runs.run()
    assert (outcome.status, outcome.error) == ("failed", error)
    assert runs.record == {first.body: 1, last.body: 1}

    bad.visible = NOW + 1000 * DAY  # it is listed no more
    service.clock.sleep(HOUR.total_seconds())
    service.happen(service.clock.now())
    assert runs.run().status == "succeeded"
    assert runs.record.total() == 3


def test_a_list_that_was_too_long_for_a_run_is_looked_through_farther_each_time() -> None:
    service = Service(lag=4 * HOUR, page=10)
    runs = Filed(service)
    service.happen_often(300, NOW - HOUR, 10 * SECOND)

    def tenth(_: Asked) -> None:
        if len(service.asked) == 10:
            raise OutOfTime("There is no time left for another request.")

    service.answers = tenth
    assert runs.run().status == "partial"

    runs.run()

    assert exactly_once(runs)


def test_a_file_that_is_under_way_is_gone_on_with_though_a_shorter_list_leaves_it_out() -> None:
    service = Service(lag=4 * HOUR)
    breaks: list[AppError] = [Unavailable("It broke off."), OutOfTime("There is no time left.")]

    def read(_: App, file: Row) -> Iterator[Log]:
        yield file
        if breaks:
            raise breaks.pop(0)

    def refused(_: Asked) -> None:
        raise OutOfTime("There is no time left for another request.")

    runs = Filed(service, overridden={"open": read})
    service.happen(NOW - MINUTE)
    assert runs.run().status == "partial"
    service.answers = refused
    runs.run()
    service.answers = lambda _: None
    service.happen(NOW - 50 * MINUTE)

    runs.every(MINUTE, 4)

    assert not breaks
    assert exactly_once(runs)
