"""`sa-apps logs`: what a deployed app has written."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from streamalert_apps.cli.terminal import options, output

if TYPE_CHECKING:
    from streamalert_apps.aws.logs import Line

EXAMPLES = """Examples:

\b
  sa-apps logs duo_prod_collector
  sa-apps logs duo_prod_collector --since 2d
  sa-apps logs collector --cluster prod --follow
  sa-apps logs collector --json | jq -r '.lines[].message'"""

_SHOWN_APART: Final = ("time", "level", "message", "logger")
_NOT_FOR_PEOPLE: Final = (*_SHOWN_APART, "app", "type", "run", "_aws", "FunctionName")


def command(
    *,
    name: options.Name = None,
    name_option: options.NameOption = None,
    cluster: options.Cluster = None,
    since: Annotated[
        str, typer.Option("--since", help="How far back (90s, 30m, 2h, 7d).", metavar="TIME")
    ] = "1h",
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")
    ] = False,
    project_dir: options.ProjectDir = None,
    no_input: options.NoInput = False,
    as_json: options.Json = False,
) -> None:
    """Show what a deployed app has written, oldest first.

    With --follow and --json each line is an object of its own, and the last one tells how many there were.
    """
    from streamalert_apps.aws import logs
    from streamalert_apps.cli.project import aws_session, need_aws
    from streamalert_apps.cli.selection import one_app
    from streamalert_apps.cli.terminal.description import identity
    from streamalert_apps.cli.terminal.prompts import Prompts
    from streamalert_apps.runtime import names

    begin = datetime.now(UTC) - options.since(since)
    project, app = one_app(project_dir, name, name_option, cluster, Prompts.on_terminal(no_input=no_input))
    need_aws(project)
    client, group = aws_session(project.account).client("logs"), names.log_group(app.function)
    if not follow:
        lines = list(logs.lines(client, group, begin))
        if as_json:
            shown = [_described(line) for line in lines]
            output.envelope("logs", {**identity(app), "count": len(shown), "lines": shown})
            return
        for line in lines:
            output.data(_text(line))
        if not lines:
            output.say(f"{app.name} has written nothing in the last {since}.")
        return
    count = 0
    with suppress(KeyboardInterrupt):
        for line in logs.follow(client, group, begin, time.sleep):
            output.data(json.dumps(_described(line)) if as_json else _text(line))
            output.flush()
            count += 1
    if as_json:
        output.envelope("logs", {**identity(app), "count": count, "lines": []}, line=True)


def _described(line: Line) -> dict[str, Any]:
    return {
        "time": line.time.isoformat(timespec="milliseconds"),
        "level": line.fields.get("level"),
        "message": str(line.fields.get("message", line.text)),
        "fields": {key: value for key, value in line.fields.items() if key not in _SHOWN_APART},
    }


def _text(line: Line) -> str:
    stamp = f"{line.time:%Y-%m-%d %H:%M:%S}"
    fields = _of_lambda(line.fields) or line.fields
    if "message" not in fields:
        return f"{stamp}  {line.text}"
    more = (f"{key}={_value(value)}" for key, value in fields.items() if key not in _NOT_FOR_PEOPLE)
    words = f"{fields['message']} {' '.join(more)}".rstrip()
    return "  ".join([stamp, f"{fields.get('level', ''):<7}", words])


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
