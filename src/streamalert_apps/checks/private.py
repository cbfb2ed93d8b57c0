"""Whether what a project keeps on this machine, credentials among it, is its owner's alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from streamalert_apps.checks.finding import Finding
from streamalert_apps.checks.subject import Subject
from streamalert_apps.config.rules import referenced_file
from streamalert_apps.runtime.files import is_open

CHECK: Final = "private"
_RISK: Final = "Credentials are in it."


def look(subject: Subject) -> Iterator[Finding]:
    """Yield what others can read, and a folder that git would take."""
    for path in sorted(filter(_is_open, _referenced(subject))):
        yield Finding(CHECK, f"Others on this machine can read {path}.", _RISK, f"`chmod go= {path}`")
    folder = subject.root / ".sa-apps"
    if not folder.is_dir():
        return
    open_to_others = [path for path in (folder, *_credentials(folder)) if _is_open(path)]
    if open_to_others:
        shown = ", ".join(path.relative_to(subject.root).as_posix() for path in open_to_others[:3])
        more = f" and {len(open_to_others) - 3} more" if len(open_to_others) > 3 else ""  # noqa: PLR2004
        yield Finding(
            CHECK,
            f"Others on this machine can read {shown}{more}.",
            _RISK,
            f"`chmod -R go= {folder}`",
        )
    if not (folder / ".gitignore").exists():
        yield Finding(
            CHECK,
            ".sa-apps/ has no .gitignore.",
            "Git would take credentials into the repository.",
            f"`echo '*' > {folder / '.gitignore'}`",
        )


def _credentials(folder: Path) -> Iterator[Path]:
    yield from folder.glob("*/auth.json")
    yield from folder.glob("destinations/*.json")


def _referenced(subject: Subject) -> set[Path]:
    """Return the files to which conf/ refers for credentials."""
    named = [one.auth_from for one in subject.apps]
    named += [one.auth_from for one in subject.project.destinations.values()]
    files = (referenced_file(one, subject.root) for one in named)
    return {path for path in files if path}


def _is_open(path: Path) -> bool:
    return path.exists() and is_open(path)
