"""The handler as Lambda runs it: in AWS's own runtime client, against AWS and Duo on loopback."""

from __future__ import annotations

import gzip
import json
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import boto3
import pytest
from botocore.config import Config

from streamalert_apps.runtime import head as heads
from streamalert_apps.runtime import journal, names
from streamalert_apps.runtime.event import Event
from streamalert_apps.runtime.head import Head
from streamalert_apps.runtime.store.s3 import S3Store
from streamalert_apps.sdk.clock import Deadline, SystemClock
from streamalert_apps.services import twins
from streamalert_apps.simulator.server import serve
from streamalert_apps.simulator.tally import Tally, compare
from tests import proxy
from tests.destinations.http import TOKEN, Endpoint
from tests.lambda_rig import ACCOUNT, REGION, LambdaFunction, publish
from tests.proxy import Call, Cut, Delay, Fault, Proxy, Refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

CLASSIFIER = names.classifier("acme", "prod")
FUNCTION = names.function_name("acme", "prod", "duo_auth", "collector")
SCHEDULED = json.loads(Event("duo_auth", CLASSIFIER, "rate(1 hour)").to_json())
BUCKET = names.bucket("acme", ACCOUNT, REGION)
EVENTS, PAGE = 60, 14
FORBIDDEN = {"pydantic", "pydantic_settings", "questionary", "rich", "typer"}

# Duo's two requests a minute and the two seconds between two commits would be a test's whole time. Where
# Click is, httpx loads its own command line, and Rich with it; the package of an app holds none of them.
HANDLER = """
import sys
sys.modules["click"] = None
from streamalert_apps.runtime import collect, handler as real
from streamalert_apps.services.duo.app import DuoAuth

DuoAuth.rate = None
collect.COMMIT_SECONDS = 0

def handler(event, context):
    return real.handler(event, context) | {"modules": sorted(sys.modules)}
"""


