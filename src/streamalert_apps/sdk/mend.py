"""JSON that is not quite JSON, and nesting that no reader takes, made such that it can go on.

Users, and what they run, can put almost anything into an event, and one odd event must not stop a
feed. So what is not JSON inside of a value is written as JSON says it:

- A character that is none (half a surrogate pair, bytes outside UTF-8) becomes U+FFFD.
- A control character in a string is escaped.
- NaN and Infinity become strings.
- What is nested deeper than `DEEPEST` becomes a string with the JSON that stood there: a parser gives
  up at some depth (Python's own at less than 1,000), and one event would take its whole batch along.
"""

from __future__ import annotations

import json
import re
from typing import Final

DEEPEST: Final = 100

_BRACKETS: Final = b"[]{}"
_OTHERS: Final = bytes(code for code in range(256) if code not in _BRACKETS)

_TOKEN: Final = re.compile(
    rb'(?P<string>"[^"\\]*(?:\\.[^"\\]*)*")|(?P<opens>[\[{])|(?P<closes>[\]}])|(?P<number>NaN|-?Infinity)',
    re.DOTALL,
)
# A whole surrogate pair, or half of one, or any other escape, or a control character.
_ODD: Final = re.compile(
    rb"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|(?P<half>\\u[dD][89a-fA-F]..)|\\.|(?P<control>[\x00-\x1f])",
    re.DOTALL,
)
_BOM: Final = b"\xef\xbb\xbf"


def is_deep(body: bytes) -> bool:
    """Tell whether JSON may be nested deeper than `DEEPEST`; many brackets in strings may look like it.

    The innermost brackets are taken off, two layers at a time: what is left can't be deeper than long.
    """
    left = body.translate(None, _OTHERS)
    before = -1
    layers = 0
    while layers + len(left) > DEEPEST:
        if layers >= DEEPEST or len(left) == before:
            return True
        before = len(left)
        left = left.replace(b"{}", b"").replace(b"[]", b"")
        layers += 2
    return False


def readable(body: bytes) -> bytes:
    """Return the body without a byte order mark, its text being UTF-8."""
    body = body.removeprefix(_BOM)
    if body.isascii():
        return body
    try:
        body.decode()
    except UnicodeDecodeError:
        return body.decode("utf-8", "replace").encode()
    return body


def mended(body: bytes) -> bytes:
    """Return the body with all of the above mended; what is fine stays as it is, byte for byte."""
    parts: list[bytes] = []
    depth = begins = done = 0
    for token in _TOKEN.finditer(body):
        if token["opens"]:
            depth += 1
            if depth == DEEPEST + 1:
                parts.append(body[done : token.start()])
                begins = done = token.start()
        elif token["closes"]:
            depth -= 1
            if depth == DEEPEST:
                parts.append(_as_string(body[begins : token.end()]))
                done = token.end()
        elif depth <= DEEPEST:
            parts += (body[done : token.start()], _mended_token(token))
            done = token.end()
    return b"".join((*parts, body[done:]))


def _mended_token(token: re.Match[bytes]) -> bytes:
    return _ODD.sub(_escaped, token[0]) if token["string"] else _as_string(token[0])


def _escaped(odd: re.Match[bytes]) -> bytes:
    if odd["half"]:
        return b"\\ufffd"
    return b"\\u%04x" % odd["control"][0] if odd["control"] else odd[0]


def _as_string(text: bytes) -> bytes:
    return json.dumps(text.decode("utf-8", "replace"), ensure_ascii=False).encode()
