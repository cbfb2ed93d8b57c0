"""What twins show has the form that the vendor publishes for machines, and no field besides.

documented/entra.json, defender.json and intune.json are made of the metadata of Microsoft Graph 1.0, in
microsoftgraph/msgraph-metadata; openai.json of OpenAI's OpenAPI document, in openai/openai-openapi, as far as
the twin makes use of it; figma.json of Figma's, in figma/rest-api-spec.
"""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from streamalert_apps.sdk.app import service_of
from streamalert_apps.services import twins
from tests.services.running import Collector
from tests.simulator.world import NOW, StillClock

DOCUMENTED = Path(__file__).parent / "documented"


def validator(service: str, name: str) -> Draft202012Validator:
    document: dict[str, Any] = json.loads((DOCUMENTED / f"{service}.json").read_text("utf-8"))
    return Draft202012Validator(document | {"$ref": f"#/$defs/{name}"})


@pytest.mark.parametrize(
    ("app_type", "name"),
    [
        ("defender_alerts", "alert"),
        ("defender_incidents", "incident"),
        ("entra_audits", "directoryAudit"),
        ("entra_signins", "signIn"),
        ("entra_provisioning", "provisioningObjectSummary"),
        ("entra_risks", "riskDetection"),
        ("figma_activity", "ActivityLog"),
        ("intune_audit", "auditEvent"),
        ("openai_audit", "AuditLog"),
        ("openai_tenant", "AuditLog"),
    ],
)
def test_events_have_the_form_that_is_published(app_type: str, name: str) -> None:
    twin = twins.twin(service_of(app_type), clock=StillClock(), rate=None)
    twin.seed(app_type, events=300, start=NOW - timedelta(hours=2), end=NOW)
    app = Collector(twin, app_type, NOW - timedelta(hours=2))
    app.finish()
    published = validator(service_of(app_type), name)

    wrong = [error.message for log in app.logs for error in published.iter_errors(log)]

    assert len(app.logs) == 300
    assert wrong == []
