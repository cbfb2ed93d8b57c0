"""Running a plugin through the scenarios, one after the other, whatever breaks on the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from streamalert_apps.errors import AppError, UsageError
from streamalert_apps.plugins.plugin import Plugin
from streamalert_apps.plugins.sinks import SinkPlugin
from streamalert_apps.sdk.app import App
from streamalert_apps.testing.conformance import cases
from streamalert_apps.testing.kit import Scenario, check
from streamalert_apps.testing.report import Report
from streamalert_apps.testing.scenarios import scenarios
from streamalert_apps.testing.sinks import SINK_FORM, examine_sink
from streamalert_apps.testing.world import TwinFactory


def examine(plugin: Plugin, only: Sequence[str] = ()) -> Iterator[tuple[Scenario, Report]]:
    """Yield each scenario, or those of these names, with what it found.

    Raises UsageError for a name that is none, PluginError where plugin or twin can't be loaded.
    """
    names = [*(scenario.name for scenario in scenarios()), SINK_FORM.name]
    if unknown := [name for name in only if name not in names]:
        raise UsageError(f"There is no scenario '{unknown[0]}'.", hint=f"There are: {', '.join(names)}.")
    if plugin.has_sink and (not only or SINK_FORM.name in only):
        yield SINK_FORM, examine_sink(SinkPlugin(plugin.service, plugin))
    if not plugin.apps:
        return
    twin = plugin.twin
    for kind, scenario in cases(plugin.apps.values()):
        if not only or scenario.name in only:
            yield scenario, _report(plugin, kind, twin, scenario)


def _report(plugin: Plugin, kind: type[App], twin: TwinFactory, scenario: Scenario) -> Report:
    try:
        return check(kind, twin, scenario)
    except AppError as error:
        said = f"{error.message} {error.hint}".strip()
    except Exception as error:  # noqa: BLE001 (what others write may raise anything)
        said = f"{type(error).__name__}: {error} ({_place(error, plugin.path.parent)})"
    return Report(kind.type, scenario.name, seed=1, messages=(said,))


def _place(error: BaseException, folder: Path) -> str:
    """Return the last place in the plugin's folder that was running, or the very last."""
    here = where = ""
    trace = error.__traceback__
    while trace:
        path = Path(trace.tb_frame.f_code.co_filename)
        where = f"{path.name}, line {trace.tb_lineno}"
        if path.is_relative_to(folder):
            here = f"{path.relative_to(folder).as_posix()}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return here or where
