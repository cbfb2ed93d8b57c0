"""Help that fits the terminal: no example and no table runs over its edge."""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, Final

NARROWEST: Final = 30
REMARK: Final = 70
_FURTHER: Final = 4  # columns by which the rest of a broken line is indented
_REMARK: Final = re.compile(r"(?<=\S) {3,}(?=\S)")


def width() -> int:
    """Return how wide help may be, 78 at most."""
    return max(NARROWEST, min(shutil.get_terminal_size().columns, 80) - 2)


def fit(formatter: Any) -> None:
    """Let the names of options take little of a narrow terminal, their meaning the rest."""
    write = partial(formatter.write_dl, col_max=min(30, formatter.width // 2 - 9))

    def write_folded(rows: Iterable[tuple[str, str]], **how: Any) -> None:
        indent = formatter.current_indent
        most, further = formatter.width - indent, " " * (indent + _FURTHER)
        write([("\n".join(_broken(name, "", further, most)), means) for name, means in rows], **how)

    formatter.write_dl = write_folded


def remark(text: str) -> str:
    """Return what a shell shows beside a completion: one short line, without quotes, which zsh drops."""
    text = " ".join(text.split()).replace("'", "\u2019")
    return text if len(text) <= REMARK else f"{text[: REMARK - 1].rpartition(' ')[0]} …"


def write_epilog(epilog: str | None, formatter: Any) -> None:
    """Write what stands below a command's options: examples, exit codes."""
    if not epilog:
        return
    formatter.write_paragraph()
    with formatter.indentation():
        formatter.write_text(fitted(epilog, formatter.width - formatter.current_indent))


def fitted(text: str, most: int) -> str:
    """Return `text` with no line in form longer than `most`, unless one word is."""
    return "\n\n".join(
        "\n".join(line for long in block.split("\n") for line in _lines(long, most))
        if block.startswith("\b")
        else block
        for block in text.split("\n\n")
    )


def _lines(line: str, most: int) -> Iterator[str]:
    """Yield a line as several where it is too long; a command can still be copied as a whole."""
    if len(line) <= most:
        yield line
        return
    indent = line[: len(line) - len(line.lstrip())]
    words, *remarks = _REMARK.split(line, maxsplit=1)
    first = words.lstrip()
    of_shell = first.startswith("sa-apps ")
    yield from _joined(_broken(first, indent, indent + " " * _FURTHER, most - 2 * of_shell), shell=of_shell)
    for remark in remarks:
        further = indent + " " * _FURTHER
        yield from _broken(remark, further, further, most)


def _broken(text: str, first: str, further: str, most: int) -> list[str]:
    return textwrap.wrap(
        text,
        most,
        initial_indent=first,
        subsequent_indent=further,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _joined(lines: list[str], *, shell: bool) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        yield f"{line} \\" if shell and number < len(lines) else line
