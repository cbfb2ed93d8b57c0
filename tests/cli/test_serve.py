"""`sa-apps serve`: its options, its probe and its unit."""

from __future__ import annotations

import json
import logging
import shutil
import signal
import subprocess
from contextvars import copy_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from streamalert_apps.cli.commands import serve
from streamalert_apps.cli.terminal import lines, output
from streamalert_apps.errors import UsageError
from streamalert_apps.runtime import log
from streamalert_apps.serve.ending import Ending
from streamalert_apps.serve.routes import Health, routes
from streamalert_apps.serve.unit import unit
from streamalert_apps.serve.web import Address, Web

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Ran

    Command = Callable[..., Ran]
ENDED = {"status": "partial", "logs": 1, "delivered": {"lake": 1_200}, "seconds": 0.44}


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [("ok", 0, "Healthy. 2 apps, 1 running."), ("stuck", 1, "is stuck."), ("stopping", 1, "is stopping.")],
)
def test_check_asks_the_collector_that_runs_here(
    local: Path, sa_apps: Command, status: Any, code: int, said: str
) -> None:
    with Web(Address("127.0.0.1", 0), routes(lambda: Health(status, apps=2, running=1))) as web:
        told = sa_apps("serve", "--check", "--listen", f"127.0.0.1:{web.address.port}")

    assert told.code == code
    assert said in told.err


def test_check_says_where_nobody_answers(local: Path, sa_apps: Command) -> None:
    told = sa_apps("serve", "--check", "--listen", "127.0.0.1:9")

    assert told.code == 1
    assert "No collector answers at http://127.0.0.1:9" in told.err


def test_the_address_is_that_of_conf(local: Path, sa_apps: Command) -> None:
    whole = json.loads((local / "conf/global.json").read_text())
    whole["sa_apps"]["serve"] = {"listen": "[::1]:9"}
    (local / "conf/global.json").write_text(json.dumps(whole))

    assert "http://[::1]:9 " in sa_apps("serve", "--check").err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--listen", "9464"], "'9464' is not an address and a port."),
        (["--grace", "soon"], "'soon' is not a valid duration."),
        (["--workers", "0"], "0 is not in the range"),
        (["--log-format", "xml"], "xml"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(
    local: Path, sa_apps: Command, options: list[str], told: str
) -> None:
    answer = sa_apps("serve", *options)

    assert answer.code == 2
    assert told in answer.err


def test_systemd_takes_the_unit(project: Path) -> None:
    odd = project / 'it\'s 100% "odd" $HOME'
    odd.mkdir()
    text = unit(shutil.which("true") or "true", odd)
    file = project / "sa-apps.service"
    file.write_text(text)

    assert f'ReadWritePaths="{project}/it\'s 100%% \\"odd\\" $HOME"' in text
    if analyze := shutil.which("systemd-analyze"):
        run = subprocess.run([analyze, "verify", str(file)], capture_output=True, text=True, check=False)
        assert (run.returncode, run.stderr) == (0, "")


def test_print_unit_is_for_this_project(local: Path, sa_apps: Command) -> None:
    told = sa_apps("serve", "--print-unit")

    assert told.code == 0
    assert f"serve --project-dir {local}\n" in told.out
    assert f"ReadWritePaths={local}\n" in told.out


def test_a_path_that_no_unit_can_hold_is_refused() -> None:
    with pytest.raises(UsageError, match="has a character that a unit can't hold"):
        unit("sa-apps", Path("/srv/two\nlines"))


def written(form: Any, capsys: pytest.CaptureFixture[str]) -> str:
    logger = logging.getLogger("streamalert_apps")
    before = logger.handlers, logger.propagate, logger.level

    def run() -> None:
        lines.write(form)
        output.hide("s3cr3t-value")
        log.begin(app="prod/duo", app_type="duo_auth", run="")
        logging.getLogger("streamalert_apps.serve.collector").info("run ended", extra={"fields": ENDED})
        logging.getLogger("streamalert_apps.sdk.http").info("waiting")
        logging.getLogger("streamalert_apps.sdk.http").warning("it said s3cr3t-value\n\x1b[2J")

    try:
        copy_context().run(run)
    finally:
        logger.handlers, logger.propagate = before[0], before[1]
        logger.setLevel(before[2])
        logging.getLogger("streamalert_apps.serve").setLevel(logging.NOTSET)
    return capsys.readouterr().err


def test_a_run_is_a_line_for_a_person(capsys: pytest.CaptureFixture[str]) -> None:
    run, warning = written("text", capsys).splitlines()

    assert run.endswith("Z prod/duo: partial, 1 event on record, 1,200 delivered to lake in 0.4 s")
    assert warning.endswith("Z warning: prod/duo: it said *** \\x1b[2J")


def test_a_run_is_a_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    run, warning = map(json.loads, written("json", capsys).splitlines())

    assert ENDED.items() <= run.items()
    assert (run["app"], run["type"], run["level"], run["message"]) == (
        "prod/duo",
        "duo_auth",
        "INFO",
        "run ended",
    )
    assert warning["message"] == "it said ***\n\x1b[2J"


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGBREAK"])
def test_the_first_signal_stops_it_and_a_second_one_ends_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-Break is Windows' alone: elsewhere another signal stands for it."""
    if not hasattr(signal, name):
        monkeypatch.setattr(signal, name, signal.SIGUSR1, raising=False)
    number, ending = getattr(signal, name), Ending(30)
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT, number)}
    try:
        serve._end_on_signals(ending)
        signal.raise_signal(number)
        after = signal.getsignal(number)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)

    assert ending.begun
    assert after == signal.SIG_DFL
