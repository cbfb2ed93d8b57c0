"""Log lines on standard error, for a person or as JSON: of `serve`, and of every verbose command."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from streamalert_apps.cli.terminal import output
from streamalert_apps.runtime import log
from streamalert_apps.sdk.count import counted

Form = Literal["text", "json"]


def write(form: Form) -> None:
    """Write from now on what `serve` says and what apps warn of, or all, in a verbose command."""
    handler = _Lines(form)
    product = logging.getLogger("streamalert_apps")
    product.handlers = [handler]
    product.propagate = False
    product.setLevel(logging.DEBUG if output.is_verbose() else logging.WARNING)
    told = logging.WARNING if output.is_quiet() else logging.INFO
    logging.getLogger("streamalert_apps.serve").setLevel(logging.NOTSET if output.is_verbose() else told)


def stop() -> None:
    """Write no log lines any more."""
    product = logging.getLogger("streamalert_apps")
    product.handlers = []
    product.propagate = True
    product.setLevel(logging.NOTSET)


class _Lines(logging.Handler):
    """Writes lines that show no secret, and nothing that a terminal would do something for."""

    def __init__(self, form: Form) -> None:
        super().__init__()
        self.setFormatter(log.JsonFormatter() if form == "json" else _Words())

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line."""
        output.log_line(self.format(record).rstrip("\n"))


class _Words(logging.Formatter):
    """Formats a record for a person: time, level where it matters, app, and what happened."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        time = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        level = f"{record.levelname.lower()}: " if record.levelno >= logging.WARNING else ""
        app = log.RUN.get().get("app")
        fields = getattr(record, "fields", {})
        said = _ended(fields) if "status" in fields else record.getMessage()
        if fields and "status" not in fields and record.levelno < logging.WARNING:
            said += f": {', '.join(f'{name} {value}' for name, value in fields.items())}"
        return f"{time} {level}{f'{app}: ' if app else ''}{said}".replace("\n", " ")


def _ended(told: Mapping[str, Any]) -> str:
    """Return in words how a run ended."""
    delivered = "".join(f", {events:,} delivered to {name}" for name, events in told["delivered"].items())
    error = f": {told['error']['message']}" if "error" in told else ""
    done = f"{counted(told['logs'], 'event')} on record{delivered} in {told['seconds']:.1f} s"
    return f"{told['status']}, {done}{error}"
