"""One event a line, to a file or to standard output."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, Final

from streamalert_apps.errors import DeliveryRefused, OutOfTime
from streamalert_apps.runtime.delivery import Answer, Batch, Limits, nothing_taken

_TAIL: Final = 64 << 10


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


class File:
    """Appends to a file. What was accepted is on disk; a batch that fails leaves no torn line."""

    limits = Limits(bytes=1 << 20, event_bytes=1 << 40)

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None

    def send(self, batch: Batch) -> Answer:
        """Append the batch and wait until it is on disk."""
        end = 0
        try:
            file = self._opened()
            end = file.tell()
            _write(file, b"\n".join(batch.events) + b"\n")
            os.fsync(file.fileno())
        except OSError as error:
            self._cut_back(end)
            reason = f"The events can't be written to {self._path} ({error.strerror})."
            return nothing_taken(batch, DeliveryRefused(reason, hint="Check the disk and the permissions."))
        return Answer()

    def open(self) -> None:
        """Make the file if it is not there; raise OSError where it can't be written."""
        self._opened()

    def close(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()
            self._file = None

    def _opened(self) -> BinaryIO:
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
            self._file = os.fdopen(descriptor, "r+b", buffering=0)
            _mend_end(self._file)
        self._file.seek(0, os.SEEK_END)
        return self._file

    def _cut_back(self, end: int) -> None:
        """Take off what was written of a batch that failed; or do so on the next opening."""
        if self._file is None:
            return
        try:
            self._file.truncate(end)
        except OSError:
            self.close()


def _write(file: BinaryIO, data: bytes) -> None:
    view = memoryview(data)
    while view:
        written = file.write(view)
        view = view[written:]


def _mend_end(file: BinaryIO) -> None:
    """Take off a line that a crash left unfinished: its batch was not accepted, and comes again."""
    end = file.seek(0, os.SEEK_END)
    while end:
        start = max(0, end - _TAIL)
        file.seek(start)
        tail = file.read(end - start)
        last = tail.rfind(b"\n")
        if last >= 0:
            file.truncate(start + last + 1)
            return
        end = start
    file.truncate(0)
