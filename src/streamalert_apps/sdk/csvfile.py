"""A file of CSV that comes in pieces, row by row as JSON objects."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from streamalert_apps.errors import BadResponse

LARGEST: Final = 64 << 20  # characters of a line or a field, which may hold a whole query
csv.field_size_limit(LARGEST)


def objects(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield each row as an object with the names of the header; raise BadResponse for a page for people."""
    lines = _Lines(pieces)
    rows = csv.reader(lines)
    try:
        header = _distinct(next(rows, []))
        for row in rows:
            lines.of_row = 0
            if row:
                names = header + [f"COLUMN_{n}" for n in range(len(header) + 1, len(row) + 1)]
                yield msgspec.json.encode(dict(zip(names, row, strict=False)))
    except csv.Error:
        raise BadResponse(f"The file is not CSV, or has a field above {LARGEST >> 20} MiB.") from None


def _distinct(header: list[str]) -> list[str]:
    if header and header[0].lstrip().startswith("<"):
        raise BadResponse("The answer is a page for people where a file was asked for.")
    seen: set[str] = set()
    names = []
    for number, name in enumerate(header, 1):
        names.append(f"COLUMN_{number}" if name in seen else name)
        seen.add(name)
    return names


class _Lines:
    """The lines of a text that comes in pieces; a quoted line break ends one, too, and the row goes on."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.of_row = 0
        """How many characters the row has so far."""
        self._lines = _lines(pieces)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.of_row += len(line)
        if self.of_row > LARGEST:
            raise BadResponse(f"A row of the file is larger than {LARGEST >> 20} MiB.")
        return line


def _lines(pieces: Iterable[bytes]) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
    rest: list[str] = []
    length = 0
    for piece in pieces:
        *lines, last = decoder.decode(piece).split("\n")
        for line in lines:
            yield "".join((*rest, line, "\n"))
            rest.clear()
            length = 0
        rest.append(last)
        length += len(last)
        if length > LARGEST:
            raise BadResponse(f"A line of the file is larger than {LARGEST >> 20} MiB.")
    yield "".join((*rest, decoder.decode(b"", final=True)))
