"""`sa-apps logs`: what deployed apps have written."""

from __future__ import annotations

import json
import logging
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from streamalert_apps.cli.terminal import options, output
from streamalert_apps.errors import UsageError

if TYPE_CHECKING:
    from streamalert_apps.aws.logs import Line
    from streamalert_apps.config.conf import AppConf

EXAMPLES = """Examples:

\b
  sa-apps logs duo_prod_collector
  sa-apps logs duo_prod_collector --since yesterday --until today
  sa-apps logs duo_prod_collector --level warning --since 2d
  sa-apps logs duo_prod_collector --run 4f1c2a9e-…
  sa-apps logs --all --level error --since 1d
  sa-apps logs collector --cluster prod --follow
  sa-apps logs collector --json | jq -r '.lines[].message'"""

_ERROR: Final = re.compile(r"\bTask timed out\b|^\[ERROR\]|\bRuntime\.\w+|\bsignal: killed\b")
_REQUEST: Final = re.compile(r"(?:RequestId: |^\S+Z\s+)([0-9a-f-]+)\b")
_SHOWN_APART: Final = ("time", "level", "message", "logger")
_NOT_FOR_PEOPLE: Final = (*_SHOWN_APART, "app", "type", "run", "_aws", "FunctionName")


class Level(Enum):
    """How much a line matters."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def command(
    *,
    names: options.Names = None,
    names_option: options.NamesOption = None,
    cluster: options.Cluster = None,
    every_app: options.All = False,
    since: Annotated[
        str,
        typer.Option(
            "--since",
            help="From then on: how long ago (90s, 30m, 2h, 7d), or a date or time (UTC).",
            metavar="TIME",
        ),
    ] = "1h",
    until: Annotated[
        str | None,
        typer.Option("--until", help="Until then: how long ago, or a date or time (UTC).", metavar="TIME"),
    ] = None,
    level: Annotated[
        Level | None,
        typer.Option("--level", help="Only lines of this level and above.", show_default=False),
    ] = None,
    run: Annotated[
        str | None,
        typer.Option("--run", help="Only lines of this run: its id, or the start of it.", metavar="ID"),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Continue with new lines, until Ctrl-C.")
    ] = False,
    project_dir: options.ProjectDir = None,
    no_input: options.NoInput = False,
    as_json: options.Json = False,
) -> int:
    """Show the logs of deployed apps, oldest first, in UTC.

    --level also hides Lambda's own lines, which have no level, unless they report an error. With --follow
    and --json, each log line is one object; the last object has the count.
    """
    from streamalert_apps.aws import logs
    from streamalert_apps.cli.each import Told, each
    from streamalert_apps.cli.project import aws_session, need_aws
    from streamalert_apps.cli.selection import chosen
    from streamalert_apps.runtime.names import log_group

    wanted = _wanted(since, until, level, run, follow=follow)
    picked = chosen(project_dir, names, names_option, cluster, every=every_app, no_input=no_input)
    need_aws(picked.project)
    if follow and picked.several:
        raise UsageError("--follow shows one app at a time.", hint="Name one app.")
    client = aws_session(picked.project.account).client("logs")
    found: list[tuple[Line, str]] = []

    def read(app: AppConf) -> Told:
        lines = logs.lines(client, log_group(app.function), wanted.since, wanted.until)
        shown = [line for line in lines if wanted.includes(line)]
        if as_json:
            return Told({"count": len(shown), "lines": [*map(_described, shown)]})
        if not shown:
            output.say(_nothing(app.name, since, until, level, run))
        found.extend((line, app.name) for line in shown)
        return Told({})

    def followed(app: AppConf) -> Told:
        count = 0
        with suppress(KeyboardInterrupt):
            lines = logs.follow(client, log_group(app.function), wanted.since, time.sleep)
            for line in filter(wanted.includes, lines):
                output.data(json.dumps(_described(line)) if as_json else _text(line))
                output.flush()
                count += 1
        return Told({"count": count, "lines": []})

    code = each("logs", picked, followed if follow else read, done="read", as_json=as_json, line=follow)
    width = max((len(name) for _, name in found), default=0)
    for line, name in sorted(found, key=lambda pair: pair[0].time):
        output.data(f"{name:{width}}  {_text(line)}" if picked.several else _text(line))
    return code


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines are asked for."""

    since: datetime
    until: datetime | None
    level: Level | None
    run: str | None

    def includes(self, line: Line) -> bool:
        """Tell whether a line is asked for."""
        if self.level and _number(_level(line)) < _number(self.level.value):
            return False
        return not self.run or _run(line).startswith(self.run)


