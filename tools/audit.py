"""Asks whether a dependency has a known vulnerability: the product's, its developers', those of each zip.

`python tools/audit.py [--strict] LIST…`: lists of pinned requirements. Where the service that knows can't be
reached, that is said, and is no failure unless it is to be strict.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

Dependency = dict[str, Any]


def main(arguments: Sequence[str]) -> int:
    """Audit each list; return 1 for a vulnerability, and where strict for what got no answer."""
    lists = [Path(argument) for argument in arguments if argument != "--strict"]
    codes = [judge(path.name, ask(path), strict="--strict" in arguments) for path in lists]
    return max(codes, default=1)


def ask(path: Path) -> list[Dependency]:
    """Return what pip-audit says of each package; nothing where it got no answer at all."""
    with TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        words = ["--requirement", str(path), "--no-deps", "--disable-pip", "--progress-spinner", "off"]
        words += ["--format", "json", "--output", str(report)]
        subprocess.run(  # noqa: S603 (our own words)
            [sys.executable, "-m", "pip_audit", *words], check=False, stderr=subprocess.DEVNULL
        )
        if not report.exists():
            return []
        dependencies: list[Dependency] = json.loads(report.read_text("utf-8"))["dependencies"]
        return dependencies


def judge(name: str, dependencies: Sequence[Dependency], *, strict: bool) -> int:
    """Say what was found of a list; return an exit code."""
    known = [dependency for dependency in dependencies if "vulns" in dependency]
    unknown = [dependency["name"] for dependency in dependencies if "vulns" not in dependency]
    vulnerable = [dependency for dependency in known if dependency["vulns"]]
    for dependency in vulnerable:
        for vulnerability in dependency["vulns"]:
            fixed = ", ".join(vulnerability["fix_versions"]) or "nothing yet"
            package = f"{dependency['name']} {dependency['version']}"
            say(f"{name}: {package}: {vulnerability['id']}, fixed by {fixed}")
    if not known:
        say(f"{name}: NOT AUDITED: the service that knows of vulnerabilities can't be reached.")
    else:
        say(f"{name}: {len(known)} packages audited, {len(vulnerable)} of them vulnerable.")
        if unknown:
            say(f"{name}: NOT AUDITED: {', '.join(unknown)}.")
    return int(bool(vulnerable) or (strict and (bool(unknown) or not known)))


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)  # noqa: T201 (a script's output)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
