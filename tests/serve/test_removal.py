"""Taking an app's record away."""

from __future__ import annotations

from contextlib import suppress

import pytest

from streamalert_apps.errors import StateError
from streamalert_apps.runtime import head as heads
from streamalert_apps.serve import removal
from streamalert_apps.serve.turn import Place
from tests.runtime.doubles import World


def test_the_head_goes_last_so_that_a_removal_that_was_cut_off_can_be_finished() -> None:
    world = World(total=9)
    world.run()
    place = Place(world.store, "owner")
    removal.begin(place, world.clock)
    gone = StateError("The network is gone.")
    world.store.after = lambda what, _: gone if what == "delete" else None
    with suppress(StateError):
        removal.finish(place)
    world.store.after = lambda *_: None

    assert world.names("") == [heads.NAME]
    with pytest.raises(StateError, match="is being removed"):
        world.run()

    removal.finish(place)

    assert world.names("") == []
