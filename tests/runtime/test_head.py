"""The head: one run at a time has an effect, whatever the store answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from streamalert_apps.errors import AlreadyRunning, StateError
from streamalert_apps.runtime import head as heads
from streamalert_apps.runtime.head import LEASE_SECONDS, NAME, HeldHead, Identity
from streamalert_apps.runtime.store.local import LocalStore
from streamalert_apps.runtime.store.memory import MemoryStore
from streamalert_apps.runtime.store.s3 import S3Store
from streamalert_apps.sdk.clock import Deadline
from tests.runtime.store import fake_s3
from tests.runtime.store.conftest import BUCKET, s3_client
from tests.runtime.store.fake_s3 import FakeS3, delayed, lost, refused
from tests.simulator.world import StillClock

if TYPE_CHECKING:
    from streamalert_apps.runtime.store import Store

HOUR = timedelta(hours=1)


def take(store: Store, clock: StillClock, holder: str = "one", owner: str = "owner", **more: Any) -> HeldHead:
    identity = Identity(owner, holder, **more)
    return heads.take(store, identity, clock=clock, deadline=Deadline.never(), first_look=HOUR)


def stored(store: Store) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(store.read(NAME).body)
    return fields


def change(store: Store, **fields: Any) -> None:
    there = store.read(NAME)
    body = json.dumps(json.loads(there.body) | fields).encode()
    store.write(NAME, body, replacing=there.version)


@pytest.fixture
def clock() -> StillClock:
    return StillClock(fake_s3.NOW)


@pytest.fixture(params=["memory", "local", "s3"])
def store(request: pytest.FixtureRequest, clock: StillClock, tmp_path: Path) -> Iterator[Store]:
    with ExitStack() as stack:
        if request.param == "memory":
            yield MemoryStore(clock)
        elif request.param == "local":
            yield LocalStore(tmp_path / ".sa-apps", "app")
        else:
            s3 = stack.enter_context(fake_s3.serve())
            yield s3_store(s3, clock)


@pytest.fixture
def memory(clock: StillClock) -> MemoryStore:
    return MemoryStore(clock)


@pytest.fixture
def s3() -> Iterator[FakeS3]:
    with fake_s3.serve() as s3:
        yield s3


def s3_store(s3: FakeS3, clock: StillClock) -> S3Store:
    return S3Store(s3_client(s3.url), BUCKET, "app", "", clock=clock, deadline=Deadline.never())


# The lease


def test_who_comes_first_makes_the_head_and_has_the_lease(store: Store, clock: StillClock) -> None:
    take(store, clock)

    assert stored(store)["lease"]["holder"] == "one"
    assert stored(store)["owner"] == "owner"


def test_a_living_lease_is_refused_with_when_to_try_again(memory: MemoryStore, clock: StillClock) -> None:
    take(memory, clock)
    until = clock.now() + timedelta(seconds=LEASE_SECONDS)

    with pytest.raises(AlreadyRunning) as raised:
        take(memory, clock, "two")

    assert raised.value.message == (
        f"It is already running; if that run died, try again after {until:%H:%M:%S} UTC."
    )


def test_a_refused_run_changes_nothing(store: Store, clock: StillClock) -> None:
    take(store, clock)
    before = store.read(NAME).body

    with pytest.raises(AlreadyRunning):
        take(store, clock, "two")

    assert store.read(NAME).body == before


def test_a_lease_that_has_ended_is_taken_over(memory: MemoryStore, clock: StillClock) -> None:
    take(memory, clock)
    clock.sleep(LEASE_SECONDS)

    assert take(memory, clock, "two").head.lease.holder == "two"  # type: ignore[union-attr]


def test_a_lease_that_ends_later_than_any_can_counts_as_ended(memory: MemoryStore, clock: StillClock) -> None:
    take(memory, clock)
    change(memory, lease={"holder": "one", "until": clock.now().timestamp() + 366 * 86_400})

    take(memory, clock, "two")


def test_a_run_that_is_tried_again_need_not_wait_for_its_own_lease(store: Store, clock: StillClock) -> None:
    take(store, clock)

    take(store, clock)


def test_a_lease_of_a_process_that_is_no_more_does_not_count(memory: MemoryStore, clock: StillClock) -> None:
    take(memory, clock, process="boot 7 1")

    with pytest.raises(AlreadyRunning):
        take(memory, clock, "two", is_dead=lambda _: False)
    take(memory, clock, "three", is_dead=lambda process: process == "boot 7 1")


def test_a_write_renews_the_lease(memory: MemoryStore, clock: StillClock) -> None:
    held = take(memory, clock)
    for _ in range(10):
        clock.sleep(LEASE_SECONDS - 1)
        held.write()

    with pytest.raises(AlreadyRunning):
        take(memory, clock, "two")


def test_the_lease_is_renewed_only_where_that_is_due(memory: MemoryStore, clock: StillClock) -> None:
    held = take(memory, clock)
    before = held.version
    held.renew()
    assert held.version == before

    clock.sleep(heads.RENEWED_SECONDS)
    held.renew()
    assert held.version != before


# The fence


def test_the_fence_rises_with_each_run(store: Store, clock: StillClock) -> None:
    fences = [take(store, clock).head.fence for _ in range(3)]

    assert fences == sorted(set(fences))


def test_the_fence_rises_even_where_the_clock_has_gone_back(memory: MemoryStore, clock: StillClock) -> None:
    before = take(memory, clock).head.fence
    earlier = StillClock(clock.now() - timedelta(days=400))
    memory._clock = earlier

    assert take(memory, earlier).head.fence == before + 1


def test_the_fence_of_a_head_made_anew_is_above_that_of_the_one_before(
    memory: MemoryStore, clock: StillClock
) -> None:
    before = take(memory, clock).head.fence
    memory.delete([NAME])
    clock.sleep(1)

    assert take(memory, clock).head.fence > before


# Whose it is, and what it says


def test_the_head_of_another_app_is_refused(store: Store, clock: StillClock) -> None:
    take(store, clock, owner="arn:aws:lambda:eu-west-1:123456789012:function:acme")

    with pytest.raises(StateError, match="belongs to another app: arn:aws:lambda:eu-west-1") as raised:
        take(store, clock, owner="arn:aws:lambda:us-east-1:123456789012:function:acme")

    assert "a bucket of its own" in raised.value.hint


def test_a_format_that_is_newer_is_told_with_what_to_do(memory: MemoryStore, clock: StillClock) -> None:
    take(memory, clock).close()
    change(memory, format=3)

    with pytest.raises(StateError, match="newer version") as raised:
        take(memory, clock)

    assert "pipx upgrade streamalert-apps" in raised.value.hint


def test_the_format_is_always_written(memory: MemoryStore, clock: StillClock) -> None:
    take(memory, clock)

    assert stored(memory)["format"] == heads.FORMAT


def test_what_a_newer_version_says_besides_is_kept(memory: MemoryStore, clock: StillClock) -> None:
    take(memory, clock)
    change(memory, almanac={"2026-03-01T12": 7})

    take(memory, clock).write()

    assert stored(memory)["almanac"] == {"2026-03-01T12": 7}


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"7", b'{"owner": 1}', b'{"format": "x"}', b"\xff\xfe", b"[" * 99_999]
)
def test_a_head_that_can_not_be_read_is_told_and_stays_as_it_is(
    memory: MemoryStore, clock: StillClock, body: bytes
) -> None:
    memory.write(NAME, body, replacing=None)

    with pytest.raises(StateError, match="can't be read") as raised:
        take(memory, clock)

    assert memory.read(NAME).body == body
    advice = raised.value.hint.lower()
    assert "restore" in advice
    assert "delete" not in advice


def test_an_app_that_is_being_removed_does_not_run(memory: MemoryStore, clock: StillClock) -> None:
    take(memory, clock).close()
    change(memory, removed=True)

    with pytest.raises(StateError, match="being removed"):
        take(memory, clock)


def test_a_sealed_head_looks_again_at_what_an_earlier_version_left(
    memory: MemoryStore, clock: StillClock
) -> None:
    take(memory, clock).close()
    change(memory, sealed={"at": 1.0, "state": "other"}, checkpoint={"next": 7})
    left = {"last_timestamp": 1_700_000_000}

    held = heads.take(
        memory,
        Identity("owner", "one"),
        clock=clock,
        deadline=Deadline.never(),
        first_look=HOUR,
        adopt=lambda: left,
    )

    assert (held.head.adopted, held.head.checkpoint, held.head.sealed) == (left, None, None)


# Writing


def test_a_run_that_lost_its_lease_can_not_write(store: Store, clock: StillClock) -> None:
    old = take(store, clock)
    take(store, clock, "one")
    new = store.read(NAME).body

    with pytest.raises(AlreadyRunning, match="Another run has taken over"):
        old.write()

    assert store.read(NAME).body == new


def test_a_head_that_was_removed_is_never_made_anew(store: Store, clock: StillClock) -> None:
    held = take(store, clock)
    store.delete([NAME])

    with pytest.raises(AlreadyRunning, match="removed during the run"):
        held.write()

    assert store.read(NAME).version is None


def test_a_closed_head_refuses_to_write(store: Store, clock: StillClock) -> None:
    held = take(store, clock)
    held.close()
    before = store.read(NAME).body

    with pytest.raises(AlreadyRunning, match="has ended"):
        held.write()

    held.renew()
    assert store.read(NAME).body == before


def test_what_other_threads_have_done_is_brought_in_before_each_write(
    memory: MemoryStore, clock: StillClock
) -> None:
    held = take(memory, clock)
    held.collect = lambda: held.head.requests.append(7.0)

    held.write()

    assert stored(memory)["requests"] == [7.0]


# What S3 answers


def test_a_write_whose_answer_was_lost_is_found_out_by_its_nonce(s3: FakeS3, clock: StillClock) -> None:
    held = take(s3_store(s3, clock), clock)
    held.head.sequence = 7
    s3.spoil(lost)

    held.write()

    assert s3.operations()[-2:] == ["put", "get"]
    assert stored(s3_store(s3, clock))["sequence"] == 7
    held.write()


def test_a_write_that_did_not_take_place_is_sent_again_with_the_same_bytes(
    s3: FakeS3, clock: StillClock
) -> None:
    held = take(s3_store(s3, clock), clock)
    s3.spoil(refused(500, "InternalError"), None, None)

    held.write()

    puts = [request.body for request in s3.requests if request.operation == "put"]
    assert puts[-1] == puts[-2]


def test_a_write_that_lands_late_and_the_one_sent_again_are_one(s3: FakeS3, clock: StillClock) -> None:
    held = take(s3_store(s3, clock), clock)
    held.head.sequence = 7

    def land(_: FakeS3, exchange: Any, request: Any) -> None:
        s3.land()
        fake_s3.send(exchange, s3.answer(request))

    s3.spoil(delayed, None, land)  # the write, the look whether it is there, the write again
    held.write()

    assert stored(s3_store(s3, clock))["sequence"] == 7
    held.write()


def test_a_409_is_no_loss_and_is_tried_again(s3: FakeS3, clock: StillClock) -> None:
    held = take(s3_store(s3, clock), clock)
    s3.spoil(refused(409, "ConditionalRequestConflict"))

    held.write()

    assert stored(s3_store(s3, clock))["nonce"] == held.head.nonce


def test_a_412_by_another_run_ends_this_one(s3: FakeS3, clock: StillClock) -> None:
    store = s3_store(s3, clock)
    held = take(store, clock)
    change(store, nonce="another", lease={"holder": "another", "until": 0})

    with pytest.raises(AlreadyRunning, match="Another run has taken over"):
        held.write()

    assert stored(store)["nonce"] == "another"


def test_a_404_is_a_removal_and_nothing_is_made_anew(s3: FakeS3, clock: StillClock) -> None:
    store = s3_store(s3, clock)
    held = take(store, clock)
    s3.objects.clear()

    with pytest.raises(AlreadyRunning, match="removed"):
        held.write()

    assert not s3.objects


def test_no_two_writes_have_one_version_though_an_etag_is_made_of_the_content(
    s3: FakeS3, clock: StillClock
) -> None:
    held = take(s3_store(s3, clock), clock)
    versions = {held.version}
    for _ in range(5):
        held.write()  # at the same time, with the same fields
        versions.add(held.version)

    assert len(versions) == 6


def test_a_store_that_does_not_answer_is_told_and_the_same_write_is_not_followed_by_another(
    s3: FakeS3, clock: StillClock
) -> None:
    held = take(s3_store(s3, clock), clock)
    s3.spoil(*[refused(503, "SlowDown"), None] * 30)

    with pytest.raises(StateError, match="does not answer"):
        held.write()

    puts = {request.body for request in s3.requests[2:] if request.operation == "put"}
    assert len(puts) == 1


def test_a_write_that_this_run_gave_up_on_and_that_landed_is_its_own(s3: FakeS3, clock: StillClock) -> None:
    held = take(s3_store(s3, clock), clock)
    s3.spoil(lost, *[refused(503, "SlowDown")] * 6)  # the write lands, and nobody can look
    with pytest.raises(StateError):
        held.write()
    held.head.sequence = 8

    held.write()

    assert stored(s3_store(s3, clock))["sequence"] == 8
