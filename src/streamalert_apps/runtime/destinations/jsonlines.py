"""One log a line, to a file or to standard output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

from streamalert_apps.errors import DeliveryRefused
from streamalert_apps.runtime.batch import Bytes


class JsonLines:
    """Writes to a stream of bytes; a batch was accepted once it has left the process."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def forward(self, batch: Sequence[Bytes]) -> None:
        """Write the batch; raise DeliveryRefused when the disk is full or the reader is gone."""
        text = b"\n".join(_one_line(log) for log in batch) + b"\n"
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError as error:
            raise DeliveryRefused(f"The logs can't be written ({error.strerror}).") from None


def _one_line(log: Bytes) -> bytes:
    """Return a log without the line breaks that may stand between its tokens (never inside a string)."""
    data = bytes(log)
    return data.replace(b"\r", b" ").replace(b"\n", b" ") if b"\n" in data or b"\r" in data else data
