"""A closed stream, a full disk and a place where nothing can be written end in words, not in a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from streamalert_apps.aws.logs import follow
from streamalert_apps.aws.session import Session
from streamalert_apps.cli.explained import explained
from tests.cli.conftest import FUNCTION
from tests.proxy import Refuse

if TYPE_CHECKING:
    from pathlib import Path

    from tests.proxy import Proxy

SA_APPS = f"{sys.executable} -m streamalert_apps"


def shell(words: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words,
        shell=True,
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("words", ["list", "types --json", "no-such-command"])
def test_a_stream_that_is_closed_harms_nothing(local: Path, closed: str, words: str) -> None:
    ran = shell(f"{SA_APPS} {words} {closed}", local)
    assert ran.returncode == (2 if words == "no-such-command" else 0)
    assert "Traceback" not in ran.stdout + ran.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
@pytest.mark.parametrize("words", ["types", "types --json", "--help", "--version"])
def test_a_full_disk_is_told_and_fails(local: Path, words: str) -> None:
    ran = shell(f"{SA_APPS} {words} > /dev/full", local)
    assert ran.returncode == 1
    assert ran.stderr.strip() == "error: The output can't be written: No space left on device."


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such pipes")
def test_what_is_written_to_a_pipe_goes_through_it_and_replaces_nothing(local: Path) -> None:
    ran = shell(f"{SA_APPS} status --html /dev/stdout | cat; ls -l /dev/stdout", local)
    page, _, link = ran.stdout.partition("</html>")

    assert page.startswith("<!doctype html>")
    assert "-> /proc/self/fd/1" in link


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
def test_a_device_that_is_full_is_told_of_and_stays_a_device(local: Path, tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.symlink_to("/dev/full")

    ran = shell(f"{SA_APPS} status --html {full}", local)

    assert ran.returncode == 2
    assert "can't be written: No space left on device." in ran.stderr
    assert full.is_char_device()


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
def test_where_errors_can_not_be_written_the_exit_code_tells(local: Path) -> None:
    ran = shell(f"{SA_APPS} run none 2> /dev/full", local)
    assert ran.returncode in {1, 2}
    assert "Traceback" not in ran.stdout


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps the folder that a process is in")
@pytest.mark.parametrize("words", ["list --json", "init --local --json"])
def test_in_a_folder_that_is_gone_it_says_so(tmp_path: Path, words: str) -> None:
    ran = shell(f"mkdir gone && cd gone && rmdir ../gone && {SA_APPS} {words}", tmp_path)
    assert ran.returncode == 1
    assert json.loads(ran.stdout)["errors"][0]["message"] == "The current folder is gone."


@pytest.mark.parametrize("home", ["/", "/no/such/home", ""])
@pytest.mark.parametrize("words", ["list", "types", "status"])
def test_without_a_home_it_works(local: Path, home: str, words: str) -> None:
    ran = shell(f"{SA_APPS} {words}", local, HOME=home)
    assert (ran.returncode, "Traceback" in ran.stderr) == (0, False)


def test_something_unexpected_is_told_without_room_for_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(*_: object, **__: object) -> None:
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", nowhere)
    told = explained(RuntimeError("s3cr3t"))
    assert told.message == "Something unexpected happened: RuntimeError."
    assert "SA_APPS_DEBUG=1" in told.hint


def test_a_project_that_can_not_be_written_is_told(
    sa_apps: Any, local: Path, auth_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system", str(local / ".sa-apps"))

    monkeypatch.setattr("pathlib.Path.mkdir", read_only)
    ran = sa_apps("new", "duo_auth", "-c", "prod", "--auth-file", str(auth_file), "--no-check")
    assert ran.code == 1
    assert "Read-only file system" in ran.err
    assert "unexpected" not in ran.err


def test_before_the_first_deploy_a_run_says_what_to_do(
    sa_apps: Any, deployable: Path, aws: Proxy, tmp_path: Path
) -> None:
    for words in (["run", "collector"], ["run", "collector", "--to", str(tmp_path / "x.jsonl"), "--json"]):
        ran = sa_apps(*words)
        assert ran.code == 1
        assert "error: There is no bucket acme-sa-apps-123456789012-us-east-1" in ran.err
        assert "`sa-apps deploy`" in ran.err


def test_line_ends_and_byte_order_mark_of_conf_stay(sa_apps: Any, local: Path, auth_file: Path) -> None:
    path = local / "conf/clusters/prod.json"
    form = json.dumps(json.loads(path.read_text()), indent=2) + "\n"
    path.write_bytes(b"\xef\xbb\xbf" + form.replace("\n", "\r\n").encode())

    assert sa_apps("new", "duo_auth", "-c", "prod", "--auth-file", str(auth_file), "--no-check").code == 0

    after = path.read_bytes()
    assert after.startswith(b"\xef\xbb\xbf")
    assert after.count(b"\n") == after.count(b"\r\n") > form.count("\n")


def test_logs_go_on_through_throttling(aws_env: str, aws: Proxy) -> None:
    client = Session("us-east-1").client("logs", retries={"total_max_attempts": 1})
    now = datetime.now(UTC)
    group = f"/aws/lambda/{FUNCTION}"
    client.create_log_group(logGroupName=group)
    client.create_log_stream(logGroupName=group, logStreamName="s")
    event = {"timestamp": int(now.timestamp() * 1000), "message": "hello"}
    client.put_log_events(logGroupName=group, logStreamName="s", logEvents=[event])
    faults = iter([Refuse(400, "ThrottlingException"), Refuse(503, "ServiceUnavailable")])
    aws.before = lambda call: next(faults, None) if call.name == "logs.FilterLogEvents" else None
    slept: list[float] = []

    line = next(follow(client, group, now - timedelta(minutes=1), slept.append))

    assert (line.text, len(slept)) == ("hello", 2)
