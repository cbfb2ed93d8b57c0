"""Log lines as JSON, one an event, for CloudWatch."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

RUN: Final[ContextVar[Mapping[str, str]]] = ContextVar("run", default=MappingProxyType({}))
"""The app, its type, and the invocation in Lambda."""


class JsonFormatter(logging.Formatter):
    """Formats a record as one line: time, level, message, where from, whose, and what was passed as `extra`.

    The run that `begin` named is on each of its lines.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with its end: Lambda's own handler adds none."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
        }
        line |= RUN.get()
        line |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[2]:
            line["at"] = _frames(record.exc_info[2])
        return json.dumps(line, default=str) + "\n"


_FORMATTER = JsonFormatter()


def configure(level: str) -> None:
    """Send the product's log lines to the log group, in place of Lambda's own form."""
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(logging.StreamHandler())
    for handler in root.handlers:
        handler.setFormatter(_FORMATTER)
        if isinstance(handler, logging.StreamHandler):
            handler.terminator = ""
    logging.getLogger("streamalert_apps").setLevel(level.upper())


def begin(*, app: str, app_type: str, run: str) -> None:
    """Name the run that the next lines are of: those of this thread, and of the threads that it starts."""
    RUN.set({"app": app, "type": app_type} | ({"run": run} if run else {}))


def place(error: BaseException) -> str:
    """Return what an error is, and file and line where it was raised; its message may hold anything."""
    frames = _frames(error.__traceback__)
    return f"{type(error).__name__} at {frames[-1].partition(' ')[0] if frames else '?'}"


def _frames(traceback: Any) -> list[str]:
    """Return file and line of each frame: a traceback without the values that a message may hold."""
    frames = []
    while traceback:
        code = traceback.tb_frame.f_code
        frames.append(f"{code.co_filename.rpartition('/')[2]}:{traceback.tb_lineno} {code.co_name}")
        traceback = traceback.tb_next
    return frames
