"""`sa-apps status`: what runs, how it ran, and what is wrong."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import boto3
import msgspec
import pytest
from jsonschema import Draft202012Validator

from streamalert_apps.runtime.head import Audit, Head, Lease, Position, Run
from streamalert_apps.runtime.store.local import LocalStore
from tests.cli.conftest import settings
from tests.cli.test_json import SCHEMA
from tests.proxy import Answer, Call, Proxy, Refuse

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Ran

    Command = Callable[..., Ran]

FUNCTION = "acme_prod_duo_auth_collector_app"
BUCKET = "acme-sa-apps-123456789012-us-east-1"
NOW = datetime.now(UTC)


def minutes(ago: float) -> datetime:
    return datetime.now(UTC) - timedelta(minutes=ago)


def place(*, floor: float = 12, looked: float = 5, swept: float = 6, **other: Any) -> dict[str, Any]:
    """Return a feed's checkpoint; times are in minutes ago."""
    times = {"floor": floor, "looked": looked, "swept": swept}
    return {key: minutes(ago).isoformat() for key, ago in times.items()} | other


def ran(status: str = "succeeded", *, ago: float = 5, **other: Any) -> Run:
    return Run(minutes(ago), status, **{"seconds": 1.5, "events": 312, **other})


def head(*runs: Run, **other: Any) -> Head:
    """Return the head that some runs left."""
    fields: dict[str, Any] = {
        "checkpoint": place(),
        "status": runs[-1].status if runs else "",
        "events": 1000,
    }
    return Head("arn", "birth", "00" * 16, 1, runs=list(runs), **{**fields, **other})


def record(left: Head | bytes, function: str = FUNCTION) -> None:
    """Put a head where the app's function would."""
    body = left if isinstance(left, bytes) else msgspec.json.encode(left)
    boto3.client("s3").put_object(Bucket=BUCKET, Key=f"{function}/head.json", Body=body)


def status(sa_apps: Command, *words: str) -> tuple[int, Any]:
    """Return the exit code and what is told of the first app, which has the documented form."""
    answered = sa_apps("status", *words, "--json")
    answer = json.loads(answered.out)
    Draft202012Validator({"$ref": "#/$defs/status", "$defs": SCHEMA["$defs"]}).validate(answer)
    return answered.code, answer["apps"][0]


def problems(sa_apps: Command) -> list[str]:
    found: list[str] = status(sa_apps)[1]["problems"]
    return found


