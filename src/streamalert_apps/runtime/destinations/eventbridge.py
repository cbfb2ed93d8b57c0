"""A bus of EventBridge, an event an event: its detail is what the service gave.

https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from streamalert_apps.runtime import setting
from streamalert_apps.runtime.delivery import Answer, Batch, Limits, moment
from streamalert_apps.runtime.sink import Permission, Setting, Setup, Sink, Where

CALL_BYTES: Final = 1_000_000  # what stands around the details included
_ENTRIES: Final = 10
_AROUND_BYTES: Final = 1_024  # a detail, at most
_NEVER: Final = {"InvalidArgument", "MalformedDetail"}
_ARN: Final = r"arn:aws[a-z-]*:events:(?P<region>[a-z0-9-]+):[0-9]{12}:event-bus/"
_NAME: Final = r"[A-Za-z0-9_.-]{1,256}"


class EventBridge(Sink):
    """Puts events."""

    kind = "eventbridge"
    takes = "an Amazon EventBridge bus"
    documentation = "https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html"
    settings = (
        Setting(
            "bus",
            "the name of the bus, or its ARN",
            setting.matching(f"({_ARN})?{_NAME}", "the name or the ARN of a bus", ""),
            "default",
        ),
        Setting("region", "the region of a bus given by name, if it is not the app's", setting.region, ""),
        Setting(
            "source",
            "the source that the events have",
            setting.matching(r"(?!aws\.)[A-Za-z0-9/_.-]{1,256}", "a source", "It can't begin with aws."),
            "sa-apps",
        ),
    )
    limits = Limits(_ENTRIES, CALL_BYTES - _ENTRIES * _AROUND_BYTES, CALL_BYTES - _AROUND_BYTES)

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        arn = re.match(_ARN, self.given["bus"])
        self._region = arn["region"] if arn else self.given["region"]

    @classmethod
    def permissions(cls, settings: Mapping[str, Any], where: Where) -> Sequence[Permission]:
        """Return what the role of a function has to allow."""
        bus = settings["bus"]
        if not bus.startswith("arn:"):
            bus = where.in_region(settings["region"]).arn("events", f"event-bus/{bus}")
        condition = {"StringEquals": {"events:source": settings["source"]}}
        return [Permission(["events:PutEvents"], [bus], condition)]

    def send(self, batch: Batch) -> Answer:
        """Put the events of a batch once."""
        from streamalert_apps.runtime import aws  # noqa: PLC0415 (conf/ is read without botocore)

        what = f"The bus {self.given['bus'].rpartition('/')[2]}"
        client = self.setup.client("events", self._region)
        entries = [*map(self._entry, batch.events, batch.ids, batch.times)]
        return aws.deliver(
            batch,
            what,
            partial(client.put_events, Entries=entries),
            lambda said: aws.by_row(what, batch, said.get("Entries", ()), "EventId", _NEVER),
        )

    def _entry(self, event: bytes, identity: str, time: float) -> dict[str, Any]:
        return {
            "Time": moment(time),
            "Source": self.given["source"],
            "Resources": [identity],
            "DetailType": self.setup.source.type,
            "Detail": event.decode(errors="replace"),
            "EventBusName": self.given["bus"],
        }


SINK = EventBridge
