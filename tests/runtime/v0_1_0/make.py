"""Makes states.json by running 0.1.0 itself.

git worktree add ../v0_1_0 69ef5ff
PYTHONPATH=../v0_1_0/src python tests/runtime/v0_1_0/make.py
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
feeds = import_module("feeds")

NOW = 3000.0
FIRST_LOOK = timedelta(seconds=2400)


@dataclass
class Clock:
    """A clock that stands still."""

    time: datetime

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@dataclass
class Destination:
    """Takes batches until it has had enough."""

    most: float = float("inf")
    events: list[Any] = field(default_factory=list)

    def forward(self, batch: Sequence[Any]) -> None:
        if len(self.events) >= self.most:
            raise import_module("streamalert_apps.errors").DeliveryRefused("Enough.")
        self.events += [json.loads(bytes(event)) for event in batch]


def old(name: str) -> Any:
    return import_module(f"streamalert_apps.{name}")


def sdk() -> Any:
    watermark, stream, catalogue = old("sdk.watermark"), old("sdk.stream"), old("sdk.catalogue")
    numbered, integration = old("sdk.numbered"), old("sdk.integration")
    return SimpleNamespace(
        Fetched=old("sdk.events").Fetched,
        OldestFirst=watermark.OldestFirst,
        NewestFirst=watermark.NewestFirst,
        AnyOrder=watermark.AnyOrder,
        Stream=stream.Stream,
        Catalogue=catalogue.Catalogue,
        Numbered=numbered.Numbered,
        numbered_page=numbered.NumberedPage,
        AppIntegration=integration.AppIntegration,
    )


def run(kind: Any, clock: Clock, slot: Any, destination: Destination, left: Callable[[], float]) -> None:
    """Collect once."""
    api = old("sdk.http").Api(clock=clock)
    terms = old("runtime.collect").Terms(
        "run", clock, old("sdk.clock").Deadline(left), timedelta(minutes=10), FIRST_LOOK
    )
    batches = old("runtime.batch").Batches(lambda *_: "", 300)
    old("runtime.collect").collect(lambda: kind({}, api), slot, destination, batches, terms)


def state(name: str, *, pages: float, most: float) -> dict[str, Any]:
    """Return the state after a run that was cut after some pages, or whose destination had enough."""
    service = feeds.Service(feeds.events(NOW, named=name != "old_nameless"))
    clock = Clock(feeds.moment(NOW))
    kind = feeds.feeds(sdk(), service)[name]
    slot, destination = old("runtime.state").MemorySlot(), Destination(most)
    asked = 0

    def left() -> float:
        nonlocal asked
        asked += 1
        return 100.0 if asked <= pages else 0.0

    run(kind, clock, slot, destination, left)
    return {"state": json.loads(slot.read().text), "delivered": destination.events}


def main() -> None:
    """Write the states."""
    names = feeds.feeds(sdk(), feeds.Service([]))
    cases = {"whole": (float("inf"), float("inf")), "cut": (6, float("inf")), "half": (float("inf"), 64)}
    made = {
        f"{name} {case}": state(name, pages=pages, most=most)
        for name in names
        for case, (pages, most) in cases.items()
    }
    path = Path(__file__).with_name("states.json")
    path.write_text(json.dumps(made, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