@pytest.fixture
def long_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the app have been deployed days ago."""
    monkeypatch.setattr("streamalert_apps.cli.commands.status._since", lambda _: NOW - timedelta(days=3))


def test_an_app_that_runs_is_well(deployed: Path, sa_apps: Command) -> None:
    record(head(ran()))

    code, app = status(sa_apps)

    assert code == 0
    assert (app["healthy"], app["state"], app["last_run"]["logs"]) == (True, "succeeded", 312)
    assert app["deployment"]["version"] == "1"
    assert (app["deployment"]["schedule"], app["deployment"]["enabled"]) == ("rate(2 hours)", True)


def test_how_far_it_is_has_two_answers(deployed: Path, sa_apps: Command) -> None:
    record(head(ran(), checkpoint=place(floor=12, looked=5)))

    _, app = status(sa_apps)

    assert app["behind_seconds"] == pytest.approx(720, abs=60)  # all before is on record
    assert app["lag_seconds"] == pytest.approx(300, abs=60)  # all that the service has shown is
    assert datetime.fromisoformat(app["collected_until"]) < datetime.fromisoformat(app["recorded_until"])


def test_a_look_that_left_a_hole_does_not_count(deployed: Path, sa_apps: Command) -> None:
    record(head(ran(), checkpoint=place(floor=12, looked=5, hole=True)))
    _, app = status(sa_apps)
    assert app["recorded_until"] == app["collected_until"]


def test_what_could_not_be_collected_is_told_for_a_week(deployed: Path, sa_apps: Command) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    old, new = ((now - timedelta(days=days, hours=1), now - timedelta(days=days)) for days in (8, 6))
    spans = [[moment.isoformat() for moment in span] for span in (old, new)]
    record(head(ran(), checkpoint=place(floor=12, looked=5, gaps=spans)))

    code, app = status(sa_apps)

    assert (code, app["gaps"]) == (1, spans)
    (problem,) = app["problems"]
    assert problem == (
        f"What happened from {new[0]:%Y-%m-%d %H:%M:%S} UTC to {new[1]:%Y-%m-%d %H:%M:%S} UTC "
        "could not be collected."
    )


def test_what_the_audit_found_late_is_told_with_the_lag_that_would_have_held(
    deployed: Path, sa_apps: Command
) -> None:
    late = [(minutes(30 * 24 * 60).timestamp(), 9, 1e6), (minutes(60).timestamp(), 3, 5.2 * 3600)]
    record(head(ran(), audit=Audit(at=late[-1][0], until=late[-1][0], history=late)))

    code, app = status(sa_apps)

    assert (code, app["health"]) == (0, "warning")
    assert "found 3 events that came later than the lag" in app["notes"][0]
    assert "A `lag` of 6 h 0 min in conf" in app["notes"][0]
    assert (app["audit"]["found_late"], app["audit"]["lag_needed_seconds"]) == (3, 6 * 3600)
    assert app["audit"]["lag_declared_seconds"] > 0


def test_how_late_events_come_is_told_beside_the_lag_that_is_declared(
    deployed: Path, sa_apps: Command
) -> None:
    record(head(ran(), checkpoint=place(late={"counts": {"5": 40, "12": 10}})))

    app = status(sa_apps)[1]

    assert app["audit"]["lag_measured_seconds"] == 73
    assert app["audit"]["lag_needed_seconds"] is None


def test_why_there_is_no_audit_is_told(deployed: Path, sa_apps: Command) -> None:
    record(head(ran(), audit=Audit(off="it would take about 400 requests a day")))

    assert status(sa_apps)[1]["audit"]["off"].startswith("it would take")
    assert "no daily audit: it would take about 400 requests a day" in sa_apps("status").out


def test_what_an_audit_left_out_is_told(deployed: Path, sa_apps: Command) -> None:
    record(head(ran(), audit=Audit(skipped=7200.0)))

    assert "the daily audit left out 2 h 0 min: no run had time for it" in sa_apps("status").out


def test_it_is_told_in_words(deployed: Path, sa_apps: Command) -> None:
    record(head(ran(), positions={"classifier": Position(3, events=1000)}))

    told = sa_apps("status")

    assert told.code == 0
    assert "collector (prod): healthy" in told.out
    assert "version 1, up to date" in told.out
    assert "succeeded, 312 events in 1.5 s" in told.out
    assert "collected until" in told.out
    assert "classifier: up to date" in told.out


def test_what_a_destination_lacks_is_told_in_words(deployed: Path, sa_apps: Command) -> None:
    lacking = Position(3, events=990, dead=1, opened=minutes(4).timestamp())
    record(head(ran(), positions={"classifier": lacking}))

    told = sa_apps("status")

    assert told.code == 0
    assert "classifier: 10 events waiting, the oldest for 4 min, 1 refused for good" in told.out


@pytest.mark.usefixtures("long_ago")
def test_a_destination_that_takes_events_too_slowly_is_told(deployed: Path, sa_apps: Command) -> None:
    slow = Position(3, events=880, opened=minutes(9 * 60).timestamp())
    record(head(ran(), positions={"classifier": slow}))

    (problem,) = problems(sa_apps)

    assert problem.startswith("classifier falls behind: 120 events wait since ")


@pytest.mark.usefixtures("long_ago")
def test_a_destination_that_waits_for_more_is_not_slow(deployed: Path, sa_apps: Command) -> None:
    settings(deployed, destinations=["lake"])
    lake = {"destinations": {"lake": {"type": "s3", "bucket": "acme-lake", "hold": "6h"}}}
    (deployed / "conf/destinations.json").write_text(json.dumps(lake))
    waiting = Position(3, events=880, opened=minutes(9 * 60).timestamp())
    record(head(ran(), positions={"lake": waiting}))

    assert problems(sa_apps) == []


def test_each_destination_is_told(deployed: Path, sa_apps: Command) -> None:
    lake = Position(9, events=1000, until=minutes(5).timestamp())
    splunk = Position(
        4,
        events=880,
        until=minutes(90).timestamp(),
        dead=1,
        state="configuration",
        error="credentials_refused",
        message="Splunk refused the token.",
    )
    record(
        head(ran("failed", message="Splunk refused the token."), positions={"lake": lake, "splunk": splunk})
    )

    code, app = status(sa_apps)

    first, second = app["destinations"]
    assert (first["name"], first["state"], first["waiting_events"], first["lag_seconds"]) == (
        "lake",
        "ok",
        0,
        0,
    )
    assert (second["state"], second["waiting_events"], second["dead"]) == ("configuration", 120, 1)
    assert second["lag_seconds"] == pytest.approx(5400, abs=60)
    assert (second["error"], second["message"]) == ("credentials_refused", "Splunk refused the token.")
    assert code == 1
    (problem,) = app["problems"]
    assert problem.startswith("splunk takes nothing: Splunk refused the token. 120 events wait since ")


def test_what_somebody_named_for_one_run_is_no_destination(deployed: Path, sa_apps: Command) -> None:
    once = Position(4, state="configuration", message="logs.jsonl can't be written.")
    record(head(ran(), positions={"run:/var/logs.jsonl": once}))

    code, app = status(sa_apps)

    assert (code, app["destinations"]) == (0, [])


def test_what_cloudwatch_counted_is_told(deployed: Path, sa_apps: Command) -> None:
    for metric, value in (("Invocations", 11), ("Invocations", 1), ("Errors", 2)):
        boto3.client("cloudwatch").put_metric_data(
            Namespace="AWS/Lambda",
            MetricData=[
                {
                    "MetricName": metric,
                    "Value": value,
                    "Timestamp": NOW - timedelta(hours=3),
                    "Dimensions": [{"Name": "FunctionName", "Value": FUNCTION}],
                }
            ],
        )

    _, app = status(sa_apps)

    assert (app["deployment"]["invocations"], app["deployment"]["errors"]) == (12, 2)


def test_a_difference_to_conf_is_told_and_is_no_illness(deployed: Path, sa_apps: Command) -> None:
    boto3.client("events").put_rule(Name=f"{FUNCTION}_schedule", ScheduleExpression="rate(1 hour)")

    code, app = status(sa_apps)

    assert code == 0
    assert [change["kind"] for change in app["deployment"]["drift"]] == ["rule"]
    assert "drift: rule" in sa_apps("status").out


def test_a_failed_run_is_told_with_its_reason(deployed: Path, sa_apps: Command) -> None:
    record(head(ran("failed", message="Duo refused the credentials (40103).")))

    told = sa_apps("status", "--json")

    assert told.code == 1
    answer = json.loads(told.out)
    assert answer["errors"][0]["code"] == "unhealthy"
    assert "Duo refused the credentials (40103)." in answer["errors"][0]["message"]


def test_a_run_that_was_cut_off_is_told(deployed: Path, sa_apps: Command) -> None:
    record(head(ran(), status="running", lease=Lease("gone", minutes(1).timestamp())))

    code, app = status(sa_apps)

    assert (code, app["state"]) == (1, "succeeded")
    assert "cut off" in app["problems"][0]


def test_a_run_under_way_is_no_illness(deployed: Path, sa_apps: Command) -> None:
    record(head(ran(), status="running", lease=Lease("here", minutes(-1).timestamp())))

    code, app = status(sa_apps)

    assert (code, app["state"], app["last_run"]["logs"]) == (0, "running", 312)
    assert "running since " in sa_apps("status").out


@pytest.mark.usefixtures("long_ago")
def test_an_app_that_no_longer_runs_is_told(deployed: Path, sa_apps: Command) -> None:
    record(head(ran(ago=300)))
    (problem,) = problems(sa_apps)
    assert "It has not run since" in problem


@pytest.mark.usefixtures("long_ago")
def test_an_app_that_never_ran_is_told(deployed: Path, sa_apps: Command) -> None:
    (problem,) = problems(sa_apps)
    assert "It has never run" in problem


@pytest.mark.usefixtures("long_ago")
def test_an_app_that_was_disabled_need_not_run(deployed: Path, sa_apps: Command) -> None:
    sa_apps("disable", "collector")
    record(head(ran(ago=6000), checkpoint=place(floor=6000, looked=6000, swept=6000)))

    code, app = status(sa_apps)

    assert (code, app["deployment"]["enabled"]) == (0, False)


@pytest.mark.usefixtures("long_ago")
def test_an_app_whose_listings_are_not_finished_falls_behind(deployed: Path, sa_apps: Command) -> None:
    behind = place(floor=400, swept=400)
    record(head(ran(), checkpoint=behind))

    (problem,) = problems(sa_apps)

    assert problem.startswith("It is behind: events since ")


@pytest.mark.usefixtures("long_ago")
def test_how_far_behind_is_too_far_is_the_lags_or_the_schedules_matter(
    deployed: Path, sa_apps: Command
) -> None:
    record(head(ran(), checkpoint=place(floor=400, swept=400)))
    settings(deployed, lag="6h")
    assert problems(sa_apps) == []


@pytest.mark.usefixtures("long_ago")
def test_a_service_in_which_nothing_happens_is_no_illness(deployed: Path, sa_apps: Command) -> None:
    record(head(ran(events=0), checkpoint=place(floor=1400, swept=6)))
    assert problems(sa_apps) == []


def partial(**other: Any) -> Run:
    return ran(**{
        "status": "partial",
        "events": 0,
        "floor": 1000.0,
        "message": "Duo wants a pause.",
        **other,
    })


@pytest.mark.usefixtures("long_ago")
def test_runs_that_end_early_and_come_no_further_are_told(deployed: Path, sa_apps: Command) -> None:
    record(head(partial(ago=30), partial(ago=20), partial(ago=10)))
    assert problems(sa_apps) == ["Its last 3 runs ended early and came no further: Duo wants a pause."]


@pytest.mark.parametrize(
    "runs",
    [
        [{"ago": 20}, {"ago": 10}],
        [{"ago": 3}, {"ago": 2}, {"ago": 1}],
        [{"ago": 30}, {"ago": 20}, {"ago": 10, "events": 1}],
        [{"ago": 30}, {"ago": 20}, {"ago": 10, "floor": 1001.0}],
        [{"ago": 30}, {"ago": 20}, {"ago": 10, "status": "succeeded"}],
    ],
    ids=["two", "within minutes", "some events", "a higher floor", "one that ended well"],
)
def test_runs_that_come_further_are_well(
    deployed: Path, sa_apps: Command, runs: list[dict[str, Any]]
) -> None:
    record(head(*(partial(**run) for run in runs)))
    assert problems(sa_apps) == []


def test_an_app_that_is_not_deployed_is_not_well(deployable: Path, sa_apps: Command) -> None:
    code, app = status(sa_apps)
    assert (code, app["problems"], app["deployment"]) == (1, ["It is not deployed."], None)


def test_an_app_that_lacks_its_schedule_is_not_well(deployed: Path, sa_apps: Command) -> None:
    events = boto3.client("events")
    events.remove_targets(Rule=f"{FUNCTION}_schedule", Ids=["sa-apps"])
    events.delete_rule(Name=f"{FUNCTION}_schedule")
    code, app = status(sa_apps)
    assert (code, app["problems"]) == (1, ["Partly deployed: rule, target missing."])


def test_an_app_without_a_record_has_not_run_yet(deployed: Path, sa_apps: Command) -> None:
    code, app = status(sa_apps)

    assert (code, app["state"], app["recorded_until"], app["destinations"]) == (0, None, None, [])
    assert "has not run yet" in sa_apps("status").out


@pytest.mark.usefixtures("long_ago")
def test_a_record_that_is_not_readable_is_that_apps_problem_alone(deployed: Path, sa_apps: Command) -> None:
    other = "acme_prod_duo_auth_other_app"
    settings(deployed, other)
    assert sa_apps("deploy", "--yes").code == 0
    record(b"{")
    record(head(ran()), other)

    answer = sa_apps("status", "--json")

    broken, well = json.loads(answer.out)["apps"]
    assert answer.code == 5
    assert broken["problems"] == ["The head of the app's record can't be read."]
    assert (broken["deployment"]["version"], well["healthy"]) == ("1", True)
    assert "has not run yet" not in sa_apps("status", "collector").out


def test_a_checkpoint_of_another_version_tells_no_time(deployed: Path, sa_apps: Command) -> None:
    record(head(ran(), checkpoint={"what": 1}))
    code, app = status(sa_apps)
    assert (code, app["collected_until"], app["lag_seconds"]) == (0, None, None)


def test_a_bucket_that_is_gone_is_told(deployed: Path, sa_apps: Command) -> None:
    boto3.client("s3").delete_bucket(Bucket=BUCKET)
    (problem,) = problems(sa_apps)
    assert BUCKET in problem


def test_where_one_of_several_is_not_well_the_exit_code_says_so(
    deployed: Path, sa_apps: Command, auth_file: Path
) -> None:
    sa_apps("new", "duo_auth", "-c", "prod", "-n", "other", "--auth-file", str(auth_file), "--no-check")

    assert sa_apps("status").code == 5
    assert sa_apps("status", "collector").code == 0
    assert sa_apps("status", "--name", "other", "--cluster", "prod").code == 1


def test_the_record_is_asked_once_for_each_app_and_nothing_is_written(
    deployed: Path, sa_apps: Command, aws: Proxy
) -> None:
    record(head(ran()))
    aws.calls.clear()

    sa_apps("status")

    assert [name for name in aws.names() if name.startswith(("s3.", "ssm."))] == ["s3.GetObject"]


@pytest.fixture
def local_app(local: Path, sa_apps: Command, auth_file: Path) -> LocalStore:
    """Return the store of the app of a local project."""
    sa_apps("new", "duo_auth", "-c", "prod", "--auth-file", str(auth_file), "--no-check")
    return LocalStore(local / ".sa-apps", "local_prod_duo_auth_collector_app")


def test_a_local_project_shows_what_its_runs_left(local_app: LocalStore, sa_apps: Command) -> None:
    local_app.write("head.json", msgspec.json.encode(head(ran(events=7, ago=6000))), replacing=None)

    code, app = status(sa_apps)

    assert (code, app["state"], app["last_run"]["logs"], app["deployment"]) == (0, "succeeded", 7, None)


def test_a_local_app_that_has_not_run_leaves_no_trace_when_it_is_asked_for(
    local_app: LocalStore, local: Path, sa_apps: Command
) -> None:
    before = sorted(local.rglob("*"))

    assert status(sa_apps)[1]["state"] is None

    assert sorted(local.rglob("*")) == before


# Types and orphans


@pytest.mark.parametrize("app_type", ["duo_auht", "dou_auth"])
def test_an_app_of_an_unknown_type_is_not_well(deployed: Path, sa_apps: Command, app_type: str) -> None:
    settings(deployed, type=app_type)
    code, told = status(sa_apps)
    assert code == 1
    assert told["problems"] == [f"There is no app type '{app_type}'. Did you mean 'duo_auth'?"]


def test_nor_is_a_local_one(local: Path, auth_file: Path, sa_apps: Command) -> None:
    sa_apps("new", "duo_auth", "-c", "prod", "--auth-file", str(auth_file), "--no-check")
    path = local / "conf/clusters/prod.json"
    path.write_text(path.read_text().replace('"type": "duo_auth"', '"type": "duo_auht"'))
    code, told = status(sa_apps)
    assert code == 1
    assert told["problems"] == ["There is no app type 'duo_auht'. Did you mean 'duo_auth'?"]


@pytest.fixture
def orphaned(deployed: Path, sa_apps: Command) -> Path:
    """A project whose app was taken out of conf/ by hand; it has a cluster `prod_eu` besides."""
    (deployed / "conf/clusters/prod.json").write_text("{}")
    assert sa_apps("init", "--cluster", "prod_eu").code == 0
    boto3.client("events").put_rule(
        Name="acme_streamalert_alert_merger_schedule", ScheduleExpression="rate(1 minute)"
    )
    return deployed


def test_an_app_that_runs_and_is_not_in_conf_is_shown(orphaned: Path, sa_apps: Command) -> None:
    ran = sa_apps("status", "--json")
    assert json.loads(ran.out)["orphans"] == [
        {"function": FUNCTION, "schedule": "rate(2 hours)", "enabled": True}
    ]
    assert f"warning: {FUNCTION} still runs in AWS (rate(2 hours)), but is not in conf/." in ran.err


def test_one_that_is_disabled_is_shown_as_such(orphaned: Path, sa_apps: Command) -> None:
    boto3.client("events").disable_rule(Name=f"{FUNCTION}_schedule")
    assert f"{FUNCTION} is still in AWS (disabled)" in sa_apps("status").err


@pytest.mark.parametrize(("cluster", "there"), [("prod", True), ("prod_eu", False)])
def test_it_is_shown_for_its_own_cluster(orphaned: Path, sa_apps: Command, cluster: str, there: bool) -> None:
    assert (FUNCTION in sa_apps("status", "--cluster", cluster).err) is there


def test_where_aws_does_not_tell_no_orphan_is_shown(orphaned: Path, sa_apps: Command, aws: Proxy) -> None:
    denied = Refuse(400, "AccessDeniedException")
    aws.before = lambda call: denied if call.name == "events.ListRules" else None
    ran = sa_apps("status")
    assert (ran.code, ran.out) == (0, "No Apps configured\n")


def test_a_project_without_apps_has_none_that_are_unwell(aws_project: Path, sa_apps: Command) -> None:
    told = sa_apps("status")
    assert (told.code, told.out) == (0, "No Apps configured\n")


# Several apps


def entered(folder: Path, *names: str) -> None:
    """Put local apps of these names into conf/."""
    path = folder / "conf/clusters/prod.json"
    conf = json.loads(path.read_text())
    apps = conf["modules"]["streamalert_apps"]
    (entry,) = apps.values()
    apps.clear()
    for name in names:
        apps[f"local_prod_duo_auth_{name}_app"] = {**entry, "app_name": name}
    path.write_text(json.dumps(conf))


def keep(folder: Path, name: str, left: Head) -> None:
    """Put a local app's head where its runs would."""
    store = LocalStore(folder / ".sa-apps", f"local_prod_duo_auth_{name}_app")
    store.write("head.json", msgspec.json.encode(left), replacing=None)


