"""What `eventbridge` puts on the bus."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamalert_apps.runtime import kinds
from streamalert_apps.runtime.outlets import Definition
from streamalert_apps.runtime.sink import Where
from tests.destinations.eventbridge import CASE, Bus
from tests.destinations.stand import NAME, stand
from tests.runtime.doubles import log_of


def test_an_event_of_the_bus_has_a_source_a_type_a_time_and_an_id() -> None:
    with stand(CASE, total=2) as one:
        one.run()
        assert isinstance(one.twin, Bus)
        first, second = one.twin.calls[0]["Entries"]

    assert first == {
        "Time": first["Time"],
        "Source": "sa-apps",
        "Resources": first["Resources"],
        "DetailType": "numbers_all",
        "Detail": log_of(0).decode(),
        "EventBusName": "saas",
    }
    assert first["Time"] > 1_700_000_000
    assert first["Resources"] != second["Resources"]


@pytest.mark.parametrize(
    ("code", "state"),
    [("NotAuthorizedForSourceException", "configuration"), ("ThrottlingException", "retry")],
)
def test_events_that_fail_for_another_reason_than_themselves_are_not_dead(code: str, state: str) -> None:
    class Failing(Bus):
        later = code

    with stand(replace(CASE, twin=Failing)) as one:
        one.twin.busy = [{3}]
        assert one.run(left=0.2).status == "failed"

        assert (one.world.head.positions[NAME].state, one.dead) == (state, [])


def test_its_role_may_put_events_of_its_source_alone() -> None:
    kind = kinds.find("eventbridge")
    settings = Definition("bus", {"bus": "saas"}).settings(kind)

    (found,) = kind.permissions(settings, Where("aws", "us-east-1", "123456789012"))

    assert found.actions == ["events:PutEvents"]
    assert found.resources == ["arn:aws:events:us-east-1:123456789012:event-bus/saas"]
    assert found.condition == {"StringEquals": {"events:source": "sa-apps"}}
