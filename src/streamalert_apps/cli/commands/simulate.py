"""`sa-apps simulate`: serve a simulated service on this machine, for tries and tests."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import timedelta
from typing import Annotated

import typer

from streamalert_apps.cli.terminal import options, output

EXAMPLES = """Examples:

\b
  sa-apps simulate duo --port 8080
  sa-apps simulate duo --json          the first line has its address and credentials

In another terminal, with the credentials in duo.json:

\b
  sa-apps new duo_auth --cluster prod --auth-file duo.json --simulator http://127.0.0.1:8080
  sa-apps run collector --simulator http://127.0.0.1:8080"""


def command(
    *,
    service: Annotated[
        str,
        typer.Argument(
            help="The service; `sa-apps types` shows them.",
            metavar="SERVICE",
            autocompletion=options.complete_service,
        ),
    ],
    port: Annotated[
        int,
        typer.Option(
            "--port", help="Port on 127.0.0.1; 0 takes a free one.", min=0, max=65535, metavar="PORT"
        ),
    ] = 0,
    events: Annotated[
        int, typer.Option(help="Events per app type, spread over the last hour.", min=0, metavar="N")
    ] = 5000,
    project_dir: options.ProjectDir = None,
    as_json: options.Json = False,
) -> None:
    """Serve a simulated service over HTTP until Ctrl-C.

    It checks signatures, parameters and limits like the vendor. Only this machine can reach it.
    """
    from streamalert_apps import services
    from streamalert_apps.cli.selection import known_types
    from streamalert_apps.config.conf import root_if_any
    from streamalert_apps.sdk.clock import SystemClock
    from streamalert_apps.services import twins
    from streamalert_apps.simulator.server import serve

    clock = SystemClock()
    plugin = known_types(root_if_any(project_dir)).of_service(service)
    if plugin and plugin.twin_path.is_file():
        twin, app_types = plugin.twin(clock=clock), plugin.apps
    else:
        twin, app_types = twins.twin(service, clock=clock), services.apps(service)
    now = clock.now()
    if events:
        for app_type in app_types:
            twin.seed(
                app_type,
                events=events,
                burst=events // 5,
                late=events // 100,
                start=now - timedelta(hours=1),
                end=now,
            )
    with serve(twin, port=port) as server:
        if as_json:
            output.envelope(
                "simulate",
                {"service": service, "url": server.url, "credentials": twin.credentials},
                line=True,
            )
        else:
            output.data(server.url)
            output.say("Credentials that it accepts:")
            for name, value in twin.credentials.items():
                output.say(f"  {name}: {value}")
            output.say("Ctrl-C ends it.")
        output.flush()
        with suppress(KeyboardInterrupt):
            while True:
                time.sleep(3600)