@pytest.fixture
def several(local_app: LocalStore, local: Path) -> Path:
    """A local project with apps of which some are healthy and some are not."""
    entered(local, "app10", "app2", "app1", "dead", "late", "later")
    keep(local, "dead", head(ran(), positions={"file": Position(9, events=1000, dead=3)}))
    keep(local, "late", head(ran("failed", message="Duo refused."), checkpoint=place(floor=90, looked=60)))
    keep(local, "later", head(ran("failed", message="Duo said."), checkpoint=place(floor=300, looked=200)))
    return local


def test_the_worst_is_first_and_the_rest_is_counted_as_people_do(several: Path, sa_apps: Command) -> None:
    answer = json.loads(sa_apps("status", "--json").out)
    assert [(app["name"], app["health"]) for app in answer["apps"]] == [
        ("later", "unhealthy"),
        ("late", "unhealthy"),
        ("dead", "warning"),
        ("app1", "healthy"),
        ("app2", "healthy"),
        ("app10", "healthy"),
    ]


def test_one_line_sums_it_up(several: Path, sa_apps: Command) -> None:
    last = sa_apps("status").out.splitlines()[-1]
    assert last == "6 apps: 2 unhealthy, 1 warning, 3 healthy; largest lag 3 h 20 min."


def test_an_app_that_was_paused_is_at_the_end(deployed: Path, sa_apps: Command, auth_file: Path) -> None:
    sa_apps("new", "duo_auth", "-c", "prod", "-n", "other", "--auth-file", str(auth_file), "--no-check")
    sa_apps("deploy", "--yes")
    sa_apps("disable", "collector")
    answer = json.loads(sa_apps("status", "--json").out)
    assert [app["health"] for app in answer["apps"]] == ["healthy", "paused"]


