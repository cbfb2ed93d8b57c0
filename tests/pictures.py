"""Record the pictures of README.md: `nox -s pictures` runs the commands and writes what they print as SVG."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from rich.console import CONSOLE_SVG_FORMAT, Console  # type: ignore[attr-defined]  # its documented place
from rich.text import Text

from streamalert_apps.plugins.registry import Registry
from streamalert_apps.runtime.head import Position
from streamalert_apps.sdk.clock import SystemClock
from streamalert_apps.serve import condition, page
from streamalert_apps.serve.heads import Found
from streamalert_apps.services import twins
from streamalert_apps.simulator.server import serve
from tests import browser, moto_server
from tests.deploy.cloud import app
from tests.serve.test_page import NOW, head

FOLDER: Final = Path(__file__).parent.parent / "docs/pictures"
WIDTH: Final = 80
# Whoever looks at a picture asks nobody for a font.
FORM: Final = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL).replace(
    "<svg ", '<svg xml:space="preserve" ', 1
)
BEFORE: Final = """
init --prefix acme --account-id 123456789012 --region us-east-1
new duo_auth --cluster prod --name duo_prod --auth-file duo.json --simulator {url}
new duo_admin --cluster prod --name duo_admins --interval rate(1_hour) --auth-file duo.json --simulator {url}
deploy --yes
run duo_prod --to logs.jsonl --simulator {url}
run duo_admins --to logs.jsonl --simulator {url}
"""
SHOWN: Final = ("demo", "list", "status")


def main() -> None:
    """Write all pictures."""
    FOLDER.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder, moto_server.serve() as aws, _duo(Path(folder)) as url:
        for line in BEFORE.format(url=url).strip().splitlines():
            _run(aws, Path(folder), *(word.replace("_hour", " hour") for word in line.split()))
        for command in SHOWN:
            printed = _run(aws, Path(folder), command)
            (FOLDER / f"{command}.svg").write_text(_picture(command, printed), "utf-8", newline="\n")
    with TemporaryDirectory() as folder:
        _page(Path(folder))


def _page(folder: Path) -> None:
    """Take the picture of a status page that has something to show."""
    refused = "The service refused the token (401)."
    stuck = Position(3, events=880, until=(NOW - timedelta(minutes=90)).timestamp(), dead=2)
    stuck.state, stuck.error, stuck.message = "configuration", "credentials_refused", refused
    heads = {"duo_prod": head(positions={"splunk": stuck}), "duo_admins": head(), "okta": None}
    apps = [app(name=name) for name in heads]
    found = [Found(NOW, left) for left in heads.values()]
    statuses = condition.worst_first(condition.read(apps, found, Registry(None, lambda _: None), None))
    shown = page.Answer([status.described() for status in statuses], [], "acme", NOW)
    (folder / "page.html").write_text(page.page(shown), "utf-8")
    browser.picture(folder / "page.html", FOLDER / "page.png", 1000, 760, folder)


def _picture(command: str, printed: str) -> str:
    console = Console(record=True, width=WIDTH, file=StringIO(), force_terminal=True)
    console.print(Text.assemble(("$ ", "bold green"), (f"sa-apps {command}", "bold")))
    console.print(Text.from_ansi(printed.rstrip()), end="\n\n")  # or the last line is cut
    return console.export_svg(title="sa-apps", code_format=FORM, unique_id=f"sa-apps-{command}")


def _run(aws: str, folder: Path, *words: str) -> str:
    """Run a command as on a terminal with colours; return what it prints."""
    settings = {
        "AWS_ACCESS_KEY_ID": "picture",
        "AWS_SECRET_ACCESS_KEY": "picture",
        "AWS_ENDPOINT_URL": aws,
        "COLUMNS": str(WIDTH),
        "FORCE_COLOR": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "streamalert_apps", *words],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "NO_COLOR"} | settings,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stdout)
    return done.stdout


@contextmanager
def _duo(folder: Path) -> Iterator[str]:
    """Serve a Duo with an hour of events, and put its credentials into the folder."""
    clock = SystemClock()
    twin = twins.twin("duo", clock=clock, rate=None)
    for app_type, events in {"duo_auth": 1204, "duo_admin": 37}.items():
        twin.seed(app_type, events=events, start=clock.now() - timedelta(hours=1), end=clock.now())
    with (folder / "duo.json").open("w") as file:
        json.dump(dict(twin.credentials), file)
    (folder / "duo.json").chmod(0o600)
    with serve(twin) as server:
        yield server.url


if __name__ == "__main__":
    main()
