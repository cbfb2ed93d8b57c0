"""A file of CSV that comes in pieces, row by row as JSON objects."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterable, Iterator

import msgspec

from streamalert_apps.errors import BadResponse

csv.field_size_limit(1 << 30)  # a field may hold a whole query


def objects(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield each row as an object with the names of the header; raise BadResponse for a page for people."""
    rows = csv.reader(_lines(pieces))
    header = next(rows, [])
    if header and header[0].lstrip().startswith("<"):
        raise BadResponse("The answer is a page for people where a file was asked for.")
    for row in rows:
        if row:
            names = header + [f"COLUMN_{n}" for n in range(len(header) + 1, len(row) + 1)]
            yield msgspec.json.encode(dict(zip(names, row, strict=False)))


def _lines(pieces: Iterable[bytes]) -> Iterator[str]:
    """Yield the lines of a text that comes in pieces; a quoted line break ends one, too."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
    rest: list[str] = []
    for piece in pieces:
        *lines, last = decoder.decode(piece).split("\n")
        for line in lines:
            yield "".join((*rest, line, "\n"))
            rest.clear()
        rest.append(last)
    yield "".join((*rest, decoder.decode(b"", final=True)))
