"""AWS misbehaves: deliveries and calls to the store are throttled, fail, or take effect unheard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from streamalert_apps.testing.cloud import refusal
from streamalert_apps.testing.kit import Trial
from streamalert_apps.testing.steps import WRITES, Disturbance, Edge, Step
from streamalert_apps.testing.world import World

OUTAGE: Final = range(2, 12)

Failure = Callable[[], Exception]

_DELIVERY: Final[dict[str, Failure]] = {
    "throttled": lambda: refusal("TooManyRequestsException", 429),
    "failing": lambda: refusal("ServiceException", 500),
    "out of reach": lambda: EndpointConnectionError(endpoint_url="https://lambda.example"),
    "refused": lambda: refusal("AccessDeniedException", 403),
}
_STORE: Final[dict[str, Failure]] = {
    "throttled": lambda: refusal("SlowDown", 503),
    "failing": lambda: refusal("InternalError", 500),
    "in conflict": lambda: refusal("ConditionalRequestConflict", 409),
    "out of reach": lambda: EndpointConnectionError(endpoint_url="https://s3.example"),
    "refused": lambda: refusal("AccessDenied", 403),
}


def deliveries(trial: Trial) -> None:
    """Have deliveries throttled and failing, one of them and many in a row; and for as long as one likes."""
    _failing(trial, ("delivery",), _DELIVERY)
    world = trial.world()
    world.fill()
    world.steps.disturb = _raising("delivery", range(1, 1_000_000), _DELIVERY["refused"])
    for _ in range(3):
        world.tick()
    _hold_to_record(trial, world)
    world.steps.disturb = lambda _: None
    trial.settle(world, "after a time without any delivery")


def store_writes(trial: Trial) -> None:
    """Have writes of head and objects throttled and failing, one of them and many in a row."""
    _failing(trial, WRITES, _STORE)


def unheard(trial: Trial) -> None:
    """Have deliveries and writes take effect while their answers are lost on the way."""

    def losing(_: World) -> Disturbance:
        def disturb(_: Step) -> None:
            raise ReadTimeoutError(endpoint_url="https://aws.example")

        return disturb

    edges: tuple[Edge, ...] = ("delivery", *WRITES, "delete")
    trial.each_step(World.fill, losing, edges=edges, done=(True,), what="no answer came")


def _hold_to_record(trial: Trial, world: World) -> None:
    """Have events collected though no destination takes any."""
    shown = world.twin.held(world.app_type, until=world.clock.now() - world.lag).total()
    if world.recorded < shown:
        trial.say(f"while nothing could be delivered {world.recorded} of {shown} events were collected")


def _failing(trial: Trial, edges: tuple[Edge, ...], failures: dict[str, Failure]) -> None:
    for edge in edges:
        for name, failure in failures.items():
            for numbers in (range(2, 3), OUTAGE):
                world = trial.world()
                world.fill()
                world.steps.disturb = _raising(edge, numbers, failure)
                trial.settle(world, f"{edge} {numbers.start}{' and more' if len(numbers) > 1 else ''} {name}")


def _raising(edge: Edge, numbers: range, failure: Failure) -> Disturbance:
    def disturb(step: Step) -> None:
        if step.edge == edge and step.number in numbers and not step.done:
            raise failure()

    return disturb
