"""Whether the destinations that need credentials have some."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from streamalert_apps.checks.finding import Finding
from streamalert_apps.checks.subject import Subject
from streamalert_apps.deploy import parameters
from streamalert_apps.deploy.resources.role import sinks_with_credentials
from streamalert_apps.runtime import names
from streamalert_apps.runtime.outlets import given_by

CHECK: Final = "destinations"


def look(subject: Subject) -> Iterator[Finding]:
    """Yield those that have none."""
    wanted = sorted({sink for app in subject.apps for sink in sinks_with_credentials(app)})
    there = _local(subject, wanted) if subject.project.account.local else _stored(subject, wanted)
    for sink in wanted:
        if sink not in there:
            yield Finding(
                CHECK,
                f"The destination {sink} has no credentials.",
                "No event reaches it.",
                f"`{given_by(sink)}`",
            )


def _local(subject: Subject, sinks: list[str]) -> set[str]:
    return {sink for sink in sinks if names.local_destination(subject.root, sink).exists()}


def _stored(subject: Subject, sinks: list[str]) -> set[str]:
    of = {names.destination_parameter(subject.place.prefix, sink): sink for sink in sinks}
    return {of[name] for name in parameters.values(subject.client("ssm"), [*of])} if of else set()
