"""JSON that is not quite JSON, and values that no reader takes, made such that it can go on.

Users, and what they run, can put almost anything into an event, and one odd event must not stop a
feed, nor the batch that it goes on in. So what is odd inside of a value is written as JSON says it:

- A character that is none (half a surrogate pair, bytes outside UTF-8) becomes U+FFFD.
- A control character in a string is escaped, and so is a backslash that escapes nothing.
- A word that is no value (NaN, Infinity, undefined, 0x1F, 007) becomes a string.
- So does a number of more digits than readers take, or beyond what a double holds.
- What is nested deeper than `DEEPEST` becomes a string with the JSON that stood there: a parser gives
  up at some depth (Python's own at less than 1,000), and one event would take its whole batch along.

Each step takes time in proportion to the body, whatever it holds.
"""

from __future__ import annotations

import json
import math
import re
from codecs import utf_8_decode
from collections.abc import Callable
from typing import Final

DEEPEST: Final = 100
LONGEST_NUMBER: Final = 300  # characters; Python's own reader takes 4,300 digits, and others fewer
PIECE: Final = 1 << 16  # bytes: what is decoded of them stays in a processor's cache
STEPS: Final = 10_000  # between two looks at the time left

_BRACKETS: Final = b"[]{}"
_OTHERS: Final = bytes(code for code in range(256) if code not in _BRACKETS)

# What begins matches to its end or that of the body, and gives nothing back: a scan never returns.
_TOKEN: Final = re.compile(
    rb'(?P<string>"[^"\\]*+(?:\\.[^"\\]*+)*+"?)|(?P<opens>[\[{])|(?P<closes>[\]}])'
    rb'|(?P<word>[^\s"\[\]{},:]++)',
    re.DOTALL,
)
_NUMBER: Final = re.compile(rb"-?(0|[1-9][0-9]*+)(\.[0-9]++)?([eE][+-]?[0-9]++)?")
_CONSTANTS: Final = {b"true", b"false", b"null"}
# A whole surrogate pair, or half of one, or any other escape; one that is none; a control character.
_ODD: Final = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb'|(?P<half>\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\(?:u[0-9a-fA-F]{4}|["\\/bfnrt])'
    rb"|(?P<stray>\\)|(?P<control>[\x00-\x1f])",
)
_BOM: Final = b"\xef\xbb\xbf"

# Each digit as 0, each sign of what may stand before a number as a comma, what else may be in one as it is.
_SHAPES: Final = bytes(
    ord("0")
    if code in b"0123456789"
    else ord("e")
    if code in b"eE"
    else ord(",")
    if code in b":,[ \t\r\n"
    else code
    if code in b"-."
    else ord("x")
    for code in range(256)
)
_LONG: Final = b"0" * (LONGEST_NUMBER + 1)
_EXPONENT: Final = b"0e000"  # after the rest of a number, of which this is the last digit
# Such a number between what JSON has beside one; so the groups of an IPv6 address are none.
_HUGE: Final = re.compile(rb"[:,\[\s]-?[0-9][0-9.]*+[eE]\+?[0-9]{3,}+(?=[\s,\]}])")


def is_odd(body: bytes) -> bool:
    """Tell whether JSON may hold what a reader takes for JSON, and others not: too deep, too large."""
    return is_deep(body) or _has_huge(body)


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


def _has_huge(body: bytes) -> bool:
    """Tell whether there may be a number with very many digits or a very large exponent."""
    shape = body.translate(_SHAPES, b"+")  # e+5 is e5
    if _LONG in shape:
        return True
    *begun, _ = shape.split(_EXPONENT)
    if not any(part.rstrip(b"0.").removesuffix(b"-").endswith(b",") for part in begun):
        return False
    return _HUGE.search(body) is not None


def readable(body: bytes) -> bytes:
    """Return the body without a byte order mark, its text being UTF-8."""
    body = body.removeprefix(_BOM)
    if body.isascii():
        return body
    try:
        _check_utf8(body)
    except UnicodeDecodeError:
        return body.decode("utf-8", "replace").encode()
    return body


def _check_utf8(body: bytes) -> None:
    """Raise UnicodeDecodeError for what is not UTF-8; piece by piece, which is many times faster."""
    view, at = memoryview(body), 0
    while at < len(body):
        end = at + PIECE
        at += utf_8_decode(view[at:end], "strict", end >= len(body))[1]


def mended(body: bytes, alive: Callable[[], None] = lambda: None) -> bytes:
    """Return the body with all of the above mended; what is fine stays as it is, byte for byte.

    `alive` is called now and then, and may raise what ends the work.
    """
    parts: list[bytes] = []
    depth = begins = done = 0
    for number, token in enumerate(_TOKEN.finditer(body)):
        if number % STEPS == 0:
            alive()
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
        elif 0 < depth <= DEEPEST and (new := _mended_token(token)) is not None:
            parts += (body[done : token.start()], new)
            done = token.end()
    return b"".join((*parts, body[done:]))


def _mended_token(token: re.Match[bytes]) -> bytes | None:
    """Return what a string or a word becomes; None where it is fine."""
    text = token[0]
    if token["string"]:
        new = _ODD.sub(_escaped, text)
        return None if new == text else new
    return None if _is_value(text) else _as_string(text)


def _is_value(word: bytes) -> bool:
    if word in _CONSTANTS:
        return True
    if len(word) > LONGEST_NUMBER or not _NUMBER.fullmatch(word):
        return False
    return math.isfinite(float(word))


def _escaped(odd: re.Match[bytes]) -> bytes:
    if odd["half"]:
        return b"\\ufffd"
    if odd["stray"]:
        return b"\\\\"
    return b"\\u%04x" % odd["control"][0] if odd["control"] else odd[0]


def _as_string(text: bytes) -> bytes:
    return json.dumps(text.decode("utf-8", "replace"), ensure_ascii=False).encode()
