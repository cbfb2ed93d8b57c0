"""A million ids on record: how much memory a run takes to know them, and how long that lasts."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
import tracemalloc
from functools import partial
from typing import Final

from streamalert_apps.runtime.memory import Kept, Memory
from streamalert_apps.sdk.ids import hashing

IDS: Final = 1_000_000
COMMIT: Final = 5_000
ASKED: Final = 10_000
NOW: Final = 1_700_000_000.0


def filled() -> tuple[Kept, dict[str, bytes]]:
    """Return what a head holds of a million ids, and the segments; commit by commit, each a run's."""
    short = hashing(b"key")
    objects: dict[str, bytes] = {}
    kept = Kept()
    for start in range(0, IDS, COMMIT):
        memory = Memory.of(kept, b"key", objects.__getitem__)
        memory.add([short(f"{number}") for number in range(start, start + COMMIT)], [NOW] * COMMIT)
        objects |= dict(memory.spill(NOW, partial(str, start)))
        kept = memory.kept()
    named = {segment.name for segment in kept.segments}
    return kept, {name: body for name, body in objects.items() if name in named}


def measure() -> None:
    """Print what one run takes: bytes that Python gave out, and by how much the process grew."""
    kept, objects = filled()
    short = hashing(b"key")
    strange = [short(f"strange {number}") for number in range(ASKED)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tracemalloc.start()
    # A copy each, as a store would give: what is read takes room, too.
    memory = Memory.of(kept, b"key", lambda name: bytes(bytearray(objects[name])))
    began = time.perf_counter()
    assert memory.known(strange, [NOW] * ASKED) == set()  # it has to look everywhere
    seconds = time.perf_counter() - began
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    began = time.perf_counter()
    memory.known(strange, [NOW] * ASKED)
    again = time.perf_counter() - began
    print(f"{IDS:,} ids in {len(kept.segments)} segments of {sum(map(len, objects.values())) / 1e6:.1f} MB")
    print(f"held {held / 1e6:.1f} MB, at most {peak / 1e6:.1f} MB; the process grew by {grown / 1e3:.1f} MB")
    print(f"{ASKED:,} ids that are not on record: {seconds:.2f} s at first, traced, {again:.2f} s then")


def main() -> None:
    """Measure in a process of its own."""
    subprocess.run([sys.executable, "-c", "from tests.bench import memory; memory.measure()"], check=True)


if __name__ == "__main__":
    main()
