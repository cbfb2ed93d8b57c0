"""`sa-apps run`: what is put on record, where it goes, and what leaves no trace."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import msgspec
import pytest
from jsonschema import Draft202012Validator

from streamalert_apps.cli.terminal import collecting
from streamalert_apps.runtime import head as heads
from streamalert_apps.runtime import names, pace
from streamalert_apps.runtime.head import Lease
from streamalert_apps.runtime.store.local import LocalStore
from streamalert_apps.sdk.clock import SystemClock
from streamalert_apps.services import twins
from streamalert_apps.simulator.faults import Fault, Status
from streamalert_apps.simulator.server import serve
from tests.cli.conftest import Ran
from tests.cli.test_json import SCHEMA, check
from tests.terminal import Terminal

Command = Callable[..., Ran]

TYPE = "intercom_admin_activity_logs"
FUNCTION = f"local_prod_{TYPE}_try_app"
UNLIMITED = Path(__file__).parent.parent / "unlimited"
EVENTS = 200


@dataclass(frozen=True)
class Tried:
    """A local project with an app, and the service that it collects from."""

    folder: Path
    twin: Any
    url: str

    @property
    def store(self) -> LocalStore:
        return LocalStore(self.folder / ".sa-apps", FUNCTION)

    @property
    def head(self) -> heads.Head:
        return heads.parse(self.store.read(heads.NAME).body)[0]

    @property
    def words(self) -> list[str]:
        return ["run", "try", "--simulator", self.url]

    def more(self, events: int) -> None:
        """Let the service have some more events, younger than all before."""
        now = SystemClock().now()
        self.twin.seed(TYPE, events=events, start=now - timedelta(seconds=40), end=now - timedelta(seconds=5))


@pytest.fixture
def tried(local: Path, sa_apps: Command, tmp_path: Path) -> Iterator[Tried]:
    clock = SystemClock()
    twin: Any = twins.twin("intercom", clock=clock)
    now = clock.now()
    twin.seed(TYPE, events=EVENTS, start=now - timedelta(minutes=100), end=now - timedelta(minutes=3))
    auth = tmp_path / "auth.json"
    auth.write_text(json.dumps(twin.credentials))
    auth.chmod(0o600)
    assert sa_apps("new", TYPE, "-c", "prod", "-n", "try", "--auth-file", str(auth), "--no-check").code == 0
    with serve(twin) as server:
        yield Tried(local, twin, server.url)


def lines(path: Path) -> int:
    return len(path.read_bytes().splitlines())


def test_on_a_terminal_events_go_to_the_apps_own_file_and_a_summary_is_shown(tried: Tried) -> None:
    with Terminal(*tried.words, folder=tried.folder) as terminal:
        terminal.see("200 events on record, 200 delivered to logs/try.jsonl")
        assert terminal.ends() == 0
        assert "{" not in terminal.text

    assert lines(tried.folder / "logs/try.jsonl") == EVENTS


def test_where_standard_output_is_no_terminal_events_are_json_lines_on_it(
    tried: Tried, sa_apps: Command
) -> None:
    ran = sa_apps(*tried.words)

    assert ran.code == 0
    assert len([json.loads(line) for line in ran.out.splitlines()]) == EVENTS
    assert re.search(
        r"^try: 200 events on record, 200 delivered to standard output in \d+\.\d s\.$", ran.err, re.MULTILINE
    )
    assert list(tried.head.positions) == ["run:-"]


def test_a_file_that_is_named_gets_all_that_a_new_app_collects_and_later_what_is_new(
    tried: Tried, sa_apps: Command
) -> None:
    first = check(sa_apps(*tried.words, "--to", "logs.jsonl", "--json").out, "run")
    tried.more(7)
    second = check(sa_apps(*tried.words, "--to", "logs.jsonl", "--json").out, "run")

    assert (first["recorded"], first["logs"]) == (EVENTS, EVENTS)
    assert (second["recorded"], second["logs"]) == (7, 7)
    assert lines(tried.folder / "logs.jsonl") == EVENTS + 7
    assert list(tried.head.positions) == [f"run:{tried.folder / 'logs.jsonl'}"]


def test_what_was_collected_meanwhile_reaches_a_file_that_was_named_before(
    tried: Tried, sa_apps: Command
) -> None:
    sa_apps(*tried.words, "--to", "a.jsonl")
    tried.more(5)
    sa_apps(*tried.words, "--to", "b.jsonl")
    ran = check(sa_apps(*tried.words, "--to", "a.jsonl", "--json").out, "run")

    assert (ran["recorded"], ran["logs"]) == (0, 5)
    assert ran["destinations"][0]["name"] == f"run:{tried.folder / 'a.jsonl'}"
    assert lines(tried.folder / "a.jsonl") == EVENTS + 5
    assert lines(tried.folder / "b.jsonl") == 5


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a name has to be text")
def test_a_file_can_be_named_whose_name_is_not_text(tried: Tried, sa_apps: Command) -> None:
    assert sa_apps(*tried.words, "--to", "\udcff.jsonl").code == 0
    assert lines(tried.folder / "\udcff.jsonl") == EVENTS


def test_a_device_can_be_named(tried: Tried, sa_apps: Command) -> None:
    assert check(sa_apps(*tried.words, "--to", os.devnull, "--json").out, "run")["logs"] == EVENTS


def test_a_file_that_cannot_be_written_is_told_before_anything_is_collected(
    tried: Tried, sa_apps: Command
) -> None:
    ran = sa_apps(*tried.words, "--to", str(tried.folder))

    assert ran.code == 2
    assert "can't be written" in ran.err
    assert tried.store.read(heads.NAME).version is None


def test_a_local_project_has_no_classifier(tried: Tried, sa_apps: Command) -> None:
    ran = sa_apps(*tried.words, "--to", "classifier")

    assert (ran.code, ran.out) == (2, "")
    assert "local project (no AWS)" in ran.err


@pytest.mark.skipif(sys.platform == "win32", reason="no bash")
def test_a_reader_that_goes_away_ends_the_run_quietly_and_what_it_missed_is_not_delivered(
    tried: Tried,
) -> None:
    tried.more(20_000)  # more than a pipe holds
    command = " ".join([sys.executable, "-m", "streamalert_apps", *tried.words])
    ran = subprocess.run(
        ["bash", "-c", f"{command} | head -2; echo ${{PIPESTATUS[0]}}"],
        cwd=tried.folder,
        capture_output=True,
        text=True,
        check=True,
    )

    assert ran.stderr == ""
    assert ran.stdout.splitlines()[2:] == ["0"]
    position = tried.head.positions["run:-"]
    assert position.events < tried.head.events


@pytest.mark.parametrize("words", [["--since", "2h"], ["--keep-state"]], ids=" ".join)
def test_a_look_shows_events_and_leaves_no_trace(tried: Tried, sa_apps: Command, words: list[str]) -> None:
    looked = sa_apps(*tried.words, *words, "--json")
    *shown, told = looked.out.splitlines()

    assert len(shown) == EVENTS
    assert (json.loads(told)["recorded"], json.loads(told)["logs"]) == (0, EVENTS)
    assert "looked only, 200 events" in looked.err
    assert tried.store.read(heads.NAME).version is None
    assert check(sa_apps(*tried.words, "--to", "a.jsonl", "--json").out, "run")["recorded"] == EVENTS


def test_keep_state_looks_from_where_the_app_is(tried: Tried, sa_apps: Command) -> None:
    sa_apps(*tried.words, "--to", "a.jsonl")
    before = tried.head
    tried.more(3)
    looked = sa_apps(*tried.words, "--keep-state")

    assert len(looked.out.splitlines()) == 3
    assert "--keep-state is deprecated" in looked.err
    assert tried.head == before


def test_a_look_ends_where_it_is_told_to(tried: Tried, sa_apps: Command) -> None:
    until = SystemClock().now() - timedelta(minutes=50)
    ran = sa_apps(*tried.words, "--since", "2h", "--until", until.isoformat())
    wanted = tried.twin.held(TYPE, until=until).total()

    assert 0 < wanted < EVENTS
    assert len(ran.out.splitlines()) == wanted


@pytest.mark.parametrize(
    "words", [["--since", "soon"], ["--since", "1h", "--until", "2h"], ["--since", "0h"]]
)
def test_a_time_that_is_none_is_refused(tried: Tried, sa_apps: Command, words: list[str]) -> None:
    assert sa_apps(*tried.words, *words).code == 2


def test_a_look_and_a_check_note_what_they_asked_for_the_apps_runs(
    local: Path, sa_apps: Command, tmp_path: Path
) -> None:
    twin: Any = twins.twin("duo", clock=SystemClock())
    auth = tmp_path / "auth.json"
    auth.write_text(json.dumps(twin.credentials))
    auth.chmod(0o600)
    with serve(twin) as server:
        words = ["-c", "prod", "-n", "try", "--auth-file", str(auth), "--simulator", server.url]
        assert sa_apps("new", "duo_auth", *words).code == 0
        store = LocalStore(local / ".sa-apps", names.function_name("local", "prod", "duo_auth", "try"))
        assert len(pace.read(store).requests) == 1
        assert sa_apps("check", "try", "--simulator", server.url).code == 0

    assert len(pace.read(store).requests) == 2


def test_a_run_that_is_turned_away_says_when_to_try_again(tried: Tried, sa_apps: Command) -> None:
    sa_apps(*tried.words, "--to", "a.jsonl")
    there = tried.store.read(heads.NAME)
    head, _ = heads.parse(there.body)
    head.lease = Lease("another", there.now.timestamp() + 60)
    tried.store.write(heads.NAME, msgspec.json.encode(head), replacing=there.version)

    ran = sa_apps(*tried.words)

    assert (ran.code, ran.out) == (1, "")
    assert re.search(
        r"error: try is already running; if that run died, try again after \d\d:\d\d UTC\.", ran.err
    )


def test_without_a_terminal_a_wait_is_told_from_time_to_time(
    tried: Tried, sa_apps: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "HEARTBEAT_SECONDS", 0.05)
    with serve(tried.twin, faults=[Fault(Status(429, retry_after=2), nth=1)]) as server:
        ran = sa_apps("run", "try", "--simulator", server.url)

    assert ran.code == 0
    assert re.search(r"^try; waiting \d s: Intercom limits how often it is asked …$", ran.err, re.MULTILINE)


def test_on_a_terminal_a_wait_is_shown(tried: Tried) -> None:
    with (
        serve(tried.twin, faults=[Fault(Status(429, retry_after=4), nth=1)]) as server,
        Terminal("run", "try", "--simulator", server.url, folder=tried.folder) as terminal,
    ):
        terminal.see("s: Intercom limits how often it is asked").see("200 delivered to logs/try.jsonl")
        assert terminal.ends() == 0


def test_without_aws_credentials_it_says_how_to_sign_in(
    deployable: Path, sa_apps: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    ran = sa_apps("run", "collector")

    assert ran.code == 4
    assert "There are no AWS credentials." in ran.err
    assert "hint: Sign in" in ran.err


def test_before_the_first_deploy_it_says_what_creates_the_bucket(deployable: Path, sa_apps: Command) -> None:
    ran = sa_apps("run", "collector")

    assert ran.code == 1
    assert "There is no bucket acme-sa-apps-123456789012-us-east-1." in ran.err
    assert "hint: `sa-apps deploy` creates it." in ran.err


def test_in_aws_a_terminal_gets_a_summary_and_the_classifier_the_events(
    deployable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(UNLIMITED))
    boto3.client("s3").create_bucket(Bucket="acme-sa-apps-123456789012-us-east-1")
    with Terminal("run", "collector", "--simulator", "http://127.0.0.1:9", folder=deployable) as terminal:
        terminal.see("0 events on record, 0 delivered to acme_prod_streamalert_classifier")
        assert terminal.ends() == 1


@pytest.fixture
def with_another(tried: Tried) -> Tried:
    """The same with an app besides, `bad`, that has no credentials."""
    path = tried.folder / "conf/clusters/prod.json"
    conf = json.loads(path.read_text())
    apps = conf["modules"]["streamalert_apps"]
    apps[FUNCTION.replace("try", "bad")] = {**apps[FUNCTION], "app_name": "bad"}
    path.write_text(json.dumps(conf))
    return tried


def test_all_apps_run_to_where_their_events_go_whatever_becomes_of_one(
    with_another: Tried, sa_apps: Command
) -> None:
    ran = sa_apps("run", "--all", "--simulator", with_another.url, "--json")

    answer = json.loads(ran.out)
    Draft202012Validator({"$ref": "#/$defs/run", "$defs": SCHEMA["$defs"]}).validate(answer)
    bad, well = answer["apps"]
    assert ran.code == 5
    assert (bad["name"], bad["error"]["code"]) == ("bad", "credentials_refused")
    assert (well["name"], well["recorded"], well["error"]) == ("try", EVENTS, None)
    assert lines(with_another.folder / "logs/try.jsonl") == EVENTS
    assert "2 apps: 1 collected, 1 failed." in ran.err


def test_all_apps_of_a_cluster_that_has_one_end_as_that_one_does(tried: Tried, sa_apps: Command) -> None:
    ran = sa_apps("run", "--all", "-c", "prod", "--simulator", tried.url, "--to", "all.jsonl")
    assert (ran.code, lines(tried.folder / "all.jsonl")) == (0, EVENTS)
