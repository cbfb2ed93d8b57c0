"""State and credentials of an app that lives without AWS: private, replaced as a whole, told when broken."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock
from streamalert_apps.runtime.state import State, Stored

from streamalert_apps.errors import ConfigError, CredentialsError, StateError
from streamalert_apps.runtime import local
from streamalert_apps.runtime.files import write_private
from streamalert_apps.runtime.local import FileCredentials, FileSlot

FIELDS = {"api_hostname": "api-0123abcd.example.com", "secret_key": "s3cr3t"}
BROKEN = [b"", b"{", b"[]", b"null", b'{"version": 1}', b'{"state": {}, "version": "x"}', b"\xff\xfe\x00"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".sa-apps" / "acme_prod_duo_auth_collector_app" / "state.json"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# Files


@pytest.mark.skipif(sys.platform == "win32", reason="modes and links are of POSIX")
def test_files_and_their_folder_are_for_their_owner_alone(path: Path) -> None:
    os.umask(0)
    try:
        FileSlot(path).write("{}")
        FileCredentials(path.with_name("auth.json")).save(FIELDS)
    finally:
        os.umask(0o022)

    assert mode(path.parent) == 0o700
    assert {file.name: oct(mode(file)) for file in path.parent.iterdir()} == {
        "auth.json": "0o600",
        "state.json": "0o600",
        "state.lock": "0o600",
    }


@pytest.mark.skipif(sys.platform == "win32", reason="modes and links are of POSIX")
def test_a_file_with_wider_rights_loses_them_when_it_is_written(path: Path) -> None:
    FileSlot(path).write("{}")
    path.chmod(0o644)

    FileSlot(path).write("{}")

    assert mode(path) == 0o600


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FileSlot(path).write('{"n": 1}')
    before = sorted(path.parent.iterdir())

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StateError, match=r"can't be written \(No space left on device\)"):
        FileSlot(path).write('{"n": 2}')

    assert FileSlot(path).read() == Stored('{"n": 1}', 1)
    assert sorted(path.parent.iterdir()) == before


def test_a_reader_never_sees_half_a_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    FileSlot(path).write('{"n": 1}')
    seen: list[Stored | None] = []
    monkeypatch.setattr(os, "fsync", lambda _: seen.append(FileSlot(path).read()))

    FileSlot(path).write('{"n": 2}')

    assert seen == [Stored('{"n": 1}', 1)]


def test_a_file_is_complete_before_it_takes_the_others_place(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda _: order.append("flushed"))
    monkeypatch.setattr(Path, "replace", lambda *_: order.append("replaced"))

    write_private(path, b"x")

    assert order == ["flushed", "replaced"]


# State


def test_a_state_is_read_back_with_a_version_that_rises(path: Path) -> None:
    assert FileSlot(path).read() is None
    for n in (1, 2, 3):
        FileSlot(path).write(f'{{"n": {n}}}')

        assert FileSlot(path).read() == Stored(f'{{"n": {n}}}', n)


def test_only_the_version_that_was_read_is_replaced(path: Path) -> None:
    assert FileSlot(path).replace('{"n": 1}', 0)
    assert not FileSlot(path).replace('{"n": 2}', 0)
    assert FileSlot(path).replace('{"n": 3}', 1)
    assert not FileSlot(path).replace('{"n": 4}', 1)

    assert FileSlot(path).read() == Stored('{"n": 3}', 2)


@pytest.mark.parametrize("content", BROKEN)
def test_a_file_that_is_no_state_is_told_with_what_to_do_and_stays(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(content)

    for use in (FileSlot(path).read, lambda: FileSlot(path).write("{}")):
        with pytest.raises(StateError, match="is not a state file") as raised:
            use()
        assert "Delete it" in raised.value.hint

    assert path.read_bytes() == content


def test_a_state_that_can_not_be_read_is_told(path: Path) -> None:
    path.mkdir(parents=True)

    with pytest.raises(StateError, match=r"can't be read \(Is a directory\)"):
        FileSlot(path).read()


def test_a_lock_that_stays_held_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    FileSlot(path).write("{}")
    monkeypatch.setattr(local, "LOCK_SECONDS", 0)

    with FileLock(path.with_suffix(".lock")), pytest.raises(StateError, match="another process"):
        FileSlot(path).write("{}")


WRITER = """
import sys
from pathlib import Path
from streamalert_apps.runtime.local import FileSlot

slot = FileSlot(Path(sys.argv[1]))
won = 0
for _ in range(40):
    stored = slot.read()
    won += slot.replace('{"writer": "' + sys.argv[2] + '"}', stored.version if stored else 0)
print(won)
"""


def test_of_two_processes_each_write_counts_once(path: Path) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), name], stdout=subprocess.PIPE, text=True)
        for name in ("a", "b")
    ]
    won = sum(int(process.communicate()[0]) for process in processes)

    stored = FileSlot(path).read()
    assert stored
    assert stored.version == won


DYING = """
import os, sys
from pathlib import Path
from streamalert_apps.runtime.local import FileSlot

os.fsync = lambda _: os._exit(9)
FileSlot(Path(sys.argv[1])).write('{"n": 2}')
"""


def test_a_process_that_dies_while_it_writes_leaves_the_old_state_and_no_lock(path: Path) -> None:
    FileSlot(path).write('{"n": 1}')

    died = subprocess.run([sys.executable, "-c", DYING, str(path)], check=False)

    assert died.returncode == 9
    assert FileSlot(path).read() == Stored('{"n": 1}', 1)
    assert FileSlot(path).replace('{"n": 3}', 1)


def test_a_state_goes_through_the_file_as_it_is(path: Path) -> None:
    checkpoint = {"floor": "2026-03-01T12:00:00+00:00", "text": 'é"\\'}
    state = State("succeeded", checkpoint, last_timestamp=7, context={})

    FileSlot(path).write(state.to_text())

    stored = FileSlot(path).read()
    assert stored
    assert State.of_text(stored.text) == state
    assert json.loads(path.read_text("utf-8"))["version"] == 1


# Credentials


def test_credentials_come_back_as_they_were_saved(path: Path) -> None:
    credentials = FileCredentials(path)
    assert not credentials.exists()

    credentials.save({"old": "one"})
    credentials.save(FIELDS)

    assert credentials.exists()
    assert credentials.load() == FIELDS


def test_missing_credentials_are_told_with_what_to_do(path: Path) -> None:
    with pytest.raises(CredentialsError, match="There are no credentials") as raised:
        FileCredentials(path).load()

    assert "update-auth" in raised.value.hint


@pytest.mark.parametrize("content", [b"", b'{"secret_key": "s3cr3t"', b'"s3cr3t"', b"[]", b"s3cr3t\xff"])
def test_broken_credentials_are_told_without_showing_them(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(content)

    with pytest.raises(ConfigError, match="does not hold a JSON object") as raised:
        FileCredentials(path).load()

    assert "s3cr3t" not in raised.value.message + raised.value.hint


def test_credentials_that_can_not_be_read_are_told(path: Path) -> None:
    path.mkdir(parents=True)

    with pytest.raises(ConfigError, match=r"can't be read \(Is a directory\)"):
        FileCredentials(path).load()


def test_credentials_can_be_deleted_twice(path: Path) -> None:
    FileCredentials(path).save(FIELDS)

    FileCredentials(path).delete()
    FileCredentials(path).delete()

    assert not path.exists()
