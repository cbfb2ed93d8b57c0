"""Events as bytes: of each, only its time and its id are read."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from operator import attrgetter
from typing import Any, ClassVar

import msgspec

from streamalert_apps.errors import BadResponse
from streamalert_apps.sdk.app import App, Json, Stamp
from streamalert_apps.sdk.ids import hashing

LOGGER = logging.getLogger(__name__)

Row = msgspec.Raw

NEVER = datetime.max.replace(tzinfo=UTC)  # the time of an event that has none: younger than any bound


@dataclass(frozen=True, slots=True)
class Fetched:
    """What one request brought: the events' own bytes, and the token of the next page (None: the last)."""

    rows: Sequence[Row]
    next: Json = None


class Events(App):
    """An app type whose events have a time, and an id or at least content."""

    time_field: ClassVar[str]
    """The event's field with its time: ISO 8601, or seconds since 1970."""
    id_fields: ClassVar[tuple[str, ...]] = ()
    """The fields that identify an event together; empty where the service has no id: its content is it."""

    @property
    def has_ids(self) -> bool:
        """Tell whether events are known by an id, and not by what they say."""
        return bool(self.id_fields) or type(self).stamp is not Events.stamp

    def stamp(self, row: Row) -> Stamp:
        """Return an event's time and id; raise BadResponse where they are missing."""
        try:
            return _stamps((row,), self.time_field, self.id_fields)[0]
        except (msgspec.MsgspecError, RecursionError) as error:
            raise BadResponse(f"An event of {self.type} is not as documented: {error}.") from None

    def stamps(self, rows: Sequence[Row]) -> Sequence[Stamp]:
        """Return the stamp of each row; one that can't be read happened NEVER, and is told."""
        if type(self).stamp is Events.stamp:
            with suppress(msgspec.MsgspecError, RecursionError):
                return _stamps(rows, self.time_field, self.id_fields)  # all at once is many times faster
        return [self._stamp_or_never(row) for row in rows]

    def _stamp_or_never(self, row: Row) -> Stamp:
        try:
            return self.stamp(row)
        except BadResponse as error:
            LOGGER.warning("%s", error.message)
            return Stamp(NEVER)

    def marked(
        self, rows: Sequence[Row], met: Counter[bytes], key: bytes, now: float
    ) -> tuple[Sequence[Row], list[bytes], list[float]]:
        """Return the rows with their short ids and times (seconds since 1970).

        Equal rows without an id are told apart by counting: `met` counts on from page to page. A row
        without a readable time must neither be lost nor stop the feed: it happened `now`.
        """
        short = hashing(key)
        stamps = self.stamps(rows)
        times = [now if time is NEVER else time.timestamp() for time, _ in stamps]
        if all(identity for _, identity in stamps):
            return rows, [short(identity) for _, identity in stamps], times
        ids: list[bytes] = []
        for row, (_, identity) in zip(rows, stamps, strict=True):
            if identity:
                ids.append(short(identity))
                continue
            content = short(_content(row))
            count = met[content]
            met[content] = count + 1
            ids.append(short(f"{content.hex()}\0{count}") if count else content)
        return rows, ids, times


def _content(row: Row) -> str:
    """Return an event's content, whatever order its keys came in; as it stands where it can't be read."""
    try:
        return msgspec.json.encode(msgspec.json.decode(row), order="sorted").decode()
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return bytes(row).decode("latin-1")


def _stamps(rows: Sequence[Row], time_field: str, id_fields: tuple[str, ...]) -> list[Stamp]:
    """Return the stamps of rows whose fields have these names; raise MsgspecError where one is missing."""
    events = _decoder(time_field, id_fields).decode(b"[%b]" % b",".join(rows))
    names = ["time" if name == time_field else f"id{n}" for n, name in enumerate(id_fields)]
    if not names:
        return [Stamp(_aware(event.time)) for event in events]
    fields = attrgetter(*names)
    if len(names) == 1:
        return [Stamp(_aware(event.time), _joined((fields(event),))) for event in events]
    return [Stamp(_aware(event.time), _joined(fields(event))) for event in events]


def _joined(ids: tuple[Any, ...]) -> str:
    """Return the fields' values as one id, which no other values have; empty where the first is missing."""
    if ids[0] is None:
        return ""
    joined = "\0".join(map(str, ids))
    return joined if joined.count("\0") == len(ids) - 1 else repr(ids)


def _aware(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)


@cache
def _decoder(time_field: str, id_fields: tuple[str, ...]) -> msgspec.json.Decoder[list[Any]]:
    """Make a decoder that reads of events only their times and their ids."""
    names = {"time": time_field}
    names |= {f"id{n}": name for n, name in enumerate(id_fields) if name != time_field}
    ids = [(field, Any, None) for field in names if field != "time"]
    event = msgspec.defstruct("Event", [("time", datetime), *ids], rename=names, gc=False)
    return msgspec.json.Decoder(list[event], strict=False)  # type: ignore[valid-type]
