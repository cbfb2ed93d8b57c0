"""An app goes back to 0.1.0 and comes back: nothing is lost, and what can repeat is told."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from streamalert_apps.errors import AlreadyRunning, DeliveryRefused, StateError, UsageError
from streamalert_apps.runtime.delivery import Answer, Batch, Limits, Outlet, nothing_taken
from streamalert_apps.runtime.legacy import TOMBSTONE
from streamalert_apps.sdk.http import Api
from streamalert_apps.sdk.legacy import short, unpack
from streamalert_apps.serve.destinations import Target
from streamalert_apps.serve.export import Exported, export, is_sealed
from streamalert_apps.serve.turn import Place
from tests.runtime.test_legacy import LEFT, TODAY, Slot, World, taken_over
from tests.runtime.v0_1_0.feeds import feeds, moment


@dataclass
class Classifier:
    """Takes batches while it is up."""

    up: bool = True
    limits: Limits = field(default_factory=Limits)
    events: list[Any] = field(default_factory=list)

    def send(self, batch: Batch) -> Answer:
        if not self.up:
            return nothing_taken(batch, DeliveryRefused("Enough."))
        self.events += map(json.loads, batch.events)
        return Answer()


def handed_back(world: World, classifier: Classifier) -> Exported:
    """Export the app of a world."""
    app = feeds(TODAY, world.service)[world.name]({}, Api(clock=world.clock))
    place = Place(world.store, "owner", world.old)
    return export(place, app, Target("classifier", Outlet(classifier), "the classifier"), world.clock)


def collected(name: str, classifier: Classifier) -> World:
    """Return an app of today after a run."""
    world = World(name, Slot(None))
    world.run(destinations={"classifier": classifier})
    world.clock.sleep(60)
    world.run(destinations={"classifier": classifier})
    return world


def state(world: World) -> Any:
    return json.loads(world.slot.text or "")


def test_0_1_0_continues_at_the_floor_and_knows_what_was_delivered_beyond() -> None:
    classifier = Classifier()
    world = collected("old_ascending", classifier)

    done = handed_back(world, classifier)

    own = state(world)["sa_apps"]["checkpoint"]
    floor = datetime.fromisoformat(own["floor"])
    beyond = [event for event in classifier.events if event["time"] >= floor.isoformat()]
    assert done.since == floor
    assert set(unpack(own["seen"])) == {short(event["id"]) for event in beyond}
    assert state(world)["last_timestamp"] == int(floor.timestamp())
    assert (state(world)["current_state"], done.repeats, done.undelivered) == ("succeeded", 0, 0)


def test_what_waits_is_delivered_first() -> None:
    classifier = Classifier(up=False)
    world = collected("old_ascending", classifier)
    classifier.up = True

    done = handed_back(world, classifier)

    assert done.delivered == len(classifier.events) == len(world.recorded())
    assert done.undelivered == 0


def test_what_can_t_be_delivered_is_collected_again_by_0_1_0() -> None:
    classifier = Classifier(up=False)
    world = collected("old_ascending", classifier)

    done = handed_back(world, classifier)

    earliest = min(event["time"] for event in world.recorded())
    assert state(world)["sa_apps"]["checkpoint"] == {"floor": earliest}
    assert done.undelivered == len(world.recorded())
    assert done.undelivered_since == datetime.fromisoformat(earliest)


def test_a_type_that_can_t_go_back_is_not_handed_back_before_all_is_delivered() -> None:
    classifier = Classifier(up=False)
    world = collected("old_seed", classifier)

    with pytest.raises(StateError, match="can't go back that far"):
        handed_back(world, classifier)
    assert world.slot.text is None

    classifier.up = True
    handed_back(world, classifier)
    assert state(world)["context"] == {"next": len(world.service.rows)}


@pytest.mark.parametrize("name", ["old_ascending", "old_positions", "old_files", "old_seed"])
def test_an_app_that_comes_back_before_0_1_0_ran_continues_as_if_nothing_had_been(name: str) -> None:
    classifier = Classifier()
    world = collected(name, classifier)
    before = world.head().checkpoint
    handed_back(world, classifier)
    assert is_sealed(Place(world.store, "owner", world.old))

    world.clock.sleep(1)
    world.run(destinations={"classifier": classifier})

    events = [json.dumps(event) for event in classifier.events]
    assert len(events) == len(set(events))
    assert before is not None
    assert world.slot.text == TOMBSTONE
    assert not is_sealed(Place(world.store, "owner", world.old))


def test_an_app_that_comes_back_continues_where_0_1_0_ended() -> None:
    classifier = Classifier()
    world = collected("old_ascending", classifier)
    handed_back(world, classifier)
    later = state(world)
    later["sa_apps"] = {"checkpoint": {"floor": moment(LEFT + 600).isoformat()}}
    world.slot.put(json.dumps(later), overwrite=True)
    world.happen(LEFT + 1200)
    world.clock.time = moment(LEFT + 1260)
    recorded = len(world.recorded())

    world.run(destinations={"classifier": classifier})

    added = world.recorded()[recorded:]
    assert min(event["what"] for event in added) == LEFT + 600
    assert len({event["id"] for event in world.recorded()}) == len(world.recorded())


def test_a_place_that_0_1_0_went_back_to_brings_nothing_on_record_twice() -> None:
    classifier = Classifier()
    world = collected("old_ascending", classifier)
    handed_back(world, classifier)
    earlier = state(world)
    earlier["sa_apps"] = {"checkpoint": {"floor": moment(0).isoformat()}}
    world.slot.put(json.dumps(earlier), overwrite=True)
    world.clock.sleep(60)

    world.run(destinations={"classifier": classifier})

    assert len({event["id"] for event in world.recorded()}) == len(world.recorded())


def test_without_a_record_there_is_nothing_to_hand_back() -> None:
    world = taken_over("old_ascending")
    before = world.slot.text

    with pytest.raises(UsageError, match="no record"):
        handed_back(world, Classifier())
    assert world.slot.text == before


def test_during_a_run_nothing_is_handed_back() -> None:
    classifier = Classifier()
    world = collected("old_ascending", classifier)
    world.lease("other")

    with pytest.raises(AlreadyRunning):
        handed_back(world, classifier)
    assert world.slot.text is None
