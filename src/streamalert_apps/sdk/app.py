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
"""One event as the service gave it: its bytes (any object with a buffer) or a dict."""

Checkpoint: TypeAlias = dict[str, Json]
"""Where to go on from. JSON, opaque to the runtime; 100,000 characters at most."""

Credentials: TypeAlias = Mapping[str, Json]
Format: TypeAlias = Pattern[str] | Callable[[str], Json]


_CHOICE: Final = re.compile(r"[A-Za-z0-9_-]+(\|[A-Za-z0-9_-]+)*")  # a pattern that is one of some words
_BREAKS: Final = re.compile(r"[\r\n\0]")  # what no request can carry


class WrongFormError(UsageError):
    """A value does not have the form of its field; a field may say in an error of its own what is wrong."""


@dataclass(frozen=True, slots=True)
class AuthField:
    """One value that an app needs to sign in.

    `format` is a regex that the whole input must match, or a function that takes the input and
    returns the value to store (a key file's parsed content, say) or False. What is `optional` may be
    left out: the credentials then have no such key.
    """

    name: str
    description: str
    format: Format
    secret: bool = False
    optional: bool = False

    def parse(self, text: str) -> Json:
        """Return the value to store for what was typed; raise UsageError when it has the wrong form.

        Nothing typed for what is optional is None, which is not stored.
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
    for field in fields:
        if field.name in given and not field.takes(given[field.name]):
            raise CredentialsError(
                f"{whose} can't be used: '{field.name}' should be {field.description}.", hint=hint
            )
    return given


@dataclass(frozen=True, slots=True)
class Page:
    """Some logs, and the checkpoint that is true once they are forwarded."""

    logs: Sequence[Log]
    checkpoint: Checkpoint
    more: bool
    repeats: int = 0  # events of the answer that are on record already and were left out
    ids: Sequence[bytes] = ()
    """The short ids of the logs, where the app is a feed; a page with them goes into the memory."""
    times: Sequence[float] = ()
    """When they happened, in seconds since 1970."""
    remember: Sequence[tuple[bytes, float]] | None = None
    """What the memory keeps, and of which time; None: the ids with their times."""

    def only(self, rows: Sequence[int], *, more: bool) -> Page:
        """Return a page of these of its logs."""
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
    """Keeps anybody from making two events of one id: it goes into each id's hash."""
    legacy: Collection[bytes]
    """What 0.1.0 had delivered, by its short ids, as far as it has not been met since."""

    def adopt(self, old: bytes, identity: bytes, time: float) -> None:
        """Know one of the `legacy` by the id that it has now."""

    def known(self, ids: Sequence[bytes], times: Sequence[float]) -> set[bytes]:
        """Return those of the ids that are on record. `times`: of their events, in seconds since 1970.

        One that is met with a later time than before is remembered until that time is forgotten.
        """


