"""What is done once before several threads read JSON."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import msgspec

from streamalert_apps.runtime.head import Head, Position, Run
from streamalert_apps.runtime.priming import prime

looked_at: list[str] = []


def seen(name: str) -> type:
    looked_at.append(name)
    return int


class Outer(msgspec.Struct):
    one: seen("outer")  # type: ignore[valid-type]


class Below(Outer):
    two: seen("below")  # type: ignore[valid-type]


class Broken(msgspec.Struct):
    three: nothing_of_this_name  # type: ignore[name-defined] # noqa: F821


def test_every_type_is_looked_at_before_two_threads_can_do_so_at_once() -> None:
    prime()

    assert {"outer", "below"} <= set(looked_at)
    before = len(looked_at)
    msgspec.convert({"one": 1, "two": 2}, Below)
    assert len(looked_at) == before


HEADS = """
import sys
from datetime import UTC, datetime
from threading import Barrier
from types import SimpleNamespace
from streamalert_apps.runtime.store import Read
from streamalert_apps.serve import heads

AT_ONCE = 8
together = Barrier(AT_ONCE)

class Store:
    def read(self, name):
        together.wait()
        return Read(sys.argv[1].encode(), "1", datetime.now(UTC))

heads._local = lambda project: lambda app: Store()
project = SimpleNamespace(account=SimpleNamespace(local=True, store=None))
sys.setswitchinterval(1e-6)
print(len(heads.read_all(project, [None] * AT_ONCE, None, AT_ONCE)))
"""


def test_heads_that_are_read_at_once_crash_nothing() -> None:
    run = Run(datetime.now(UTC), "succeeded", 1.0, 1, 1, 0, 1)
    head = Head(birth="b", key="ab", owner="o", fence=1, runs=[run], positions={"file": Position(1)})
    command = [sys.executable, "-c", HEADS, msgspec.json.encode(head).decode()]
    for _ in range(10):  # one in a few would crash
        ran = subprocess.run(command, check=True, capture_output=True, text=True)
        assert ran.stdout == "8\n"