@dataclass
class Account:
    """An AWS account with a classifier and an app, and the Duo tenant that the app collects from."""

    aws: Proxy
    duo: Proxy
    twin: Any
    path: Path

    @cached_property
    def ssm(self) -> Any:
        return boto3.client("ssm")

    @cached_property
    def s3(self) -> Any:
        return boto3.client("s3", config=Config(s3={"addressing_style": "path"}))

    @contextmanager
    def function(self, **env: str) -> Iterator[LambdaFunction]:
        """Give the app's function."""
        env = {
            "AWS_ENDPOINT_URL": self.aws.url,
            "SA_APPS_BATCH_BYTES": "16000",
            "SA_APPS_BUCKET": BUCKET,
            "SA_APPS_SIMULATOR": self.duo.url,
            "SA_APPS_TYPE": "duo_auth",
        } | env
        with LambdaFunction(FUNCTION, "unhurried.handler", env, [self.path]) as function:
            yield function

    def happen(self, events: int) -> None:
        """Let events happen within the last hour, the last of them as young as Duo shows any."""
        now = self.twin.clock.now()
        start, end = now - timedelta(minutes=50), now - timedelta(minutes=3)
        self.twin.seed("duo_auth", events=events, burst=events // 3, start=start, end=end)

    def store_credentials(self, **changes: str) -> None:
        name, value = names.auth_parameter(FUNCTION), json.dumps(self.twin.credentials | changes)
        self.ssm.put_parameter(Name=name, Value=value, Type="SecureString", Overwrite=True)

    def store(self) -> S3Store:
        """The app's part of the bucket."""
        return S3Store(self.s3, BUCKET, FUNCTION, ACCOUNT, clock=SystemClock(), deadline=Deadline.never())

    @property
    def head(self) -> Head:
        return heads.parse(self.store().read(heads.NAME).body)[0]

    def record(self) -> Tally:
        """Hold all that is on record against what Duo has."""
        head, store = self.head, self.store()
        entries = journal.entries(store, head.birth, since=head.first, up_to=head.sequence)
        raws = [raw for entry in entries for raw in journal.raws(store.get(entry.name) or b"")]
        return compare(self.twin, "duo_auth", [json.loads(raw) for raw in raws])

    def begin_anew(self) -> None:
        """Forget the record, and what arrived."""
        store = self.store()
        store.delete(item.name for item in store.list(""))
        self.aws.accepted.clear()

    def let_time_pass(self) -> None:
        """Move the end of a lease into the past: the next tick comes after it."""
        store = self.store()
        there = store.read(heads.NAME)
        if there.version is None:
            return
        head = json.loads(there.body)
        if head.get("lease"):
            head["lease"]["until"] = 1.0
            store.write(heads.NAME, json.dumps(head).encode(), replacing=there.version)

    def tally(self) -> Tally:
        """Hold all that the classifier was invoked with against what Duo has."""
        records = [call.json["Records"][0] for call in self.aws.accepted if invoked(call) == CLASSIFIER]
        assert {record["streamalert_app"] for record in records} <= {FUNCTION}
        return compare(self.twin, "duo_auth", [log for record in records for log in record["logs"]])

    def successors(self) -> list[Call]:
        return [call for call in self.aws.accepted if invoked(call) == FUNCTION]


def invoked(call: Call) -> str:
    return unquote(call.path.split("/")[3]) if call.name == "lambda.Invoke" else ""


@pytest.fixture
def account(aws_env: str, tmp_path: Path) -> Iterator[Account]:
    (tmp_path / "unhurried.py").write_text(HANDLER)
    publish(CLASSIFIER, FUNCTION)
    clock = SystemClock()
    twin = twins.twin("duo", clock=clock, rate=None, page_size=PAGE)
    with ExitStack() as stack:
        aws = stack.enter_context(proxy.serve(aws_env))
        duo = stack.enter_context(proxy.serve(stack.enter_context(serve(twin)).url))
        account = Account(aws, duo, twin, tmp_path)
        account.s3.create_bucket(Bucket=BUCKET)
        account.happen(EVENTS)
        account.store_credentials()
        yield account


def test_a_run_puts_all_there_is_on_record_and_delivers_it(account: Account) -> None:
    with account.function() as function:
        reply = function.invoke(SCHEDULED)

    assert (reply.kind, reply.body["status"], reply.body["logs"]) == ("response", "succeeded", EVENTS)
    assert account.tally() == account.record() == Tally(EVENTS, EVENTS, (), (), ())
    assert account.head.owner == f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{FUNCTION}"
    assert account.head.status == "succeeded"


def test_a_second_run_delivers_nothing_again(account: Account) -> None:
    with account.function() as function:
        function.invoke(SCHEDULED)
        function.invoke(SCHEDULED)

    assert account.tally() == Tally(EVENTS, EVENTS, (), (), ())


def test_the_daily_run_of_a_paused_app_asks_nobody_and_deletes(account: Account) -> None:
    paused = SCHEDULED | {"invocation_type": "deleting"}
    with account.function(SA_APPS_JOURNAL_DAYS="0") as function:
        function.invoke(SCHEDULED)
        asked = len(account.duo.calls)
        reply = function.invoke(paused)
        while account.record().arrived:  # the store tells times in whole seconds
            reply = function.invoke(paused)

    assert (reply.kind, reply.body["status"]) == ("response", "succeeded")
    assert len(account.duo.calls) == asked
    assert (account.head.status, account.head.lease) == ("succeeded", None)


def test_an_idle_run_makes_five_calls_to_aws_at_most(account: Account) -> None:
    with account.function() as function:
        function.invoke(SCHEDULED)
        before = len(account.aws.calls)
        function.invoke(SCHEDULED)

    calls = sorted(account.aws.names()[before:])
    assert calls.count("s3.ListObjectsV2") <= 1  # of the inbox, once in a while
    calls = [name for name in calls if name != "s3.ListObjectsV2"]
    assert calls == ["s3.GetObject", "s3.PutObject", "s3.PutObject", "ssm.GetParameters"]


def test_events_go_where_conf_says_and_what_is_set_up_wrongly_holds_up_nothing(account: Account) -> None:
    account.s3.create_bucket(Bucket="acme-lake")
    parameter = names.destination_parameter("acme", "hook")
    account.ssm.put_parameter(Name=parameter, Value=json.dumps({"token": TOKEN}), Type="SecureString")
    twin = Endpoint(SystemClock())
    with serve(twin) as endpoint:  # type: ignore[arg-type] # it is asked for no more than this
        stated = {
            "lake": {"type": "s3", "bucket": "acme-lake"},
            "hook": {"type": "http", "url": f"{endpoint.url}/in"},
            "unsigned": {"type": "http", "url": f"{endpoint.url}/in"},
            "unheard": {"type": "of"},
        }
        environment = {"SA_APPS_DESTINATIONS": json.dumps(stated), "SA_APPS_PREFIX": "acme"}
        with account.function(**environment) as function:
            reply = function.invoke(SCHEDULED)

    objects = account.s3.list_objects_v2(Bucket="acme-lake")["Contents"]
    bodies = [account.s3.get_object(Bucket="acme-lake", Key=found["Key"])["Body"].read() for found in objects]
    assert sum(gzip.decompress(body).count(b"\n") for body in bodies) == EVENTS
    assert len(twin.arrived) == len(set(twin.arrived)) == EVENTS
    assert account.record() == Tally(EVENTS, EVENTS, (), (), ())
    states = {name: position.state for name, position in account.head.positions.items()}
    assert states == {"lake": "", "hook": "", "unsigned": "configuration", "unheard": "configuration"}
    assert reply.kind == "error"
    assert not [call for call in account.aws.calls if call.name == "lambda.Invoke"]


def test_what_runs_in_lambda_loads_no_library_of_the_command_line(account: Account) -> None:
    with account.function() as function:
        modules = set(function.invoke(SCHEDULED).body["modules"])

    assert {"botocore", "httpx", "msgspec", "streamalert_apps"} <= modules
    assert modules & FORBIDDEN == set()


def test_a_kill_at_any_request_loses_nothing_and_blocks_nothing(account: Account) -> None:
    with account.function() as function:
        for number in count():
            account.begin_anew()
            with at_request(account, "after", number, function.kill):  # and before the next one
                first = function.invoke(SCHEDULED)
            account.let_time_pass()
            quiet = function.invoke(SCHEDULED)

            tally = account.tally()
            assert quiet.body["status"] == account.head.status == "succeeded", number
            assert account.record() == Tally(EVENTS, EVENTS, (), (), ()), number
            assert (tally.lost, tally.foreign) == ((), ()), number
            assert len(tally.repeated) <= PAGE, number
            if first.kind == "response":
                break
            assert first.kind == "killed"
    assert (
        number >= 3 + 2 * EVENTS // PAGE
    )  # head, lease, credentials, and each page is fetched and delivered


@contextmanager
def at_request(account: Account, moment: str, number: int, kill: Callable[[], None]) -> Iterator[None]:
    """Kill at the request of this number, of those to AWS and to Duo, before or after it is carried out."""
    numbers = count()

    def hook(_: Call) -> Fault | None:
        if next(numbers) != number:
            return None
        kill()
        return Cut()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(account.aws, moment, hook)
        patch.setattr(account.duo, moment, hook)
        yield


def test_an_invocation_that_lambda_tries_again_need_not_wait_for_its_own_lease(account: Account) -> None:
    with account.function() as function:
        with at_request(account, "before", 6, function.kill):
            killed = function.invoke(SCHEDULED, request_id="the-same")
        again = function.invoke(SCHEDULED, request_id="the-same")

    assert (killed.kind, again.kind, again.body["status"]) == ("killed", "response", "succeeded")
    assert account.tally().lost == ()


def test_a_tick_that_comes_while_another_runs_leaves_at_once(account: Account) -> None:
    with account.function() as function:
        with at_request(account, "before", 6, function.kill):
            function.invoke(SCHEDULED)
        second = function.invoke(SCHEDULED)

    assert second.body["status"] == "already_running"
    assert account.head.status == "running"


def test_a_backlog_is_worked_off_by_successors_at_most_8_deep_and_then_by_the_next_tick(
    account: Account,
) -> None:
    account.happen(100)
    account.duo.before = lambda _: Delay(1.6)
    depths = []
    with account.function() as function:
        function.invoke({"warm": "up"})
        function.timeout_seconds = 4.0  # of which a page takes 1.6, and closing 1.0
        order: Mapping[str, Any] | None = SCHEDULED
        while order:
            seen = len(account.successors())
            assert function.invoke(order).body["status"] == "partial"
            order = next((call.json for call in account.successors()[seen:]), None)
            depths += [order["depth"]] if order else []
        account.duo.before = lambda _: None
        function.timeout_seconds = 60
        function.invoke(SCHEDULED)

    assert depths == [1, 2, 3, 4, 5, 6, 7, 8]
    assert account.record() == Tally(EVENTS + 100, EVENTS + 100, (), (), ())
    assert account.tally().lost == ()  # what was under way when a run's time was up may come again
    assert account.head.status == "succeeded"


def logged(function: LambdaFunction) -> list[dict[str, Any]]:
    """Return the product's own lines of the log."""
    return [json.loads(line) for line in function.log.splitlines() if line.startswith("{")]


def test_the_log_has_a_line_a_page_and_a_commit_of_each_run(account: Account) -> None:
    with account.function() as function:
        function.invoke(SCHEDULED, request_id="the-run")
        lines = logged(function)

    assert {(line["app"], line["type"], line["run"]) for line in lines} == {(FUNCTION, "duo_auth", "the-run")}
    told = [line["message"] for line in lines]
    assert {"page polled", "on record"} < set(told)
    pages = [line for line in lines if line["message"] == "page polled"]
    assert sum(page["events"] for page in pages) == EVENTS
    *_, ended, metrics = lines
    assert metrics["message"] == "metrics"
    assert (ended["message"], ended["status"], ended["logs"], ended["pages"]) == (
        *("run ended", "succeeded"),
        EVENTS,
        len(pages),
    )


def test_a_quiet_function_writes_nothing_of_a_run_that_succeeds(account: Account) -> None:
    with account.function(SA_APPS_LOG_LEVEL="warning") as function:
        function.invoke(SCHEDULED)
        assert [line["message"] for line in logged(function)] == ["metrics"]  # which alarms go by


def test_custom_metrics_are_a_line_a_run_and_one_for_each_destination(
    account: Account,
) -> None:
    with account.function(SA_APPS_METRICS="on", SA_APPS_LOG_LEVEL="critical") as function:
        function.invoke(SCHEDULED)
        account.store_credentials(secret_key="f" * 40)
        function.invoke(SCHEDULED)
        good, classifier, bad, _ = logged(function)

    assert (classifier["Destination"], classifier["DestinationLag"]) == ("classifier", 0.0)
    assert (good["Events"], good["FailedRuns"], good["FunctionName"]) == (EVENTS, 0, FUNCTION)
    assert good["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "StreamAlert"
    assert (bad["Events"], bad["FailedRuns"]) == (0, 1)
    assert bad["CursorAge"] > good["CursorAge"] >= 0


def test_without_the_switch_a_run_writes_what_alarms_go_by(account: Account) -> None:
    with account.function(SA_APPS_LOG_LEVEL="critical") as function:
        function.invoke(SCHEDULED)
        (line,) = logged(function)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert [metric["Name"] for metric in directive["Metrics"]] == ["Behind", "Problems"]
    assert (line["Behind"] >= 0, line["Problems"]) == (True, 0)


def test_where_no_alarm_goes_by_them_there_are_no_metrics(account: Account) -> None:
    with account.function(SA_APPS_METRICS="off") as function:
        function.invoke(SCHEDULED)
        assert "_aws" not in function.log


def test_credentials_that_conf_says_are_near_their_end_are_a_problem(account: Account) -> None:
    with account.function(SA_APPS_CREDENTIALS_UNTIL="1", SA_APPS_LOG_LEVEL="critical") as function:
        function.invoke(SCHEDULED)
        (line,) = logged(function)
    assert line["Problems"] == 1


def test_a_failed_run_is_a_lambda_error_and_says_why(account: Account) -> None:
    account.store_credentials(secret_key="f" * 40)
    with account.function() as function:
        reply = function.invoke(SCHEDULED)

    assert (reply.kind, reply.body["errorType"]) == ("error", "CredentialsError")
    assert account.head.status == "failed"
    assert account.head.runs[-1].error == "credentials_refused"


def test_a_classifier_that_is_gone_fails_the_run_and_nothing_is_lost(account: Account) -> None:
    def gone(call: Call) -> Fault | None:
        return Refuse(404, "ResourceNotFoundException") if invoked(call) == CLASSIFIER else None

    account.aws.before = gone
    with account.function() as function:
        reply = function.invoke(SCHEDULED)
        account.aws.before = lambda _: None
        function.invoke(SCHEDULED)

    assert (reply.kind, reply.body["errorType"]) == ("error", "DeliveryRefused")
    assert account.record() == account.tally() == Tally(EVENTS, EVENTS, (), (), ())


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Refuse(400, "ThrottlingException"), id="throttled"),
        pytest.param(Refuse(500, "InternalServerError"), id="500"),
        pytest.param(Cut(), id="cut"),
    ],
)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_call_to_aws_that_fails_once_is_made_again(account: Account, fault: Fault, moment: str) -> None:
    failed = set[str]()

    def first_of_its_kind(call: Call) -> Fault | None:
        if call.name in failed:
            return None
        failed.add(call.name)
        return fault

    setattr(account.aws, moment, first_of_its_kind)
    with account.function() as function:
        reply = function.invoke(SCHEDULED)

    assert (reply.kind, reply.body["status"]) == ("response", "succeeded")
    assert {"ssm.GetParameters", "s3.GetObject", "s3.PutObject", "lambda.Invoke"} <= failed
    assert account.record() == Tally(EVENTS, EVENTS, (), (), ())
    assert account.tally().lost == ()


