"""Events as bytes: only the time and the id of each are read."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from operator import attrgetter
from typing import Any, ClassVar, Literal

import msgspec

from streamalert_apps.errors import BadResponse
from streamalert_apps.sdk import legacy
from streamalert_apps.sdk.app import App, Json, Memory, Stamp
from streamalert_apps.sdk.clock import BELIEVED
from streamalert_apps.sdk.ids import hashing

LOGGER = logging.getLogger(__name__)

Row = msgspec.Raw
NULL = msgspec.Raw(b"null")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST = datetime(BELIEVED.start, 1, 1, tzinfo=UTC).timestamp()
END = datetime(BELIEVED.stop, 1, 1, tzinfo=UTC).timestamp()
NEVER = datetime.max.replace(tzinfo=UTC)  # the time of an event that has none: younger than any bound


@dataclass(frozen=True, slots=True)
class Fetched:
    """What one request returned: the events' own bytes, and the token of the next page (None: the last).

    `short`: the page is not full, so there is probably no other. `more`: whether a service that pages by
    position has more now, even after an empty page; None if it doesn't say.
    """

    rows: Sequence[Row]
    next: Json = None
    short: bool = False
    more: bool | None = None

    def __post_init__(self) -> None:
        """Let an empty token be none, as some services write on the last page, and null be no event."""
        if self.next == "":
            object.__setattr__(self, "next", None)
        if NULL in self.rows:
            object.__setattr__(self, "rows", [row for row in self.rows if row != NULL])

    @property
    def goes_on(self) -> bool:
        """Tell whether a service that pages by position has more now, as far as it says."""
        return bool(self.rows) if self.more is None else self.more


class Events(App):
    """An app type whose events have a time, and an id or at least content."""

    time_field: ClassVar[str]
    """The field with an event's time: ISO 8601, or seconds since 1970."""
    time_unit: ClassVar[Literal["s", "ms"]] = "s"
    """The unit of numbers in that field; with milliseconds, ISO 8601 is not accepted."""
    id_fields: ClassVar[tuple[str, ...]] = ()
    """The fields that together identify an event; empty if there is no id: then the content identifies it."""
    verbatim: ClassVar[bool] = True
    """Whether events are the service's own bytes; False if the app builds them from rows of cells."""

    @property
    def has_ids(self) -> bool:
        """Tell whether events are identified by an id, and not by their content."""
        return bool(self.id_fields) or type(self).stamp is not Events.stamp

    def stamp(self, row: Row) -> Stamp:
        """Return an event's time and id; raise BadResponse if they are missing."""
        try:
            return self._stamps((row,))[0]
        except (msgspec.MsgspecError, RecursionError) as error:
            raise BadResponse(f"An event of {self.type} is not as documented: {error}.") from None

    def stamps(self, rows: Sequence[Row]) -> Sequence[Stamp]:
        """Return the stamp of each row; one whose time is unreadable or impossible happened NEVER."""
        if type(self).stamp is Events.stamp:
            with suppress(msgspec.MsgspecError, RecursionError):
                return self._stamps(rows)  # all at once is many times faster
        return [self._stamp_or_never(row) for row in rows]

    def _stamps(self, rows: Sequence[Row]) -> list[Stamp]:
        return _stamps(rows, self.time_field, self.id_fields, in_milliseconds=self.time_unit == "ms")

    def _stamp_or_never(self, row: Row) -> Stamp:
        try:
            time, identity = self.stamp(row)
        except BadResponse as error:
            LOGGER.warning("%s", error.message)
            return Stamp(NEVER, self._id_alone(row))
        time = time if time.tzinfo else time.replace(tzinfo=UTC)
        if time.year not in BELIEVED:
            LOGGER.warning("An event of %s is dated %d, which can't be.", self.type, time.year)
            return Stamp(NEVER, identity)
        return Stamp(time, identity)

    def _id_alone(self, row: Row) -> str:
        """Return the id of an event whose time can't be read; empty where there is none."""
        if not self.id_fields or type(self).stamp is not Events.stamp:
            return ""
        with suppress(msgspec.MsgspecError, ValueError, RecursionError, AttributeError):
            event = msgspec.json.decode(row)
            values = [event.get(name) for name in self.id_fields]
            return "" if values[0] is None else "\0".join(map(str, values))
        return ""

    def marked(
        self, rows: Sequence[Row], met: Counter[bytes], memory: Memory, now: float
    ) -> tuple[Sequence[Row], list[bytes], list[float]]:
        """Return the rows with their short ids and times (seconds since 1970).

        Equal rows without an id are told apart by counting: `met` counts on from page to page. A row
        without a readable time must neither be lost nor stop the feed: it happened `now`. What 0.1.0 had
        delivered is told to the memory.
        """
        names, times = self._names_and_times(rows, now)
        before = Counter(met) if memory.legacy else met
        ids = self._short_ids(rows, names, met, memory.key)
        if memory.legacy:
            former = self._old_ids(rows, self.stamps(rows), before, memory.key)
            for old, identity, time in zip(former, ids, times, strict=True):
                if old in memory.legacy:
                    memory.adopt(old, identity, time)
        return rows, ids, times

    def count_on(self, rows: Sequence[Row], met: Counter[bytes], memory: Memory, now: float) -> None:
        """Let rows without an id be counted on from how many of their equals are on record."""
        short = hashing(memory.key)
        counts = dict.fromkeys({short(_content(row)) for row in rows} - met.keys(), 0)
        while counts:
            ids = {_counted(short, content, count): content for content, count in counts.items()}
            known = memory.known([*ids], [now] * len(ids))
            met.update({content: counts[content] for name, content in ids.items() if name not in known})
            counts = {ids[name]: counts[ids[name]] + 1 for name in known}

    def old_ids(self, rows: Sequence[Row]) -> list[bytes]:
        """Return the short ids by which 0.1.0 knew the rows; equal ones without an id are counted."""
        return self._old_ids(rows, self.stamps(rows), Counter(), b"")

    def _names_and_times(self, rows: Sequence[Row], now: float) -> tuple[list[str], list[float]]:
        """Return what the service calls the rows, and their times; by stamps, where a type has its own."""
        cls = type(self)
        if (
            cls.stamp is Events.stamp
            and cls.stamps is Events.stamps
            and self.time_field not in self.id_fields
        ):
            with suppress(msgspec.MsgspecError, RecursionError):
                in_milliseconds = self.time_unit == "ms"
                events = _decoded(rows, self.time_field, self.id_fields, in_milliseconds=in_milliseconds)
                columns = [_column(events, number) for number in range(len(self.id_fields))]
                return _names(columns, len(rows)), _seconds(events, in_milliseconds=in_milliseconds)
        stamps = self.stamps(rows)
        times = [now if time is NEVER else time.timestamp() for time, _ in stamps]
        return [identity for _, identity in stamps], times

    def _short_ids(
        self, rows: Sequence[Row], names: Sequence[str], met: Counter[bytes], key: bytes
    ) -> list[bytes]:
        short = hashing(key)
        if all(names):
            return [*map(short, names)]
        ids: list[bytes] = []
        for row, identity in zip(rows, names, strict=True):
            if identity:
                ids.append(short(identity))
                continue
            content = short(_content(row))
            count = met[content]
            met[content] = count + 1
            ids.append(_counted(short, content, count))
        return ids

    def _old_ids(
        self, rows: Sequence[Row], stamps: Sequence[Stamp], met: Counter[bytes], key: bytes
    ) -> list[bytes]:
        ids: list[bytes] = []
        for row, (time, identity) in zip(rows, stamps, strict=True):
            if identity and time is not NEVER:
                ids.append(legacy.short(identity))
                continue
            content = _content(row)
            counter = hashing(key)(content)
            ids.append(legacy.counted(content, met[counter]))
            met[counter] += 1
        return ids