class NoMemory:
    """Knows nothing: for a listing that stands alone. `key`: that of the app whose ids are compared."""

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
    """An app type. A plugin yields facts; the runtime decides when to forward, save, stop and retry."""

    type: ClassVar[str]
    """`<service>_<log>`, for instance `duo_auth`."""
    collects: ClassVar[str]
    """What it collects, in a few words."""
    auth: ClassVar[tuple[AuthField, ...]]
    rate: ClassVar[Rate | None] = None
    waits: ClassVar[tuple[Wait, ...]] = ()
    """Where the service says how long to wait, besides Retry-After."""
    schemas: ClassVar[tuple[str, ...]] = ()
    """Names of the classifier's schemas that its logs match, for instance `duo:authentication`."""
    lag: ClassVar[timedelta | None] = None
    """How late an event may appear, as documented, plus what clocks may differ."""
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
        """Return the checkpoint of an app that has never run and shall collect from `since` (inclusive)."""

    @abstractmethod
    def poll(self, checkpoint: Checkpoint) -> Iterator[Page]:
        """Yield pages from `checkpoint` on. Keep no state on self: a new process goes on from any page."""

    def adopt(self, last_timestamp: Json, context: Json) -> Checkpoint:  # noqa: ARG002 (a seed-style app needs it)
        """Return the checkpoint that goes on where StreamAlert's own state ended."""
        return self.start(parse_time(last_timestamp))

    def inherit(self, checkpoint: Checkpoint, *, halfway: bool = False) -> Inherited:  # noqa: ARG002
        """Return where to go on after 0.1.0. `halfway`: its next page has been delivered in part."""
        return Inherited(checkpoint)

    def export(
        self,
        checkpoint: Checkpoint,
        undelivered: datetime | None,
        ids: list[bytes],  # noqa: ARG002 (a feed knows events by them)
    ) -> Checkpoint | None:
        """Return the checkpoint that 0.1.0 goes on from; None where it can't go back to `undelivered`.

        `undelivered`: when the first event happened that was not delivered. `ids`: short ids, as 0.1.0 had
        them, of those that were, in the order in which they were collected.
        """
        return None if undelivered else checkpoint

    def watermark(self, checkpoint: Checkpoint) -> datetime | None:  # noqa: ARG002 (a feed knows)
        """Return the time before which everything has been collected, where the checkpoint tells."""
        return None

    def recorded(self, checkpoint: Checkpoint) -> datetime | None:
        """Return up to when what the service showed has been collected; later than the watermark.

        What appears late may still be missing.
        """
        return self.watermark(checkpoint)

    def listed(self, checkpoint: Checkpoint) -> datetime | None:
        """Return when the last listing began that left nothing out, however old the newest event was."""
        return self.watermark(checkpoint)

    def gaps(self, checkpoint: Checkpoint) -> list[tuple[datetime, datetime]]:  # noqa: ARG002 (a feed knows)
        """Return the last spans of time that could not be collected, the oldest first."""
        return []

    def lateness(self, checkpoint: Checkpoint) -> timedelta | None:  # noqa: ARG002 (a feed knows)
        """Return within how long 99 of 100 late events came, where some did and the checkpoint tells."""
        return None

    def last_timestamp(self, checkpoint: Checkpoint) -> Json:
        """Return how far the app is as StreamAlert would store it: seconds since 1970, or 0."""
        mark = self.watermark(checkpoint)
        return int(mark.timestamp()) if mark else 0

    def settled(self, checkpoint: Checkpoint) -> datetime | None:
        """Return the time before which all is on record that did not come later than the lag."""
        return self.watermark(checkpoint)

    def span(self, since: datetime, until: datetime) -> Checkpoint:  # noqa: ARG002 (a feed has one)
        """Return where a listing of a span of time begins.

        Raises UsageError for a type whose events can't be listed again, or not be told from others.
        """
        raise UsageError(
            f"{self.type} can't list a span of time again.",
            hint="Its events have no id, or the plugin no listing by time.",
        )

    def list_span(self, checkpoint: Checkpoint, memory: Memory) -> Iterator[Page]:
        """Yield what the service lists from there to the end of the span, and perhaps some events around it.

        Each page's checkpoint goes on after it. What the memory knows is left out.
        """
        raise NotImplementedError

    def span_left(self, checkpoint: Checkpoint) -> datetime | None:
        """Return up to when a span has been listed; None where it has been to its end."""
        raise NotImplementedError

    def walk(self, checkpoint: Checkpoint, memory: Memory) -> Iterator[Page]:  # noqa: ARG002 (feeds have one)
        """Yield pages as `poll` does; a feed leaves out what the memory knows to be on record."""
        return self.poll(checkpoint)

    @abstractmethod
    def check(self) -> None:
        """Make one cheap request that shows whether the credentials work; raise what went wrong."""

    def expires(self) -> datetime | None:
        """Return when the credentials end, where the service told it when they were checked."""
        return None


def with_lag(kind: type[App], lag: timedelta | None) -> type[App]:
    """Return an app type with the lag that conf/ states; with its own where conf/ states none."""
    return type(kind.__name__, (kind,), {"lag": lag, "__module__": kind.__module__}) if lag else kind


def parse_time(value: Json) -> datetime:
    """Return the time that a state of StreamAlert means: epoch seconds or ISO 8601; raise ValueError."""
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    time = datetime.fromisoformat(str(value))
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def service_of(app_type: str) -> str:
    """Return the service of an app type: `duo` of `duo_auth`."""
    return app_type.partition("_")[0]


class Stamp(NamedTuple):
    """What a feed must know of an event: when it happened, and what tells it from all others."""

    time: datetime
    id: str = ""