def test_the_page_is_written_whole_and_shows_the_same_apps(several: Path, sa_apps: Command) -> None:
    ran = sa_apps("status", "--html", "status.html")

    page = (several / "status.html").read_text()
    named = re.findall(r'data-function="local_prod_duo_auth_(\w+)_app"', page)
    assert (ran.code, ran.out) == (5, "")
    assert named == ["later", "late", "dead", "app1", "app2", "app10"]
    assert "Duo refused." in page


def test_a_page_that_can_not_be_written_is_told(several: Path, sa_apps: Command) -> None:
    ran = sa_apps("status", "--html", "nowhere/status.html")
    assert (ran.code, "can't be written" in ran.err) == (2, True)


@pytest.mark.parametrize(
    ("stated", "noted"), [(timedelta(days=3), True), (timedelta(days=-3), True), (timedelta(days=30), False)]
)
def test_credentials_near_their_end_are_worth_a_look(
    deployed: Path, sa_apps: Command, stated: timedelta, noted: bool
) -> None:
    settings(deployed, credentials_expire=f"{NOW + stated:%Y-%m-%d}")
    record(head(ran()))
    code, app = status(sa_apps)
    assert (code, any("Its credentials end" in note for note in app["notes"])) == (0, noted)


def test_watching_without_a_terminal_needs_json(local_app: LocalStore, sa_apps: Command) -> None:
    ran = sa_apps("status", "--watch")
    assert (ran.code, "Pass --json" in ran.err) == (2, True)


