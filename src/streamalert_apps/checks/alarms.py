"""Whether anybody hears the alarms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from streamalert_apps.checks.finding import Finding
from streamalert_apps.checks.subject import Subject
from streamalert_apps.deploy import surroundings

CHECK: Final = "alarms"


def look(subject: Subject) -> Iterator[Finding]:
    """Yield that there is no topic, or nobody who subscribed to it."""
    place = subject.place
    subscribe = (
        f"`aws sns subscribe --topic-arn {place.topic()} --protocol email --notification-endpoint ADDRESS`"
    )
    create = f"`aws sns create-topic --name {place.alarm_topic} --region {place.region}`"
    for lack in surroundings.alarms(subject.client("sns"), place):
        fix = subscribe if lack.is_there else f"{create}, then {subscribe}"
        yield Finding(CHECK, f"{lack.what}.", f"{lack.why[:1].upper()}{lack.why[1:]}.", fix, pressing=False)
