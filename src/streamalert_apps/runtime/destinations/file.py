"""One event a line, to a file or to standard output."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

from streamalert_apps.errors import ConfigError, DeliveryFailed, DeliveryRefused, OutOfTime, UsageError
from streamalert_apps.runtime import files, setting
from streamalert_apps.runtime.delivery import Answer, Batch, Limits, nothing_taken
from streamalert_apps.runtime.sink import Setting, Setup, Sink

LOCK_SECONDS: Final = 10.0
PLACES: Final = ("app", "function", "type")
"""What a path may hold in braces."""
_OURS: Final = {"conf", ".sa-apps"}
_TAIL: Final = 64 << 10
_PLACE: Final = re.compile(r"\{([^{}]*)\}|[{}]")
_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")
_SIZE: Final = re.compile(r"([1-9][0-9]{0,5})(KB|MB|GB)")
_UNITS: Final = {"KB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000}
_FAR: Final = 1 << 62  # beyond what a file holds: on Windows what is locked can't be read


class JsonLines:
    """Writes to a stream of bytes; a batch was accepted once it has left the process.

    `gone`: whoever read is there no more.
    """

    limits = Limits(bytes=1 << 20, event_bytes=1 << 40)

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.gone = False

    def send(self, batch: Batch) -> Answer:
        """Write the batch; nothing of it counts where the reader is gone."""
        try:
            self._stream.write(b"\n".join(batch.events) + b"\n")
            self._stream.flush()
        except BrokenPipeError:
            self.gone = True
            return nothing_taken(batch, OutOfTime("Nobody reads the events any more."))
        except OSError as error:
            reason = f"The events can't be written ({error.strerror})."
            return nothing_taken(batch, DeliveryRefused(reason))
        return Answer()

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()


@dataclass(frozen=True, slots=True)
class Rotation:
    """When a file is set aside for a new one: before it has more `bytes`, or on another day (UTC)."""

    bytes: int = 0
    by_day: bool = False


class File:
    """Appends to a file. What was accepted is on disk; a batch that fails leaves no torn line.

    While one process writes, others wait. A file that is set aside has the time of its last line in its
    name: `duo.jsonl` becomes `duo.20261126T235959Z.jsonl`.
    """

    limits = Limits(bytes=1 << 20, event_bytes=1 << 40)

    def __init__(self, path: Path, rotation: Rotation = Rotation()) -> None:
        self._path = path
        self._rotation = rotation

    def send(self, batch: Batch) -> Answer:
        """Append the batch and wait until it is on disk."""
        data = b"\n".join(batch.events) + b"\n"
        try:
            with self._appending(len(data)) as file:
                _append(file, data)
                if file.tell() == len(data):
                    files.sync_folder(self._path.parent)
        except TimeoutError:
            return nothing_taken(batch, DeliveryFailed(f"Another process keeps writing to {self._path}."))
        except OSError as error:
            reason = f"The events can't be written to {self._path} ({error.strerror})."
            return nothing_taken(batch, DeliveryRefused(reason, hint="Check the disk and the permissions."))
        return Answer()

    def open(self) -> None:
        """Make the file if it is not there; raise OSError where it can't be written."""
        with self._appending(0):
            pass

    @contextmanager
    def _appending(self, size: int) -> Iterator[BinaryIO]:
        """Yield the file at its end, locked, with room for so many bytes."""
        give_up = time.monotonic() + LOCK_SECONDS
        while True:
            with self._opened() as file:
                _lock(file, give_up)
                if not self._is_here(file):  # it was put aside while this process waited
                    continue
                written = _written(file)
                _mend_end(file)
                if file.tell() and self._is_over(file.tell() + size, written):
                    self._put_aside(file, written)
                    continue
                yield file
                return

    def _opened(self) -> BinaryIO:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
        return os.fdopen(descriptor, "r+b", buffering=0)

    def _is_here(self, file: BinaryIO) -> bool:
        try:
            return os.path.samestat(os.fstat(file.fileno()), self._path.stat())
        except FileNotFoundError:
            return False

    def _is_over(self, size: int, written: datetime) -> bool:
        if self._rotation.bytes and size > self._rotation.bytes:
            return True
        return self._rotation.by_day and written.date() != datetime.now(UTC).date()

    def _put_aside(self, file: BinaryIO, written: datetime) -> None:
        """Give the file another name, which no other file has."""
        name = f"{self._path.stem}.{written:%Y%m%dT%H%M%SZ}"
        aside = self._path.with_name(f"{name}{self._path.suffix}")
        number = 1
        while aside.exists():
            number += 1
            aside = self._path.with_name(f"{name}-{number}{self._path.suffix}")
        if sys.platform == "win32":  # there, no open file gets another name
            file.close()
        self._path.rename(aside)
        files.sync_folder(self._path.parent)


