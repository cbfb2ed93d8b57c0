"""How far a run is, and what it waits for: a live line on a terminal, a line each half minute elsewhere."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from streamalert_apps.cli.terminal import output
from streamalert_apps.sdk.count import counted
from streamalert_apps.serve.plain import plain

if TYPE_CHECKING:
    from streamalert_apps.runtime.collect import Outcome
    from streamalert_apps.sdk.app import App

LIVE_SECONDS: Final = 0.5
HEARTBEAT_SECONDS: Final = 30.0
_PRODUCT: Final = logging.getLogger("streamalert_apps")
_WAITS: Final = tuple(
    logging.getLogger(f"streamalert_apps.{name}") for name in ("sdk.http", "sdk.retry", "runtime.forward")
)
_UNITS: Final = {1.0: "second", 60.0: "minute", 3600.0: "hour", 86400.0: "day"}


@contextmanager
def collecting(title: str, kind: type[App], *, quiet: bool = False) -> Iterator[Callable[[Outcome], None]]:
    """Show how a run comes on; `quiet`: only its warnings, where a terminal gets the events themselves."""
    if output.is_verbose():  # its log lines say it all
        yield lambda _: None
        return
    state = _State(title, kind)
    with _listening(state), _shown(state, quiet=quiet):
        yield state.tell


@contextmanager
def _listening(state: _State) -> Iterator[None]:
    """Turn the log lines of a run into what is shown: none is written as it is."""
    before = [logger.level for logger in _WAITS]
    _PRODUCT.addHandler(state)
    for logger in _WAITS:
        logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        _PRODUCT.removeHandler(state)
        state.close()
        for logger, level in zip(_WAITS, before, strict=True):
            logger.setLevel(level)


@contextmanager
def _shown(state: _State, *, quiet: bool) -> Iterator[None]:
    if quiet or output.is_quiet():
        yield
        return
    if not output.is_terminal(sys.stderr) or os.environ.get("TERM") == "dumb":
        with _repeated(lambda: output.say(f"{state.text()} …"), HEARTBEAT_SECONDS):
            yield
        return
    from rich.console import Console
    from rich.text import Text

    with (
        Console(stderr=True).status(Text(plain(f"{state.text()} …"))) as status,
        _repeated(lambda: status.update(Text(plain(f"{state.text()} …"))), LIVE_SECONDS),
    ):
        yield


@contextmanager
def _repeated(show: Callable[[], None], seconds: float) -> Iterator[None]:
    """Call `show` from time to time, in a thread of its own: the run itself may be waiting."""
    ended = threading.Event()

    def loop() -> None:
        while not ended.wait(seconds):
            show()

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


class _State(logging.Handler):
    """What a run has said of itself so far."""

    def __init__(self, title: str, kind: type[App]) -> None:
        super().__init__(logging.INFO)
        self._title = title
        self._kind = kind
        self._done = ""
        self._waits_for = ""
        self._until = 0.0
        self._warned: set[str] = set()

    def tell(self, so_far: Outcome) -> None:
        """Note how far the run is."""
        self._done = f": {counted(so_far.events, 'event')} on record, {counted(so_far.pages, 'page')}"
        self._until = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        """Note what is waited for; warn of what is to be warned of, once."""
        if record.levelno >= logging.WARNING:
            self._warn(record.getMessage())
            return
        fields = getattr(record, "fields", {})
        code = fields.get("code", "rate_limited")
        self._waits_for = self._limit() if code == "rate_limited" else f"trying again ({code})"
        self._until = time.monotonic() + fields.get("wait", 0.0)

    def text(self) -> str:
        """Return all of it in one line."""
        left = self._until - time.monotonic()
        waiting = f"; waiting {left:.0f} s: {self._waits_for}" if left >= 1 else ""
        return f"{self._title}{self._done}{waiting}"

    def _limit(self) -> str:
        from streamalert_apps.sdk.app import service_of

        service, rate = service_of(self._kind.type).capitalize(), self._kind.rate
        if rate is None or rate.seconds not in _UNITS:
            return f"{service} limits how often it is asked"
        return f"{service} allows {counted(rate.requests, 'request')} a {_UNITS[rate.seconds]}"

    def _warn(self, message: str) -> None:
        if message not in self._warned:
            self._warned.add(message)
            output.warn(message)
