"""A backlog of Duo events: the collector beside a bare loop that only fetches, slices, puts and forwards.

Service, bucket and classifier run in a process of their own, so that only the client's CPU is counted.
Both clients use the same libraries (httpx, msgspec, botocore), put objects of 2 MiB and deliver batches of
256 KiB by asynchronous invocations. Each measurement is a process of its own: CPU seconds and peak memory
are its own. Where the system allows it, each has one core, as a function with less than 1,770 MB has at most.

SA_APPS_BENCH_EVENTS and SA_APPS_BENCH_ROUNDS: other numbers than 1,000,000 and 3.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar, Final
from urllib.parse import parse_qs

import msgspec

EVENTS: Final = int(os.environ.get("SA_APPS_BENCH_EVENTS", "1000000"))
ROUNDS: Final = int(os.environ.get("SA_APPS_BENCH_ROUNDS", "3"))
BUCKET: Final = "bench-sa-apps"
PUT_BYTES: Final = 2 << 20
CLASSIFIER: Final = "bench_prod_streamalert_classifier"
APP: Final = "bench_prod_duo_auth_collector_app"


class _Logs(msgspec.Struct):
    authlogs: list[msgspec.Raw]
    metadata: dict[str, Any]


class _Answer(msgspec.Struct):
    response: _Logs


def main() -> None:
    """Print events per CPU-second and peak memory of both, and their relation."""
    rounds: dict[str, list[dict[str, float]]] = {"bare loop": [], "collector": []}
    for _ in range(ROUNDS):
        with _served() as place:  # anew: its last event is as young each time
            for name, results in rounds.items():
                results.append(_measure(name, place))
    speeds = {
        name: statistics.median(r["per_cpu_second"] for r in results) for name, results in rounds.items()
    }
    print(f"{EVENTS:,} events, median of {ROUNDS} (of each client's own process)")
    print(f"{'':12}{'events/CPU s':>14}{'CPU s':>8}{'wall s':>8}{'peak MB':>9}")
    for name, results in rounds.items():
        cpu, wall, peak = (statistics.median(r[key] for r in results) for key in ("cpu", "wall", "peak_mb"))
        print(f"{name:12}{speeds[name]:14,.0f}{cpu:8.2f}{wall:8.2f}{peak:9.1f}")
    print(f"collector / bare loop: {speeds['collector'] / speeds['bare loop']:.2f}")


@contextmanager
def _served() -> Iterator[dict[str, Any]]:
    """Run the server; yield where it is."""
    command = [sys.executable, "-m", __name__, "serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield json.loads(server.stdout.readline())
        server.terminate()


def _measure(name: str, place: dict[str, Any]) -> dict[str, float]:
    environment = os.environ | {
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": place["aws"],
    }
    done = subprocess.run(
        [sys.executable, "-m", __name__, name, json.dumps(place)],
        stdout=subprocess.PIPE,
        env=environment,
        check=True,
        text=True,
    )
    result: dict[str, float] = json.loads(done.stdout)
    if result["events"] != EVENTS:
        raise SystemExit(f"{name} delivered {result['events']} of {EVENTS} events.")
    return result


def _serve() -> None:
    """Serve the service and what the clients use of AWS until standard input ends."""
    from streamalert_apps.sdk.clock import SystemClock
    from streamalert_apps.services import twins
    from streamalert_apps.simulator.server import serve

    clock = SystemClock()
    twin = twins.twin("duo", clock=clock, rate=None)
    end = clock.now() - timedelta(minutes=2)  # Duo shows events that late
    twin.seed("duo_auth", events=EVENTS, burst=5000, late=0, start=end - timedelta(hours=20), end=end)
    aws = ThreadingHTTPServer(("127.0.0.1", 0), _Aws)
    Thread(target=aws.serve_forever, daemon=True).start()
    with serve(twin) as server:
        told = {
            "service": server.url,
            "aws": f"http://127.0.0.1:{aws.server_port}",
            "credentials": dict(twin.credentials),
            "since": (end - timedelta(hours=21)).isoformat(),
        }
        print(json.dumps(told), flush=True)
        sys.stdin.read()


class _Aws(BaseHTTPRequestHandler):
    """A classifier that looks at no invocation, and a bucket."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    kept: ClassVar[dict[str, bytes]] = {}

    def handle_expect_100(self) -> bool:
        self.send_response_only(100)
        self.end_headers()
        return True

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(202)

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.kept[self.path.partition("?")[0]] = body
        self._answer(200, etag=f'"{zlib.crc32(body):08x}"')

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        body = self.kept.get(path)
        if "list-type" in query:
            self._answer(200, self._listing(f"{path.rstrip('/')}/{parse_qs(query).get('prefix', [''])[0]}"))
        elif body is None:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        else:
            self._answer(200, body, etag=f'"{zlib.crc32(body):08x}"')

    def _listing(self, prefix: str) -> bytes:
        found = "".join(
            f"<Contents><Key>{path.split('/', 2)[2]}</Key><Size>{len(body)}</Size>"
            "<LastModified>2026-11-26T12:00:00Z</LastModified></Contents>"
            for path, body in sorted(self.kept.items())
            if path.startswith(prefix)
        )
        return f"<ListBucketResult><IsTruncated>false</IsTruncated>{found}</ListBucketResult>".encode()

    def _answer(self, status: int, body: bytes = b"", etag: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if etag:
            self.send_header("ETag", etag)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def _bare_loop(place: dict[str, Any]) -> int:
    """Fetch pages, slice them, put and deliver them: no checkpoint, no retry, no memory of anything."""
    import httpx
    from botocore.session import Session

    from streamalert_apps.sdk.clock import SystemClock
    from streamalert_apps.sdk.http import Api
    from streamalert_apps.services.duo.app import DuoAuth

    signer = DuoAuth(place["credentials"], Api(clock=SystemClock()))
    host = place["credentials"]["api_hostname"]
    since = int(datetime.fromisoformat(place["since"]).timestamp() * 1000)
    until = int(datetime.now(UTC).timestamp() * 1000)
    client = httpx.Client(base_url=place["service"])
    session = Session()
    classifier: Any = session.create_client("lambda")
    bucket: Any = session.create_client("s3")
    head = f'{{"Records":[{{"streamalert_app":"{APP}","logs":['.encode()
    delivered, offset = 0, ""
    waiting: list[msgspec.Raw] = []
    waiting_bytes = 0

    def deliver(batch: list[msgspec.Raw]) -> None:
        payload = b"".join((head, b",".join(batch), b"]}]}"))
        answer = classifier.invoke(
            FunctionName=CLASSIFIER, Qualifier="production", InvocationType="Event", Payload=payload
        )
        answer["Payload"].read()

    while True:
        query = f"limit=1000&maxtime={until}&mintime={since}{offset}&sort=ts%3Aasc"
        headers = {"Host": host, **signer._signed(host, query)}
        body = client.get(f"{DuoAuth.path}?{query}", headers=headers).content
        logs = msgspec.json.decode(body, type=_Answer).response
        batch: list[msgspec.Raw] = []
        size = 0
        for log in logs.authlogs:
            if size + len(log) > 256 << 10:
                deliver(batch)
                batch, size = [], 0
            batch.append(log)
            size += len(log) + 1
        deliver(batch)
        delivered += len(logs.authlogs)
        waiting += logs.authlogs
        waiting_bytes += len(body)
        more = bool(logs.metadata.get("next_offset"))
        if waiting_bytes >= PUT_BYTES or not more:
            bucket.put_object(Bucket=BUCKET, Key=f"bare/{delivered}", Body=b"\n".join(waiting))
            waiting, waiting_bytes = [], 0
        if not more:
            return delivered
        offset = "&next_offset=" + "%2C".join(logs.metadata["next_offset"])


def _collector(place: dict[str, Any]) -> int:
    """Run the collector as the Lambda function does."""
    from botocore.session import Session

    from streamalert_apps.runtime.collect import Terms, collect
    from streamalert_apps.runtime.delivery import Outlet
    from streamalert_apps.runtime.destinations.classifier import ClassifierLambda
    from streamalert_apps.runtime.head import Identity
    from streamalert_apps.runtime.store.s3 import S3Store
    from streamalert_apps.sdk.clock import Deadline, SystemClock
    from streamalert_apps.sdk.http import Api
    from streamalert_apps.services.duo.app import DuoAuth

    clock, never = SystemClock(), Deadline.never()
    api = Api(clock=clock, simulator=place["service"])
    session = Session()
    classifier: Any = session.create_client("lambda")
    s3 = session.create_client("s3")
    store = S3Store(s3, BUCKET, f"{APP}-{os.getpid()}", "", clock=clock, deadline=never)
    outcome = collect(
        lambda: DuoAuth(place["credentials"], api),
        store,
        {"classifier": Outlet(ClassifierLambda(classifier, CLASSIFIER, APP))},
        Terms(
            Identity("bench", "bench"),
            clock,
            never,
            first_look=clock.now() - datetime.fromisoformat(place["since"]),
        ),
    )
    if outcome.error:
        raise outcome.error
    return min(outcome.events, outcome.delivered["classifier"].events)


CLIENTS: Final[dict[str, Callable[[dict[str, Any]], int]]] = {
    "bare loop": _bare_loop,
    "collector": _collector,
}


def _client(name: str, place: dict[str, Any]) -> None:
    if sys.platform == "linux":
        os.sched_setaffinity(0, [max(os.sched_getaffinity(0))])
    wall, cpu = time.perf_counter(), time.process_time()
    events = CLIENTS[name](place)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told = {"events": events, "cpu": cpu, "wall": wall, "per_cpu_second": events / cpu, "peak_mb": peak}
    print(json.dumps(told))


if __name__ == "__main__":
    # Lambda has no click; where the test tools bring it, httpx loads Rich beside it.
    sys.modules["click"] = None  # type: ignore[assignment]
    if sys.argv[1] == "serve":
        _serve()
    else:
        _client(sys.argv[1], json.loads(sys.argv[2]))
