"""Datadog's own client: audit events page by page, wrong keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from datadog_api_client import ApiClient, Configuration
from datadog_api_client.exceptions import ForbiddenException
from datadog_api_client.v2.api.audit_api import AuditApi
from datadog_api_client.v2.model.audit_logs_sort import AuditLogsSort

from streamalert_apps.services.datadog.twin import Datadog
from tests.sdks.conftest import Serve

END = datetime.now(UTC) - timedelta(minutes=10)
BEGIN = END - timedelta(hours=1)


def client(twin: Datadog, certificate: Path, **other: str) -> AuditApi:
    given = twin.credentials | other
    configuration = Configuration(ssl_ca_cert=str(certificate))
    configuration.server_variables["site"] = given["site"]
    configuration.api_key["apiKeyAuth"] = given["api_key"]
    configuration.api_key["appKeyAuth"] = given["application_key"]
    return AuditApi(ApiClient(configuration))


@pytest.mark.parametrize("order", ["TIMESTAMP_ASCENDING", "TIMESTAMP_DESCENDING"])
def test_every_event_comes_page_by_page(served: Serve, certificate: Path, order: str) -> None:
    twin = Datadog(site="datadoghq.eu")
    twin.seed("datadog_audit", events=50, start=BEGIN, end=END)
    served(twin)

    events: list[Any] = list(
        client(twin, certificate).list_audit_logs_with_pagination(
            filter_from=BEGIN - timedelta(seconds=1),
            filter_to=END + timedelta(seconds=1),
            sort=getattr(AuditLogsSort, order),
            page_limit=20,
        )
    )

    assert len({event.id for event in events}) == 50


def test_a_wrong_key_is_told(served: Serve, certificate: Path) -> None:
    twin = Datadog(site="datadoghq.eu")
    served(twin)

    with pytest.raises(ForbiddenException):
        client(twin, certificate, application_key="0" * 40).list_audit_logs()
