"""GitLab's audit events, against their twin; whatever GitLab does in two ways is tried both ways."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from streamalert_apps import services
from streamalert_apps.errors import AppError, CredentialsError, RateLimited
from streamalert_apps.services.gitlab.twin import Gitlab
from tests.services.running import Collector, nothing_lost_or_repeated
from tests.services.test_refusals import refused
from tests.simulator.world import NOW, StillClock

APP = "gitlab_instance"
START = NOW - timedelta(hours=3)

every = pytest.mark.parametrize("app_type", ["gitlab_instance", "gitlab_group", "gitlab_project"])


def collector(app_type: str = APP, **options: Any) -> Collector:
    return Collector(Gitlab(StillClock(), **({"rate": None} | options)), app_type, START)


@pytest.mark.parametrize(("by_number", "exact"), [(True, False), (True, True), (False, False)])
def test_a_backlog_arrives_whole_whatever_its_order_and_its_end(*, by_number: bool, exact: bool) -> None:
    app = collector(by_number=by_number, exact=exact)
    app.twin.seed(APP, events=600, burst=250, late=40, start=START, end=NOW)

    app.cut_short(runs=20)
    app.come_to_rest(lag=timedelta(minutes=5))

    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 600


@every
def test_each_list_has_events_of_its_own(app_type: str) -> None:
    app = collector(app_type)
    names = {kind: app.twin.put(kind, at=NOW - timedelta(hours=1)) for kind in services.apps("gitlab")}

    app.finish()

    assert [str(log["id"]) for log in app.logs] == [names[app_type]]


def test_no_more_than_thirty_days_are_asked_for_at_once() -> None:
    app = collector()
    app.since = NOW - timedelta(days=200)
    app.twin.seed(APP, events=60, late=0, start=app.since, end=NOW - timedelta(hours=1))

    app.finish()

    assert {asked.status for asked in app.requests} == {200}
    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize(
    ("app_type", "credentials", "url"),
    [
        ("gitlab_instance", {}, "https://gitlab.acme.example/api/v4/audit_events"),
        ("gitlab_group", {"host": "", "group": "60"}, "https://gitlab.com/api/v4/groups/60/audit_events"),
        ("gitlab_group", {"group": "a/b"}, "https://gitlab.acme.example/api/v4/groups/a%2Fb/audit_events"),
        (
            "gitlab_project",
            {"host": "", "project": "a/b/c"},
            "https://gitlab.com/api/v4/projects/a%2Fb%2Fc/audit_events",
        ),
    ],
)
def test_each_list_has_its_address(app_type: str, credentials: dict[str, str], url: str) -> None:
    _, urls = refused(app_type, "", 500, {}, None, **credentials)

    assert {str(asked).partition("?")[0] for asked in urls} == {url}


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        (401, {"message": "401 Unauthorized"}, CredentialsError, "refused the token"),
        (403, {"error": "insufficient_scope"}, CredentialsError, "refused access"),
        (404, {"message": "404 Group Not Found"}, CredentialsError, "nothing of that name"),
        (301, b"moved", CredentialsError, "nothing of that name"),
        (429, b"Retry later\n", RateLimited, "too many requests"),
    ],
)
def test_an_answer_means(status: int, body: Any, kind: type[AppError], said: str) -> None:
    error, _ = refused("gitlab_group", "", status, body)

    assert type(error) is kind
    assert said in error.message


@pytest.mark.parametrize(
    "group", ["https://gitlab.com/acme", "acme/", "/acme", "acme platform", "glpat-x1y2z3"]
)
def test_a_group_is_a_number_or_a_path(group: str) -> None:
    (field,) = (one for one in services.find("gitlab_group").auth if one.name == "group")
    right = ["60", "acme", "acme/sub.group_1"]

    assert [field.parse(text) for text in right] == right
    with pytest.raises(AppError):
        field.parse(group)
