"""`sa-apps config`: what is in conf/, read, checked and changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from streamalert_apps.cli.terminal import options, output
from streamalert_apps.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from streamalert_apps.config.schema import Finding, Keys

EXAMPLES = """Examples:

\b
  sa-apps config validate
  sa-apps config get timeout --name duo_prod_collector
  sa-apps config set timeout 300 --name duo_prod_collector"""

VALIDATE_EXAMPLES = """Examples:

\b
  sa-apps config validate
  sa-apps config validate --json

It warns about keys that sa-apps does not know; they may be StreamAlert's or yours. It does not call AWS."""

GET_EXAMPLES = """Examples:

\b
  sa-apps config get account.region
  sa-apps config get timeout --name duo_prod_collector --cluster prod
  sa-apps config get destinations.lake.bucket

If the key is not set, it shows the default."""

SET_EXAMPLES = """Examples:

\b
  sa-apps config set timeout 300 --name duo_prod_collector
  sa-apps config set metric_alarms.errors.enabled false --name duo_prod_collector --cluster prod
  sa-apps config set sa_apps.serve.workers 4
  sa-apps config set concurrency_limit --name duo_prod_collector -- -1

The value is JSON or plain text. It is checked before it is written; nothing else in the file changes."""

_IN_THE_FUNCTIONS_NAME: Final = ("app_name", "type")

group = typer.Typer(
    name="config",
    help="Check, read and change the settings in conf/.",
    epilog=EXAMPLES,
    rich_markup_mode=None,
    invoke_without_command=True,
)

Key = Annotated[
    str, typer.Argument(help="The key, with dots: account.region.", metavar="KEY", show_default=False)
]
AppName = Annotated[
    str | None,
    typer.Option(
        "--name",
        "-n",
        help="The app that has the setting.",
        metavar="NAME",
        autocompletion=options.complete_name,
    ),
]
ClusterName = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        "-c",
        help="The app's cluster; without --name: the cluster whose file has the key.",
        metavar="CLUSTER",
        autocompletion=options.complete_cluster,
    ),
]


@group.callback()
def root(context: typer.Context) -> None:
    """Check, read and change the settings in conf/."""
    if context.invoked_subcommand is None:
        output.data(context.get_help())


@group.command("validate", epilog=VALIDATE_EXAMPLES)
def validate(*, project_dir: options.ProjectDir = None, as_json: options.Json = False) -> int:
    """Check all files in conf/ and show every problem."""
    from streamalert_apps.checks import conf
    from streamalert_apps.cli.selection import known_types
    from streamalert_apps.config.conf import root_of

    folder = root_of(project_dir)
    judged = conf.judge(folder)
    errors = [*judged.errors]
    for app, error in conf.unfit(judged.project, known_types(folder)) if judged.project else ():
        errors.append(ConfigError(f"{conf.place(app)}: {error.message}", hint=error.hint))
    if as_json:
        output.envelope(
            "config validate", {"files": [*judged.files], "warnings": [*judged.warnings]}, errors=errors
        )
    for warning in judged.warnings:
        output.warn(warning)
    for error in errors:
        output.error(error)
    if not errors:
        output.say(f"conf/ is valid: {', '.join(judged.files)}.")
    return 1 if errors else 0


@group.command("get", epilog=GET_EXAMPLES)
def get(
    *,
    key: Key,
    name: AppName = None,
    cluster: ClusterName = None,
    project_dir: options.ProjectDir = None,
    as_json: options.Json = False,
) -> None:
    """Show the value of a key."""
    from streamalert_apps.config import address, content, schema
    from streamalert_apps.config.conf import root_of
    from streamalert_apps.serve.plain import plain_json

    whole = content.read(root_of(project_dir))
    place = address.keys(whole, key, name, cluster)
    try:
        value, is_set = content.get(whole, place), True
    except KeyError:
        form = schema.at(*place)
        if form is None or "default" not in form:
            finding = schema.Finding(place, "is not set")
            raise UsageError(f"{content.said(finding)}.", hint=_near(place)) from None
        value, is_set = form["default"], False
    if as_json:
        output.envelope("config get", {**_described(place), "value": value, "is_set": is_set})
    else:
        output.data(
            value if isinstance(value, str) else plain_json(json.dumps(value, indent=2, ensure_ascii=False))
        )


@group.command("set", epilog=SET_EXAMPLES)
def change(
    *,
    key: Key,
    value: Annotated[str, typer.Argument(help="The value.", metavar="VALUE", show_default=False)],
    name: AppName = None,
    cluster: ClusterName = None,
    project_dir: options.ProjectDir = None,
    as_json: options.Json = False,
) -> None:
    """Change the value of a key."""
    from streamalert_apps.config import address, conf, content, jsonfile, schema

    folder = conf.root_of(project_dir)
    with jsonfile.locked(folder):
        before = content.read(folder)
        place = address.keys(before, key, name, cluster)
        if address.is_app(place) and place[-1] in _IN_THE_FUNCTIONS_NAME:
            raise UsageError(
                f"{place[-1]} is part of the name of the app's function.",
                hint="Add an app by `sa-apps new`, and take this one away by `sa-apps remove`.",
            )
        after = _changed(before, place, value)
        if _fits(folder, before):  # else it may be put right step by step
            conf.of(folder, after)
        file, _ = content.place(place)
        depth = 2 if place[0] == "clusters" else 1
        conf.write(folder, {file: content.get(after, place[:depth])})
    set_to = content.get(after, place)
    if as_json:
        output.envelope("config set", {**_described(place), "value": set_to, "changed": after != before})
    else:
        now = "is now" if after != before else "already is"
        finding = schema.Finding(place, f"{now} {json.dumps(set_to, ensure_ascii=False)}")
        output.say(f"{content.said(finding)}.")


def _fits(folder: Path, whole: dict[str, Any]) -> bool:
    from streamalert_apps.config import conf

    with suppress(ConfigError):
        return bool(conf.of(folder, whole))
    return False


def _described(place: Keys) -> dict[str, str]:
    from streamalert_apps.config import content, schema

    file, keys = content.place(place)
    return {"file": file, "key": schema.dotted(keys)}


def _near(place: Keys) -> str:
    """Return the key that may be meant where the schema does not know one."""
    from streamalert_apps.config import schema
    from streamalert_apps.config.suggest import did_you_mean

    form = schema.at(*place[:-1])
    known = form.get("properties", {}) if form else {}
    return "" if place[-1] in known else did_you_mean(place[-1], known).strip()


def _changed(before: dict[str, Any], place: Keys, text: str) -> dict[str, Any]:
    """Return conf/ with this value, as JSON if that is right and as text if not; raise where neither is."""
    from streamalert_apps.config import content, jsonfile

    faults: list[Finding] = []
    known = list(_faults(before))
    for value in jsonfile.meant(text):
        after = deepcopy(before)
        content.put(after, place, value)
        new = [fault for fault in _faults(after) if fault not in known]
        if not new:
            return after
        faults = faults or new
    raise UsageError(f"{content.said(faults[0])}.", hint=faults[0].hint)


def _faults(whole: dict[str, Any]) -> Iterator[Finding]:
    from streamalert_apps.config import conf, schema

    yield from schema.refused(schema.whole(), whole)
    yield from conf.unknown(whole)