def _counted(short: Callable[[str], bytes], content: bytes, count: int) -> bytes:
    """Return the short id of a row without one, of which there are so many equal ones before."""
    return short(f"{content.hex()}\0{count}") if count else content


def _content(row: Row) -> str:
    """Return an event's content, whatever order its keys came in; as it stands where it can't be read."""
    try:
        return msgspec.json.encode(msgspec.json.decode(row), order="sorted").decode()
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return bytes(row).decode("latin-1")


def _stamps(
    rows: Sequence[Row], time_field: str, id_fields: tuple[str, ...], *, in_milliseconds: bool
) -> list[Stamp]:
    """Return the stamps of rows whose fields have these names; raise MsgspecError where one is missing."""
    events = _decoded(rows, time_field, id_fields, in_milliseconds=in_milliseconds)
    times = _times(events, in_milliseconds=in_milliseconds)
    _check_range([time.timestamp() for time in times])
    columns = [
        times if name == time_field else _column(events, number) for number, name in enumerate(id_fields)
    ]
    return [*map(Stamp, times, _names(columns, len(rows)))]


def _decoded(
    rows: Sequence[Row], time_field: str, id_fields: tuple[str, ...], *, in_milliseconds: bool
) -> list[Any]:
    """Return of each row an object with its `time`, and its ids as `id0` and so on."""
    decoder = _decoder(time_field, id_fields, in_milliseconds=in_milliseconds)
    events = decoder.decode(b"[%b]" % b",".join(rows))
    if len(events) != len(rows):
        raise msgspec.DecodeError("a row is not one JSON value")
    return events


