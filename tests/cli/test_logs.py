"""`sa-apps logs`: what an app has written, as it is and as it comes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from streamalert_apps.aws import logs
from tests.cli.test_json import check

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Ran

    Command = Callable[..., Ran]

GROUP = "/aws/lambda/acme_prod_duo_auth_collector_app"
ENDED = {"time": "…", "level": "INFO", "message": "run ended", "logger": "x", "logs": 9, "status": "partial"}


def write(
    *messages: str, ago: timedelta = timedelta(minutes=5), stream: str = "one", group: str = GROUP
) -> None:
    """Write lines to the app's log group, the first so long ago."""
    client: Any = boto3.client("logs")
    with suppress(client.exceptions.ResourceAlreadyExistsException):
        client.create_log_group(logGroupName=group)
    with suppress(client.exceptions.ResourceAlreadyExistsException):
        client.create_log_stream(logGroupName=group, logStreamName=stream)
    start = int((datetime.now(UTC) - ago).timestamp() * 1000)
    events = [{"timestamp": start + number, "message": text} for number, text in enumerate(messages)]
    client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


@pytest.fixture
def lines(deployable: Path) -> None:
    write("START RequestId: 1", json.dumps(ENDED), "REPORT RequestId: 1 Duration: 3 ms", "{half")


@pytest.mark.usefixtures("lines")
def test_our_lines_are_made_readable_and_others_stay(sa_apps: Command) -> None:
    ran = sa_apps("logs", "collector")

    assert ran.code == 0
    start, ended, report, half = ran.out.splitlines()
    assert start.endswith("  START RequestId: 1")
    assert ended[19:] == " UTC  INFO     run ended logs=9 status=partial"
    assert report.endswith("  REPORT RequestId: 1 Duration: 3 ms")
    assert half.endswith("  {half")


def test_what_every_line_of_an_app_says_is_left_out(deployable: Path, sa_apps: Command) -> None:
    whose = {"app": "acme_prod_duo_auth_collector_app", "type": "duo_auth", "run": "1a2b"}
    write(json.dumps({"message": "page polled", "level": "INFO", "logs": 9} | whose))
    write(json.dumps({"message": "metrics", "level": "INFO", "_aws": {"Timestamp": 1}, "Events": 9}))

    lines = sa_apps("logs", "collector").out.splitlines()

    assert [line[25:] for line in lines] == ["INFO     page polled logs=9", "INFO     metrics Events=9"]


def test_the_run_of_a_line_is_in_the_json(deployable: Path, sa_apps: Command) -> None:
    write(json.dumps({"message": "page polled", "level": "INFO", "run": "1a2b"}))
    assert check(sa_apps("logs", "collector", "--json").out, "logs")["lines"][0]["fields"] == {"run": "1a2b"}


def test_lambdas_own_lines_are_readable_in_their_json_form_too(deployable: Path, sa_apps: Command) -> None:
    record = {"requestId": "1a2b", "status": "success", "metrics": {"durationMs": 3.1, "billedDurationMs": 4}}
    write(json.dumps({"time": "…", "type": "platform.report", "record": record}))

    (line,) = sa_apps("logs", "collector").out.splitlines()

    assert line[25:].split() == [
        *("platform.report", "requestId=1a2b", "status=success", "durationMs=3.1", "billedDurationMs=4")
    ]


@pytest.mark.usefixtures("lines")
def test_json_has_the_documented_form(sa_apps: Command) -> None:
    answer = check(sa_apps("logs", "collector", "--json").out, "logs")

    assert answer["count"] == 4
    assert answer["lines"][1]["level"] == "INFO"
    assert answer["lines"][1]["fields"] == {"logs": 9, "status": "partial"}
    assert answer["lines"][0]["message"] == "START RequestId: 1"


