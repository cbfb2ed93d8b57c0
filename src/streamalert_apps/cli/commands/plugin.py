"""`sa-apps plugin`: write an app for a service that is not built in, check it, lock what it requires."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streamalert_apps.cli.terminal import options, output
from streamalert_apps.errors import UsageError

if TYPE_CHECKING:
    from streamalert_apps.plugins.plugin import Plugin
    from streamalert_apps.testing.kit import Scenario
    from streamalert_apps.testing.report import Report

EXAMPLES = """Examples:

\b
  sa-apps plugin new acme_events
  sa-apps plugin check apps/acme
  sa-apps plugin lock apps/acme"""

NEW_EXAMPLES = """Examples:

\b
  sa-apps plugin new acme_events
  sa-apps plugin new acme_events --json

It runs as it is: it collects from a made-up service, which its simulator stands for. Put your
service's in its place."""

CHECK_EXAMPLES = """Examples:

\b
  sa-apps plugin check apps/acme
  sa-apps plugin check apps/acme --json | jq '.scenarios[] | select(.ok | not)'
  sa-apps plugin check apps/acme --only late --only resume
  sa-apps plugin check acme                one of an installed distribution

It takes seconds: time is simulated, and the service itself is not asked."""

LOCK_EXAMPLES = """Examples:

\b
  sa-apps plugin lock apps/acme
  sa-apps plugin lock apps/acme --json | jq -r .lock

Lock again to take newer versions, or when `requirements` has changed."""

FileArgument = Annotated[
    str,
    typer.Argument(
        help="The plugin's folder or file, or the service of an installed one.",
        metavar="PLUGIN",
        show_default=False,
    ),
]

group = typer.Typer(
    name="plugin",
    help="Write an app for a service that is not built in.",
    epilog=EXAMPLES,
    rich_markup_mode=None,
    invoke_without_command=True,
)


@group.callback()
def root(context: typer.Context) -> None:
    """Write an app for a service that is not built in."""
    if context.invoked_subcommand is None:
        output.data(context.get_help())


@group.command("new", epilog=NEW_EXAMPLES)
def new(
    *,
    app_type: Annotated[
        str,
        typer.Argument(help="The new app type, <service>_<log>.", metavar="TYPE", show_default=False),
    ],
    project_dir: options.ProjectDir = None,
    as_json: options.Json = False,
) -> None:
    """Write a plugin to apps/, with its simulator and its test.

    It writes a schema, too, and overwrites no file.
    """
    from streamalert_apps.cli.project import open_project
    from streamalert_apps.cli.scaffold import create, written

    project = open_project(project_dir)
    texts = written(app_type)
    create(project.root, texts)
    file = next(iter(texts))
    step = f"sa-apps plugin check {Path(file).parent.as_posix()}"
    if as_json:
        output.envelope("plugin new", {"type": app_type, "created": list(texts), "next": step})
        return
    for name in texts:
        output.say(f"Created {name}.")
    output.say(f"Next: `{step}`")


@group.command("check", epilog=CHECK_EXAMPLES)
def check(
    *,
    file: FileArgument,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="Only this scenario; may be repeated.", metavar="SCENARIO"),
    ] = None,
    project_dir: options.ProjectDir = None,
    as_json: options.Json = False,
) -> int:
    """Test a plugin against the standard scenarios.

    Among them are many pages, late events, faults and kills at any step. It says what is lost, repeated or
    stuck, and when. For a kind of destination, it checks the declarations.
    """
    from streamalert_apps.testing.examine import examine

    plugin = _named(file, project_dir)
    results: list[tuple[Scenario, Report]] = []
    for scenario, report in examine(plugin, only or ()):
        results.append((scenario, report))
        if not as_json:
            _tell(scenario, report)
    if not results:
        raise UsageError(f"{plugin.name} has no app type to play that with.")
    failed = sum(not report.ok for _, report in results)
    if as_json:
        content = {"file": plugin.name, "scenarios": [_described(*result) for result in results]}
        output.envelope("plugin check", content, failed=failed > 0)
    output.say(
        f"{plugin.name}: {failed} of {len(results)} scenarios failed."
        if failed
        else f"{plugin.name}: {len(results)} of {len(results)} passed."
    )
    return 1 if failed else 0


@group.command("lock", epilog=LOCK_EXAMPLES)
def lock(
    *, file: FileArgument, project_dir: options.ProjectDir = None, as_json: options.Json = False
) -> None:
    """Lock a plugin's `requirements` by version and hash.

    The lock is a file beside it, to be checked in. What its Lambda function gets is there and nowhere else.
    """
    from streamalert_apps.deploy import locking

    plugin = _named(file, project_dir)
    if not plugin.requirements:
        raise UsageError(
            f"{plugin.name} requires nothing that has to be locked.",
            hint=f'`requirements = ("name",)` in {plugin.path.name} names packages.',
        )
    with output.working(f"Locking {', '.join(plugin.requirements)}"):
        text = locking.made(plugin)
        output.write_file(plugin.lock, text.encode())
    packages = locking.packages(text)
    shown = plugin.shown_beside(plugin.lock)
    if as_json:
        output.envelope("plugin lock", {"file": plugin.name, "lock": shown, "packages": packages})
        return
    output.say(f"Locked in {shown}: {', '.join(packages)}.")
    output.say("Check it in with the plugin.")


def _named(file: str, project_dir: Path | None) -> Plugin:
    """Return the plugin in a folder or a file, or the one of a service."""
    from streamalert_apps.cli.selection import known_types
    from streamalert_apps.config.conf import root_if_any
    from streamalert_apps.plugins.layout import APP, SERVICE
    from streamalert_apps.plugins.sinks import Sinks
    from streamalert_apps.testing import load_plugin

    if SERVICE.fullmatch(file) and not (Path(file) / APP).is_file():
        root = root_if_any(project_dir)
        if plugin := known_types(root).of_service(file):
            return plugin
        if sink := Sinks(root).plugin(file):
            return sink.plugin
        raise UsageError(f"There is no plugin '{file}'.", hint="Give its folder, as in apps/acme.")
    return load_plugin(file)


def _tell(scenario: Scenario, report: Report) -> None:
    verdict = "ok" if report.ok else "FAILED"
    output.data(f"{verdict:<6}  {report.app_type}  {scenario.name}: {scenario.says}")
    for message in report.messages:
        output.data(f"        - {message}")
    output.flush()


def _described(scenario: Scenario, report: Report) -> dict[str, Any]:
    return {
        "type": report.app_type,
        "name": scenario.name,
        "says": scenario.says,
        "ok": report.ok,
        "lost": report.lost,
        "repeated": report.repeated,
        "stuck": report.stuck,
        "messages": list(report.messages),
    }
