"""A part of an app's part of a store: what has a record of its own beside the app's."""

from __future__ import annotations

import builtins
from collections.abc import Iterable
from dataclasses import dataclass, replace

from streamalert_apps.runtime.store import Item, Read, Store


@dataclass(frozen=True, slots=True)
class Part:
    """All names of it begin with `prefix` in the whole store."""

    store: Store
    prefix: str

    def read(self, name: str) -> Read:
        """Return a small mutable object with its version; consistent."""
        return self.store.read(self.prefix + name)

    def write(self, name: str, body: bytes, *, replacing: str | None) -> str:
        """Replace that version (None: nothing is there); return the new one."""
        return self.store.write(self.prefix + name, body, replacing=replacing)

    def put(self, name: str, body: bytes) -> None:
        """Write an object once."""
        self.store.put(self.prefix + name, body)

    def get(self, name: str) -> bytes | None:
        """Return an object, or None where it is not there."""
        return self.store.get(self.prefix + name)

    def list(self, prefix: str) -> builtins.list[Item]:
        """Return the objects whose names begin so, sorted by name."""
        return [
            replace(item, name=item.name.removeprefix(self.prefix))
            for item in self.store.list(self.prefix + prefix)
        ]

    def delete(self, names: Iterable[str]) -> None:
        """Delete objects; fine where they are not there."""
        self.store.delete([self.prefix + name for name in names])
