"""The stores that the suite runs against: in memory, in a folder, in moto's S3, in one that misbehaves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from streamalert_apps.runtime.store.local import LocalStore
from streamalert_apps.runtime.store.memory import MemoryStore
from streamalert_apps.runtime.store.s3 import S3Store
from streamalert_apps.sdk.clock import Deadline
from tests.runtime.store import fake_s3
from tests.runtime.store.fake_s3 import OWNER, FakeS3
from tests.simulator.world import StillClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from streamalert_apps.runtime.store import Store

BUCKET = "acme-sa-apps"
PREFIX = "acme_prod_duo_auth_collector_app"
READ_SECONDS = 20.0


@dataclass(frozen=True)
class Stores:
    """Opens the same store again and again, and that of another app beside it."""

    open: Callable[[], Store]
    other: Callable[[], Store]
    atomic: bool = True  # moto looks, then writes: of several threads, more than one may succeed


@pytest.fixture(params=["memory", "local", "s3", "fake_s3"])
def stores(request: pytest.FixtureRequest) -> Stores:
    made: Stores = request.getfixturevalue(f"{request.param}_stores")
    return made


@pytest.fixture
def store(stores: Stores) -> Store:
    return stores.open()


@pytest.fixture
def memory_stores() -> Stores:
    one = MemoryStore()
    return Stores(lambda: one, MemoryStore)


@pytest.fixture
def local_stores(tmp_path: Path) -> Stores:
    folder = tmp_path / ".sa-apps"
    return Stores(lambda: LocalStore(folder, PREFIX), lambda: LocalStore(folder, f"{PREFIX}2"))


@pytest.fixture
def s3_stores(moto_url: str) -> Stores:
    client = s3_client(moto_url)
    client.create_bucket(Bucket=BUCKET)
    return replace(_in_bucket(client), atomic=False)


@pytest.fixture
def fake_s3_stores(s3: FakeS3) -> Stores:
    return _in_bucket(s3_client(s3.url))


@pytest.fixture
def s3() -> Iterator[FakeS3]:
    with fake_s3.serve() as s3:
        yield s3


@cache
def _session() -> Any:
    """Clients of one session share what is slow to load."""
    return boto3.Session("testing", "testing", region_name="us-east-1")


def s3_client(url: str, read_seconds: float = READ_SECONDS) -> Any:
    """Return a client that tries once."""
    config = Config(
        connect_timeout=3,
        read_timeout=read_seconds,
        retries={"total_max_attempts": 1, "mode": "standard"},
        s3={"addressing_style": "path"},
    )
    return _session().client("s3", endpoint_url=url, config=config)


def _in_bucket(client: Any) -> Stores:
    def opened(prefix: str) -> Store:
        return S3Store(client, BUCKET, prefix, OWNER, clock=StillClock(), deadline=Deadline.never())

    return Stores(lambda: opened(PREFIX), lambda: opened(f"{PREFIX}2"))