def test_a_function_without_its_bucket_says_what_to_do(account: Account) -> None:
    with account.function(SA_APPS_BUCKET="") as function:
        reply = function.invoke(SCHEDULED)

    assert (reply.kind, reply.body["errorType"]) == ("error", "ConfigError")
    assert "SA_APPS_BUCKET is not set" in reply.body["errorMessage"]


@pytest.mark.parametrize("name", ["SA_APPS_JOURNAL_DAYS", "SA_APPS_LAG", "SA_APPS_BATCH_BYTES"])
def test_a_setting_that_is_no_number_is_named(account: Account, name: str) -> None:
    with account.function(**{name: "a week"}) as function:
        reply = function.invoke(SCHEDULED)

    assert (reply.kind, reply.body["errorType"]) == ("error", "ConfigError")
    assert f"{name} has to be a number, not 'a week'" in reply.body["errorMessage"]


def test_what_streamalert_left_in_parameter_store_is_where_the_first_run_begins(account: Account) -> None:
    since = account.twin.clock.now() - timedelta(minutes=20)
    account.ssm.put_parameter(
        Name=names.state_parameter(FUNCTION),
        Value=json.dumps({
            "current_state": "succeeded",
            "last_timestamp": int(since.timestamp()),
            "context": {},
        }),
        Type="SecureString",
    )
    with account.function() as function:
        reply = function.invoke(SCHEDULED)

    assert 0 < reply.body["logs"] < EVENTS
    assert account.record().repeated == ()


def test_no_secret_reaches_the_log_the_error_or_the_head(account: Account) -> None:
    secret = "5ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2"
    account.store_credentials(secret_key=secret)
    with account.function(SA_APPS_LOG_LEVEL="debug") as function:
        reply = function.invoke(SCHEDULED)
        told = function.log + json.dumps(reply.body) + account.store().read(heads.NAME).body.decode()

    assert "credentials" in told
    assert secret not in told
