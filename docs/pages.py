"""Gather the services' pages for the site: each is in the room of its service, and so are its steps."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

SERVICES: Final = Path(__file__).parents[1] / "src/streamalert_apps/services"
FOLDER: Final = Path(__file__).parent / "services"  # not in the repository
STEPS: Final = "The steps: [setup.md](setup.md).\n"  # where they stand in a page


def services() -> list[str]:
    """Return the services that have a page."""
    return sorted(path.parent.name for path in SERVICES.glob("*/page.md"))


def page(service: str) -> str:
    """Return a service's page, with its steps."""
    room = SERVICES / service
    return (room / "page.md").read_text("utf-8").replace(STEPS, (room / "setup.md").read_text("utf-8"))


def gather() -> None:
    """Write the pages to where the site has them."""
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.md"):
        old.unlink()
    for service in services():
        (FOLDER / f"{service}.md").write_text(page(service), "utf-8", newline="\n")


def inside(text: str) -> str:
    """Return a text whose links to a service's page lead to the site's."""
    return re.sub(r"\]\(\.\./src/streamalert_apps/services/(\w+)/page\.md", r"](services/\1.md", text)
