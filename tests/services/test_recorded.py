"""Events as vendors and public test suites show them: read byte for byte, with a time, an id, and a schema.

The people in them are invented. Google's applications share one form, as do Salesforce's files.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from streamalert_apps import services
from streamalert_apps.sdk.app import NoMemory, service_of
from streamalert_apps.sdk.catalogue import Catalogue
from streamalert_apps.sdk.http import Api
from streamalert_apps.sdk.stream import Stream
from tests.services.test_refusals import Spoilt
from tests.services.test_schemas import accepts
from tests.simulator.world import NOW, StillClock

RECORDED = Path(__file__).parent / "recorded"
FORMS = {"gsuite": "gsuite_login", "salesforce": "salesforce_login"}


def logs(name: str) -> Callable[[str], str]:
    return lambda rows: f'{{"stat": "OK", "response": {{"{name}": {rows}, "metadata": {{}}}}}}'


def feed(rows: str) -> str:
    """Return an answer in which the feed is found, which then shows the rows line by line."""
    return rows[2:-2].replace(",\n", "\n\n")


def cells(rows: str) -> str:
    data = [[*row.values()] for row in json.loads(rows)]
    about = {"numRows": len(data), "partitionInfo": [{"rowCount": len(data)}]}
    return json.dumps({"statementHandle": "1", "resultSetMetaData": about, "data": data})


ANSWERS: dict[str, tuple[str, Callable[[str], str]]] = {
    "airtable_audit": ("/v0", '{{"events": {}, "pagination": {{"next": null}}}}'.format),
    "aliyun_actiontrail": ("", '{{"RequestId": "1", "Events": {}}}'.format),
    "anthropic_activities": ("/v1", '{{"data": {}, "has_more": false}}'.format),
    "atlassian_org_events": ("/admin", '{{"data": {}, "meta": {{"next": "x"}}}}'.format),
    "atlassian_jira": ("/rest", '{{"records": {}, "total": 2}}'.format),
    "atlassian_confluence": ("/wiki", '{{"results": {}, "_links": {{}}}}'.format),
    "auth0_logs": ("/api", "{}".format),
    "box_admin_events": ("/2.0", '{{"chunk_size": 2, "next_stream_position": "7", "entries": {}}}'.format),
    "cloudflare_audit": ("", '{{"success": true, "result": {}, "result_info": {{"cursor": "x"}}}}'.format),
    "cloudflare_access": ("", '{{"success": true, "result": {}}}'.format),
    "datadog_audit": ("/api", '{{"data": {}, "meta": {{"status": "done"}}}}'.format),
    "dropbox_team": ("/2", '{{"events": {}, "cursor": "x", "has_more": false}}'.format),
    "crowdstrike_alerts": ("/alerts", '{{"meta": {{}}, "errors": [], "resources": {}}}'.format),
    "crowdstrike_events": ("/sensors/entities/datafeed/v1/0", feed),
    "cursor_audit": ("", '{{"events": {}, "pagination": {{"hasNextPage": false}}}}'.format),
    "duo_activity": ("", logs("items")),
    "duo_admin": ("", '{{"stat": "OK", "response": {}}}'.format),
    "duo_auth": ("", logs("authlogs")),
    "duo_telephony": ("", logs("items")),
    **dict.fromkeys(
        (
            *("entra_audits", "entra_signins", "entra_provisioning", "entra_risks"),
            *("defender_alerts", "defender_incidents", "intune_audit"),
        ),
        ("/v1.0", '{{"@odata.context": "x", "value": {}}}'.format),
    ),
    **dict.fromkeys(
        ("entra_noninteractive", "entra_serviceprincipals", "entra_managedidentities"),
        ("/beta", '{{"@odata.context": "x", "value": {}}}'.format),
    ),
    "figma_activity": ("/v1", '{{"status": 200, "error": false, "meta": {{"activity_logs": {}}}}}'.format),
    "github_audit": ("", "{}".format),
    "github_git": ("", "{}".format),
    **dict.fromkeys(("gitlab_instance", "gitlab_group", "gitlab_project"), ("", "{}".format)),
    "gsuite_login": ("/admin", '{{"kind": "admin#reports#activities", "items": {}}}'.format),
    "intercom_admin_activity_logs": ("", '{{"pages": {{"next": null}}, "activity_logs": {}}}'.format),
    "okta_system_log": ("/api", "{}".format),
    "onelogin_events": ("/api", '{{"pagination": {{"next_link": null}}, "data": {}}}'.format),
    "pagerduty_audit": ("/audit", '{{"records": {}, "next_cursor": null, "limit": 100}}'.format),
    "slack_access": ("", '{{"ok": true, "logins": {}, "paging": {{"pages": 1}}}}'.format),
    "slack_audit": ("", '{{"entries": {}, "response_metadata": {{"next_cursor": ""}}}}'.format),
    **dict.fromkeys(("openai_audit", "openai_tenant"), ("/v1", '{{"object": "list", "data": {}}}'.format)),
    "sentinelone_activities": ("/web", '{{"data": {}, "pagination": {{"totalItems": 2}}}}'.format),
    "sentinelone_threats": ("/web", '{{"data": {}, "pagination": {{"totalItems": 2}}}}'.format),
    "stripe_events": ("", '{{"object": "list", "has_more": false, "data": {}}}'.format),
    "twilio_events": ("", '{{"events": {}, "meta": {{"next_page_url": null}}}}'.format),
    "tailscale_configuration": ("/api/v2/tailnet", '{{"version": "1.1", "logs": {}}}'.format),
    "tailscale_network": ("/api/v2/tailnet", '{{"logs": {}}}'.format),
    "zendesk_audit": ("/api", '{{"audit_logs": {}, "meta": {{"has_more": false}}}}'.format),
    "zoom_activities": ("/v2", '{{"next_page_token": "", "activity_logs": {}}}'.format),
    "zoom_operations": ("/v2", '{{"next_page_token": "", "operation_logs": {}}}'.format),
    "slack_integration": ("", '{{"ok": true, "logs": {}, "paging": {{"pages": 1}}}}'.format),
}
ANSWERS |= dict.fromkeys(("snowflake_logins", "snowflake_queries", "snowflake_sessions"), ("/api/v2", cells))
ANSWERS["gsuite_alerts"] = ("/v1beta1", '{{"alerts": {}, "nextPageToken": ""}}'.format)
ANSWERS |= dict.fromkeys(
    ("salesforce_loginhistory", "salesforce_setupaudittrail"),
    ("/services/data", '{{"totalSize": 2, "done": true, "records": {}}}'.format),
)
ANSWERS |= dict.fromkeys(
    ("wiz_audit", "wiz_issues"),
    ("/graphql", '{{"data": {{"list": {{"nodes": {}, "pageInfo": {{}}}}}}}}'.format),
)
ANSWERS |= dict.fromkeys(
    ("onepassword_signins", "onepassword_item_usages", "onepassword_audit"),
    ("/api", '{{"cursor": "x", "has_more": true, "items": {}}}'.format),
)
ANSWERS |= dict.fromkeys(services.apps("jumpcloud"), ("/insights", "{}".format))
HEADERS = {"okta_system_log": {"Link": '<https://acme.okta.com/api/v1/logs?after=1>; rel="next"'}}
HEADERS |= {name: {"X-Limit": "1000", "X-Search_after": "[]"} for name in services.apps("jumpcloud")}
EVERY = [name for service in services.services() for name in services.apps(service)]
FILES = [name for name in EVERY if issubclass(services.find(name), Catalogue)]


def app(app_type: str, path: str, answer: bytes) -> Any:
    wire = Spoilt(
        service_of(app_type), path, httpx.Response(200, content=answer, headers=HEADERS.get(app_type))
    )
    return services.find(app_type)(wire.twin.credentials, Api(clock=StillClock(), transport=wire))


def schema_of(app_type: str) -> dict[str, Any]:
    (name,) = services.find(app_type).schemas
    schema: dict[str, Any] = services.schemas(service_of(app_type))[name]
    return schema


@pytest.mark.parametrize("app_type", [name for name in EVERY if name not in FILES])
def test_a_recorded_event_is_read_as_it_is(app_type: str) -> None:
    form = app_type if (RECORDED / f"{app_type}.json").exists() else FORMS[service_of(app_type)]
    text = (RECORDED / f"{form}.json").read_text()
    path, answer = ANSWERS.get(form) or ANSWERS[FORMS[service_of(form)]]
    reader = app(app_type, path, answer(text).encode())
    since = NOW - timedelta(hours=1)
    ask = (reader.begin(since),) if isinstance(reader, Stream) else (since, NOW, None)

    rows = reader.fetch(*ask).rows

    assert [bytes(row).decode() for row in rows] == [line.rstrip(",") for line in text.splitlines()[1:-1]]
    _, ids, times = reader.marked(rows, Counter(), NoMemory(), NOW.timestamp())
    assert len(set(ids)) == len(rows)
    assert NOW.timestamp() not in times
    assert [log for log in json.loads(text) if not accepts(schema_of(app_type), log)] == []


@pytest.mark.parametrize("app_type", [name for name in FILES if service_of(name) == "salesforce"])
def test_a_recorded_file_is_read_as_it_is(app_type: str) -> None:
    data = (RECORDED / "salesforce_login.csv").read_bytes()
    file = msgspec.Raw(b'{"Id": "0AT5g0000001", "LogFile": "/services/data/v66.0/sobjects/x/LogFile"}')

    found = [json.loads(bytes(log)) for log in app(app_type, "/services/data", data).open(file)]

    assert found == list(csv.DictReader(io.StringIO(data.decode())))
    assert [log for log in found if not accepts(schema_of(app_type), log)] == []


@pytest.mark.parametrize("app_type", [name for name in FILES if service_of(name) == "m365"])
def test_a_recorded_blob_is_read_as_it_is(app_type: str) -> None:
    text = (RECORDED / f"{app_type}.json").read_text()
    file = msgspec.Raw(b'{"contentUri": "https://manage.office.com/api/v1.0/x/activity/feed/audit/1"}')

    found = [bytes(row).decode() for row in app(app_type, "/api/v1.0", text.encode()).open(file)]

    assert found == [line.rstrip(",") for line in text.splitlines()[1:-1]]
    assert all(accepts(schema_of(app_type), log) for log in json.loads(text))


@pytest.mark.parametrize(
    ("app_type", "moment"),
    [
        ("box_admin_events", "2026-03-23T09:18:35-07:00"),
        ("duo_auth", "2021-07-23T07:21:51.271776+00:00"),
        ("duo_admin", "2021-07-20T11:44:37+00:00"),
        ("slack_integration", "2023-11-21T09:12:25+00:00"),
        ("intercom_admin_activity_logs", "2023-11-21T09:12:25+00:00"),
        ("gsuite_login", "2023-11-21T09:12:25.271+00:00"),
        ("openai_audit", "2024-07-12T17:08:10+00:00"),
        ("tailscale_configuration", "2023-11-21T09:12:25.271776+00:00"),
        ("tailscale_network", "2023-11-21T09:12:31.102+00:00"),
        ("atlassian_org_events", "2023-11-21T09:12:25+00:00"),
        ("atlassian_jira", "2023-11-21T09:12:25.271+00:00"),
        ("atlassian_confluence", "2023-11-21T09:12:25.271+00:00"),
        ("auth0_logs", "2023-11-21T09:12:25.271+00:00"),
        ("github_audit", "2023-11-21T09:12:25.271+00:00"),
        ("github_git", "2023-11-21T09:12:25.271+00:00"),
        ("cloudflare_audit", "2023-11-21T09:12:25+00:00"),
        ("cloudflare_access", "2023-11-21T09:12:25+00:00"),
        ("crowdstrike_alerts", "2023-11-21T09:12:25.271776+00:00"),
        ("crowdstrike_events", "2023-11-21T09:12:25.271+00:00"),
        ("sentinelone_activities", "2023-11-21T09:12:25.271483+00:00"),
        ("sentinelone_threats", "2023-11-21T09:12:25.271483+00:00"),
        ("stripe_events", "2023-11-21T09:12:25+00:00"),
        ("twilio_events", "2023-11-21T09:12:25+00:00"),
        ("cursor_audit", "2023-11-21T09:12:25.100+00:00"),
        ("wiz_audit", "2023-11-21T09:12:25.442030+00:00"),
        ("wiz_issues", "2023-11-21T09:12:25.271776+00:00"),
        ("salesforce_loginhistory", "2023-11-21T09:12:25+00:00"),
        ("salesforce_setupaudittrail", "2023-11-21T09:12:25+00:00"),
        ("gsuite_alerts", "2023-11-21T09:12:25.271776+00:00"),
        ("defender_alerts", "2023-11-21T09:12:25.271776+00:00"),
        ("defender_incidents", "2023-11-21T09:12:25.270000+00:00"),
        ("intune_audit", "2023-11-21T09:12:25.271776+00:00"),
        ("snowflake_logins", "2023-11-21T09:12:25.271+00:00"),
        ("snowflake_queries", "2023-11-21T09:12:25.271+00:00"),
        ("snowflake_sessions", "2023-11-21T09:12:25.271+00:00"),
        ("onepassword_audit", "2023-11-21T09:12:25.271776+00:00"),
        ("onepassword_signins", "2020-06-11T19:32:50+00:00"),
        ("okta_system_log", "2024-08-13T15:58:20.353+00:00"),
        ("zendesk_audit", "2023-11-21T09:12:25+00:00"),
        ("gitlab_instance", "2023-11-21T09:12:25.271+00:00"),
        ("pagerduty_audit", "2023-11-21T09:12:25.271+00:00"),
        ("dropbox_team", "2023-11-21T09:12:25+00:00"),
        ("jumpcloud_directory", "2023-11-21T09:12:25.271+00:00"),
        ("jumpcloud_radius", "2023-11-21T09:12:25+00:00"),
        ("datadog_audit", "2023-11-21T09:12:25.271+00:00"),
        ("anthropic_activities", "2023-11-21T09:12:25+00:00"),
        ("figma_activity", "2023-11-21T09:12:25+00:00"),
        ("airtable_audit", "2023-11-21T09:12:25.271+00:00"),
        ("entra_audits", "2024-12-27T10:01:19.579675+00:00"),
    ],
)
def test_the_time_of_a_recorded_event_is_the_one_that_it_says(app_type: str, moment: str) -> None:
    first = (RECORDED / f"{app_type}.json").read_text().splitlines()[1].rstrip(",")
    reader = app(app_type, "", b"{}")

    assert reader.stamp(msgspec.Raw(first.encode())).time == datetime.fromisoformat(moment)
