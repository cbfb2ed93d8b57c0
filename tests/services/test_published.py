"""Twins' answers against what vendors publish of them: which fields there are, and of which kind.

A file in published/ says it of one app type: the answers by the end of their path (`*`: anything), and the
shapes in them. A shape is an object of fields; a list is of its one item; `a|b` is one of these words. What
is null is as if it were not there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import httpx
import pytest

from streamalert_apps.sdk.app import service_of
from streamalert_apps.services import twins
from tests.services.altered import Recorded
from tests.simulator.world import NOW, StillClock

PUBLISHED = Path(__file__).parent / "published"
START = NOW - timedelta(hours=2)
KINDS: dict[str, Any] = {
    "any": object,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "object": dict,
    "string": str,
}


def fits(value: Any, kind: str) -> bool:
    if "|" in kind:
        return value in kind.split("|")
    if kind == "time":
        return datetime.fromisoformat(value) is not None
    is_number = kind in {"integer", "number"}
    return isinstance(value, KINDS[kind]) and not (is_number and isinstance(value, bool))


def wrong(value: Any, shape: Any, shapes: Mapping[str, Any], place: str) -> Iterator[str]:
    """Yield where a value is not of its shape."""
    match shapes.get(shape, shape) if isinstance(shape, str) else shape:
        case _ if value is None:
            return
        case str() as kind:
            if not fits(value, kind):
                yield f"{place} is {value!r}, which is no {kind}"
        case [item]:
            for one in value:
                yield from wrong(one, item, shapes, f"{place}[]")
        case fields:
            yield from (f"{place} has {name}" for name in value.keys() - fields.keys())
            for name in value.keys() & fields.keys():
                yield from wrong(value[name], fields[name], shapes, f"{place}.{name}")


@pytest.mark.parametrize("app_type", sorted(path.stem for path in PUBLISHED.glob("*.json")))
def test_every_answer_is_as_its_vendor_publishes(app_type: str) -> None:
    document = json.loads((PUBLISHED / f"{app_type}.json").read_text("utf-8"))
    bodies: dict[str, list[bytes]] = {end: [] for end in document["answers"]}

    def note(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        for end, seen in bodies.items():
            if response.is_success and fnmatchcase(request.url.path, f"*{end}"):
                seen.append(response.content)
        return response

    twin = twins.twin(service_of(app_type), clock=StillClock(), page_size=20)
    twin.seed(app_type, events=200, late=0, start=START, end=NOW - timedelta(hours=1))
    Recorded(twin, app_type, START, note).run(seconds=3600)

    for end, shape in document["answers"].items():
        assert bodies[end], f"{end} was not asked for"
        found = {
            said for body in bodies[end] for said in wrong(json.loads(body), shape, document["shapes"], end)
        }
        assert found == set()


def test_a_field_that_is_not_published_or_of_another_kind_is_found() -> None:
    shapes = {"Event": {"id": "integer", "kind": "a|b", "tags": ["string"], "at": "time"}}
    event = {"id": "7", "kind": "c", "tags": [1], "at": None, "made": "up"}

    assert set(wrong([event], ["Event"], shapes, "/x")) == {
        "/x[].id is '7', which is no integer",
        "/x[].kind is 'c', which is no a|b",
        "/x[].tags[] is 1, which is no string",
        "/x[] has made",
    }
