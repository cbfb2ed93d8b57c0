"""What every store promises: compare-and-set of small objects, others written once, listings, deletion."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from streamalert_apps.errors import StateError
from streamalert_apps.runtime.store import Conflict, Gone, Item

if TYPE_CHECKING:
    from streamalert_apps.runtime.store import Store
    from tests.runtime.store.conftest import Stores

BYTES = bytes(range(256)) * 40


# Small objects


def test_nothing_is_there_at_first(store: Store) -> None:
    found = store.read("head.json")

    assert (found.body, found.version) == (b"", None)


def test_what_is_written_is_read_with_its_version(stores: Stores) -> None:
    version = stores.open().write("head.json", BYTES, replacing=None)

    found = stores.open().read("head.json")

    assert (found.body, found.version) == (BYTES, version)


def test_an_empty_object_is_not_nothing(store: Store) -> None:
    version = store.write("head.json", b"", replacing=None)

    assert store.read("head.json").version == version is not None


def test_the_stores_own_time_is_told_with_and_without_an_object(store: Store) -> None:
    before = store.read("head.json").now
    store.write("head.json", b"{}", replacing=None)
    after = store.read("head.json").now

    assert before.tzinfo == after.tzinfo == UTC
    assert timedelta(0) <= after - before < timedelta(minutes=1)


def test_the_version_that_was_read_can_be_replaced(store: Store) -> None:
    store.write("head.json", b"1", replacing=None)

    second = store.write("head.json", b"2", replacing=store.read("head.json").version)
    third = store.write("head.json", b"3", replacing=second)

    assert store.read("head.json").body == b"3"
    assert store.read("head.json").version == third


def test_an_older_version_is_a_conflict_and_what_is_there_stays(store: Store) -> None:
    first = store.write("head.json", b"1", replacing=None)
    store.write("head.json", b"2", replacing=first)

    with pytest.raises(Conflict, match=r"head\.json"):
        store.write("head.json", b"3", replacing=first)

    assert store.read("head.json").body == b"2"


def test_to_make_what_is_there_is_a_conflict(store: Store) -> None:
    store.write("head.json", b"1", replacing=None)

    with pytest.raises(Conflict):
        store.write("head.json", b"1", replacing=None)


def test_what_was_removed_is_not_made_anew(store: Store) -> None:
    version = store.write("head.json", b"1", replacing=None)
    store.delete(["head.json"])

    with pytest.raises(Gone, match=r"head\.json"):
        store.write("head.json", b"2", replacing=version)

    assert store.read("head.json").version is None


def test_what_was_removed_can_be_made_where_nothing_is_expected(store: Store) -> None:
    store.write("head.json", b"1", replacing=None)
    store.delete(["head.json"])

    version = store.write("head.json", b"2", replacing=None)

    assert store.read("head.json").version == version


def test_of_many_that_replace_one_version_one_succeeds(stores: Stores) -> None:
    if not stores.atomic:
        pytest.skip("its compare-and-set is not one step")
    first = stores.open().write("head.json", b"0", replacing=None)

    def replace(number: int) -> bytes | None:
        body = str(number).encode()
        try:
            stores.open().write("head.json", body, replacing=first)
        except StateError:
            return None
        return body

    with ThreadPoolExecutor(8) as threads:
        written = [body for body in threads.map(replace, range(1, 25)) if body]

    assert written == [stores.open().read("head.json").body]


# Objects


def test_an_object_is_got_as_it_was_put(stores: Stores) -> None:
    stores.open().put("4f1c/journal/1.jsonl", BYTES)

    assert stores.open().get("4f1c/journal/1.jsonl") == BYTES


def test_an_object_that_is_not_there_is_none(store: Store) -> None:
    assert store.get("4f1c/journal/1.jsonl") is None


def test_an_empty_object_is_got(store: Store) -> None:
    store.put("4f1c/journal/1.jsonl", b"")

    assert store.get("4f1c/journal/1.jsonl") == b""


def test_the_same_bytes_may_be_put_again(store: Store) -> None:
    store.put("4f1c/journal/1.jsonl", BYTES)
    store.put("4f1c/journal/1.jsonl", BYTES)

    assert store.get("4f1c/journal/1.jsonl") == BYTES


@pytest.mark.parametrize("other", [b"", BYTES[:-1], BYTES + b"x"])
def test_other_bytes_are_a_conflict_and_the_first_stay(store: Store, other: bytes) -> None:
    store.put("4f1c/journal/1.jsonl", BYTES)

    with pytest.raises(Conflict, match=r"1\.jsonl"):
        store.put("4f1c/journal/1.jsonl", other)

    assert store.get("4f1c/journal/1.jsonl") == BYTES


def test_an_object_of_some_megabytes_survives(store: Store) -> None:
    body = BYTES * 500

    store.put("4f1c/journal/1.jsonl", body)

    assert store.get("4f1c/journal/1.jsonl") == body


# Listings


def names(items: list[Item]) -> list[str]:
    return [item.name for item in items]


def test_a_listing_is_sorted_and_has_what_begins_so(store: Store) -> None:
    for name in ("4f1c/memory/b", "4f1c/memory/a", "4f1c/journal/2", "4f1c/journal/10", "dead/lake/1"):
        store.put(name, b"x")
    store.write("head.json", b"{}", replacing=None)

    assert names(store.list("4f1c/journal/")) == ["4f1c/journal/10", "4f1c/journal/2"]
    assert names(store.list("4f1c/")) == [
        "4f1c/journal/10",
        "4f1c/journal/2",
        "4f1c/memory/a",
        "4f1c/memory/b",
    ]
    assert names(store.list("4f1c/journal/1")) == ["4f1c/journal/10"]
    assert names(store.list("inbox/")) == []
    assert names(store.list("")) == [
        "4f1c/journal/10",
        "4f1c/journal/2",
        "4f1c/memory/a",
        "4f1c/memory/b",
        "dead/lake/1",
        "head.json",
    ]


def test_a_listing_tells_size_and_time(store: Store) -> None:
    store.put("inbox/a", b"12345")
    store.write("pace.json", b"123", replacing=None)

    inbox, pace = store.list("inbox/") + store.list("pace")

    assert (inbox.size, pace.size) == (5, 3)
    assert inbox.written.tzinfo == pace.written.tzinfo == UTC
    assert abs(inbox.written - pace.written) < timedelta(minutes=1)
    assert inbox.written <= datetime.now(UTC) + timedelta(minutes=1)


def test_names_with_unusual_characters_survive(store: Store) -> None:
    name = "dead/my lake+1&2=3%41/ü~(1).json"

    store.put(name, b"x")

    assert store.get(name) == b"x"
    assert names(store.list("dead/my lake+1&2=3%41/ü")) == [name]
    store.delete([name])
    assert store.list("") == []


# Deletion


def test_what_is_deleted_is_gone_and_the_rest_stays(store: Store) -> None:
    for name in ("a/1", "a/2", "b/1"):
        store.put(name, b"x")

    store.delete(["a/1", "b/1"])

    assert store.get("a/1") is None
    assert names(store.list("")) == ["a/2"]


def test_what_is_not_there_may_be_deleted(store: Store) -> None:
    store.delete([])
    store.delete(["a/1", "head.json"])
    store.put("a/1", b"x")
    store.delete(name for name in ["a/1", "a/1", "a/2"])

    assert store.list("") == []


def test_a_name_may_be_put_again_once_it_is_deleted(store: Store) -> None:
    store.put("inbox/a", b"1")
    store.delete(["inbox/a"])
    store.put("inbox/a", b"2")

    assert store.get("inbox/a") == b"2"


def test_the_apps_of_a_store_do_not_see_one_another(stores: Stores) -> None:
    stores.open().write("head.json", b"1", replacing=None)
    stores.open().put("a/1", b"1")

    other = stores.other()
    other.delete(["head.json", "a/1"])

    assert other.read("head.json").version is None
    assert other.get("a/1") is None
    assert other.list("") == []
    assert names(stores.open().list("")) == ["a/1", "head.json"]
