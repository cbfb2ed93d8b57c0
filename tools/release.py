"""Holds a tag against the version, and prints the section of the changelog that is its release's text.

`python tools/release.py v0.1.0`
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def notes(tag: str, version: str, changelog: str) -> str:
    """Return what the changelog says of a version; raise SystemExit where the tag is not for it."""
    if tag != f"v{version}":
        raise SystemExit(f"The tag is {tag}, and the version {version}.")
    section = re.search(
        rf"^## \[{re.escape(version)}\] - .*\n(?P<text>[\s\S]*?)(?=^## \[|^\[|\Z)", changelog, re.MULTILINE
    )
    if not section:
        raise SystemExit(f"CHANGELOG.md has no section {version}.")
    return section["text"].strip()


def main(tag: str) -> None:
    """Print the text of a release."""
    source = (ROOT / "src/streamalert_apps/__init__.py").read_text("utf-8")
    version = re.findall(r'^__version__ = "(.+)"$', source, re.MULTILINE)[0]
    print(notes(tag, version, (ROOT / "CHANGELOG.md").read_text("utf-8")))  # noqa: T201 (a script's output)


if __name__ == "__main__":
    main(sys.argv[1])
