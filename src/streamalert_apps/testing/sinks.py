"""What is wrong with a plugin's kind of destination, as far as it can be told without one to send to."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import asdict
from typing import Final

from streamalert_apps.plugins.sinks import SinkPlugin
from streamalert_apps.runtime.delivery import Limits
from streamalert_apps.runtime.outlets import COMMON
from streamalert_apps.runtime.sink import Setting, Sink
from streamalert_apps.testing.kit import Scenario
from streamalert_apps.testing.report import Report

SINK_FORM: Final = Scenario(
    "sink", "What a kind of destination says of itself is what conf/ and the runtime need.", lambda _: None
)
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")


def examine_sink(plugin: SinkPlugin) -> Report:
    """Return what is wrong; raise PluginError where there is no class to look at."""
    return Report(plugin.kind, SINK_FORM.name, seed=1, messages=tuple(_faults(plugin.sink)))


def _faults(sink: type[Sink]) -> Iterator[str]:
    if not str(sink.takes).strip():
        yield "`takes` is empty: it says where events go, in a few words."
    if len(inspect.signature(sink.send).parameters) != 2:  # noqa: PLR2004 (itself and a batch)
        yield "`send` has to take a batch, and nothing else."
    yield from _faults_of_settings(sink)
    limits: object = sink.limits
    if not isinstance(limits, Limits):
        yield "`limits` is no streamalert_apps.runtime.delivery.Limits."
    else:
        yield from (
            f"`limits`: {name} is {value}, so that nothing fits."
            for name, value in asdict(limits).items()
            if value < 1
        )


def _faults_of_settings(sink: type[Sink]) -> Iterator[str]:
    known = {"type", *(setting.name for setting in COMMON)}
    stated: tuple[object, ...] = tuple(sink.settings)
    for setting in stated:
        if not isinstance(setting, Setting):
            yield f"`settings` has {setting!r}, which is no Setting."
            continue
        if not _NAME.fullmatch(setting.name):
            yield f"The setting '{setting.name}' has to be small letters, digits and underscores."
        elif setting.name in known:
            yield f"The setting '{setting.name}' is there twice, or each destination has it anyway."
        if not setting.description.strip():
            yield f"The setting '{setting.name}' does not say what it is."
        known.add(setting.name)
