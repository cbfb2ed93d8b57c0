"""One command for several apps, one after the other: one that fails doesn't keep the rest from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streamalert_apps.cli.explained import explained
from streamalert_apps.cli.terminal import output
from streamalert_apps.cli.terminal.description import identity
from streamalert_apps.cli.terminal.failures import Failures
from streamalert_apps.errors import AppError

if TYPE_CHECKING:
    from streamalert_apps.cli.selection import Chosen
    from streamalert_apps.config.conf import AppConf


@dataclass(frozen=True, slots=True)
class Told:
    """What a command tells of an app: as --json shows it, and what went wrong."""

    content: Mapping[str, Any]
    error: AppError | None = None


def each(
    command: str,
    chosen: Chosen,
    work: Callable[[AppConf], Told | None],
    *,
    done: str,
    as_json: bool,
    line: bool = False,
) -> int:
    """Do `work` with each app, which says for itself what is for a person; return the exit code.

    One app's answer is the whole answer; those of several stand in `apps`, with the error of each. None
    from `work`: nobody reads any more, and nothing is left to do. `done`: what the summary calls it.
    """
    if not chosen.several:
        return _only(command, chosen.apps[0], work, as_json=as_json, line=line)
    failures = Failures(len(chosen.apps))
    answers = []
    for app in chosen.apps:
        try:
            told = work(app)
        except BrokenPipeError:
            raise
        except Exception as error:  # noqa: BLE001 (the apps that come after it are to be done all the same)
            told = Told({}, explained(error))
        if told is None:
            return 0
        failure = failures.note(app, told.error) if told.error else None
        if failure:
            output.error(failure)
        answers.append({**identity(app), **told.content, "error": failure and output.described(failure)})
    if as_json:
        output.envelope(command, {"apps": answers}, errors=failures.errors, line=line)
    output.say(f"{failures.summary(done)}.")
    return failures.exit_code


def _only(
    command: str, app: AppConf, work: Callable[[AppConf], Told | None], *, as_json: bool, line: bool
) -> int:
    told = work(app)
    if told is None:
        return 0
    if as_json:
        errors = [told.error] if told.error else []
        output.envelope(command, {**identity(app), **told.content}, errors=errors, line=line)
    if not told.error:
        return 0
    output.error(told.error)
    return told.error.exit_code
