"""Twins' answers against what vendors publish of them: the schemas of their OpenAPI documents.

A file holds the schema of each answer by the end of its path. Formats are left to the tests of the times.
"""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from jsonschema import Draft202012Validator

from streamalert_apps.sdk.app import service_of
from streamalert_apps.services import twins
from tests.services.altered import Recorded
from tests.simulator.world import NOW, StillClock

PUBLISHED = Path(__file__).parent / "published"
START = NOW - timedelta(hours=2)


@pytest.mark.parametrize("app_type", sorted(path.stem for path in PUBLISHED.glob("*.json")))
def test_every_answer_is_as_its_vendor_publishes(app_type: str) -> None:
    document = json.loads((PUBLISHED / f"{app_type}.json").read_text("utf-8"))
    bodies: dict[str, list[bytes]] = {end: [] for end in document["answers"]}

    def note(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        for end, seen in bodies.items():
            if response.is_success and request.url.path.endswith(end):
                seen.append(response.content)
        return response

    twin = twins.twin(service_of(app_type), clock=StillClock(), page_size=20)
    twin.seed(app_type, events=200, late=0, start=START, end=NOW - timedelta(hours=1))
    Recorded(twin, app_type, START, note).run(seconds=3600)

    for end, schema in document["answers"].items():
        validator = Draft202012Validator(schema | {"$defs": document["$defs"]})
        assert bodies[end], f"{end} was not asked for"
        for body in bodies[end]:
            assert [error.message for error in validator.iter_errors(json.loads(body))] == []
