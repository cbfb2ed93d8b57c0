"""Verifying: what the service lists is compared with the record, and what is missing is named."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from streamalert_apps.errors import UsageError
from streamalert_apps.runtime import head as heads
from streamalert_apps.runtime import inbox, journal
from streamalert_apps.runtime.purge import purge
from streamalert_apps.sdk.pace import Rate
from streamalert_apps.serve.turn import Place
from streamalert_apps.serve.verify import Asker, verify
from tests.runtime.doubles import START, World
from tests.runtime.listing import Listed, Service, listing_world

if TYPE_CHECKING:
    from streamalert_apps.serve.estimate import Estimate

HOUR = 3_600.0


def asker(world: World, service: Service) -> Asker:
    kind = type("Listed", (Listed,), {"service": service, "rate": service.rate})
    return Asker(kind, dict, Place(world.store, "owner"), world.clock)


def collected(events: int, *, hours: float = 20, **shape: object) -> tuple[World, Service]:
    """Return a world whose events, evenly over so many hours, are all on record."""
    world, service = listing_world(**shape)
    service.page = max(100, events // 100)
    world.sinks = {} if events > 1000 else world.sinks
    world.run()
    for number in range(events):
        service.happens(number, 60 + number * hours * HOUR / events)
    service.happens(events, (hours + 3.5) * HOUR)
    for _ in range(int(hours) // 2 + 2):
        world.clock.sleep(2 * HOUR)
        world.run()
    return world, service


def without_line(world: World, number: int) -> str:
    """Take the line of a number off the journal; return its id."""
    store = world.memory
    for name in world.names("/journal/"):
        lines = (store.get(name) or b"").splitlines(keepends=True)
        found = [line for line in lines if b'"n":%d,' % number in line]
        if found:
            store.delete([name])
            store.put(name, b"".join(line for line in lines if line not in found))
            (_, mark), *_ = journal.marks(found[0])
            return mark.id
    raise LookupError(number)


def spanned(world: World) -> tuple[Any, Any]:
    return START, world.clock.now()


def test_a_whole_record_is_said_to_be_whole() -> None:
    world, service = collected(500)

    found = verify(asker(world, service), *spanned(world))

    assert (found.missing, found.hours) == ([], [])
    assert found.listed == found.recorded == 500


def test_one_line_of_100_000_that_is_gone_is_named_with_the_requests_told_before_within_a_fifth() -> None:
    world, service = collected(100_000)
    gone = without_line(world, 54_321)
    told: list[tuple[int, int]] = []
    before = service.asked

    def tell(estimate: Estimate) -> None:
        told.append((estimate.requests, service.asked - before))

    found = verify(asker(world, service), *spanned(world), tell=tell)

    assert [one.id for one in found.missing] == [gone]
    assert (found.listed, found.recorded) == (100_000, 99_999)
    ((estimated, already),) = told
    assert already == 1
    assert abs(found.requests - estimated) <= 0.2 * found.requests
    assert found.requests == service.asked - before


def test_it_is_told_how_late_an_event_must_have_come() -> None:
    world, service = collected(100)
    service.happens(7777, 10 * HOUR, late=5 * HOUR)

    (missing,) = verify(asker(world, service), *spanned(world)).missing

    assert missing.at == START + timedelta(hours=10)
    assert missing.least == 600
    assert missing.most == pytest.approx(14 * HOUR)


def test_without_repair_nothing_is_written() -> None:
    world, service = collected(100)
    without_line(world, 50)
    world.store.calls.clear()

    verify(asker(world, service), *spanned(world))

    assert {what for what, _ in world.store.calls} <= {"read", "get", "list"}


def test_what_is_missing_is_on_record_and_delivered_once_after_the_next_run() -> None:
    world, service = collected(100)
    without_line(world, 50)
    service.happens(7777, 10 * HOUR, late=5 * HOUR)
    arrived = len(world.arrived)
    for _ in range(2):
        assert verify(asker(world, service), *spanned(world), repair=True).repaired == 2

    world.run()

    on_record = b"".join(world.raws())
    assert [on_record.count(b'"n":%d,' % number) for number in (50, 7777)] == [1, 1]
    assert sorted(world.arrived[arrived:]) == [50, 7777]
    assert verify(asker(world, service), *spanned(world)).missing == []


def test_during_a_run_what_is_missing_waits_in_the_inbox() -> None:
    world, service = collected(100)
    without_line(world, 50)
    held = world.hold()

    found = verify(asker(world, service), *spanned(world), repair=True)

    assert not found.soon
    assert len(world.names(inbox.FOLDER)) == 1
    held.close()


def test_beyond_the_journal_the_hours_are_compared() -> None:
    world, service = collected(24 * 12, hours=24 * 12)
    service.happens(7777, 30 * HOUR + 5, late=5 * HOUR)

    found = verify(asker(world, service), *spanned(world))

    assert world.head.first > 1
    assert found.missing == []
    assert [(hour.begins - START, hour.listed - hour.recorded) for hour in found.hours] == [
        (timedelta(hours=30), 1)
    ]


def test_what_was_purged_is_not_missing() -> None:
    world, service = collected(100)
    held = world.hold()
    purge(held, world.store, START + timedelta(hours=5), START + timedelta(hours=6))
    held.head.lease = None
    held.write()

    assert verify(asker(world, service), *spanned(world)).missing == []


def test_what_may_still_come_late_is_not_compared() -> None:
    world, service = collected(100)
    service.happens(7777, 24 * HOUR - 60)

    assert verify(asker(world, service), *spanned(world)).missing == []


def test_what_a_run_puts_on_record_meanwhile_is_not_missing() -> None:
    world, service = collected(100)
    without_line(world, 50)
    verify(asker(world, service), *spanned(world), repair=True)

    def meanwhile(_: Estimate) -> None:
        world.run()

    found = verify(asker(world, service), *spanned(world), tell=meanwhile)

    assert found.missing == []


@pytest.mark.parametrize("days", [(-3, -2), (1, 2)])
def test_where_there_is_nothing_to_compare_that_is_said(days: tuple[int, int]) -> None:
    world, service = collected(10)
    begin, end = (START + timedelta(days=day) for day in days)

    with pytest.raises(UsageError, match="nothing to compare"):
        verify(asker(world, service), begin, end)


def test_an_app_that_has_never_run_is_told() -> None:
    world, service = listing_world()

    with pytest.raises(UsageError, match="no record"):
        verify(asker(world, service), START, world.clock.now())


def test_it_takes_half_of_the_services_limit_and_keeps_to_it_with_the_runs() -> None:
    world, service = collected(1000)
    service.rate = Rate(4, 60)
    began = world.clock.now()

    found = verify(asker(world, service), *spanned(world))

    assert world.store.store.read("pace.json").version is not None
    assert found.estimate.seconds == found.estimate.requests * 30
    assert (world.clock.now() - began).total_seconds() >= (found.requests - 2) // 2 * 60
    assert heads.parse(world.store.store.read(heads.NAME).body)[0].lease is None