@pytest.mark.skipif(sys.platform == "win32", reason="a signal ends it")
def test_watching_writes_an_object_each_time_until_ctrl_c(several: Path) -> None:
    words = [sys.executable, "-m", "streamalert_apps", "status", "--watch", "--every", "1s", "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as watching:
        assert watching.stdout is not None
        answers = [json.loads(watching.stdout.readline()) for _ in range(2)]
        watching.send_signal(signal.SIGINT)
        assert watching.wait() == 5
    assert [len(answer["apps"]) for answer in answers] == [6, 6]


def test_two_hundred_apps_take_three_calls_each_and_ten_more(
    deployed: Path, sa_apps: Command, aws: Proxy
) -> None:
    record(head(ran()))
    like_the_first = _two_hundred(deployed, aws)
    aws.calls.clear()
    aws.before = like_the_first

    answer = json.loads(sa_apps("status", "--json", "--jobs", "16").out)

    counts = Counter(aws.names())
    assert [app["health"] for app in answer["apps"]] == ["healthy"] * 200
    assert (counts["s3.GetObject"], counts["events.ListTargetsByRule"]) == (200, 200)
    assert counts["lambda.GetFunction"] <= 201  # one is the classifier's
    assert counts.total() <= 3 * 200 + 10


def _two_hundred(deployed: Path, aws: Proxy) -> Callable[[Call], Answer | None]:
    """Have 200 apps in conf/, and a rule for each; return what answers of each what is true of the first."""
    path = deployed / "conf/clusters/prod.json"
    conf = json.loads(path.read_text())
    apps = conf["modules"]["streamalert_apps"]
    events = boto3.client("events")
    for number in range(1, 200):
        name = FUNCTION.replace("collector", f"app{number}")
        apps[name] = {**apps[FUNCTION], "app_name": f"app{number}"}
        events.put_rule(Name=f"{name}_schedule", ScheduleExpression="rate(2 hours)")
    path.write_text(json.dumps(conf))
    aws.calls.clear()
    get = boto3.client("lambda").get_function(FunctionName=FUNCTION, Qualifier="production")
    function = {"Configuration": {**get["Configuration"], "LastModified": NOW.isoformat()}}
    targets = events.list_targets_by_rule(Rule=f"{FUNCTION}_schedule")["Targets"]
    left = boto3.client("s3").get_object(Bucket=BUCKET, Key=f"{FUNCTION}/head.json")["Body"].read()

    def like_the_first(call: Call) -> Answer | None:
        found = re.search(r"acme_prod_duo_auth_app[0-9]+_app", f"{call.path} {call.body.decode()}")
        if not found:
            return None
        if call.name == "s3.GetObject":
            return Answer(200, left, {"ETag": '"1"', "Date": formatdate(usegmt=True)})
        told = {"lambda.GetFunction": function, "events.ListTargetsByRule": {"Targets": targets}}
        if call.name not in told:
            return None
        return Answer(200, json.dumps(told[call.name]).replace(FUNCTION, found[0]).encode())

    return like_the_first