def test_only_what_is_younger_than_asked_is_shown(deployable: Path, sa_apps: Command) -> None:
    write("old", ago=timedelta(hours=3))
    write("new", ago=timedelta(minutes=5))

    assert "old" not in sa_apps("logs", "collector").out
    assert "old" in sa_apps("logs", "collector", "--since", "4h").out


def test_only_what_is_older_than_asked_is_shown(deployable: Path, sa_apps: Command) -> None:
    write("old", ago=timedelta(hours=3))
    write("new", ago=timedelta(minutes=5))

    shown = sa_apps("logs", "collector", "--since", "4h", "--until", "1h").out

    assert ("old" in shown, "new" in shown) == (True, False)


@pytest.mark.parametrize("since", ["yesterday", f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"])
def test_a_day_is_a_time_too(deployable: Path, sa_apps: Command, since: str) -> None:
    write("new", ago=timedelta(minutes=5))
    assert "new" in sa_apps("logs", "collector", "--since", since).out


def lines_of_levels() -> None:
    write(
        *(json.dumps({"message": f"of {level}", "level": level}) for level in ("INFO", "WARNING", "ERROR")),
        "START RequestId: 1",
        "2026-11-26T10:00:00.000Z 1a2b-3c Task timed out after 3.00 seconds",
        json.dumps({"type": "platform.report", "record": {"requestId": "1a2b", "status": "timeout"}}),
    )


@pytest.mark.parametrize(("level", "count"), [("debug", 5), ("info", 5), ("warning", 4), ("error", 3)])
def test_lines_of_a_level_and_above_are_shown_and_what_lambda_says_of_an_error(
    deployable: Path, sa_apps: Command, level: str, count: int
) -> None:
    lines_of_levels()
    answer = check(sa_apps("logs", "collector", "--level", level, "--json").out, "logs")
    assert answer["count"] == count


@pytest.mark.parametrize(
    "line",
    [
        '{"message": ["a"], "level": ["b"]}',
        '{"message": null, "level": null}',
        '{"message": {"a": 1}, "level": {}, "run": 5, "record": [1], "type": {}}',
        '{"a":' * 20_000,
        "{" + "9" * 5_000,
        "",
    ],
    ids=["lists", "null", "objects", "deep", "long", "empty"],
)
@pytest.mark.parametrize("words", [[], ["--json"], ["--level", "error"], ["--run", "1a"]], ids=str)
def test_a_line_of_any_form_is_shown(
    deployable: Path, sa_apps: Command, monkeypatch: pytest.MonkeyPatch, line: str, words: list[str]
) -> None:
    event = {"eventId": "1", "message": line, "timestamp": 1}
    monkeypatch.setattr(logs, "_events", lambda *_: iter([("1", logs._line(event))]))
    ran = sa_apps("logs", "collector", *words)
    assert (ran.code, "unexpected" in ran.err) == (0, False)


@pytest.mark.parametrize("event", [{}, {"timestamp": 10**30, "message": "x"}, {"timestamp": -5}])
def test_an_event_that_lacks_a_field_is_a_line(event: dict[str, Any]) -> None:
    assert logs._line(event).text == event.get("message", "")


def test_the_lines_of_one_run_are_shown_lambdas_own_too(deployable: Path, sa_apps: Command) -> None:
    write(
        json.dumps({"message": "mine", "level": "INFO", "run": "1a2b-3c"}),
        json.dumps({"message": "another's", "level": "INFO", "run": "9f-1"}),
        "REPORT RequestId: 1a2b-3c\tDuration: 3 ms",
        "2026-11-26T10:00:00.000Z 1a2b-3c Task timed out after 3.00 seconds",
        json.dumps({"type": "platform.report", "record": {"requestId": "1a2b-3c"}}),
    )

    answer = check(sa_apps("logs", "collector", "--run", "1a2b", "--json").out, "logs")

    assert answer["count"] == 4
    assert "another's" not in json.dumps(answer)


def test_what_is_not_found_is_said_as_it_was_asked_for(deployable: Path, sa_apps: Command) -> None:
    ran = sa_apps("logs", "collector", "--level", "error", "--since", "2026-11-01")
    assert "collector has written nothing of level error or above since 2026-11-01." in ran.err


@pytest.mark.parametrize("words", [["--follow", "--until", "1h"], ["--since", "1h", "--until", "2h"]])
def test_a_span_that_is_none_is_an_error(deployable: Path, sa_apps: Command, words: list[str]) -> None:
    assert sa_apps("logs", "collector", *words).code == 2


def test_an_app_that_has_written_nothing_is_no_error(deployable: Path, sa_apps: Command) -> None:
    ran = sa_apps("logs", "collector", "--since", "90s")
    assert (ran.code, ran.out) == (0, "")
    assert "nothing in the last 90s" in ran.err


def test_lines_of_several_apps_are_shown_in_their_order_with_each_apps_name(
    deployable: Path, sa_apps: Command, auth_file: Path
) -> None:
    new = ["new", "duo_admin", "-c", "prod", "-n", "second", "--auth-file", str(auth_file), "--no-check"]
    assert sa_apps(*new).code == 0
    write("first", ago=timedelta(minutes=9))
    write("between", ago=timedelta(minutes=6), group="/aws/lambda/acme_prod_duo_admin_second_app")
    write("last", ago=timedelta(minutes=3))

    ran = sa_apps("logs", "--all")
    told = check(sa_apps("logs", "collector", "second", "--json").out, "logs")

    assert [(line.split()[0], line.split()[-1]) for line in ran.out.splitlines()] == [
        ("collector", "first"),
        ("second", "between"),
        ("collector", "last"),
    ]
    assert [(app["name"], app["count"]) for app in told["apps"]] == [("collector", 2), ("second", 1)]


def test_one_app_at_a_time_is_followed(deployable: Path, sa_apps: Command) -> None:
    ran = sa_apps("logs", "--all", "--follow")

    assert (ran.code, ran.out) == (2, "")
    assert "--follow shows one app at a time." in ran.err


def test_a_length_of_time_that_is_none_is_an_error(deployable: Path, sa_apps: Command) -> None:
    assert sa_apps("logs", "collector", "--since", "soon").code == 2


def test_a_local_project_has_no_logs_in_aws(local: Path, sa_apps: Command, auth_file: Path) -> None:
    sa_apps("new", "duo_auth", "-c", "prod", "--auth-file", str(auth_file), "--no-check")
    assert sa_apps("logs", "collector").code == 1


def test_following_shows_each_line_once_even_one_that_shows_up_late(aws_env: str) -> None:
    write("one", "two", ago=timedelta(seconds=10))
    writes = iter([("three", timedelta(seconds=1)), ("late", timedelta(seconds=5))])

    def sleep(_: float) -> None:
        text, ago = next(writes)
        write(text, ago=ago, stream=text)

    seen = logs.follow(boto3.client("logs"), GROUP, datetime.now(UTC) - timedelta(hours=1), sleep)

    assert [line.text for line in islice(seen, 4)] == ["one", "two", "three", "late"]


def test_following_waits_for_a_group_that_is_not_there_yet(aws_env: str) -> None:
    client, since = boto3.client("logs"), datetime.now(UTC) - timedelta(hours=1)
    seen = logs.follow(client, GROUP, since, lambda _: write("first"))
    assert next(seen).text == "first"


@pytest.mark.skipif(sys.platform == "win32", reason="a signal ends it")
def test_following_ends_with_ctrl_c(deployable: Path) -> None:
    write("one")
    words = [sys.executable, "-m", "streamalert_apps", "logs", "collector", "--follow", "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as following:
        assert following.stdout is not None
        assert json.loads(following.stdout.readline())["message"] == "one"
        time.sleep(0.1)
        os.kill(following.pid, signal.SIGINT)
        assert json.loads(following.stdout.readline())["count"] == 1
        assert following.wait() == 0
