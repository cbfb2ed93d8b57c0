"""A file: whoever reads it finds what arrived."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from streamalert_apps.sdk.clock import Clock
from tests.destinations.stand import Case, SinkTwin


class Folder(SinkTwin):
    """Where a folder has the file's name, nothing can be written."""

    def __init__(self, clock: Clock) -> None:
        self._made = TemporaryDirectory()
        self.folder = Path(self._made.name)
        super().__init__(clock)

    @property
    def is_wrong(self) -> bool:
        return self._path.is_dir()

    @is_wrong.setter
    def is_wrong(self, value: bool) -> None:
        if value:
            self._path.mkdir(parents=True)
        elif self.is_wrong:
            self._path.rmdir()

    @property
    def numbers(self) -> list[int]:
        if not self._path.exists():
            return []
        return [self.number(line) for line in self._path.read_bytes().splitlines()]

    def close(self) -> None:
        self._made.cleanup()

    @property
    def _path(self) -> Path:
        return self.folder / "logs/collector.jsonl"


def _settings(_: str) -> Mapping[str, Any]:
    return {"path": "logs/{app}.jsonl"}


CASE = Case("file", Folder, _settings, over_network=False, refuses=False, sized=False, strict=False)
