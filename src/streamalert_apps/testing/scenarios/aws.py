"""AWS misbehaves: deliveries and writes of the state are throttled, fail, or take effect unheard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from streamalert_apps.testing.cloud import refusal
from streamalert_apps.testing.kit import Trial
from streamalert_apps.testing.steps import Disturbance, Step
from streamalert_apps.testing.world import World

OUTAGE: Final = range(2, 12)

Failure = Callable[[], Exception]

_DELIVERY: Final[dict[str, Failure]] = {
    "throttled": lambda: refusal("TooManyRequestsException", 429),
    "failing": lambda: refusal("ServiceException", 500),
    "out of reach": lambda: EndpointConnectionError(endpoint_url="https://lambda.example"),
    "refused": lambda: refusal("AccessDeniedException", 403),
}
_STATE: Final[dict[str, Failure]] = {
    "throttled": lambda: refusal("ThrottlingException"),
    "failing": lambda: refusal("InternalServerError", 500),
    "too many": lambda: refusal("TooManyUpdates"),
    "out of reach": lambda: EndpointConnectionError(endpoint_url="https://ssm.example"),
    "refused": lambda: refusal("AccessDeniedException", 400),
}


def deliveries(trial: Trial) -> None:
    """Have deliveries throttled and failing, one of them and many in a row."""
    _failing(trial, "delivery", _DELIVERY)


def state_writes(trial: Trial) -> None:
    """Have writes of the state throttled and failing, one of them and many in a row."""
    _failing(trial, "state write", _STATE)


def unheard(trial: Trial) -> None:
    """Have deliveries and writes take effect while their answers are lost on the way."""

    def losing(_: World) -> Disturbance:
        def disturb(_: Step) -> None:
            raise ReadTimeoutError(endpoint_url="https://aws.example")

        return disturb

    trial.each_step(
        World.fill, losing, edges=("delivery", "state write"), done=(True,), what="no answer came"
    )


def _failing(trial: Trial, edge: Literal["delivery", "state write"], failures: dict[str, Failure]) -> None:
    for name, failure in failures.items():
        for numbers in (range(1, 2), range(2, 3), range(3, 4), OUTAGE):
            world = trial.world()
            world.fill()
            world.steps.disturb = _raising(edge, numbers, failure)
            trial.settle(world, f"{edge} {numbers.start}{' and more' if len(numbers) > 1 else ''} {name}")


def _raising(edge: str, numbers: range, failure: Failure) -> Disturbance:
    def disturb(step: Step) -> None:
        if step.edge == edge and step.number in numbers and not step.done:
            raise failure()

    return disturb
