"""From what conf/destinations.json says of a destination to one that events can be sent to."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import msgspec

from streamalert_apps.errors import AppError, ConfigError, CredentialsError, UsageError
from streamalert_apps.runtime import shaping
from streamalert_apps.runtime.delivery import Answer, Batch, Destination, Limits, Outlet, nothing_taken
from streamalert_apps.runtime.names import CLASSIFIER
from streamalert_apps.runtime.schedule import duration
from streamalert_apps.runtime.sink import Setting, Setup, Sink, checked
from streamalert_apps.sdk.app import Credentials

LONGEST_HOLD_SECONDS: Final = 86_400.0
_REFERENCE: Final = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|(file|secretsmanager):.+")


def _hold(value: Any) -> float:
    """Return for how many seconds more is waited for."""
    seconds = duration(value).total_seconds()
    if seconds > LONGEST_HOLD_SECONDS:
        raise UsageError("A day is the longest.", hint="Write it like 5m or 1h.")
    return seconds


def _reference(value: Any) -> str:
    """Return where credentials are."""
    place = value.get("from") if isinstance(value, dict) and len(value) == 1 else None
    if not isinstance(place, str) or not _REFERENCE.fullmatch(place):
        raise UsageError(
            "It does not say where credentials are.",
            hint='Write it like {"from": "env:NAME"}, or with file:PATH or secretsmanager:ID.',
        )
    return place


COMMON: Final = (
    Setting("credentials", "where its credentials are, for `sa-apps serve`", _reference, ""),
    Setting("hold", "for how long it waits for more, like 5m", _hold, 0.0),
    *shaping.SETTINGS,
)
"""What each destination can be told, whatever its kind."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A destination as it is defined: its name and what the file says of it."""

    name: str
    given: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """What kind of destination it is."""
        return CLASSIFIER if self.is_classifier else str(self.given.get("type", ""))

    @property
    def is_classifier(self) -> bool:
        """Whether it is StreamAlert's classifier."""
        return self.name == CLASSIFIER

    @property
    def auth_from(self) -> str:
        """Where its credentials are, like `env:SPLUNK_AUTH`; none: where `sa-apps` stores them."""
        return str(self.common()["credentials"])

    @property
    def digest(self) -> str:
        """What tells its settings from others: those that may be why an event is refused."""
        settings = {key: value for key, value in self.given.items() if key != "hold"}
        return hashlib.sha256(msgspec.json.encode(settings, order="sorted")).hexdigest()[:16]

    def settings(self, kind: type[Sink]) -> dict[str, Any]:
        """Return a value for each setting of its kind; raise ConfigError for what is wrong."""
        try:
            self.common()
            return checked(kind.settings, self.given)
        except UsageError as error:
            raise ConfigError(f"destination {self.name}: {error.message}", hint=error.hint) from None

    def common(self) -> dict[str, Any]:
        """Return a value for each setting that all kinds have; raise UsageError for what is wrong."""
        return checked(COMMON, self.given)

    def unknown(self, kind: type[Sink]) -> list[str]:
        """Return the keys that say nothing to this kind."""
        return sorted(self.given.keys() - {"type"} - {setting.name for setting in known(kind)})


def known(kind: type[Sink]) -> tuple[Setting, ...]:
    """Return all that a destination of a kind can be told."""
    return (*kind.settings, *COMMON)


def given_by(name: str) -> str:
    """Return the command that stores a destination's credentials."""
    return f"sa-apps destination add {name} --update-auth"


def parse(text: str) -> list[Definition]:
    """Return the definitions that a function was given; raise ConfigError where they can't be read."""
    try:
        found = msgspec.json.decode(text, type=dict[str, dict[str, Any]])
    except (msgspec.MsgspecError, RecursionError):
        raise ConfigError(
            "SA_APPS_DESTINATIONS can't be read.", hint="Deploy the app with `sa-apps deploy`."
        ) from None
    return [Definition(name, given) for name, given in found.items()]


class Unusable:
    """Stands for a destination that can't be made: that is told of this one, and the others go on."""

    limits = Limits()

    def __init__(self, error: AppError) -> None:
        self._error = error

    def send(self, batch: Batch) -> Answer:
        """Take nothing."""
        return nothing_taken(batch, self._error)


def outlet(
    definition: Definition,
    find: Callable[[str], type[Sink]],
    setup: Callable[[Definition, dict[str, Any]], Setup],
) -> Outlet:
    """Return a destination to send to. `setup` returns what one with these settings is made with."""
    try:
        kind = find(definition.kind)
        settings = definition.settings(kind)
        given = setup(definition, settings)
        needed = [field.name for field in kind.auth(settings) if not field.optional]
        made: Destination = kind(
            replace(given, credentials=lambda: _complete(given.credentials(), needed, definition.name))
        )
    except AppError as error:
        made = Unusable(error)
        return Outlet(made, definition.digest)
    common = definition.common()
    return Outlet(made, definition.digest, common["hold"], shaping.shape(common, given.source))


def _complete(credentials: Credentials, needed: Sequence[str], name: str) -> Credentials:
    """Return credentials; raise CredentialsError where one is missing."""
    if missing := [field for field in needed if field not in credentials]:
        raise CredentialsError(
            f"The credentials of {name} lack {', '.join(missing)}.",
            hint=f"Give them with `{given_by(name)}`.",
        )
    return credentials
