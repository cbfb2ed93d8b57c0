"""The command line as a person meets it: a pseudo-terminal, keys, and a screen to look at."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Self

import pexpect
import pyte

if TYPE_CHECKING:
    from pathlib import Path

ROWS, COLUMNS = 50, 120
PATIENCE_SECONDS = 60.0
SIZE = {"COLUMNS", "LINES"}  # of pytest's terminal, by readline, and of its workers'
ENTER, DOWN, CTRL_C, CTRL_D = "\r", "\x1b[B", "\x03", "\x04"


class _Screen(pyte.Screen):
    """A screen that answers what the program asks the terminal, for instance where the cursor is."""

    def __init__(self, terminal: Terminal, columns: int) -> None:
        self._terminal = terminal
        super().__init__(columns, ROWS)

    def write_process_input(self, data: str) -> None:
        self._terminal.type(data)


class Terminal:
    """`sa-apps` with these arguments, running in a terminal."""

    def __init__(self, *arguments: str, folder: Path, columns: int = COLUMNS) -> None:
        self._screen = _Screen(self, columns)
        self._stream = pyte.Stream(self._screen)
        self._child = pexpect.spawn(
            sys.executable,
            ["-m", "streamalert_apps", *arguments],
            cwd=str(folder),
            env={name: os.environ[name] for name in {*os.environ} - SIZE},
            dimensions=(ROWS, columns),
            encoding="utf-8",
            timeout=PATIENCE_SECONDS,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.close(force=True)

    @property
    def text(self) -> str:
        """What the screen shows."""
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip()

    def see(self, words: str) -> Self:
        """Wait until the screen shows `words`."""
        while words not in self._flat():
            try:
                self._stream.feed(self._child.read_nonblocking(4096, PATIENCE_SECONDS))
            except (pexpect.EOF, pexpect.TIMEOUT):
                raise AssertionError(f"'{words}' is not on the screen:\n{self.text}") from None
        return self

    def _flat(self) -> str:
        """Return the screen's text as if no line had been wrapped."""
        return "".join(self._screen.display)

    def type(self, keys: str) -> Self:
        """Press these keys."""
        self._child.send(keys)
        return self

    def answer(self, question: str, keys: str) -> Self:
        """Wait for a question and answer it."""
        return self.see(question).type(keys + ENTER)

    def ends(self) -> int:
        """Wait for the end and return the exit code."""
        while True:
            try:
                self._stream.feed(self._child.read_nonblocking(4096, PATIENCE_SECONDS))
            except pexpect.EOF:
                break
        self._child.close()
        return int(self._child.exitstatus or 0)
