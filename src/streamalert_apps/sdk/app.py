"""The contract of a plugin: what an app type is, what it asks for, what it yields."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from re import Pattern
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple, Protocol, Self, TypeAlias

from streamalert_apps.errors import CredentialsError, UsageError
from streamalert_apps.sdk.legacy import Inherited
from streamalert_apps.sdk.pace import Rate, Wait

if TYPE_CHECKING:
    from streamalert_apps.sdk.http import Api

Json: TypeAlias = Any
Log: TypeAlias = bytes | bytearray | memoryview | Mapping[str, Json]
"""One event as the service sent it: its bytes (any object with a buffer) or a dict."""

Checkpoint: TypeAlias = dict[str, Json]
"""Where to continue. JSON of at most 100,000 characters, opaque to the runtime."""

Credentials: TypeAlias = Mapping[str, Json]
Format: TypeAlias = Pattern[str] | Callable[[str], Json]


_CHOICE: Final = re.compile(r"[A-Za-z0-9_-]+(\|[A-Za-z0-9_-]+)*")  # a pattern that is one of some words
_KEYS: Final = ("{", "-----BEGIN")  # how the text of a key file begins
_BREAKS: Final = re.compile(r"[\r\n\0]")  # what no request can carry


class WrongFormError(UsageError):
    """A value is invalid for its field; a field may raise this itself, to say what is wrong."""


@dataclass(frozen=True, slots=True)
class AuthField:
    """One value that an app needs to sign in.

    `format` is a regex that the whole input must match, or a function that takes the input and
    returns the value to store (for example, a key file's parsed content) or False. An `optional` value
    may be left out: the credentials then don't have that key.
    """

    name: str
    description: str
    format: Format
    secret: bool = False
    optional: bool = False

    def parse(self, text: str) -> Json:
        """Return the value to store for an input; raise UsageError if it is invalid.

        An empty input for an optional value is None, which is not stored.
        """
        if self.optional and not text:
            return None
        if isinstance(self.format, Pattern):
            if self.format.fullmatch(text):
                return text
        else:
            value = self.format(text)
            if value is not False and value is not None:
                return value
        raise WrongFormError(
            f"The value for '{self.name}' is invalid.",
            hint=f"It should be {self.description}.",
        )

    def read(self, stored: Json) -> Json:
        """Return a stored value; a key that somebody stored as text is read as when it is typed.

        Raises UsageError for what is no key but at most the path of one; its text is not shown.
        """
        if isinstance(self.format, Pattern) or not isinstance(stored, str):
            return stored
        if stored.lstrip().startswith(_KEYS):
            return self.format(stored)
        try:
            is_path = isinstance(self.format(stored), Mapping)
        except UsageError:
            is_path = True
        if is_path:
            raise UsageError("It should be the key itself, not a path or anything else.")
        return stored

    def takes(self, stored: Json) -> bool:
        """Tell whether a stored value can be one; what does not match may be of an older version."""
        if not isinstance(self.format, Pattern):
            return True
        if not isinstance(stored, str):
            return False
        is_choice = _CHOICE.fullmatch(self.format.pattern)
        return bool(self.format.fullmatch(stored)) or not (is_choice or _BREAKS.search(stored))


def complete(
    credentials: Credentials, fields: Sequence[AuthField], whose: str, hint: str = ""
) -> Credentials:
    """Return stored credentials without what is null; raise CredentialsError where they can't be used.

    The error names a field, and shows no value. `whose` begins it: "The credentials of duo_prod".
    """
    empty = {field.name for field in fields if isinstance(field.format, Pattern)}
    given = {
        name: value
        for name, value in credentials.items()
        if value is not None and not (name in empty and value == "")
    }
    if missing := [field.name for field in fields if not (field.optional or field.name in given)]:
        raise CredentialsError(f"{whose} lack {', '.join(missing)}.", hint=hint)
    for field in (field for field in fields if field.name in given):
        try:
            given[field.name] = field.read(given[field.name])
        except UsageError as error:
            raise CredentialsError(
                f"{whose} can't be used: '{field.name}': {error.message}", hint=hint
            ) from None
        if not field.takes(given[field.name]):
            raise CredentialsError(
                f"{whose} can't be used: '{field.name}' should be {field.description}.", hint=hint
            )
    return given


@dataclass(frozen=True, slots=True)
class Page:
    """Some logs, and the checkpoint that counts once they are forwarded."""

    logs: Sequence[Log]
    checkpoint: Checkpoint
    more: bool
    repeats: int = 0  # events of the answer that were dropped, as they are on record already
    ids: Sequence[bytes] = ()
    """The short ids of the logs, if the app is a feed; the memory keeps them."""
    times: Sequence[float] = ()
    """When they happened, in seconds since 1970."""
    remember: Sequence[tuple[bytes, float]] | None = None
    """What the memory keeps, with times; None: the ids with their times."""

    def only(self, rows: Sequence[int], *, more: bool) -> Page:
        """Return a page with only these of its logs."""
        return replace(
            self,
            logs=[self.logs[row] for row in rows],
            ids=[self.ids[row] for row in rows],
            times=[self.times[row] for row in rows],
            more=more,
        )


class Memory(Protocol):
    """The ids of the events on record that could still be listed again."""

    key: bytes
    """Part of each id's hash, so that nobody can construct two events with one id."""
    legacy: Collection[bytes]
    """Short ids of what 0.1.0 delivered, as far as it has not been listed since."""

    def adopt(self, old: bytes, identity: bytes, time: float) -> None:
        """Replace one of the `legacy` ids by its new id."""

    def known(self, ids: Sequence[bytes], times: Sequence[float]) -> set[bytes]:
        """Return the ids that are on record. `times`: of their events, in seconds since 1970.

        An id with a later time than before is remembered until that time is forgotten.
        """


class NoMemory:
    """An empty memory, for a listing of its own. `key`: of the app whose ids are compared."""

    key = b""
    legacy: Collection[bytes] = ()

    def __init__(self, key: bytes = b"") -> None:
        self.key = key

    def adopt(self, old: bytes, identity: bytes, time: float) -> None:
        """Do nothing."""

    def known(self, ids: Sequence[bytes], times: Sequence[float]) -> set[bytes]:  # noqa: ARG002
        """Return none."""
        return set()


MOST_GAPS: Final = 20  # that an app remembers


class App(ABC):
    """An app type. It describes a service; the runtime decides when to forward, save, stop and retry."""

    type: ClassVar[str]
    """`<service>_<log>`, for example `duo_auth`."""
    collects: ClassVar[str]
    """What it collects, in a few words."""
    auth: ClassVar[tuple[AuthField, ...]]
    rate: ClassVar[Rate | None] = None
    waits: ClassVar[tuple[Wait, ...]] = ()
    """Where the service says how long to wait, besides Retry-After."""
    schemas: ClassVar[tuple[str, ...]] = ()
    """Names of the classifier's schemas that its logs match, for instance `duo:authentication`."""
    lag: ClassVar[timedelta | None] = None
    """How late an event may appear: as documented, plus a margin for clocks that differ."""
    retention: ClassVar[timedelta | None] = None
    """How far back the service can be asked."""
    documentation: ClassVar[str] = ""
    """Where the service documents the API."""

    def __init__(self, credentials: Credentials, api: Api) -> None:
        self.credentials = credentials
        self.api = api
        api.waits = self.waits

    @classmethod
    def without_credentials(cls, api: Api) -> Self:
        """Return one that can only tell what a checkpoint says: it asks its service for nothing.

        A type's own `__init__` may need credentials, which nobody has who only looks; it is not called.
        """
        app = cls.__new__(cls)
        App.__init__(app, {}, api)
        return app

    @abstractmethod
    def start(self, since: datetime) -> Checkpoint:
        """Return the first checkpoint of an app that collects from `since` (inclusive)."""

    @abstractmethod
    def poll(self, checkpoint: Checkpoint) -> Iterator[Page]:
        """Yield pages from `checkpoint` on. Keep no state on self: a new process may take over."""

    def adopt(self, last_timestamp: Json, context: Json) -> Checkpoint:  # noqa: ARG002 (a seed-style app needs it)
        """Return the checkpoint that continues where StreamAlert's own state ended."""
        return self.start(parse_time(last_timestamp))

    def inherit(self, checkpoint: Checkpoint, *, halfway: bool = False) -> Inherited:  # noqa: ARG002
        """Return where to continue after 0.1.0. `halfway`: its next page was delivered in part."""
        return Inherited(checkpoint)

    def export(
        self,
        checkpoint: Checkpoint,
        undelivered: datetime | None,
        ids: list[bytes],  # noqa: ARG002 (a feed knows events by them)
    ) -> Checkpoint | None:
        """Return the checkpoint from which 0.1.0 continues; None if it can't go back to `undelivered`.

        `undelivered`: the time of the first event that was not delivered. `ids`: 0.1.0's short ids of the
        delivered events, in the order in which they were collected.
        """
        return None if undelivered else checkpoint

    def watermark(self, checkpoint: Checkpoint) -> datetime | None:  # noqa: ARG002 (a feed knows)
        """Return the time before which everything has been collected, if the checkpoint tells."""
        return None

    def recorded(self, checkpoint: Checkpoint) -> datetime | None:
        """Return up to when everything that the service showed has been collected.

        That is later than the watermark: events that appear late may still be missing.
        """
        return self.watermark(checkpoint)

    def listed(self, checkpoint: Checkpoint) -> datetime | None:
        """Return when the last complete listing began, however old its newest event was."""
        return self.watermark(checkpoint)

    def gaps(self, checkpoint: Checkpoint) -> list[tuple[datetime, datetime]]:  # noqa: ARG002 (a feed knows)
        """Return the latest time spans that could not be collected, oldest first."""
        return []

    def lateness(self, checkpoint: Checkpoint) -> timedelta | None:  # noqa: ARG002 (a feed knows)
        """Return the delay within which 99 % of late events came, if the checkpoint tells."""
        return None

    def last_timestamp(self, checkpoint: Checkpoint) -> Json:
        """Return the app's progress as StreamAlert would store it: seconds since 1970, or 0."""
        mark = self.watermark(checkpoint)
        return int(mark.timestamp()) if mark else 0

    def settled(self, checkpoint: Checkpoint) -> datetime | None:
        """Return the time before which every event that came within the lag is on record."""
        return self.watermark(checkpoint)

    def span(self, since: datetime, until: datetime) -> Checkpoint:  # noqa: ARG002 (a feed has one)
        """Return the checkpoint at which a listing of a time span begins.

        Raises UsageError for a type whose events can't be listed again, or can't be told apart.
        """
        raise UsageError(
            f"{self.type} can't list a span of time again.",
            hint="Its events have no id, or the plugin no listing by time.",
        )

    def list_span(self, checkpoint: Checkpoint, memory: Memory) -> Iterator[Page]:
        """Yield what the service lists from `checkpoint` to the span's end, perhaps with events around it.

        Each page's checkpoint is where the next page begins. What the memory knows is left out.
        """
        raise NotImplementedError

    def span_left(self, checkpoint: Checkpoint) -> datetime | None:
        """Return up to when a span has been listed; None if to its end."""
        raise NotImplementedError

    def walk(self, checkpoint: Checkpoint, memory: Memory) -> Iterator[Page]:  # noqa: ARG002 (feeds have one)
        """Yield pages as `poll` does; a feed leaves out what is on record, as the memory knows."""
        return self.poll(checkpoint)

    @abstractmethod
    def check(self) -> None:
        """Make one cheap request that shows whether the credentials work; raise an AppError if they don't."""

    def expires(self) -> datetime | None:
        """Return when the credentials expire, if the service said so in `check`."""
        return None


def with_lag(kind: type[App], lag: timedelta | None) -> type[App]:
    """Return an app type with the lag from conf/, or with its own if conf/ states none."""
    return type(kind.__name__, (kind,), {"lag": lag, "__module__": kind.__module__}) if lag else kind


def parse_time(value: Json) -> datetime:
    """Parse a time in StreamAlert's state: epoch seconds or ISO 8601; raise ValueError."""
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    time = datetime.fromisoformat(str(value))
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def service_of(app_type: str) -> str:
    """Return the service of an app type: `duo` of `duo_auth`."""
    return app_type.partition("_")[0]


class Stamp(NamedTuple):
    """What a feed needs to know about an event: its time, and what identifies it."""

    time: datetime
    id: str = ""
