"""Runs seeds, tells what happened; replays one of them; shows that what is broken on purpose is noticed."""

from __future__ import annotations

import argparse
import io
import os
import sys
import time
from collections import Counter
from collections.abc import Collection, Iterable
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import partial
from multiprocessing import Pool
from tempfile import TemporaryDirectory
from typing import Final

import pytest

from tests.simulation.breaking import Mutation
from tests.simulation.mutations import MUTATIONS
from tests.simulation.world import World

SEEDS: Final = 2000
MUTANT_SEEDS: Final = 300  # none of the mutations may live through so many


@dataclass(frozen=True, slots=True)
class Result:
    """What one seed came to."""

    seed: int
    violations: tuple[str, ...]
    events: int
    ends: Counter[str]
    faults: Counter[str]
    repeats: Counter[str]


def run(seed: int, muted: frozenset[str] = frozenset()) -> Result:
    """Run one seed."""
    world = World(seed, muted=muted)
    judge = world.run()
    return Result(
        seed,
        tuple(judge.violations),
        judge.events,
        world.ends,
        world.luck.faults,
        judge.repeats,
    )


def main(words: list[str]) -> int:
    """Return 0 where every promise was kept."""
    options = _options(words)
    if options.mutations:
        return _mutate(options.mutation or MUTATIONS, options.jobs)
    muted = frozenset(options.without)
    if options.seed is not None:
        return _replay(options.seed, muted)
    began = time.monotonic()
    seeds = range(options.first, options.first + options.seeds)
    with Pool(options.jobs) as pool:
        results = list(pool.imap_unordered(partial(run, muted=muted), seeds, chunksize=8))
    _tell(results, time.monotonic() - began)
    broken = sorted((result for result in results if result.violations), key=lambda result: result.seed)
    for result in broken[:20]:
        _say(f"\nseed {result.seed}: {result.violations[0]}\n  {_command(result.seed, muted)}")
    if broken:
        needless = _needless(broken[0], muted)
        _say(f"  with no more faults than it takes: {_command(broken[0].seed, needless)}")
    return int(bool(broken))


def _options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"how many (default: {SEEDS})")
    parser.add_argument("--first", type=int, default=0, help="the first one (default: 0)")
    parser.add_argument("--seed", type=int, help="replay this one, and tell what happens")
    parser.add_argument("--without", action="append", default=[], metavar="FAULT", help="leave a fault out")
    parser.add_argument("--mutations", action="store_true", help="break each guarantee on purpose")
    parser.add_argument(
        "--mutation", action="append", metavar="WORDS", help="with --mutations: this one alone"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes (default: one a CPU)")
    return parser.parse_args(words)


def _replay(seed: int, muted: frozenset[str]) -> int:
    world = World(seed, muted=muted, tell=_say)
    _say(str(world.plan))
    judge = world.run()
    for violation in judge.violations:
        _say(f"broken: {violation}")
    return int(bool(judge.violations))


def _needless(broken: Result, muted: frozenset[str]) -> frozenset[str]:
    """Return the faults without which a seed fails nevertheless."""
    for kind in sorted(broken.faults):
        if run(broken.seed, muted | {kind}).violations:
            muted |= {kind}
    return muted


def caught_by(name: str, seeds: Iterable[int]) -> tuple[int, str] | None:
    """Return the first seed that notices a mutation, and how; one that fails without it proves nothing."""
    for seed in seeds:
        with MUTATIONS[name].applied():
            violations = run(seed).violations
        if violations and not run(seed).violations:
            return seed, violations[0]
    return None


class _Failure:
    """What pytest says of the first test that failed."""

    words = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.words:
            lines = [line for line in report.longreprtext.splitlines() if line.startswith("E ")]
            self.words = lines[0][1:].strip() if lines else "it failed"


def _noticed_by(test: str, mutation: Mutation) -> str:
    """Return how a test notices a mutation; empty where it does not."""
    failure = _Failure()
    # Processes that share pytest's folder for temporary files clean it from under each other.
    with mutation.applied(), redirect_stdout(io.StringIO()), TemporaryDirectory() as folder:
        words = ["-q", "-x", "-p", "no:cacheprovider", f"--basetemp={folder}/tests", test]
        code = pytest.main(words, plugins=[failure])
    return failure.words if code == pytest.ExitCode.TESTS_FAILED else ""


def _noticed(name: str) -> tuple[str, str] | None:
    """Return what notices a mutation, and how: its seed, else others, or its test."""
    mutation = MUTATIONS[name]
    if mutation.test:
        words = _noticed_by(mutation.test, mutation)
        return (mutation.test.partition("::")[2], words) if words else None
    caught = caught_by(name, (mutation.seed, *range(MUTANT_SEEDS)))
    return (f"seed {caught[0]}", caught[1]) if caught else None


def _mutate(names: Collection[str], jobs: int) -> int:
    """Show what notices each mutation."""
    began = time.monotonic()
    with Pool(jobs) as pool:
        caught = pool.map(_noticed, names, chunksize=1)
    for name, result in zip(names, caught, strict=True):
        _say(f"{name:<65} " + (f"{result[0]}: {result[1][:80]}" if result else "LIVES"))
    living = caught.count(None)
    seconds = time.monotonic() - began
    _say(f"\nmutations {len(names)}, caught {len(names) - living} in {seconds:.0f} s")
    return int(bool(living))


def _tell(results: list[Result], seconds: float) -> None:
    lost = sum(words.startswith("lost") for result in results for words in result.violations)
    count = len(results)
    _say(f"seeds {count:,} in {seconds:.0f} s ({count / seconds * 60:,.0f} a minute)")
    _table("invocations", _sum(result.ends for result in results))
    _table("faults injected", _sum(result.faults for result in results))
    _table("repeats explained", _sum(result.repeats for result in results))
    _say(f"\nevents {sum(result.events for result in results):,}, lost {lost}")
    _say(f"seeds with a broken promise: {sum(bool(result.violations) for result in results)}")


def _table(title: str, counts: Counter[str]) -> None:
    _say(f"\n{title} {counts.total():,}")
    for name, count in counts.most_common():
        _say(f"  {count:>9,}  {name}")


def _sum(counters: Iterable[Counter[str]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for counter in counters:
        total.update(counter)
    return total


def _command(seed: int, muted: frozenset[str]) -> str:
    without = "".join(f" --without '{kind}'" for kind in sorted(muted))
    return f"nox -s simulation -- --seed {seed}{without}"


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
