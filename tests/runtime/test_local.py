"""Credentials of a local app: private, replaced as a whole, told when broken."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from streamalert_apps.errors import ConfigError, CredentialsError
from streamalert_apps.runtime.files import _written, write_private
from streamalert_apps.runtime.local import FileCredentials

FIELDS = {"api_hostname": "api-0123abcd.example.com", "secret_key": "s3cr3t"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".sa-apps" / "acme_prod_duo_auth_collector_app" / "auth.json"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# Files


@pytest.mark.skipif(sys.platform == "win32", reason="modes and links are of POSIX")
def test_the_file_and_its_folder_are_for_their_owner_alone(path: Path) -> None:
    os.umask(0)
    try:
        FileCredentials(path).save(FIELDS)
    finally:
        os.umask(0o022)

    assert (mode(path.parent), mode(path)) == (0o700, 0o600)
    assert [*path.parent.iterdir()] == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="modes and links are of POSIX")
def test_a_file_with_wider_rights_loses_them_when_it_is_written(path: Path) -> None:
    write_private(path, b"1")
    path.chmod(0o644)

    write_private(path, b"2")

    assert mode(path) == 0o600


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_private(path, b"1")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device"):
        write_private(path, b"2")

    assert path.read_bytes() == b"1"
    assert [*path.parent.iterdir()] == [path]


def test_a_reader_never_sees_half_a_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_private(path, b"1")
    seen: list[bytes] = []
    monkeypatch.setattr(os, "fsync", lambda _: seen.append(path.read_bytes()))

    write_private(path, b"2")

    assert seen == [b"1"]


def test_a_file_is_complete_before_it_takes_the_others_place(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda _: order.append("flushed"))
    monkeypatch.setattr(Path, "replace", lambda *_: order.append("replaced"))

    write_private(path, b"x")

    assert order == ["flushed", "replaced"]


DYING = """
import os, sys
from pathlib import Path
from streamalert_apps.runtime.files import _written, write_private

os.fsync = lambda _: os._exit(9)
write_private(Path(sys.argv[1]), b"2")
"""


def test_a_process_that_dies_while_it_writes_leaves_the_old_file(path: Path) -> None:
    write_private(path, b"1")

    died = subprocess.run([sys.executable, "-c", DYING, str(path)], check=False)

    assert died.returncode == 9
    assert path.read_bytes() == b"1"


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


@pytest.mark.skipif(sys.platform == "win32", reason="an open file can't be deleted there")
def test_what_a_killed_process_left_of_credentials_is_taken_away(tmp_path: Path) -> None:
    path = tmp_path / "auth.json"
    for left in (".auth.json.abcd1234", ".auth.json.xyz.part"):
        (tmp_path / left).write_text('{"secret_key": "s3cr3t"}')
    FileCredentials(path).save({"secret_key": "new"})
    assert [file.name for file in tmp_path.iterdir()] == ["auth.json"]


@pytest.mark.skipif(sys.platform == "win32", reason="an open file can't be deleted there")
def test_what_another_process_writes_just_now_stays(tmp_path: Path) -> None:
    path = tmp_path / "auth.json"
    with _written(path, b"{}") as theirs:
        FileCredentials(path).save({"secret_key": "new"})
        assert theirs.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="it has no SIGKILL")
def test_a_process_that_is_killed_leaves_nothing_for_long(tmp_path: Path) -> None:
    words = "import os, signal\nfrom pathlib import Path\nfrom streamalert_apps.runtime import files\n"
    words += "files.sync = lambda _: os.kill(os.getpid(), signal.SIGKILL)\n"
    words += f"files.write_private(Path({str(tmp_path / 'auth.json')!r}), b'secret')"
    subprocess.run([sys.executable, "-c", words], check=False)
    assert list(tmp_path.glob(".auth.json.*"))
    FileCredentials(tmp_path / "auth.json").save({})
    assert [file.name for file in tmp_path.iterdir()] == ["auth.json"]


@pytest.mark.skipif(sys.platform == "win32", reason="it has no limit of a file's size")
def test_where_there_is_no_room_for_a_file_nothing_of_it_is_left(tmp_path: Path) -> None:
    words = "import resource\nfrom pathlib import Path\nfrom streamalert_apps.runtime import files\n"
    words += "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
    words += f"files.write_private(Path({str(tmp_path / 'auth.json')!r}), b'secret')"
    ran = subprocess.run([sys.executable, "-c", words], capture_output=True, check=False)
    assert b"File too large" in ran.stderr
    assert list(tmp_path.iterdir()) == []
