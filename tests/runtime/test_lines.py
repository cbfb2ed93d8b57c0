"""What a run writes into the log group: a line a page, a delivery, a checkpoint, a retry."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from streamalert_apps.errors import DeliveryFailed, RateLimited
from streamalert_apps.sdk.app import Checkpoint, Page
from tests.runtime.doubles import Numbers, World


class Dated(Numbers):
    """Numbers whose checkpoint tells a time: a minute a number."""

    def watermark(self, checkpoint: Checkpoint) -> datetime | None:
        return self.world.clock.now() - timedelta(hours=1) + timedelta(minutes=checkpoint["next"])


class Refused(Dated):
    def poll(self, checkpoint: Checkpoint) -> Iterator[Page]:
        yield next(super().poll(checkpoint))
        raise RateLimited("Too many.", retry_after=3.0)


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    """Return the lines that are written from now on, oldest first."""
    found: list[dict[str, Any]] = []

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append({"message": record.getMessage(), **getattr(record, "fields", {})})

    product, handler = logging.getLogger("streamalert_apps"), Lines()
    before = product.level
    product.addHandler(handler)
    product.setLevel(logging.INFO)
    yield found
    product.setLevel(before)
    product.removeHandler(handler)


def of(message: str, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line for line in lines if line["message"] == message]


def test_a_line_a_page_says_what_it_held_and_how_long_it_took(lines: list[dict[str, Any]]) -> None:
    World(total=10, page=4, seconds=1.5).run()

    pages = of("page polled", lines)
    assert [page["page"] for page in pages] == [1, 2, 3]
    assert [page["logs"] for page in pages] == [4, 4, 2]
    assert [page["more"] for page in pages] == [True, True, False]
    assert {page["seconds"] for page in pages} == {1.5}


def test_a_line_a_delivery_says_how_much_it_carried(lines: list[dict[str, Any]]) -> None:
    outcome = World(total=10, batch=5).run()

    batches = of("batch delivered", lines)
    assert sum(batch["logs"] for batch in batches) == outcome.logs == 10
    assert sum(batch["bytes"] for batch in batches) == outcome.bytes
    assert len(batches) == outcome.batches


def test_a_line_a_checkpoint_says_how_far_the_app_is(lines: list[dict[str, Any]]) -> None:
    World(total=10, seconds=3, app=Dated).run()

    checkpoints = of("checkpoint saved", lines)
    assert [saved["status"] for saved in checkpoints] == ["running", "running", "succeeded"]
    cursors = [datetime.fromisoformat(saved["cursor"]) for saved in checkpoints]
    assert cursors == sorted(set(cursors))


def test_an_app_that_tells_no_time_has_no_cursor(lines: list[dict[str, Any]]) -> None:
    World(total=1).run()
    assert of("checkpoint saved", lines)[-1]["cursor"] is None


def test_a_retry_is_told_with_its_reason_and_counted(lines: list[dict[str, Any]]) -> None:
    world = World(total=2)
    troubles = [DeliveryFailed("Not now."), DeliveryFailed("Not yet.")]
    world.on_delivery = lambda _: troubles.pop() if troubles else None

    outcome = world.run()

    told = [(retry["code"], retry["attempt"]) for retry in of("trying again", lines)]
    assert told == [("delivery_failed", 1), ("delivery_failed", 2)]
    assert (outcome.status, outcome.retries, outcome.rate_limits) == ("succeeded", 2, 0)


def test_nothing_is_written_where_nobody_listens(lines: list[dict[str, Any]]) -> None:
    logging.getLogger("streamalert_apps").setLevel(logging.WARNING)
    World(total=10).run()
    assert lines == []


def test_the_cursor_of_a_run_that_succeeded_is_when_it_began() -> None:
    world = World(total=4, seconds=2)
    began = world.clock.now()
    assert world.run().cursor == began


def test_the_cursor_of_a_run_that_left_something_is_the_apps() -> None:
    world = World(total=10, app=Refused)
    outcome = world.run()
    assert outcome.status == "partial"
    assert outcome.cursor == world.clock.now() - timedelta(minutes=56)
