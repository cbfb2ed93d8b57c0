"""What is done once before several threads collect."""

from __future__ import annotations

import msgspec

from streamalert_apps.serve.priming import prime

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
