"""What can go wrong between two machines, done to each sink: lost, repeated and dead are counted by id."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress

import pytest

from streamalert_apps.runtime import head as heads
from streamalert_apps.runtime.delivery import Outlet
from streamalert_apps.sdk.app import Page
from streamalert_apps.serve import dead
from streamalert_apps.simulator.faults import CutBody, Dropped, Effect, Fault, Hang, HtmlPage, Status
from tests.destinations.cases import CASES
from tests.destinations.stand import NAME, Case, Killing, TakenBut, TakenInSilence, stand
from tests.runtime.doubles import Killed, Killer, log_of, number_of, scripted

NOT_TAKEN: dict[str, Effect] = {
    "429": Status(429),
    "429 with a wait": Status(429, retry_after=7),
    "429 with a date": Status(429, retry_after=7, as_date=True),
    "500": Status(500),
    "503 with a wait": Status(503, retry_after=7),
    "no answer": Dropped(),
}
TAKEN_BUT: dict[str, Effect] = {
    "503 after it was taken": TakenBut(503),
    "answer lost": TakenInSilence(),
}
DOWN = {name: (NOT_TAKEN | TAKEN_BUT)[name] for name in ("429 with a wait", "no answer", "answer lost")}

every_sink = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


def those(is_one: Callable[[Case], object]) -> pytest.MarkDecorator:
    cases = {name: case for name, case in CASES.items() if is_one(case)}
    return pytest.mark.parametrize("case", cases.values(), ids=cases.keys())


sinks_over_a_network = those(lambda case: case.over_network)
refusing_sinks = those(lambda case: case.refuses)
strict_sinks = those(lambda case: case.strict)
sized_sinks = those(lambda case: case.sized)
partial_sinks = those(lambda case: case.partial)
limited_sinks = those(lambda case: case.event_limit)


@every_sink
def test_all_arrives_once(case: Case) -> None:
    with stand(case, total=60, page=20, seconds=3) as one:
        assert one.run().status == "succeeded"

        assert sorted(one.twin.numbers) == list(range(60))
        assert (one.lost, one.dead) == (set(), [])


@sinks_over_a_network
@pytest.mark.parametrize("effect", NOT_TAKEN.values(), ids=NOT_TAKEN.keys())
def test_what_was_not_taken_for_a_moment_arrives_in_the_same_run(case: Case, effect: Effect) -> None:
    with stand(case, Fault(effect, nth=range(1, 3))) as one:
        outcome = one.run()

        assert (outcome.status, outcome.retries) == ("succeeded", 2)
        assert (one.lost, one.repeated.total(), one.dead) == (set(), 0, [])


@sinks_over_a_network
@pytest.mark.parametrize("effect", TAKEN_BUT.values(), ids=TAKEN_BUT.keys())
def test_what_was_taken_without_a_word_of_it_is_sent_again_and_no_more(case: Case, effect: Effect) -> None:
    with stand(case, Fault(effect, nth=1)) as one:
        assert one.run().status == "succeeded"

        assert (one.lost, one.dead) == (set(), [])
        assert one.repeated.total() == (0 if case.is_idempotent else one.world.total)


@sinks_over_a_network
@pytest.mark.parametrize("effect", DOWN.values(), ids=DOWN.keys())
def test_a_sink_that_is_down_for_runs_loses_nothing(case: Case, effect: Effect) -> None:
    with stand(case, Fault(effect, nth=range(1, 10))) as one:
        while one.run().status != "succeeded":
            one.world.clock.sleep(100)

        assert (one.lost, one.dead) == (set(), [])
        if case.is_idempotent or effect not in TAKEN_BUT.values():
            assert one.repeated.total() == 0


@sinks_over_a_network
def test_an_answer_that_is_cut_loses_nothing(case: Case) -> None:
    with stand(case, Fault(CutBody(), nth=1)) as one:
        assert one.run().status == "succeeded"

        assert (one.lost, one.dead) == (set(), [])
        assert one.repeated.total() in {0, 0 if case.is_idempotent else one.world.total}


@strict_sinks
@pytest.mark.parametrize("status", [206, 260])
def test_a_success_that_took_nothing_loses_nothing(case: Case, status: int) -> None:
    with stand(case, Fault(Status(status), nth=1)) as one:
        assert one.run().status == "succeeded"

        assert (one.lost, one.repeated.total(), one.dead) == (set(), 0, [])


@sinks_over_a_network
def test_a_redirect_is_a_matter_of_the_settings(case: Case) -> None:
    with stand(case, Fault(Status(302))) as one:
        assert one.run().status == "failed"

        assert one.world.head.positions[NAME].state == "configuration"
        assert (one.twin.arrived, one.dead) == ([], [])


@sinks_over_a_network
def test_credentials_that_expired_are_told_and_cost_nothing(case: Case) -> None:
    with stand(case) as one:
        one.run()
        one.world.total = 20
        one.twin.expired = True
        assert one.run().status == "failed"
        position = one.world.head.positions[NAME]
        assert (position.state, position.error) == ("configuration", "credentials_refused")

        one.twin.expired = False
        assert one.run().status == "succeeded"

        assert (one.lost, one.repeated.total(), one.dead) == (set(), 0, [])


@every_sink
def test_a_sink_that_is_set_up_wrongly_is_told_and_nothing_is_dead(case: Case) -> None:
    with stand(case) as one:
        one.twin.is_wrong = True
        assert one.run().status == "failed"
        assert one.world.head.positions[NAME].state == "configuration"
        assert one.dead == []

        one.twin.is_wrong = False
        assert one.run().status == "succeeded"

        assert (one.lost, one.repeated.total(), one.dead) == (set(), 0, [])


@sinks_over_a_network
@pytest.mark.parametrize("effect", [Hang(20), TakenInSilence(20)], ids=["not taken", "taken"])
def test_an_answer_that_does_not_come_in_time_ends_with_the_run(case: Case, effect: Effect) -> None:
    with stand(case, Fault(effect, nth=1)) as one:
        one.left = lambda: 1.2
        first = one.run(left=100)
        assert (first.status, first.retries) != ("succeeded", 0)

        one.left = lambda: float("inf")
        while one.run().status != "succeeded":
            one.world.clock.sleep(100)

        assert (one.lost, one.dead) == (set(), [])
        if case.is_idempotent or isinstance(effect, Hang):
            assert one.repeated.total() == 0


@refusing_sinks
@pytest.mark.parametrize("part", [0, 0.5, 1], ids=["first", "middle", "last"])
def test_one_bad_event_of_five_hundred_costs_itself(case: Case, part: float) -> None:
    with stand(case, total=case.many, page=case.many) as one:
        bad = round(part * (case.many - 1))
        one.twin.poison = {bad}
        assert one.run().status == "succeeded"
        requests, batches = len(one.server.requests), one.batches(case.many)

        assert one.dead == [bad]
        assert sorted(one.twin.numbers) == [number for number in range(case.many) if number != bad]
        assert requests <= batches + (0 if case.per_event else 19)


@refusing_sinks
def test_an_event_that_is_dead_says_why_and_arrives_once_that_is_mended(case: Case) -> None:
    with stand(case, total=20, page=20) as one:
        one.twin.poison = {7}
        one.run()
        (event,) = dead.find(one.world.store)
        assert (event.destination, number_of(bytes(event.line.raw))) == (NAME, 7)
        assert len(event.reason) > len("400")

        one.twin.poison = set()
        held = one.world.hold()
        said = [error for _, error in dead.replay(held, [event], lambda _: one.outlet())]

        assert (said, one.dead) == ([None], [])
        assert sorted(one.twin.numbers) == [*range(20)]


@refusing_sinks
def test_where_all_events_are_bad_the_settings_are(case: Case) -> None:
    with stand(case, total=case.many, page=case.many) as one:
        one.twin.poison = {*range(case.many)}

        assert one.run().status == "failed"

        assert (one.dead, one.world.head.positions[NAME].state) == ([], "configuration")
        assert len(one.server.requests) <= 20


@partial_sinks
def test_what_was_taken_of_a_batch_in_each_of_ten_runs_is_not_sent_again(case: Case) -> None:
    with stand(case, total=case.many, page=case.many) as one:
        one.twin.busy = [{*range(0, case.many, 2**turn)} for turn in range(1, 11)]
        for _ in range(10):
            assert one.run(left=0.2).status == "failed"
            one.world.clock.sleep(100)

        assert one.run().status == "succeeded"

        assert (one.lost, one.repeated.total(), one.dead) == (set(), 0, [])


@sized_sinks
def test_a_request_that_is_too_large_is_halved(case: Case) -> None:
    with stand(case, total=case.many, page=case.many) as one:
        one.twin.largest = case.one_event
        assert one.run().status == "succeeded"

        assert (one.lost, one.repeated.total(), one.dead) == (set(), 0, [])


@limited_sinks
def test_nothing_is_cut_without_a_word(case: Case) -> None:
    long = json.dumps({"n": 1, "text": "x" * 2 * case.event_limit}).encode()
    with stand(case, total=3) as one:
        one.twin.cuts = case.event_limit
        one.world.app = scripted(
            lambda *_: iter([Page([log_of(0), long, log_of(2)], {"next": 3}, more=False)])
        )
        assert one.run().status == "succeeded"

        assert one.lost == set()
        assert b"_truncated" in one.twin.arrived[1]
        (name,) = one.world.names("dead/")
        assert long in (one.world.memory.get(name) or b"")


@sinks_over_a_network
def test_secrets_are_in_no_message_and_not_on_record(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "streamalert_apps")
    effects: list[Effect] = [
        Status(429),
        Status(500),
        Dropped(),
        HtmlPage(),
        CutBody(),
        Status(401),
        Status(302),
    ]
    for effect in effects:
        with stand(case, Fault(effect)) as one:
            one.run()
            said = "\n".join([caplog.text, *one.said])
            assert not [value for value in case.credentials.values() if value in said]


@every_sink
def test_a_kill_anywhere_loses_nothing_and_repeats_a_window_at_most(case: Case) -> None:
    def run(step: int | None, *, once_more: bool) -> tuple[int, int, int]:
        with stand(case, total=9, page=3, seconds=3) as one:
            outlet: Outlet = one.world.sinks[NAME]
            killing = Killing(outlet, lambda: one.world.killer)
            one.world.sinks = {NAME: Outlet(killing, outlet.settings)}
            one.world.killer = Killer(step)
            with suppress(Killed):
                one.world.run()
            steps = one.world.killer.steps
            if once_more:
                one.world.killer = Killer()
                one.world.clock.sleep(2 * heads.LEASE_SECONDS)
                assert one.world.run().status == "succeeded"
            return steps, len(one.lost), one.repeated.total()

    steps, lost, _ = run(None, once_more=False)
    assert lost == 0
    for step in range(steps):
        _, lost, repeated = run(step, once_more=True)
        assert lost == 0, step
        assert repeated <= (0 if case.is_idempotent else 3), step
