"""uv, which fetches and locks packages: run where only the user's own settings count."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from streamalert_apps.errors import PackageError

LONGEST_SECONDS: Final = 300


def run(words: Sequence[str], folder: Path) -> str:
    """Run uv; return what it says went wrong, on one line, or nothing.

    It runs in a folder of its own, so that of uv's settings only the user's count: the way to an index.
    """
    try:
        ran = subprocess.run(  # noqa: S603 (every word is ours, or one that a plugin's author wrote)
            [_binary(), *words, "--quiet", "--color", "never"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=LONGEST_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"Failed to fetch: no end after {LONGEST_SECONDS} seconds"
    except OSError as error:
        return f"uv can't be run: {error.strerror}"
    said = re.sub(r"[^\w\s.,:;`'\"=<>()/\[\]@~!*+-]", "", ran.stderr)  # the frames that some versions draw
    return " ".join(said.split()) or f"exit code {ran.returncode}" if ran.returncode else ""


def last_cause(said: str) -> str:
    """Return the part of what uv said that tells most."""
    return re.split(r"\s*\bhint: ", said)[0].rpartition("cause: ")[2].rstrip(".")


def _binary() -> str:
    try:
        from uv import find_uv_bin  # noqa: PLC0415 (a build that finds all in the cache does without)

        return find_uv_bin()
    except (ImportError, FileNotFoundError):
        raise PackageError(
            "uv is missing, which fetches the packages of a function.",
            hint="Install it beside sa-apps: `pip install uv`.",
        ) from None
