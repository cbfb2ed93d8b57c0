"""The only place that writes: data to standard output, words to standard error, what a file was named for.

Names, log lines and what services say come from outside: all that is written is `plain`, here or where a
line is drawn.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO
from urllib.parse import quote

from streamalert_apps.errors import AppError, UsageError
from streamalert_apps.serve.plain import plain

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

SCHEMA: Final = 1
WIDEST_TEXT: Final = 100
_INDENT: Final = 2
_NO_EDGE: Final = 10_000
_SHORTEST_SECRET: Final = 8
_AWS_SECRETS: Final = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_TOKEN: Final = re.compile(r"\b((?:Bearer|Basic) )[\w.~+/=-]{8,}", re.IGNORECASE)
_secrets: set[str] = set()
_held: list[str] | None = None
"""What was not said, in a quiet command; None: it is not quiet."""
_verbose = False


def hide(secret: Any) -> None:
    """Never write this value from now on, nor a part of it, wherever it may turn up."""
    if isinstance(secret, Mapping):
        for part in secret.values():
            hide(part)
        return
    for line in str(secret).splitlines():
        if len(line) >= _SHORTEST_SECRET and not line.startswith("-----"):
            _secrets.update((line, json.dumps(line)[1:-1], quote(line, safe="")))


def masked(text: str) -> str:
    """Return `text` with stars for every secret, for what AWS is signed in with, and for tokens."""
    in_environment = {os.environ.get(name, "") for name in _AWS_SECRETS}
    secrets = _secrets | {secret for secret in in_environment if len(secret) >= _SHORTEST_SECRET}
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return _TOKEN.sub(r"\1***", text)


def data(text: str) -> None:
    """Write a line of data."""
    sys.stdout.write(plain(text) + "\n")


def write_file(path: Path, data: bytes) -> None:
    """Replace a file as a whole; a failure leaves what was there and is a UsageError.

    A device or a pipe (/dev/stdout, /dev/null) is written to: a file in its place would break the machine.
    """
    from streamalert_apps.config.jsonfile import replace_all

    try:
        if path.is_char_device() or path.is_fifo() or path.is_block_device():
            path.write_bytes(data)
        else:
            replace_all({path.resolve(): data})
    except OSError as error:
        raise UsageError(f"{path} can't be written: {error.strerror}.") from None


def open_streams() -> None:
    """Let what cannot be shown be written out, and what is closed be as if nobody read or typed."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 (till the end)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def close_streams() -> None:
    """Leave nothing for Python's exit to write: it would complain of what can't be written."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def nobody_reads() -> None:
    """Throw away what is still written to standard output: whoever read it is there no more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python's exit would complain


def flush() -> None:
    """Send out what was written so far."""
    sys.stdout.flush()


def be_quiet(quiet: bool) -> None:
    """Say nothing from now on but warnings, errors and questions; or say everything again."""
    global _held  # noqa: PLW0603 (there is one standard error)
    _held = [] if quiet else None


def is_quiet() -> bool:
    """Return whether only warnings, errors and questions are written."""
    return _held is not None


def be_verbose(verbose: bool) -> None:
    """Say from now on also what only somebody wants to know who looks for a fault; or no longer."""
    global _verbose  # noqa: PLW0603 (there is one standard error)
    _verbose = verbose


def is_verbose() -> bool:
    """Return whether everything is to be said."""
    return _verbose


def say(text: str) -> None:
    """Write a line of words; a quiet command keeps it for the case that a question follows."""
    if _held is None:
        _say(text)
    else:
        _held.append(text)


def say_all() -> None:
    """Write what a quiet command has not said: somebody is about to be asked about it."""
    for text in _held or ():
        _say(text)
    be_quiet(is_quiet())


def log_line(text: str) -> None:
    """Write a line of a log, whose level says how much of it is wanted."""
    _say(text)


def _say(text: str, kind: str = "", colour: str = "") -> None:
    painted = f"{_painted(kind, colour, sys.stderr)} " if kind else ""
    sys.stderr.write(f"{painted}{plain(masked(text))}\n")
    sys.stderr.flush()


