"""Lines of a log group, as they are and as they come."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from streamalert_apps.aws.trouble import explain
from streamalert_apps.errors import TransientError

FOLLOW_SECONDS: Final = 2.0
_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_LATEST: Final = 253_402_300_799_000  # the end of the year 9999
LATE_SECONDS: Final = 30  # CloudWatch shows some lines later than others of their time


@dataclass(frozen=True, slots=True)
class Line:
    """One line: `fields` where it is a JSON object, else only its text."""

    time: datetime
    text: str
    fields: dict[str, Any] = field(default_factory=dict)


def lines(client: Any, group: str, since: datetime, until: datetime | None = None) -> Iterator[Line]:
    """Yield the lines from a time to before another, oldest first; none where there is no such group."""
    for _, line in _events(client, group, since, until):
        yield line


def follow(client: Any, group: str, since: datetime, sleep: Callable[[float], None]) -> Iterator[Line]:
    """Yield the lines since a time, then those that come, without end; each once.

    What keeps CloudWatch from answering and passes is waited out: the next look asks for the same again.
    """
    seen: dict[str, datetime] = {}
    while True:
        try:
            for identity, line in _events(client, group, since):
                if identity not in seen:
                    seen[identity] = line.time
                    yield line
        except (ClientError, BotoCoreError) as error:
            if not isinstance(explain(error), TransientError):
                raise
        if seen:
            since = max(since, datetime.fromtimestamp(max(seen.values()).timestamp() - LATE_SECONDS, UTC))
            seen = {identity: time for identity, time in seen.items() if time >= since}
        sleep(FOLLOW_SECONDS)


def _events(
    client: Any, group: str, since: datetime, until: datetime | None = None
) -> Iterator[tuple[str, Line]]:
    span = {"startTime": int(since.timestamp() * 1000)}
    if until:
        span["endTime"] = int(until.timestamp() * 1000) - 1  # CloudWatch's end is inclusive
    pages = client.get_paginator("filter_log_events").paginate(logGroupName=group, **span)
    try:
        for page in pages:
            for event in page.get("events", ()):  # a page may have none, and say that there are more
                line = _line(event)
                yield event.get("eventId") or f"{line.time} {line.text}", line
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise


def _line(event: dict[str, Any]) -> Line:
    text = event.get("message", "").rstrip("\n")
    time = _EPOCH + timedelta(milliseconds=min(max(event.get("timestamp", 0), 0), _LATEST))
    try:
        fields = json.loads(text) if text.startswith("{") else {}
    except (ValueError, RecursionError):
        fields = {}
    return Line(time, text, fields)
