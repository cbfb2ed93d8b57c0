"""A store that ends with the process: for runs that leave no trace, for tests and benchmarks."""

from __future__ import annotations

import builtins
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from threading import Lock

from streamalert_apps.runtime.store import Conflict, Gone, Item, Read
from streamalert_apps.sdk.clock import Clock, SystemClock


@dataclass(frozen=True, slots=True)
class _Object:
    body: bytes
    version: str
    written: datetime


class MemoryStore:
    """A store that many threads may share."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._objects: dict[str, _Object] = {}
        self._versions = count(1)
        self._lock = Lock()

    def read(self, name: str) -> Read:
        """Return a small mutable object with its version."""
        found = self._objects.get(name)
        return Read(found.body if found else b"", found.version if found else None, self._clock.now())

    def write(self, name: str, body: bytes, *, replacing: str | None) -> str:
        """Replace that version (None: nothing is there); return the new one."""
        with self._lock:
            found = self._objects.get(name)
            if found is None and replacing is not None:
                raise Gone(f"{name} is not there any more.")
            if found and found.version != replacing:
                raise Conflict(f"{name} was written by somebody else.")
            return self._keep(name, body)

    def put(self, name: str, body: bytes) -> None:
        """Write an object once."""
        with self._lock:
            found = self._objects.get(name)
            if found is None:
                self._keep(name, body)
            elif found.body != body:
                raise Conflict(f"{name} already exists, with other bytes.")

    def get(self, name: str) -> bytes | None:
        """Return an object, or None where it is not there."""
        found = self._objects.get(name)
        return found.body if found else None

    def list(self, prefix: str) -> builtins.list[Item]:
        """Return the objects whose names begin so, sorted by name."""
        with self._lock:
            return [
                Item(name, len(found.body), found.written)
                for name, found in sorted(self._objects.items())
                if name.startswith(prefix)
            ]

    def delete(self, names: Iterable[str]) -> None:
        """Delete objects; fine where they are not there."""
        with self._lock:
            for name in names:
                self._objects.pop(name, None)

    def _keep(self, name: str, body: bytes) -> str:
        version = str(next(self._versions))
        self._objects[name] = _Object(bytes(body), version, self._clock.now())
        return version
