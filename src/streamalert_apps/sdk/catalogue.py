"""A feed of files: the service lists files by the time they were made, and each holds logs.

The list is walked as any feed (OldestFirst); each file is opened once and its logs are handed on
in pieces, so that a run may end in the middle of a large file.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final, cast

from streamalert_apps.sdk.app import Checkpoint, Log, Page
from streamalert_apps.sdk.events import Row
from streamalert_apps.sdk.ids import pack, short, unpack
from streamalert_apps.sdk.watermark import OldestFirst

PIECE: Final = 1000


class Catalogue(OldestFirst):
    """An app type whose `fetch` lists files, 150 a page at most, and whose `open` reads one."""

    @abstractmethod
    def open(self, file: Row) -> Iterator[Log]:
        """Yield the logs of a file, always in the same order."""

    def poll(self, checkpoint: Checkpoint) -> Iterator[Page]:
        """Yield the files' logs; the checkpoint: which files of a list are done, how far the next one is."""
        done: list[bytes] = unpack(checkpoint.get("done", ""))
        skip: int = checkpoint.get("skip", 0)
        before = {key: value for key, value in checkpoint.items() if key not in {"done", "skip"}}
        for page in super().poll(before):
            for file in cast(Sequence[Row], page.logs):
                identity = short(self.stamp(file).id)
                if identity in done:
                    continue
                for piece, count in self._pieces(file, skip):
                    so_far = {"done": pack(done), "skip": count}
                    yield Page(piece, before | so_far, more=True)
                done.append(identity)
                skip = 0
            yield Page([], page.checkpoint, page.more, page.repeats)
            before, done = page.checkpoint, []

    def _pieces(self, file: Row, skip: int) -> Iterator[tuple[list[Any], int]]:
        """Yield a file's logs after the first `skip`, in pieces, each with the count up to its end."""
        logs = islice(self.open(file), skip, None)
        while piece := list(islice(logs, PIECE)):
            skip += len(piece)
            yield piece, skip