def _column(events: list[Any], number: int) -> list[Any]:
    return [*map(attrgetter(f"id{number}"), events)]


def _names(columns: Sequence[Sequence[Any]], count: int) -> list[str]:
    """Return what events are called by the values of their ids; empty where the first of them is missing."""
    if not columns:
        return [""] * count
    texts = [map(str, column) for column in columns]
    names = [*texts[0]] if len(texts) == 1 else [*map("\0".join, zip(*texts, strict=True))]
    if None in columns[0]:
        names = ["" if first is None else name for first, name in zip(columns[0], names, strict=True)]
    return names


def _times(events: list[Any], *, in_milliseconds: bool) -> list[datetime]:
    """Return when events happened; a time without a zone is UTC."""
    times = [event.time for event in events]
    if in_milliseconds:
        return [*map(_from_milliseconds, times)]
    if None in [*map(attrgetter("tzinfo"), times)]:
        return [time if time.tzinfo else time.replace(tzinfo=UTC) for time in times]
    return times


def _seconds(events: list[Any], *, in_milliseconds: bool) -> list[float]:
    """Return when events happened, in seconds since 1970, to the microsecond."""
    if in_milliseconds:
        seconds = [event.time / 1000 for event in events]
    else:
        seconds = [*map(datetime.timestamp, _times(events, in_milliseconds=False))]
    _check_range(seconds)
    return [round(second, 6) for second in seconds] if in_milliseconds else seconds


def _check_range(seconds: list[float]) -> None:
    """Raise ValidationError where a time can't be: what is wrong with it is not known, nor what is meant."""
    if seconds and not FIRST <= min(seconds) <= max(seconds) < END:
        raise msgspec.ValidationError("a time is out of range")


def _from_milliseconds(count: float) -> datetime:
    try:
        return EPOCH + timedelta(milliseconds=count)
    except (OverflowError, ValueError):
        raise msgspec.ValidationError("a time is out of range") from None


@cache
def _decoder(
    time_field: str, id_fields: tuple[str, ...], *, in_milliseconds: bool
) -> msgspec.json.Decoder[list[Any]]:
    """Make a decoder that reads of events only their times and their ids."""
    names = {"time": time_field}
    names |= {f"id{n}": name for n, name in enumerate(id_fields) if name != time_field}
    ids = [(field, Any, None) for field in names if field != "time"]
    event = msgspec.defstruct(
        "Event", [("time", float if in_milliseconds else datetime), *ids], rename=names, gc=False
    )
    return msgspec.json.Decoder(list[event], strict=False)  # type: ignore[valid-type]