def _path(value: Any) -> str:
    """Return a path, in which nothing but PLACES is in braces."""
    text = setting.text(value)
    for match in _PLACE.finditer(text):
        if match[1] not in PLACES:
            known = ", ".join(f"{{{place}}}" for place in PLACES)
            raise UsageError(f"{value!r} is not a path.", hint=f"It may contain {known}.")
    if not _OURS.isdisjoint(Path(os.path.normpath(text)).parts[:1]):
        raise UsageError(f"{value!r} is in a folder of sa-apps' own.", hint="Write it like logs/{app}.jsonl.")
    return text


def _rotation(value: Any) -> Rotation:
    if value == "1d":
        return Rotation(by_day=True)
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise UsageError(f"{value!r} is neither a day nor a size.", hint="Write it like 1d or 100MB.")
    return Rotation(int(match[1]) * _UNITS[match[2]])


class FileSink(Sink):
    """Appends to a file on this machine."""

    kind = "file"
    takes = "a file on this machine"
    settings = (
        Setting("path", "the path of a file, like logs/{app}.jsonl, relative to the project's folder", _path),
        Setting("rotate", "when to start a new file: 1d or a size like 100MB", _rotation, Rotation()),
    )
    in_lambda = False
    limits = File.limits

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        source = setup.source
        places = {"app": source.name, "function": source.function, "type": source.type}
        for name in places.values():
            if not _NAME.fullmatch(name):
                raise ConfigError(f"{name!r} can't be part of a file's name.")
        self._file = File(setup.folder / self.given["path"].format_map(places), self.given["rotate"])

    def send(self, batch: Batch) -> Answer:
        """Append the batch and wait until it is on disk."""
        return self._file.send(batch)


def _append(file: BinaryIO, data: bytes) -> None:
    """Write at the end; what can't be written wholly is taken off again."""
    end = file.tell()
    try:
        view = memoryview(data)
        while view:
            written = file.write(view)
            view = view[written:]
        files.sync(file.fileno())
    except OSError:
        with suppress(OSError):  # else the next one mends the end
            file.truncate(end)
        raise


def _written(file: BinaryIO) -> datetime:
    """Return when a file was written to."""
    return datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)


def _lock(file: BinaryIO, give_up: float) -> None:
    """Have the file for this process until it is closed; raise TimeoutError where another keeps it."""
    while not _locked(file):
        if time.monotonic() >= give_up:
            raise TimeoutError
        time.sleep(0.02)


def _locked(file: BinaryIO) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415 (of Windows)

            file.seek(_FAR)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # noqa: PLC0415 (of POSIX)

            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _mend_end(file: BinaryIO) -> None:
    """Take off a line that a crash left unfinished: its batch was not accepted, and comes again."""
    size = end = file.seek(0, os.SEEK_END)
    while end:
        start = max(0, end - _TAIL)
        file.seek(start)
        last = file.read(end - start).rfind(b"\n")
        if last >= 0:
            end = start + last + 1
            break
        end = start
    if end < size:
        file.truncate(end)
    file.seek(end)


SINK = FileSink
