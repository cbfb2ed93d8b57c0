"""Breaking one thing on purpose: patches of the collector, and who is to notice."""

from __future__ import annotations

import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias
from unittest import mock

Patch: TypeAlias = "Callable[[], AbstractContextManager[Any]]"


@dataclass(frozen=True, slots=True)
class Mutation:
    """What is broken, as patches, and the seed that notices; where no seed can, `test` does."""

    patches: tuple[Patch, ...]
    seed: int = 0
    test: str = ""

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Let it be broken for a while."""
        with ExitStack() as stack:
            for patch in self.patches:
                stack.enter_context(patch())
            yield


def by_seed(seed: int, *patches: Patch) -> Mutation:
    """Return a mutation that a seed notices."""
    return Mutation(patches, seed=seed)


def by_test(test: str, *patches: Patch) -> Mutation:
    """Return a mutation that a test notices, by its place below tests/."""
    return Mutation(patches, test=f"tests/{test}")


def edit(owner: Any, name: str, *changes: tuple[str, str]) -> Patch:
    """Return a patch of a function in whose source something has another thing's place."""

    @contextmanager
    def patched() -> Iterator[None]:
        function = inspect.unwrap(inspect.getattr_static(owner, name))
        source = textwrap.dedent(inspect.getsource(function))
        for old, new in changes:
            if source.count(old) != 1:
                raise LookupError(f"{name} has {source.count(old)} times {old!r}")
            source = source.replace(old, new)
        made: dict[str, Any] = {}
        code = compile(f"from __future__ import annotations\n{source}", f"<{name}, broken>", "exec")
        module = sys.modules[owner.__module__ if inspect.isclass(owner) else owner.__name__]
        exec(code, vars(module), made)
        with instead(owner, name, made[name])():
            yield

    return patched


def instead(owner: Any, name: str, thing: Any) -> Patch:
    """Return a patch that puts a thing in another one's place, wherever it was imported to."""

    @contextmanager
    def patched() -> Iterator[None]:
        there = inspect.getattr_static(owner, name)
        holders = [owner]
        if inspect.isfunction(there):
            holders += [
                module
                for module in [*sys.modules.values()]
                if module is not owner
                and module.__name__.startswith("streamalert_apps.")
                and vars(module).get(name) is there
            ]
        with ExitStack() as stack:
            for holder in holders:
                stack.enter_context(mock.patch.object(holder, name, thing))
            yield

    return patched