def _wanted(since: str, until: str | None, level: Level | None, run: str | None, *, follow: bool) -> Wanted:
    if follow and until:
        raise UsageError("--follow has no end.", hint="Leave out --until.")
    now = datetime.now(UTC)
    wanted = Wanted(options.moment(since, now), options.moment(until, now) if until else None, level, run)
    if wanted.since >= (wanted.until or now):
        raise UsageError("--since must be before --until and now.")
    return wanted


def _nothing(name: str, since: str, until: str | None, level: Level | None, run: str | None) -> str:
    """Say that there is no line of those that are asked for."""
    of_level = f" of level {level.value} or above" if level else ""
    of_run = f" in run {run}" if run else ""
    so_long = re.fullmatch(r"[0-9]+[a-z]", since) and not until
    span = f"in the last {since}" if so_long else f"since {since}" + (f" until {until}" if until else "")
    return f"{name} has written nothing{of_level}{of_run} {span}."


def _number(level: str) -> int:
    found = logging.getLevelNamesMapping().get(level.upper())
    return logging.NOTSET if found is None else found


def _level(line: Line) -> str:
    """Return a line's level; of Lambda's own that of an error, where they tell of one."""
    if level := line.fields.get("level"):
        return str(level)
    record = line.fields.get("record")
    status = record.get("status") if isinstance(record, dict) else None
    failed = status in {"timeout", "error", "failure"} or _ERROR.search(line.text)
    return "error" if failed else ""


def _run(line: Line) -> str:
    """Return the id of the run that a line is of; empty where it does not tell."""
    record = line.fields.get("record")
    told = line.fields.get("run") or (record.get("requestId") if isinstance(record, dict) else None)
    if told:
        return str(told)
    found = _REQUEST.search(line.text)
    return found[1] if found else ""


def _described(line: Line) -> dict[str, Any]:
    return {
        "time": line.time.isoformat(timespec="milliseconds"),
        "level": line.fields.get("level"),
        "message": str(line.fields.get("message", line.text)),
        "fields": {key: value for key, value in line.fields.items() if key not in _SHOWN_APART},
    }


def _text(line: Line) -> str:
    stamp = f"{line.time:%Y-%m-%d %H:%M:%S} UTC"
    fields = _of_lambda(line.fields) or line.fields
    if "message" not in fields:
        return f"{stamp}  {line.text}"
    more = (f"{key}={_value(value)}" for key, value in fields.items() if key not in _NOT_FOR_PEOPLE)
    words = f"{_value(fields['message'])} {' '.join(more)}".rstrip()
    return "  ".join([stamp, f"{_value(fields.get('level', '')):<7}", words])


def _of_lambda(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of one of Lambda's own lines, in its JSON form: `platform.report` and its like."""
    kind, record = fields.get("type"), fields.get("record")
    if not str(kind).startswith("platform.") or not isinstance(record, dict):
        return {}
    measured = record.get("metrics")
    rest = {key: value for key, value in record.items() if not isinstance(value, dict | list)}
    return {"message": kind, **rest, **(measured if isinstance(measured, dict) else {})}


def _value(value: Any) -> str:
    """Return a value as it stands in a line: lists and objects stay JSON."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
