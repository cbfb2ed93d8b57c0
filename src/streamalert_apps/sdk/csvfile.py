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
    rows = csv.reader(_lines(pieces))
    try:
        header = _distinct(next(rows, []))
        for row in rows:
            if row:
                names = header + [f"COLUMN_{n}" for n in range(len(header) + 1, len(row) + 1)]
                yield msgspec.json.encode(dict(zip(names, row, strict=False)))
    except csv.Error:
        raise BadResponse(f"The file is not CSV, or has a field above {LARGEST >> 20} MiB.") from None


def _distinct(header: list[str]) -> list[str]:
    if header and header[0].lstrip().startswith("<"):
        raise BadResponse("The answer is a page for people where a file was asked for.")
    return [f"COLUMN_{n}" if name in header[: n - 1] else name for n, name in enumerate(header, 1)]


def _lines(pieces: Iterable[bytes]) -> Iterator[str]:
    """Yield the lines of a text that comes in pieces; a quoted line break ends one, too."""
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
