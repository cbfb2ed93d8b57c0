"""A store in a folder: private, whole after a kill, shared by processes, clear about what is broken."""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from streamalert_apps.errors import AppError, ConfigError, StateError
from streamalert_apps.runtime import files
from streamalert_apps.runtime.store import Conflict, Unsettled, local
from streamalert_apps.runtime.store.local import LocalStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

posix = pytest.mark.skipif(sys.platform == "win32", reason="modes and kills are of POSIX")

COUNTER = """
import sys
from pathlib import Path
from streamalert_apps.runtime.store import Conflict
from streamalert_apps.runtime.store.local import LocalStore

store = LocalStore(Path(sys.argv[1]), "app")
for _ in range(200):
    while True:
        found = store.read("count")
        try:
            store.write("count", b"%d" % (int(found.body or 0) + 1), replacing=found.version)
            break
        except Conflict:
            pass
"""
WRITER = """
import sys
from pathlib import Path
from streamalert_apps.runtime.store.local import LocalStore

store = LocalStore(Path(sys.argv[1]), "app")
print("ready", flush=True)
version = store.read("head.json").version
for number in range(int(sys.argv[2]), 1_000_000):
    body = str(number % 10).encode() * 300_000
    store.put(f"journal/{number:07}", body)
    version = store.write("head.json", body, replacing=version)
"""
DAMAGED = [b"x" * 4096, b"SQLite format 3\x00" + b"\xff" * 4096]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / ".sa-apps"


@pytest.fixture
def store(folder: Path) -> LocalStore:
    return LocalStore(folder, "app")


@pytest.fixture
def closed(folder: Path, store: LocalStore) -> Iterator[Path]:
    """Return the folder of a store to which nobody may write."""
    store.put("a/1", b"x")
    store.write("head.json", b"1", replacing=None)
    folders = [folder, folder / "app", folder / "app" / "a"]
    for each in folders:
        each.chmod(0o500)
    (folder / "store.db").chmod(0o400)
    yield folder
    for each in folders:
        each.chmod(0o700)


def mode(path: Path) -> str:
    return oct(stat.S_IMODE(path.stat().st_mode))


# Private


@posix
def test_files_and_folders_are_for_their_owner_alone(folder: Path, store: LocalStore) -> None:
    os.umask(0)
    try:
        store.put("4f1c/journal/1", b"x")
        store.write("head.json", b"1", replacing=None)
    finally:
        os.umask(0o022)

    assert {path.relative_to(folder).as_posix(): mode(path) for path in [folder, *folder.rglob("*")]} == {
        ".": "0o700",
        "app": "0o700",
        "app/4f1c": "0o700",
        "app/4f1c/journal": "0o700",
        "app/4f1c/journal/1": "0o600",
        "store.db": "0o600",
    }


def test_who_only_looks_leaves_nothing(folder: Path, store: LocalStore) -> None:
    store.read("head.json")
    store.get("a/1")
    store.list("")
    store.delete(["a/1"])

    assert not folder.exists()


# Versions


def test_the_same_bytes_get_another_version_each_time(store: LocalStore) -> None:
    first = store.write("head.json", b"1", replacing=None)
    second = store.write("head.json", b"1", replacing=first)
    store.delete(["head.json"])
    third = store.write("head.json", b"1", replacing=None)

    assert len({first, second, third}) == 3


# Several processes


def test_no_increment_of_two_processes_is_lost(folder: Path, store: LocalStore) -> None:
    processes = [subprocess.Popen([sys.executable, "-c", COUNTER, folder]) for _ in range(2)]

    assert [process.wait(120) for process in processes] == [0, 0]
    assert store.read("count").body == b"400"


@posix
def test_a_killed_process_leaves_nothing_half_written(folder: Path, store: LocalStore) -> None:
    for number in range(12):
        start = str(number * 1000)
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, folder, start], stdout=subprocess.PIPE
        ) as process:
            assert process.stdout
            process.stdout.readline()
            time.sleep(0.02 + number * 0.013)  # each one is met at another step
            process.kill()
        head = store.read("head.json")
        bodies = [store.get(item.name) or b"" for item in store.list("journal/")]
        assert {len(body) for body in [head.body, *bodies]} <= {300_000, 0}
        assert all(body and body == body[:1] * 300_000 for body in bodies)
        assert head.body == head.body[:1] * len(head.body)

    assert store.list("journal/")
    store.write("head.json", b"whole", replacing=store.read("head.json").version)


def test_what_a_killed_process_left_is_swept_up_later(folder: Path, store: LocalStore) -> None:
    store.put("journal/1", b"x")
    left = folder / "app" / "journal" / ".2.abcdef.part"
    left.write_bytes(b"half")

    assert [item.name for item in store.list("")] == ["journal/1"]
    assert left.exists()  # somebody may be at work on it

    os.utime(left, (0, 0))
    store.list("journal/")
    assert not left.exists()


