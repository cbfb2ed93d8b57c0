"""Sends one marked event to a destination, to see whether it takes any."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import msgspec

from streamalert_apps.errors import DeliveryFailed, DeliveryRefused
from streamalert_apps.runtime.delivery import Batch
from streamalert_apps.runtime.sink import Sink, Source
from streamalert_apps.sdk.clock import Clock
from streamalert_apps.serve import destinations

if TYPE_CHECKING:
    from streamalert_apps.aws.session import Session
    from streamalert_apps.config.conf import Project
    from streamalert_apps.runtime.outlets import Definition

MARK: Final = "sa_apps_test"
"""The key that marks the event; also what takes the place of an app's name and type."""
LONGEST_SECONDS: Final = 30.0
_CHOOSING: Final = ("only", "without")  # of what is sent, and not how


def probe(project: Project, definition: Definition, session: Callable[[], Session], clock: Clock) -> str:
    """Send the event; return its mark. Raises what the destination says where it does not take it."""
    source = Source(MARK, MARK, f"{project.account.prefix}_{MARK}")
    given = {key: value for key, value in definition.given.items() if key not in _CHOOSING}
    definition = replace(definition, given=given)
    outlet = destinations.outlet(project, source, definition, session, clock, seconds=LONGEST_SECONDS)
    mark, now = secrets.token_hex(8), clock.now()
    event = msgspec.json.encode({MARK: mark, "destination": definition.name, "time": now.isoformat()})
    if outlet.shape:
        event = outlet.shape(event, mark.encode(), now.timestamp(), now.timestamp())
    batch = Batch(mark, [event], [mark], [now.timestamp()], mark)
    try:
        answer = outlet.destination.send(batch)
    finally:
        if isinstance(outlet.destination, Sink):
            outlet.destination.close()
    if reason := answer.halve or answer.refused.get(0):
        raise DeliveryRefused(f"{definition.name} refused the event: {reason}")
    if answer.retry:
        raise answer.error or DeliveryFailed(
            f"{definition.name} did not take the event, and did not say why."
        )
    return mark
