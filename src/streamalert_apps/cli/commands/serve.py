"""`sa-apps serve`: run all apps on their schedules, on this machine."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from streamalert_apps.cli.terminal import options, output
from streamalert_apps.errors import Unhealthy
from streamalert_apps.sdk.count import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from streamalert_apps.config.conf import Project
    from streamalert_apps.serve.collector import Collector, Tools
    from streamalert_apps.serve.ending import Ending
    from streamalert_apps.serve.routes import Shown
    from streamalert_apps.serve.web import Address

EXAMPLES = """Examples:

\b
  sa-apps serve
  sa-apps serve --workers 16 --log-format json
  sa-apps serve --check
  sa-apps serve --print-unit | sudo tee /etc/systemd/system/sa-apps.service

SIGTERM and Ctrl-C let runs finish, for 30 seconds unless --grace says otherwise; a second one ends them
at once. Either way nothing is lost, and nothing is on record twice."""

CHECK_SECONDS = 5.0


def command(
    *,
    workers: Annotated[
        int | None,
        typer.Option(help="Apps to run at a time.  [default: 8]", metavar="N", min=1, max=256),
    ] = None,
    grace: Annotated[
        str | None,
        typer.Option(help="How long runs may take to finish after a stop.  [default: 30s]", metavar="TIME"),
    ] = None,
    listen: Annotated[
        str | None,
        typer.Option(
            help="Address for probes, metrics and the status page.  [default: 127.0.0.1:9464]",
            metavar="ADDRESS:PORT",
        ),
    ] = None,
    log_format: Annotated[
        Literal["text", "json"], typer.Option("--log-format", help="The format of log lines.")
    ] = "text",
    check: Annotated[
        bool, typer.Option("--check", help="Check whether the collector on this machine is healthy.")
    ] = False,
    print_unit: Annotated[
        bool, typer.Option("--print-unit", help="Print a systemd unit that runs this project.")
    ] = False,
    simulator: options.Simulator = "",
    project_dir: options.ProjectDir = None,
    as_json: options.Json = False,
) -> int:
    """Run all apps on their schedules, on this machine.

    Changes to conf/ take effect without a restart. Standard error gets one line for each run, standard
    output nothing; with --json it gets one line at the start.
    """
    from dataclasses import asdict

    from streamalert_apps.cli.project import open_project
    from streamalert_apps.cli.terminal import lines
    from streamalert_apps.runtime.schedule import duration
    from streamalert_apps.serve.collector import Collector
    from streamalert_apps.serve.ending import Ending
    from streamalert_apps.serve.routes import routes
    from streamalert_apps.serve.web import Address, Web

    project = open_project(project_dir)
    stated = project.serving
    address = Address.parse(listen or stated.listen)
    if print_unit:
        output.data(_unit(project.root))
        return 0
    if check:
        return _check(address, as_json=as_json)
    ending = Ending(duration(grace or stated.grace).total_seconds())
    _end_on_signals(ending)
    tools = _tools(project.root, simulator)
    collector = Collector(tools, workers=workers or stated.workers, ending=ending)
    with Web(address, routes(collector.health, _shown(collector, tools, address))) as web:
        if as_json:
            _tell(web.address.url, asdict(collector.health()))
        output.say(f"Serving {web.address.url}; {project.root} is the project.")
        lines.write(log_format)
        left = collector.run()
    return _end(left)


def _end(left: Sequence[str]) -> int:
    if left:
        output.warn(f"Not ended in time: {', '.join(left)}. The next run continues there.")
    output.say("Stopped.")
    if threading.active_count() > 1:
        output.close_streams()
        os._exit(0)  # Python's own end would pull away from under a thread what it uses
    return 0


def _shown(collector: Collector, tools: Tools, address: Address) -> Shown:
    """Return what there is to look at: the status page, and metrics."""
    from streamalert_apps.cli.selection import known_types
    from streamalert_apps.serve.looking import Looking
    from streamalert_apps.serve.measures import Measures
    from streamalert_apps.serve.routes import VARIABLE, Shown

    looking = Looking(lambda: collector.project, lambda project: known_types(project.root), tools.session)
    measures = Measures(looking.statuses)
    collector.listeners.append(measures.note)
    token = os.environ.get(VARIABLE, "")
    output.hide(token)
    return Shown(looking.answer, measures.text, token, is_open=address.is_loopback)


def _end_on_signals(ending: Ending) -> None:
    """Let the first signal stop the collector, and a second one end the process."""
    names = ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK")  # the last one is Windows' Ctrl-Break
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    numbers = [number for number in numbers if signal.getsignal(number) != signal.SIG_IGN]  # as nohup does

    def stop(_: int, __: Any) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)
        ending.begin()

    for number in numbers:
        signal.signal(number, stop)


def _tools(root: Path, simulator: str) -> Tools:
    from streamalert_apps.cli.credentials import credentials_of
    from streamalert_apps.cli.project import aws_session, open_project
    from streamalert_apps.cli.selection import known_types
    from streamalert_apps.serve.collector import Tools

    def load() -> Project:
        return open_project(root)

    return Tools(
        root,
        load,
        lambda project: known_types(project.root).find,
        credentials_of,
        lambda project: aws_session(project.account),
        simulator,
    )


def _check(address: Address, *, as_json: bool) -> int:
    """Ask a collector how it is. Raises Unhealthy where it is not well, or not there."""
    import httpx

    try:
        answer = httpx.get(f"{address.url}/healthz", timeout=CHECK_SECONDS, trust_env=False)
        told = answer.json()
        status = told.pop("status")
    except (httpx.HTTPError, ValueError, LookupError, AttributeError) as error:
        raise Unhealthy(
            f"No collector answers at {address.url} ({type(error).__name__}).",
            hint="`sa-apps serve` starts one; --listen says where it answers.",
        ) from None
    if not answer.is_success:
        raise Unhealthy(f"The collector at {address.url} is {status}.")
    if as_json:
        _tell(address.url, told)
    else:
        output.say(f"Healthy. {counted(told['apps'], 'app')}, {told['running']} running.")
    return 0


def _tell(url: str, health: Mapping[str, Any]) -> None:
    told = {key: health[key] for key in ("apps", "running", "conf_is_valid")}
    output.envelope("serve", {"url": url, **told}, line=True)
    output.flush()


def _unit(root: Path) -> str:
    from streamalert_apps.serve.unit import unit

    return unit(sys.argv[0], root)