def test_two_that_put_the_same_name_agree_on_one(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    link = os.link

    def late(source: Path, target: Path) -> None:
        monkeypatch.setattr(os, "link", link)
        store.put("journal/1", b"theirs")
        os.link(source, target)

    monkeypatch.setattr(os, "link", late)

    with pytest.raises(Conflict, match="other bytes"):
        store.put("journal/1", b"ours")

    assert store.get("journal/1") == b"theirs"
    assert [item.name for item in store.list("")] == ["journal/1"]


def test_who_waits_too_long_for_another_process_is_told(
    folder: Path, store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = store.write("head.json", b"1", replacing=None)
    monkeypatch.setattr(local, "BUSY_SECONDS", 0.01)
    other = sqlite3.connect(folder / "store.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    assert store.read("head.json").body == b"1"  # a writer holds up no reader
    with pytest.raises(StateError, match=r"store\.db is locked by another process"):
        store.write("head.json", b"2", replacing=first)

    other.close()
    store.write("head.json", b"2", replacing=first)


def test_a_commit_that_a_reader_holds_up_is_unsettled(
    folder: Path, store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = store.write("head.json", b"1", replacing=None)
    monkeypatch.setattr(local, "BUSY_SECONDS", 0.01)
    other = sqlite3.connect(folder / "store.db", isolation_level=None)
    other.execute("BEGIN")
    other.execute("SELECT * FROM objects").fetchone()

    with pytest.raises(Unsettled, match="locked"):
        store.write("head.json", b"2", replacing=first)

    other.close()
    assert store.read("head.json").body == b"1"


# Broken


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_database_is_told(folder: Path, store: LocalStore, damage: bytes) -> None:
    version = store.write("head.json", b"1", replacing=None)
    (folder / "store.db").write_bytes(damage)

    for call in (lambda: store.read("head.json"), lambda: store.write("head.json", b"2", replacing=version)):
        with pytest.raises(ConfigError, match=r"store\.db is damaged, or not a store \(.+\)") as told:
            call()
        assert "move it away" in told.value.hint


def test_a_database_of_something_else_is_told(folder: Path, store: LocalStore) -> None:
    folder.mkdir()
    sqlite3.connect(folder / "store.db").execute("CREATE TABLE t (x)").connection.close()

    with pytest.raises(ConfigError, match=r"not a store \(no such table: objects\)"):
        store.read("head.json")


CHANGES: list[Callable[[LocalStore], object]] = [
    lambda store: store.put("a/2", b"x"),
    lambda store: store.put("b/1", b"x"),
    lambda store: store.delete(["a/1"]),
    lambda store: store.write("head.json", b"2", replacing=store.read("head.json").version),
]


@posix
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
@pytest.mark.parametrize("change", CHANGES, ids=["put", "put below", "delete", "write"])
def test_a_folder_that_may_only_be_read_is_told(
    closed: Path, store: LocalStore, change: Callable[[LocalStore], object]
) -> None:
    with pytest.raises(ConfigError, match=str(closed)) as told:
        change(store)

    assert "who owns the folder" in told.value.hint
    assert store.read("head.json").body == b"1"
    assert [item.name for item in store.list("")] == ["a/1", "head.json"]


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.ENOSPC, StateError),
        (errno.EIO, StateError),
        (errno.EACCES, ConfigError),
        (errno.EROFS, ConfigError),
    ],
)
def test_a_disk_that_fails_is_told_and_leaves_nothing(
    folder: Path, store: LocalStore, monkeypatch: pytest.MonkeyPatch, number: int, expected: type[AppError]
) -> None:
    store.put("a/1", b"x")

    def fails(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files, "sync", fails)
    with pytest.raises(expected, match=os.strerror(number)) as told:
        store.put("a/2", b"x")

    assert str(folder) in str(told.value)
    assert [path.name for path in (folder / "app" / "a").iterdir()] == ["1"]


def test_a_full_database_is_told_and_keeps_what_it_has(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = store.write("head.json", b"1", replacing=None)
    connect = sqlite3.connect

    def small(*args: object, **terms: object) -> sqlite3.Connection:
        connection = connect(*args, **terms)  # type: ignore[call-overload]
        connection.execute("PRAGMA max_page_count = 4")
        return connection  # type: ignore[no-any-return]

    monkeypatch.setattr(sqlite3, "connect", small)
    with pytest.raises(StateError, match=r"store\.db can't be used \(.*full"):
        store.write("head.json", b"2" * 100_000, replacing=first)

    assert store.read("head.json").version == first


def test_a_folder_that_is_a_file_is_told(folder: Path, store: LocalStore) -> None:
    folder.write_bytes(b"")

    with pytest.raises(ConfigError, match="can't be"):
        store.write("head.json", b"1", replacing=None)
    with pytest.raises(ConfigError, match="can't be"):
        store.put("a/1", b"1")
