"""`sa-apps serve` as a process: what it collects, how it ends, and what a kill costs."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING

import httpx
import pytest

from streamalert_apps.aws.session import Session
from tests.serve.stand import (
    Serving,
    duo,
    record,
    stores,
    until_all_is_on_record,
    until_each_has_run,
    write_project,
)

if TYPE_CHECKING:
    from pathlib import Path

KILLS = int(os.environ.get("SA_APPS_KILLS", "4"))

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no signals of POSIX")


def test_a_collector_runs_all_apps_until_it_is_told_to_stop(project: Path) -> None:
    with duo() as service:
        write_project(project, ["a", "b", "c"], service)
        with Serving(project, service, "--log-format", "json") as serving:
            until_each_has_run(stores(project))
            service.emit(60, within=2)
            until_all_is_on_record(stores(project), service)
            healthz = httpx.get(f"{serving.url}/healthz").json()
            code = serving.stop()

    lines = [json.loads(line) for line in serving.said.splitlines() if line.startswith("{")]
    runs = [line for line in lines if line["message"] == "run ended"]
    assert code == 0
    assert (healthz["status"], healthz["apps"]) == ("ok", 3)
    assert {run["app"] for run in runs} == {"prod/a", "prod/b", "prod/c"}
    assert {run["status"] for run in runs} == {"succeeded"}
    assert sum(run["logs"] for run in runs) == 3 * 60
    assert [record(store) for store in stores(project).values()] == [Counter(service.ids)] * 3
    assert (project / "logs/a.jsonl").read_bytes().count(b"\n") == 60
    assert service.credentials["secret_key"] not in serving.said


def test_conf_is_read_again_when_it_changes_and_a_broken_one_changes_nothing(project: Path) -> None:
    with duo() as service:
        write_project(project, ["a"], service)
        with Serving(project, service) as serving:
            serving.until(r"prod/a: succeeded")
            (project / "conf/clusters/prod.json").write_text("{")
            serving.until(r"error: conf/ can't be read; what it said before stays in force")
            assert httpx.get(f"{serving.url}/healthz").json()["conf_is_valid"] is False
            write_project(project, ["b"], service)
            serving.until(r"prod/b: succeeded")
            assert httpx.get(f"{serving.url}/healthz").json()["conf_is_valid"] is True
            runs_of_a = serving.said.count("prod/a: ")
            time.sleep(1.5)
            assert serving.said.count("prod/a: ") == runs_of_a


def test_a_project_whose_folder_is_gone_is_told_by_each_run(project: Path) -> None:
    with duo() as service:
        write_project(project, ["a"], service)
        with Serving(project, service) as serving:
            until_each_has_run(stores(project))
            serving.log = project.rename(project.with_name("elsewhere")) / serving.log.name
            serving.until(rf"prod/a: failed.*: The project's folder {project} is gone\.")
            serving.stop()
    assert "broke" not in serving.said


def test_conf_that_is_gone_for_a_moment_ends_nothing(project: Path) -> None:
    with duo() as service:
        write_project(project, ["a"], service)
        with Serving(project, service) as serving:
            serving.until(r"prod/a: succeeded")
            (project / "conf").rename(project / "conf.before")
            serving.until(r"error: conf/ can't be read; what it said before stays in force")
            (project / "conf.before").rename(project / "conf")
            serving.until(r"conf/ was read again")
            assert serving.stop(signal.SIGHUP) == 0


def test_an_app_that_breaks_takes_no_other_along(project: Path) -> None:
    (project / "apps").mkdir()
    (project / "apps/acme.py").write_text(BROKEN)
    with duo() as service:
        write_project(project, ["a"], service)
        cluster = json.loads((project / "conf/clusters/prod.json").read_text())
        apps = cluster["modules"]["streamalert_apps"]
        (entry,) = apps.values()
        apps["acme_prod_acme_events_x_app"] = {**entry, "app_name": "x", "type": "acme_events"}
        (project / "conf/clusters/prod.json").write_text(json.dumps(cluster))
        auth = project / ".sa-apps/acme_prod_acme_events_x_app/auth.json"
        auth.parent.mkdir()
        auth.write_text("{}")
        auth.chmod(0o600)
        with Serving(project, service) as serving:
            serving.until(r"error: prod/x: failed, .*The app broke: SystemExit at acme.py")
            service.emit(20, within=1)
            until_all_is_on_record({"a": stores(project)["a"]}, service)


def test_a_second_signal_ends_it_at_once(project: Path) -> None:
    with duo() as service:
        write_project(project, ["a"], service)
        with Serving(project, service) as serving:
            serving.until(r"prod/a: succeeded")
            serving.process.send_signal(signal.SIGINT)
            serving.process.send_signal(signal.SIGINT)
            assert serving.process.wait(20) in {0, -signal.SIGINT}


def test_killed_again_and_again_each_event_is_on_record_exactly_once(project: Path) -> None:
    rng = random.Random(14)
    with duo() as service:
        write_project(project, ["a", "b", "c"], service)
        with Serving(project, service) as serving:
            until_each_has_run(stores(project))
            service.emit(100 * KILLS, within=2.5 * KILLS)
            serving.kill()
        for _ in range(KILLS):
            with Serving(project, service) as serving:
                serving.until("collecting; apps: 3")
                time.sleep(rng.uniform(0.0, 1.5))
                serving.kill()
        with Serving(project, service) as serving:
            serving.until("collecting; apps: 3")
            until_all_is_on_record(stores(project), service)
            assert serving.stop() == 0

    assert [record(store) for store in stores(project).values()] == [Counter(service.ids)] * 3


def test_three_collectors_that_share_a_bucket_put_each_event_on_record_once(
    project: Path, aws_env: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(14)
    session = Session("us-east-1")
    session.client("s3").create_bucket(Bucket="shared")
    copies = []
    with duo() as service, ExitStack() as stack:
        for number in range(3):
            root = project / f"copy{number}"
            root.mkdir()
            write_project(root, ["a", "b", "c"], service, store="s3://shared/sa-apps")
            copies.append(root)
        running = [stack.enter_context(Serving(root, service)) for root in copies]
        until_each_has_run(stores(copies[0], session))
        service.emit(200, within=8)
        for _ in range(3):
            time.sleep(rng.uniform(1.0, 2.5))
            victim = rng.randrange(3)
            running[victim].kill()
            running[victim] = stack.enter_context(Serving(copies[victim], service))
        until_all_is_on_record(stores(copies[0], session), service)
        logs = [log for root in copies for log in root.glob("serve-*.log")]
        codes = [serving.stop() for serving in running]

    found = stores(copies[0], session)
    assert codes == [0, 0, 0]
    assert [record(store) for store in found.values()] == [Counter(service.ids)] * 3
    assert sum("succeeded" in log.read_text() for log in logs) >= 2  # they shared the work


BROKEN = '''
"""An app that leaves the process."""
from streamalert_apps import App


class Acme(App):
    type = "acme_events"
    collects = "events"
    auth = ()

    def start(self, since):
        return {}

    def check(self):
        pass

    def poll(self, checkpoint):
        raise SystemExit(3)
'''
