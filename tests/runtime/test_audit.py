"""The daily audit: what comes later than the lag is on record a day later, and told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from streamalert_apps.runtime import ledger, record
from streamalert_apps.runtime.head import Audit
from streamalert_apps.runtime.purge import purge
from streamalert_apps.sdk.pace import Rate
from tests.runtime.doubles import START, World
from tests.runtime.listing import Service, listing_world

HOUR, DAY = 3_600.0, 86_400.0


def busy(*, hours: int = 96, **shape: object) -> tuple[World, Service]:
    """Return a world in which an event happens every 20 minutes."""
    world, service = listing_world(audits=True, **shape)
    for number in range(hours * 3):
        service.happens(number, number * 1200.0)
    return world, service


def collect(world: World, hours: int) -> None:
    """Let the app run every half hour."""
    for _ in range(hours * 2):
        world.clock.sleep(HOUR / 2)
        world.run()


def test_what_is_shown_hours_late_is_on_record_a_day_later_and_reported() -> None:
    world, service = busy()
    service.happens(7777, 20 * HOUR, late=5 * HOUR)

    collect(world, 24)
    assert b"7777" not in b"".join(world.raws())
    collect(world, 25)

    assert b"".join(world.raws()).count(b'"n":7777,') == 1
    assert [b'"n":7777,' in raw for raw in world.raws()].count(True) == 1
    when, found, latest = world.head.audit.history[0]
    assert found == 1
    assert when < START.timestamp() + 49 * HOUR
    assert 5 * HOUR <= latest <= 30 * HOUR


def test_it_tells_what_it_found_in_the_run_that_found_it() -> None:
    world, service = busy()
    service.happens(7777, 20 * HOUR, late=5 * HOUR)

    told = []
    for _ in range(100):
        world.clock.sleep(HOUR / 2)
        told.append(world.run().found_late)

    assert sum(told) == 1


def test_where_nothing_came_late_the_journal_is_not_read() -> None:
    world, _ = busy()
    collect(world, 24)
    world.store.calls.clear()

    collect(world, 2)

    assert world.head.audit.until > 0
    assert [name for what, name in world.store.calls if what == "get" and "/journal/" in name] == []


def test_everything_is_on_record_once_whatever_is_late() -> None:
    world, service = busy()
    for number in range(40):
        service.happens(10_000 + number, number * 1.3 * HOUR, late=(number % 12) * HOUR)

    collect(world, 100)

    assert len(world.raws()) == len({*world.raws()})
    on_record = b"".join(world.raws())
    due = [number for at, number, _ in service.events if at < 56 * HOUR]
    assert [number for number in due if b'"n":%d,' % number not in on_record] == []


def test_hours_with_many_events_are_listed_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamalert_apps.runtime.audit.EVENTS", 2)
    world, service = busy()
    service.happens(7777, 20 * HOUR, late=5 * HOUR)

    collect(world, 50)

    assert b'"n":7777,' in b"".join(world.raws())


@pytest.mark.parametrize("late", [1, 2])
def test_one_or_two_of_an_hour_are_named_without_the_journal(late: int) -> None:
    world, service = busy()
    numbers = [7000 + 10 * hour + number for hour in range(4, 20, 3) for number in range(late)]
    for number in numbers:
        service.happens(number, (number - 7000) // 10 * HOUR, late=3 * HOUR)
    collect(world, 24)
    world.store.calls.clear()

    collect(world, 1)

    assert [name for what, name in world.store.calls if what == "get" and "/journal/" in name] == []
    on_record = b"".join(world.raws())
    assert [on_record.count(b'"n":%d,' % number) for number in numbers] == [1] * len(numbers)


def test_what_the_ledger_can_not_tell_it_does_not_guess() -> None:
    recorded = ledger.Count(2, 30 + 40)

    assert ledger.lacking(recorded, [30, 40]) == set()
    assert ledger.lacking(recorded, [30, 40, 50]) == {50}
    assert ledger.lacking(recorded, [30, 40, 50, 60]) == {50, 60}
    assert ledger.lacking(recorded, [30, 50, 60]) is None  # one of them is listed no more
    assert ledger.lacking(recorded, [30, 41]) is None
    assert ledger.lacking(recorded, [30, 40, 50, 60, 70]) is None


def test_wherever_something_is_missing_the_journal_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamalert_apps.runtime.audit.EVENTS", 2)
    world, service = busy()
    for hour in range(4, 20, 3):
        for number in range(3):  # of one or two the ledger would tell
            service.happens(7000 + 10 * hour + number, hour * HOUR, late=3 * HOUR)
    collect(world, 24)
    world.store.calls.clear()

    collect(world, 1)

    read = [name for what, name in world.store.calls if what == "get" and "/journal/" in name]
    assert world.head.audit.found == 18
    assert len(read) == len(set(read))


def test_one_that_has_no_time_goes_on_in_the_next_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamalert_apps.runtime.audit.EVENTS", 2)
    world, service = busy()
    service.happens(7777, 22 * HOUR, late=1 * HOUR)
    collect(world, 24)
    world.clock.sleep(HOUR)
    runs = 0

    while b'"n":7777,' not in b"".join(world.raws()):
        service.tires_at = service.asked + 12
        world.run(left=service.left)
        world.clock.sleep(60)
        runs += 1

    assert 1 < runs < 10


def test_what_can_not_be_listed_is_left_out_after_three_tries() -> None:
    world, service = busy()
    collect(world, 24)

    for _ in range(5):
        world.clock.sleep(HOUR)
        service.breaks_at = service.asked + 2  # the look's and the sweep's
        assert world.run().status == "succeeded"

    assert world.head.audit.cursor == 0
    assert world.head.audit.skipped == pytest.approx(24 * HOUR)


def test_what_was_purged_is_not_put_on_record_again() -> None:
    world, _ = busy()
    collect(world, 20)
    held = world.hold()
    purge(held, world.store, START + timedelta(hours=5), START + timedelta(hours=6))
    held.head.lease = None
    held.write()
    before = len([raw for raw in world.raws() if raw])

    collect(world, 5)

    assert world.head.audit.until > 0
    assert len([raw for raw in world.raws() if raw]) == before + 15


def test_where_the_journal_is_not_kept_there_is_none_and_that_is_said() -> None:
    world, _ = busy(journal_days=0.0)

    collect(world, 26)

    assert "journal_days is 0" in world.head.audit.off


def tight(rate: Rate, page: int) -> tuple[World, Service]:
    """Return a world whose service allows few requests."""
    world, service = busy(rate=rate)
    service.rate, service.page = rate, page
    return world, service


def test_where_the_service_allows_few_requests_a_day_that_takes_few_of_them_is_compared() -> None:
    world, service = tight(Rate(2, 60), page=100)
    service.happens(7777, 20 * HOUR, late=5 * HOUR)

    for _ in range(49):
        world.clock.sleep(HOUR)
        world.run(left=80)

    assert b"".join(world.raws()).count(b'"n":7777,') == 1
    assert (world.head.audit.off, world.head.audit.skipped) == ("", 0)


def test_it_then_learns_how_much_to_list_at_once() -> None:
    world, service = tight(Rate(2, 60), page=50)
    for number in range(2000):
        service.happens(10_000 + number, number * 40.0)  # 93 in an hour

    most = 0
    for _ in range(12 * 29):
        world.clock.sleep(300)
        before = service.asked
        world.run(left=80)
        most = max(most, service.asked - before)

    audit = world.head.audit
    assert (audit.cursor, audit.skipped, audit.off) == (0, 0, "")
    assert audit.until > START.timestamp() + 20 * HOUR
    assert most <= 5


def test_it_keeps_no_run_for_long_whatever_time_that_has() -> None:
    world, service = tight(Rate(2, 60), page=20)
    for number in range(2000):
        service.happens(10_000 + number, number * 40.0)  # five requests in an hour

    longest = 0.0
    for _ in range(26):
        world.clock.sleep(HOUR)
        began = world.clock.now()
        world.run(left=10_000)
        if world.head.audit.cursor:
            longest = max(longest, (world.clock.now() - began).total_seconds())

    assert world.head.audit.until > 0
    assert 60 < longest <= 600


def test_an_outage_does_not_teach_it_to_list_less() -> None:
    world, service = tight(Rate(2, 60), page=100)
    for _ in range(24):
        world.clock.sleep(HOUR)
        world.run(left=80)
    for _ in range(2):
        world.clock.sleep(HOUR)
        service.breaks_at = service.asked + 2  # the look's and the sweep's
        assert world.run(left=80).status == "succeeded"

    assert world.head.audit.tries == 2
    assert world.head.audit.batch == Audit().batch


def test_one_that_would_take_more_than_a_tenth_of_them_is_left_out_until_tomorrow_and_that_is_said() -> None:
    world, service = tight(Rate(2, 1200), page=4)  # a tenth are 14

    for _ in range(30):
        world.clock.sleep(HOUR)
        world.run(left=3000)

    audit = world.head.audit
    assert "requests a day, and the service allows 2 in 1200 s" in audit.off
    assert audit.skipped > 0
    assert (audit.cursor, audit.batch) == (0, Audit().batch)
    before = service.asked
    world.clock.sleep(HOUR)
    world.run(left=3000)
    assert service.asked - before <= 2


def test_where_no_run_has_time_for_it_that_is_said() -> None:
    world, _ = tight(Rate(2, 1200), page=100)

    for _ in range(80):
        world.clock.sleep(HOUR)
        world.run(left=60)

    assert "a longer `timeout` helps" in world.head.audit.off


def test_where_a_type_lists_nothing_again_there_is_none_and_that_is_said() -> None:
    world = World(audits=True)

    world.run()

    assert "can't be listed again" in world.head.audit.off


def test_the_ledger_counts_what_is_on_record_by_the_hour() -> None:
    world, _ = busy(hours=10)
    collect(world, 12)

    hours = record.hours(record.of(world.store, world.head))

    first = int(START.timestamp() // ledger.HOUR)
    assert [hours[first + hour].events for hour in range(1, 10)] == [3] * 9


def test_the_ledger_outlives_the_journal() -> None:
    world, _ = busy(hours=24 * 12)
    collect(world, 24 * 12)

    hours = record.hours(record.of(world.store, world.head))

    assert sum(count.events for count in hours.values()) == world.head.events
    assert len(world.names("/ledger/")) <= 2
    assert len(world.raws()) < world.head.events


def test_an_event_whose_clock_is_years_ahead_takes_no_hour_from_the_ledger() -> None:
    now, later = int(START.timestamp()), int(START.timestamp()) + 12 * 365 * 86_400
    hours = {now // ledger.HOUR - hour: ledger.Count(1, 7) for hour in range(ledger.INLINE)}
    fresh = {later // ledger.HOUR: ledger.Count(1, 7)}

    kept, made = ledger.grown(ledger.Kept(), hours | fresh, now, lambda: "made", lambda _: b"")

    assert made
    assert ledger.of(kept, lambda _: made[1]) == hours | fresh


def test_one_that_goes_on_after_days_without_a_run_repeats_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamalert_apps.runtime.audit.EVENTS", 2)
    world, service = busy(hours=24)
    for number in range(3):  # of one or two the ledger would tell
        service.happens(7000 + number, 20 * HOUR, late=3 * HOUR)
    collect(world, 24)
    world.clock.sleep(HOUR / 2)
    service.tires_at = service.asked + 4
    world.run(left=service.left)
    assert world.head.audit.cursor < START.timestamp() + 20 * HOUR
    before = world.head.events

    service.tires_at = float("inf")
    world.clock.sleep(9 * DAY)
    world.run()

    assert world.head.events == before
    assert world.head.audit.skipped
