"""The scenarios as a pytest test."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from streamalert_apps import sdk, services
from streamalert_apps.sdk.app import App, service_of
from streamalert_apps.services import twins
from streamalert_apps.testing.kit import Scenario, check
from streamalert_apps.testing.scenarios import scenarios
from streamalert_apps.testing.world import TwinFactory


def conformance(
    *kinds: type[App], twin: TwinFactory | None = None, sockets: bool = False
) -> Callable[..., None]:
    """Return a test function that runs app types through the scenarios; without types, the built-in ones.

    Of types that are alike but for what they ask for, one runs through all scenarios, and each of them
    through the core; of types that walk alike, one runs through the scenarios that an app has no hand in.
    With `sockets` the first of those alike runs through the few that are for real ones.
    """
    import pytest  # noqa: PLC0415 (the kit can be used without it)

    chosen = kinds or tuple(services.find(name) for name in services.names())
    parameters = [
        pytest.param(kind, scenario, id=f"{kind.type}-{scenario.name}")
        for kind, scenario in cases(chosen, sockets=sockets)
    ]

    @pytest.mark.parametrize(("kind", "scenario"), parameters)
    def test(kind: type[App], scenario: Scenario) -> None:
        report = check(kind, twin or twin_of(kind), scenario, sockets=sockets)
        if not report.ok:
            pytest.fail(str(report), pytrace=False)

    return test


def twin_of(kind: type[App]) -> TwinFactory:
    """Return what makes the twin of a built-in service."""
    return partial(twins.twin, service_of(kind.type))


def cases(kinds: Iterable[type[App]], *, sockets: bool = False) -> Iterator[tuple[type[App], Scenario]]:
    """Yield the scenarios that app types have to come through, as `conformance` says."""
    every = tuple(kinds)
    thorough = representatives(every)
    walking = _first(every, _walking)
    for kind in every:
        for scenario in scenarios():
            if sockets:
                wanted = scenario.sockets and kind in thorough
            else:
                wanted = scenario.core or kind in (walking if scenario.shared else thorough)
            if wanted:
                yield kind, scenario


def representatives(kinds: Iterable[type[App]]) -> list[type[App]]:
    """Return the first one of those app types that are alike but for what they ask for."""
    return _first(kinds, _alike)


def _first(kinds: Iterable[type[App]], alike: Callable[[type[App]], Any]) -> list[type[App]]:
    """Return the first one of those app types that have the same in common."""
    first: dict[Any, type[App]] = {}
    for kind in kinds:
        first.setdefault(alike(kind), kind)
    return list(first.values())


def _walking(kind: type[App]) -> Any:
    """Return what decides how an app type walks: the class of the SDK, ids, a limit."""
    of_sdk = next(base for base in kind.__mro__ if base.__module__.startswith(sdk.__name__))
    return of_sdk, bool(getattr(kind, "id_fields", True)), kind.rate is None


def _alike(kind: type[App]) -> Any:
    """Return what app types have in common that differ in names alone, those of a time and an id, too."""
    methods = tuple(sorted(name for name, value in vars(kind).items() if callable(value)))
    facts = {
        name: value
        for name in dir(kind)
        if not name.startswith("_")
        and not callable(value := getattr(kind, name))
        and not isinstance(value, str)
    }
    names = {"schemas", "auth", "id_fields"}
    fixed = {name: repr(value) for name, value in facts.items() if name not in names}
    counted = len(getattr(kind, "id_fields", ())), getattr(kind, "time_unit", "")
    return kind.__mro__[1:], methods, counted, tuple(sorted(fixed.items()))
