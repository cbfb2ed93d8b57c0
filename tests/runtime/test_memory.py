"""The memory: exact, forgets below the floor alone, and stays small in the head."""

from __future__ import annotations

import tracemalloc
from itertools import count
from random import Random
from typing import TYPE_CHECKING

import pytest

from streamalert_apps.runtime.memory import FUTURE, INDEXED, INLINE, MERGED, Kept, Memory, Segment
from tests.runtime.doubles import id_of

if TYPE_CHECKING:
    from collections.abc import Iterable

KEY = b"key"
NOW = 1_700_000_000.0


class Place:
    """Where segments are, and a memory that is loaded from there as each run does."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.kept = Kept()
        self.numbers = count()
        self.loaded: list[str] = []

    def open(self) -> Memory:
        return Memory.of(self.kept, KEY, self.load)

    def load(self, name: str) -> bytes:
        self.loaded.append(name)
        return self.objects[name]

    def save(self, memory: Memory, now: float = NOW) -> None:
        for name, body in memory.spill(now, lambda: f"{next(self.numbers)}"):
            assert name not in self.objects
            self.objects[name] = body
        self.kept = memory.kept()

    def remember(self, numbers: Iterable[int], time: float = NOW) -> None:
        memory = self.open()
        ids = [id_of(number) for number in numbers]
        memory.add(ids, [time] * len(ids))
        self.save(memory)

    def knows(self, numbers: Iterable[int]) -> list[int]:
        numbers = [*numbers]
        known = self.open().known([id_of(number) for number in numbers], [0.0] * len(numbers))
        return [number for number in numbers if id_of(number) in known]


@pytest.fixture
def place() -> Place:
    return Place()


def test_nothing_is_known_at_first(place: Place) -> None:
    assert place.knows(range(5)) == []


def test_what_was_remembered_is_known_and_nothing_else(place: Place) -> None:
    place.remember(range(0, 100, 2))

    assert place.knows(range(100)) == [*range(0, 100, 2)]


def test_few_ids_are_kept_in_the_head(place: Place) -> None:
    place.remember(range(INLINE))

    assert place.objects == {}
    assert len(place.kept.inline) <= 64 << 10


def test_many_ids_become_a_segment_and_stay_known(place: Place) -> None:
    place.remember(range(INLINE + 1))

    assert (len(place.objects), place.kept.inline) == (1, "")
    assert place.knows(range(INLINE + 2)) == [*range(INLINE + 1)]


def test_a_run_knows_what_it_remembered_itself(place: Place) -> None:
    memory = place.open()
    for start in range(0, 50_000, 5_000):
        ids = [id_of(number) for number in range(start, start + 5_000)]
        memory.add(ids, [NOW] * 5_000)
        place.save(memory)
        assert memory.known(ids, [NOW] * 5_000) == set(ids)

    assert memory.known([id_of(0), id_of(-1)], [NOW, NOW]) == {id_of(0)}
    assert not place.loaded


def test_it_is_exact_whatever_happens_in_which_order(place: Place) -> None:
    random = Random(7)
    times: dict[int, float] = {}
    floor = 0.0
    for step in range(25):
        memory = place.open()
        memory.forget(floor)
        numbers = random.sample(range(200_000), random.choice([1, 3_000, 6_000]))
        asked = [(number, times.get(number, NOW + step)) for number in numbers]
        known = memory.known([id_of(n) for n, _ in asked], [time for _, time in asked])
        for number, time in asked:
            if number in times and time >= floor:
                assert id_of(number) in known
            if number not in times:
                assert id_of(number) not in known
        fresh = {number: time for number, time in asked if id_of(number) not in known}
        memory.add([id_of(number) for number in fresh], [*fresh.values()])
        times |= fresh
        floor = max(floor, NOW + step - 12)
        memory.forget(floor)
        place.save(memory, NOW + step)


def test_more_ids_than_a_dict_holds_are_known_exactly(place: Place) -> None:
    for start in range(0, 5 * INDEXED, INDEXED):
        place.remember(range(start, start + INDEXED))

    assert place.knows(range(-500, 500)) == [*range(500)]
    assert place.knows(range(5 * INDEXED - 500, 5 * INDEXED + 500)) == [
        *range(5 * INDEXED - 500, 5 * INDEXED)
    ]


def test_what_is_searched_goes_when_the_floor_has_passed_it(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamalert_apps.runtime.memory.INDEXED", 1_000)
    memory = place.open()
    ids = [id_of(number) for number in range(10_000)]
    tracemalloc.start()
    memory.add(ids, [NOW] * 10_000)
    place.save(memory)
    assert memory.known(ids, [NOW] * 10_000) == {*ids}
    held, _ = tracemalloc.get_traced_memory()

    memory.forget(NOW + 1)

    assert held - tracemalloc.get_traced_memory()[0] > 2 << 20
    tracemalloc.stop()


def test_a_segment_that_was_rebuilt_and_holds_nothing_breaks_nothing(place: Place) -> None:
    place.kept = Kept(segments=[Segment("lost", 2 * INDEXED, int(NOW))])
    place.objects["lost"] = b""

    assert place.knows(range(5)) == []


def test_only_what_is_below_the_floor_is_forgotten(place: Place) -> None:
    memory = place.open()
    memory.add([id_of(n) for n in range(10)], [NOW + n for n in range(10)])
    memory.forget(NOW + 5)
    place.save(memory)

    assert place.knows(range(10)) == [5, 6, 7, 8, 9]


def test_a_floor_that_falls_changes_nothing(place: Place) -> None:
    memory = place.open()
    memory.forget(NOW)
    memory.forget(NOW - 100)

    assert memory.floor == NOW


def test_a_segment_goes_when_the_floor_has_passed_all_its_times(place: Place) -> None:
    place.remember(range(5_000), NOW)
    place.remember(range(50_000, 60_000), NOW + 100)
    memory = place.open()
    memory.forget(NOW + 50)
    place.save(memory)

    assert [segment.until for segment in place.kept.segments] == [int(NOW + 100)]
    assert place.knows([50_000]) == [50_000]


def test_an_id_that_is_met_with_a_later_time_is_remembered_until_that_time(place: Place) -> None:
    place.remember([1], NOW)
    memory = place.open()
    memory.known([id_of(1)], [NOW + 500])
    memory.forget(NOW + 100)
    place.save(memory)

    assert place.knows([1]) == [1]


def test_an_id_of_a_segment_that_is_met_with_a_later_time_outlives_the_segment(place: Place) -> None:
    place.remember(range(5_000), NOW)
    memory = place.open()
    memory.known([id_of(1)], [NOW + 500])
    memory.forget(NOW + 100)
    place.save(memory)

    assert place.kept.segments == []
    assert place.knows([1, 2]) == [1]


def test_an_earlier_time_lowers_none(place: Place) -> None:
    place.remember([1], NOW)
    memory = place.open()
    memory.known([id_of(1)], [NOW - 500])
    memory.forget(NOW - 100)
    place.save(memory)

    assert place.knows([1]) == [1]


def test_a_memory_tells_whether_it_holds_what_no_head_does(place: Place) -> None:
    memory = place.open()
    told = [memory.changed]
    memory.add([id_of(1)], [NOW])
    told.append(memory.changed)
    place.save(memory)
    told.append(memory.changed)
    memory.known([id_of(1)], [NOW + 9])
    told.append(memory.changed)

    assert told == [False, True, False, True]


def test_there_are_never_many_segments(place: Place) -> None:
    for start in range(0, 150_000, 4_500):
        place.remember(range(start, start + 4_500))

    ids = sum(segment.count for segment in place.kept.segments)
    assert ids == 4_500 * len(range(0, 150_000, 4_500))
    assert len(place.kept.segments) <= 2 * ids / MERGED + 5
    assert place.knows([0, 70_000, 149_000, 400_000]) == [0, 70_000, 149_000]


def test_ids_of_a_far_future_are_kept_apart_so_that_they_keep_no_others(place: Place) -> None:
    memory = place.open()
    memory.add([id_of(n) for n in range(5_000)], [NOW] * 5_000)
    memory.add([id_of(-1)], [NOW + 100 * FUTURE])
    place.save(memory)
    memory.forget(NOW + 1)
    place.save(memory)

    (distant,) = place.kept.segments
    assert distant.count == 1
    assert place.knows([-1, 0]) == [-1]


@pytest.mark.parametrize("time", [-5.0, 0.0, 2.0**32, 1e18])
def test_a_time_that_no_clock_shows_breaks_nothing(place: Place, time: float) -> None:
    place.remember([1], time)

    assert place.knows([1]) == [1]


def test_the_segments_are_loaded_only_as_far_as_ids_are_not_found(place: Place) -> None:
    place.remember(range(5_000))
    place.remember(range(10_000, 40_000))
    place.remember(range(50_000, 50_010))
    place.loaded.clear()

    place.knows(range(50_000, 50_010))
    assert place.loaded == []
    place.knows(range(10_000, 10_010))
    assert len(place.loaded) == 1
