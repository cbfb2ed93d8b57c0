"""Events on record to `s3` and to `http`: the forwarder beside a bare loop that reads, packs and sends them.

Bucket and endpoint run in a process of their own, so that only the client's CPU is counted. Both clients read
the same objects of 4 MiB, and send the same bytes: objects by the hour, posts of 500 events, compressed. Each
measurement is a process of its own, which first puts a backlog of Duo events on record, unmeasured.

SA_APPS_BENCH_EVENTS and SA_APPS_BENCH_ROUNDS: other numbers than 200,000 and 5.
"""

from __future__ import annotations

import gzip
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tests.bench.collect import BUCKET, EVENTS, ROUNDS

if TYPE_CHECKING:
    from streamalert_apps.runtime.store.s3 import S3Store

KINDS: Final = ("s3", "http")
CLIENTS: Final = ("bare loop", "forwarder")
LAKE: Final = "bench-lake"
POST_EVENTS: Final = 500
NAME: Final = "sink"
TOKEN: Final = "t0ken"


def main() -> None:
    """Print events per CPU-second of both for each kind, and their relation."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.bench.collect", "serve"],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        place = json.loads(server.stdout.readline())
        print(f"{EVENTS:,} events on record, median of {ROUNDS} (of each client's own process)")
        print(f"{'':6}{'':12}{'events/CPU s':>14}{'events/s':>10}")
        for kind in KINDS:
            _compare(kind, place)
        server.terminate()


def _compare(kind: str, place: dict[str, Any]) -> None:
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in CLIENTS}
    for _ in range(ROUNDS):
        for name, results in rounds.items():
            results.append(_measure(kind, name, place))
    speeds = {name: statistics.median(EVENTS / r["cpu"] for r in results) for name, results in rounds.items()}
    for name, results in rounds.items():
        pace = statistics.median(EVENTS / r["wall"] for r in results)
        print(f"{kind:6}{name:12}{speeds[name]:14,.0f}{pace:10,.0f}")
    print(f"{kind:6}forwarder / bare loop: {speeds['forwarder'] / speeds['bare loop']:.2f}")


def _measure(kind: str, name: str, place: dict[str, Any]) -> dict[str, float]:
    environment = os.environ | {
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": place["aws"],
    }
    words = [sys.executable, "-m", __name__, kind, name, json.dumps(place)]
    done = subprocess.run(words, stdout=subprocess.PIPE, env=environment, check=True, text=True)
    result: dict[str, float] = json.loads(done.stdout)
    if result["events"] != EVENTS:
        raise SystemExit(f"{name} delivered {result['events']} of {EVENTS} events to {kind}.")
    return result


def _client(kind: str, name: str, place: dict[str, Any]) -> None:
    """Put events on record, unmeasured; deliver them, measured."""
    store = _store()
    _run(store, place, {})
    objects = sorted(item.name for item in store.list("") if "/journal/" in item.name)
    deliver: Callable[[], int] = {
        "bare loop": lambda: _bare_loop(kind, store, objects, place["aws"]),
        "forwarder": lambda: _forwarder(kind, store, place),
    }[name]
    wall, cpu = time.perf_counter(), time.process_time()
    events = deliver()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    print(json.dumps({"events": events, "cpu": cpu, "wall": wall}))


def _store() -> S3Store:
    import boto3

    from streamalert_apps.runtime.store.s3 import S3Store
    from streamalert_apps.sdk.clock import Deadline, SystemClock

    return S3Store(
        boto3.client("s3"), BUCKET, f"to-{os.getpid()}", "", clock=SystemClock(), deadline=Deadline.never()
    )


def _bare_loop(kind: str, store: S3Store, objects: list[str], url: str) -> int:
    """Read objects, slice them, pack and send what they hold: no position, no retry, no answer read."""
    import boto3
    import httpx

    bucket: Any = boto3.client("s3")
    client = httpx.Client()
    headers = {
        "Authorization": f"Bearer {TOKEN}",
        "Content-Encoding": "gzip",
        "Content-Type": "application/x-ndjson",
    }
    delivered = 0
    for name in objects:
        folders: dict[str, list[bytes]] = {}
        events: list[bytes] = []
        for line in (store.get(name) or b"").splitlines():
            head, _, raw = line.partition(b',"raw":')
            events.append(raw[:-1])
            if kind == "s3":
                hour = datetime.fromtimestamp(msgspec.json.decode(head + b"}")["at"], UTC).strftime(
                    "%Y-%m-%d/%H"
                )
                folders.setdefault(hour, []).append(raw[:-1])
        for hour, some in folders.items():
            body = gzip.compress(b"\n".join(some) + b"\n", compresslevel=6, mtime=0)
            bucket.put_object(Bucket=LAKE, Key=f"{hour}/{os.getpid()}{name}", Body=body, IfNoneMatch="*")
        for start in range(0, len(events) if kind == "http" else 0, POST_EVENTS):
            body = b"\n".join(events[start : start + POST_EVENTS]) + b"\n"
            packed = gzip.compress(body, compresslevel=6, mtime=0)
            client.post(f"{url}/in", content=packed, headers=headers).raise_for_status()
        delivered += len(events)
    return delivered


def _forwarder(kind: str, store: S3Store, place: dict[str, Any]) -> int:
    """Deliver what is on record, as the function does."""
    settings: dict[str, Mapping[str, Any]] = {
        "s3": {"bucket": LAKE, "prefix": f"{os.getpid()}/"},
        "http": {"url": f"{place['aws']}/in"},
    }
    return _run(store, place, {"type": kind, **settings[kind]})


def _run(store: S3Store, place: dict[str, Any], definition: Mapping[str, Any]) -> int:
    """Collect, and forward to this destination, or to one that is down; return how many it was given."""
    import boto3

    from streamalert_apps.errors import DeliveryRefused
    from streamalert_apps.runtime import kinds, outlets
    from streamalert_apps.runtime.collect import Terms, collect
    from streamalert_apps.runtime.delivery import Outlet
    from streamalert_apps.runtime.head import Identity
    from streamalert_apps.runtime.sink import Setup, Source
    from streamalert_apps.sdk.clock import Deadline, SystemClock
    from streamalert_apps.sdk.http import Api
    from streamalert_apps.services.duo.app import DuoAuth

    clock, never = SystemClock(), Deadline.never()

    def setup(definition: outlets.Definition, given: dict[str, Any]) -> Setup:
        return Setup(
            definition.name,
            given,
            lambda: {"token": TOKEN},
            Source("collector", "duo_auth", "bench"),
            clock,
            never,
            cache(lambda service, _: boto3.client(service)),
            lambda: Api(clock=clock, loopback=True),
        )

    outlet = Outlet(outlets.Unusable(DeliveryRefused("It is down.")))
    if definition:
        outlet = outlets.outlet(outlets.Definition(NAME, dict(definition)), kinds.find, setup)
    outcome = collect(
        lambda: DuoAuth(place["credentials"], Api(clock=clock, simulator=place["service"])),
        store,
        {NAME: outlet},
        Terms(
            Identity("bench", "bench"),
            clock,
            never,
            first_look=clock.now() - datetime.fromisoformat(place["since"]),
        ),
    )
    if definition and outcome.error:
        raise outcome.error
    return outcome.delivered[NAME].events


if __name__ == "__main__":
    sys.modules["click"] = None  # type: ignore[assignment] # as in the benchmark of collecting
    _client(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))
