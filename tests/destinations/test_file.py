"""`file`: where it writes, when it begins a new file, and who writes meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from streamalert_apps.errors import ConfigError, DeliveryFailed, UsageError
from streamalert_apps.runtime import kinds
from streamalert_apps.runtime.delivery import Batch
from streamalert_apps.runtime.destinations import file as files
from streamalert_apps.runtime.destinations.file import File, Rotation
from streamalert_apps.runtime.outlets import Definition, outlet
from streamalert_apps.runtime.sink import Setup, Source
from streamalert_apps.sdk.clock import Deadline, SystemClock


def batch(*events: bytes) -> Batch:
    return Batch("b4tch", events)


SOURCE = Source("duo", "duo_auth", "acme_prod_duo_app")


def sink(folder: Path, source: Source = SOURCE, **given: Any) -> Any:
    """Return the destination as it is made from conf/."""

    def setup(definition: Definition, settings: dict[str, Any]) -> Setup:
        never: Any = None
        clock, deadline = SystemClock(), Deadline.never()
        return Setup(definition.name, settings, dict, source, clock, deadline, never, never, folder=folder)

    return outlet(Definition("file", {"type": "file", **given}), kinds.find, setup).destination


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.jsonl")}


def test_the_path_begins_at_the_projects_folder_and_may_hold_names_of_the_app(tmp_path: Path) -> None:
    sink(tmp_path, path="logs/{type}/{app}-{function}.jsonl").send(batch(b"1"))

    assert content(tmp_path) == {"logs/duo_auth/duo-acme_prod_duo_app.jsonl": b"1\n"}


def test_an_absolute_path_stays(tmp_path: Path) -> None:
    sink(Path("/nowhere"), path=f"{tmp_path}/x.jsonl").send(batch(b"1"))

    assert content(tmp_path) == {"x.jsonl": b"1\n"}


def test_no_name_leads_out_of_the_folder(tmp_path: Path) -> None:
    answer = sink(tmp_path, Source("../../x", "t", "f"), path="logs/{app}.jsonl").send(batch(b"1"))

    assert isinstance(answer.error, ConfigError)
    assert content(tmp_path) == {}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "path is missing"),
        ({"path": "{ap}.jsonl"}, "is not a path"),
        ({"path": "{app!r}.jsonl"}, "is not a path"),
        ({"path": "{{app}}.jsonl"}, "is not a path"),
        ({"path": "{.jsonl"}, "is not a path"),
        ({"path": "./conf/global.json"}, "a folder of sa-apps' own"),
        ({"path": "logs/../.sa-apps/{app}"}, "a folder of sa-apps' own"),
        ({"path": "x.jsonl", "rotate": "2d"}, "neither a day nor a size"),
        ({"path": "x.jsonl", "rotate": "0MB"}, "neither a day nor a size"),
        ({"path": "x.jsonl", "rotate": 5}, "neither a day nor a size"),
    ],
)
def test_what_is_wrong_is_told(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Definition("file", {"type": "file", **given}).settings(kinds.find("file"))


# Beginning a new file


def test_a_file_is_put_aside_before_it_is_larger_than_it_may_be(tmp_path: Path) -> None:
    file = File(tmp_path / "duo.jsonl", Rotation(bytes=10))

    for event in (b"1234", b"5678", b"9", b"more than ten bytes", b"0"):
        file.send(batch(event))

    *aside, last = [content(tmp_path)[name] for name in sorted(content(tmp_path), key=_age(tmp_path))]
    assert [*aside, last] == [b"1234\n5678\n", b"9\n", b"more than ten bytes\n", b"0\n"]


def _age(folder: Path) -> Any:
    return lambda name: (folder / name).stat().st_mtime_ns


def test_a_file_is_put_aside_on_another_day_with_the_time_of_its_last_line(tmp_path: Path) -> None:
    file = File(tmp_path / "duo.jsonl", Rotation(by_day=True))
    file.send(batch(b"1"))
    file.send(batch(b"2"))
    yesterday = datetime.now(UTC) - timedelta(days=1)
    os.utime(tmp_path / "duo.jsonl", (yesterday.timestamp(), yesterday.timestamp()))

    file.send(batch(b"3"))

    aside = f"duo.{yesterday:%Y%m%dT%H%M%SZ}.jsonl"
    assert content(tmp_path) == {aside: b"1\n2\n", "duo.jsonl": b"3\n"}


def test_a_torn_line_makes_yesterdays_file_no_younger(tmp_path: Path) -> None:
    (tmp_path / "duo.jsonl").write_bytes(b"1\n2")
    os.utime(tmp_path / "duo.jsonl", (1_795_694_400, 1_795_694_400 - 86_400 * 3))

    File(tmp_path / "duo.jsonl", Rotation(by_day=True)).send(batch(b"2"))

    assert sorted(content(tmp_path).values()) == [b"1\n", b"2\n"]


def test_no_file_that_was_put_aside_is_written_over(tmp_path: Path) -> None:
    file = File(tmp_path / "duo.jsonl", Rotation(bytes=1))
    for event in (b"1", b"2", b"3"):
        file.send(batch(event))
        if (tmp_path / "duo.jsonl").exists():
            os.utime(tmp_path / "duo.jsonl", (1_795_694_400, 1_795_694_400))

    assert sorted(content(tmp_path)) == [
        "duo.20261126T120000Z-2.jsonl",
        "duo.20261126T120000Z.jsonl",
        "duo.jsonl",
    ]


# One writer at a time

WRITER = """
import sys
from pathlib import Path
from streamalert_apps.runtime.delivery import Batch
from streamalert_apps.runtime.destinations.file import File, Rotation

file = File(Path(sys.argv[1]), Rotation(bytes=20_000))
for number in range(40):
    events = [b"%b %d %d " % (sys.argv[2].encode(), number, n) + b"x" * 100 for n in range(10)]
    answer = file.send(Batch("id", events))
    assert answer.error is None, answer.error
"""


def test_several_processes_share_a_file_and_no_line_is_lost_or_torn(tmp_path: Path) -> None:
    words = [sys.executable, "-c", WRITER, str(tmp_path / "all.jsonl")]
    writers = [subprocess.Popen([*words, name]) for name in "abc"]
    assert [writer.wait() for writer in writers] == [0, 0, 0]

    lines = [line.rpartition(b" ")[0] for data in content(tmp_path).values() for line in data.splitlines()]
    assert len(content(tmp_path)) > 3
    assert sorted(lines) == sorted(
        b"%b %d %d" % (name, number, n)
        for name in (b"a", b"b", b"c")
        for number in range(40)
        for n in range(10)
    )


def test_a_file_that_another_keeps_is_tried_again_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LOCK_SECONDS", 0.1)
    path = tmp_path / "duo.jsonl"
    with path.open("wb") as other:
        files._lock(other, time.monotonic())
        answer = File(path).send(batch(b"1"))
        assert isinstance(answer.error, DeliveryFailed)
        assert [*answer.retry] == [0]

    assert File(path).send(batch(b"1")).error is None


def test_a_kind_is_known_by_its_name() -> None:
    assert "file" in kinds.names()
    with pytest.raises(UsageError):
        kinds.find("classifier")