def warn(text: str) -> None:
    """Write a warning."""
    _say(text, "warning:", "33")


def error(problem: AppError) -> None:
    """Write what is wrong and what to do."""
    _say(problem.message, "error:", "31")
    if problem.hint:
        _say(problem.hint, "hint:", "36")


def envelope(
    command: str,
    content: Mapping[str, Any],
    *,
    errors: Sequence[AppError] = (),
    failed: bool = False,
    line: bool = False,
) -> None:
    """Write the one JSON object of a command, on one line where `line` says so or nobody looks at it."""
    told = [described(error) for error in errors]
    status = "failed" if errors or failed else "ok"
    answer = {"schema": SCHEMA, "command": command, "status": status, "errors": told, **content}
    data(json.dumps(answer, indent=2 if is_terminal(sys.stdout) and not line else None))


def described(problem: AppError) -> dict[str, str]:
    """Return an error as --json shows it."""
    return {"code": problem.code, "message": masked(problem.message), "hint": masked(problem.hint)}


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a table, and Rich's name of its colour."""

    text: str
    colour: str = ""


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, right: Collection[int] = ()) -> None:
    """Write a table for a person to look at: lines where the terminal is too narrow for it."""
    told = [[str(value) for value in row] for row in rows]
    made = drawn(columns, [[*map(Cell, row)] for row in told], right=right)
    if fits(made):
        show(made)
        return
    for first, *others in told:
        data(f"{columns[0]}: {first}")
        for column, value in zip(columns[1:], others, strict=True):
            data(f"  {column}: {value}")


def drawn(columns: Sequence[str], rows: Iterable[Sequence[Cell]], *, right: Collection[int] = ()) -> Table:
    """Return a table. Only the last column may wrap; `right`: the numbers of those that end in line."""
    from rich import box
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    rows = [*rows]
    made = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
    for number, column in enumerate(columns):
        is_last = number == len(columns) - 1
        widest = max(cell_len(text) for text in (column, *(plain(row[number].text) for row in rows)))
        made.add_column(
            column,
            justify="right" if number in right else "left",
            no_wrap=not is_last,
            min_width=None if is_last else widest,
        )
    for row in rows:
        made.add_row(*(Text(plain(cell.text), style=cell.colour) for cell in row))
    return made


def fits(table: Table) -> bool:
    """Tell whether the terminal is wide enough for a table of which nothing is cut."""
    from rich.console import Console

    console = Console()
    return _narrowest(table, console) <= console.width


def _narrowest(table: Table, console: Console) -> int:
    """Return how narrow a table can be; asked within the terminal's width, Rich would cut to say so."""
    return console.measure(table, options=console.options.update_width(_NO_EDGE)).minimum


def show(table: Table) -> None:
    """Write a table, indented where there is room for that."""
    from rich.console import Console
    from rich.padding import Padding

    console = Console()
    room = console.width - _narrowest(table, console)
    console.print(Padding(table, (0, 0, 0, max(0, min(_INDENT, room)))))


def markdown(text: str, stream: TextIO) -> None:
    """Write Markdown: laid out on a terminal, as it stands elsewhere."""
    text = plain(text)
    if not is_terminal(stream) or os.environ.get("TERM") == "dumb":
        stream.write(f"{text}\n")
        return
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console(file=stream)
    console.print(Markdown(text), width=min(console.width, WIDEST_TEXT))


@contextmanager
def working(text: str) -> Iterator[None]:
    """Show that something takes its time: a spinner on a terminal, one line elsewhere."""
    if is_quiet():
        yield
        return
    if not is_terminal(sys.stderr) or os.environ.get("TERM") == "dumb":
        say(f"{text} …")
        yield
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status(Text(plain(text))):
        yield


def is_terminal(stream: TextIO) -> bool:
    """Return whether a person looks at `stream`."""
    return not stream.closed and stream.isatty()


def _painted(text: str, code: str, stream: TextIO) -> str:
    return f"\x1b[1;{code}m{text}\x1b[0m" if _has_colour(stream) else text


def _has_colour(stream: TextIO) -> bool:
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return is_terminal(stream) and os.environ.get("TERM") != "dumb"
