"""`/metrics` says what `status` says, and counts what runs did."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from streamalert_apps.errors import BadResponse
from streamalert_apps.plugins.registry import Registry
from streamalert_apps.runtime import metrics as cloudwatch
from streamalert_apps.runtime.collect import Outcome
from streamalert_apps.runtime.forward import Delivered
from streamalert_apps.runtime.head import Audit, Position
from streamalert_apps.serve import condition, measures
from streamalert_apps.serve.heads import Found
from streamalert_apps.serve.measures import Measures
from streamalert_apps.serve.page import Answer
from streamalert_apps.serve.routes import METRICS, Health, Shown, routes
from streamalert_apps.serve.web import Address, Web
from tests.deploy.cloud import app
from tests.serve import stand
from tests.serve.test_page import NOW, head, ill

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from streamalert_apps.serve.condition import Status

FINE = ("cluster", "prod"), ("app", "fine"), ("type", "duo_auth")
ILL = ("cluster", "prod"), ("app", "ill"), ("type", "duo_auth")


def statuses() -> list[Status]:
    fine = head(positions={"lake": Position(9, events=1000)})
    named = [app(name="fine"), app(name="ill"), app(name="new")]
    found = [Found(NOW, fine), Found(NOW, ill()), Found(NOW, None)]
    return condition.read(named, found, Registry(None, lambda _: None), None)


def values(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def test_gauges_say_what_status_says() -> None:
    told = values(Measures(statuses).text())
    fine, bad, _ = statuses()
    splunk = frozenset({*ILL, ("destination", "splunk")})
    (sink,) = bad.sinks()
    assert told["sa_apps_cursor_age_seconds", frozenset(FINE)] == fine.described()["lag_seconds"] == 300
    assert (told["sa_apps_healthy", frozenset(FINE)], told["sa_apps_healthy", frozenset(ILL)]) == (1, 0)
    assert told["sa_apps_destination_lag_seconds", splunk] == sink["lag_seconds"]
    assert told["sa_apps_destination_waiting_events", splunk] == sink["waiting_events"]
    assert told["sa_apps_destination_dead", splunk] == sink["dead"]
    assert told["sa_apps_behind_seconds", frozenset(ILL)] == sink["lag_seconds"] == 5400
    assert told["sa_apps_problems", frozenset(ILL)] == 3  # two dead letters, and credentials near their end


def test_what_the_last_audit_found_is_a_problem() -> None:
    late = condition.read(
        [app(name="fine")], [Found(NOW, head(audit=Audit(found=4)))], Registry(None, lambda _: None), None
    )
    assert values(Measures(lambda: late).text())["sa_apps_problems", frozenset(FINE)] == 4


def test_each_metric_of_cloudwatch_has_its_name_in_prometheus() -> None:
    served = Measures(statuses)
    served.note(app(name="fine"), Outcome(delivered={"lake": Delivered()}))
    names = {family.name for family in text_string_to_metric_families(served.text())}
    wanted = {re.sub("(?<!^)([A-Z])", r"_\1", name).lower(): unit for name, unit in cloudwatch.UNITS.items()}
    seconds = {name for name, unit in wanted.items() if unit == "Seconds"}
    assert {f"sa_apps_{name}_seconds" for name in seconds} <= names
    assert {f"sa_apps_{name}" for name in wanted.keys() - seconds} <= names


def test_what_is_not_known_is_left_out() -> None:
    names = {name for name, labels in values(Measures(statuses).text()) if ("app", "new") in labels}
    assert names == {"sa_apps_healthy", "sa_apps_problems"}


def test_runs_are_counted() -> None:
    counted = Measures(list)
    counted.note(app(name="fine"), Outcome(events=7, bytes=900, retries=2, rate_limits=1, found_late=1))
    counted.note(app(name="fine"), Outcome(events=5, bytes=100, delivered={"lake": Delivered(dead=2)}))
    counted.note(app(name="fine"), Outcome("failed", error=BadResponse("No.")))

    told = values(counted.text())

    def of(name: str, *labels: tuple[str, str]) -> float:
        return told[name, frozenset({*FINE, *labels})]

    assert (of("sa_apps_events_total"), of("sa_apps_bytes_total")) == (12, 1000)
    assert (of("sa_apps_retries_total"), of("sa_apps_rate_limits_total")) == (2, 1)
    assert (of("sa_apps_failed_runs_total"), of("sa_apps_found_late_total")) == (1, 1)
    assert of("sa_apps_runs_total", ("outcome", "succeeded")) == 2
    assert of("sa_apps_errors_total", ("code", "bad_response")) == 1
    assert of("sa_apps_destination_refused_total", ("destination", "lake")) == 2


def test_a_name_of_elsewhere_breaks_no_line() -> None:
    hostile = 'a"b\\c\nd'
    counted = Measures(list)
    counted.note(app(name=hostile), Outcome(events=1))
    assert ("app", hostile) in next(iter(labels for _, labels in values(counted.text())))


@pytest.mark.parametrize("name", measures.COUNTED)
def test_what_cloudwatch_counts_is_counted_under_the_same_name(name: str) -> None:
    assert name in cloudwatch.UNITS


def shown(token: str = "") -> Shown:
    return Shown(lambda: Answer([], [], "acme", NOW), Measures(statuses).text, token)


@pytest.fixture
def open_url() -> Iterator[str]:
    with Web(Address("127.0.0.1", 0), routes(lambda: Health("ok"), shown())) as web:
        yield web.address.url


@pytest.fixture
def guarded_url() -> Iterator[str]:
    with Web(Address("127.0.0.1", 0), routes(lambda: Health("ok"), shown("a-long-token"))) as web:
        yield web.address.url


def test_metrics_are_answered_in_prometheus_form(open_url: str) -> None:
    answer = httpx.get(f"{open_url}/metrics")
    assert (answer.status_code, answer.headers["content-type"]) == (200, METRICS)
    assert values(answer.text)


def test_the_page_is_answered_with_a_policy_that_lets_in_its_own_style_alone(
    open_url: str,
) -> None:
    answer = httpx.get(open_url)
    policy = answer.headers["content-security-policy"]
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize(
    "given",
    [{}, {"authorization": "Bearer wrong"}, {"authorization": "Basic ???"}, {"authorization": "Other x"}],
)
def test_where_a_token_is_needed_the_page_is_for_whoever_has_it(
    guarded_url: str, given: dict[str, str]
) -> None:
    answer = httpx.get(guarded_url, headers=given)
    assert (answer.status_code, answer.text) == (401, "The token is needed.\n")
    assert answer.headers["www-authenticate"].startswith("Basic ")


def test_from_elsewhere_the_page_is_not_to_be_seen_without_a_token() -> None:
    closed = Shown(lambda: Answer([], [], "acme", NOW), lambda: "", "", is_open=False)
    with Web(Address("127.0.0.1", 0), routes(lambda: Health("ok"), closed)) as web:
        answer = httpx.get(web.address.url)
    assert (answer.status_code, "SA_APPS_STATUS_TOKEN" in answer.text) == (403, True)


def test_the_token_is_a_bearers_or_a_password(guarded_url: str) -> None:
    bearer = httpx.get(guarded_url, headers={"authorization": "Bearer a-long-token"})
    password = httpx.get(guarded_url, auth=("anybody", "a-long-token"))
    assert (bearer.status_code, password.status_code) == (200, 200)


@pytest.mark.parametrize("path", ["/metrics", "/healthz"])
def test_probes_and_scrapes_need_no_token(guarded_url: str, path: str) -> None:
    assert httpx.get(f"{guarded_url}{path}").status_code == 200


@pytest.mark.skipif(sys.platform == "win32", reason="no signals of POSIX")
def test_a_collector_shows_its_apps_and_counts_their_runs(project: Path) -> None:
    with stand.duo() as service:
        stand.write_project(project, ["a", "b"], service)
        with stand.Serving(project, service) as serving:
            records = stand.stores(project)
            stand.until_each_has_run(records)
            service.emit(20, within=1)
            stand.until_all_is_on_record(records, service)
            shown = httpx.get(serving.url).text
            told = values(httpx.get(f"{serving.url}/metrics").text)

    assert re.findall(r'data-function="acme_prod_duo_auth_(\w)_app"', shown) == ["a", "b"]
    for name in ("a", "b"):
        labels = frozenset({("cluster", "prod"), ("app", name), ("type", "duo_auth")})
        assert told["sa_apps_healthy", labels] == 1
        assert told["sa_apps_events_total", labels] == 20
