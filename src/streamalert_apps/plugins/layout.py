"""Which files make a plugin.

A folder of its own, as a built-in service has:

apps/acme/app.py        the app types acme_…, and the modules beside it that it imports
apps/acme/twin.py       its twin
apps/acme/schemas.json  the classifier's schemas of its logs; or SCHEMAS in app.py
apps/acme/setup.md      what an administrator of the service sets up
apps/acme/lock.txt      the packages that it needs in Lambda, by hash

Or one file, and folders that plugins share:

apps/acme.py, apps/simulator/acme.py, apps/schemas/acme.json, apps/setup/acme.md, apps/acme.lock.txt
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER: Final = "apps"
APP: Final = "app.py"
BESIDE_APP: Final = ("twin.py", "schemas.json", "setup.md", "lock.txt")
SHARED: Final = ("schemas", "setup", "simulator", "tests")

SERVICE: Final = re.compile(r"[a-z][a-z0-9]*")


@dataclass(frozen=True)
class Layout:
    """Where the parts of a plugin are, but for its app types. None has to be there."""

    twin: Path
    schemas: Path
    setup: Path
    lock: Path

    @property
    def exists(self) -> bool:
        """Whether any of them is there."""
        return any(path.exists() for path in (self.twin, self.schemas, self.setup, self.lock))


def in_folder(folder: Path) -> Layout:
    """Return the layout of a plugin with a folder of its own."""
    return Layout(*(folder / name for name in BESIDE_APP))


def around(file: Path, service: str) -> Layout:
    """Return the layout of a plugin that is one file."""
    folder = file.parent
    return Layout(
        twin=folder / "simulator" / f"{service}.py",
        schemas=folder / "schemas" / f"{service}.json",
        setup=folder / "setup" / f"{service}.md",
        lock=folder / f"{service}.lock.txt",
    )


def can_be_service(name: str) -> bool:
    """Tell whether a folder of this name may be a plugin's."""
    return SERVICE.fullmatch(name) is not None and name not in {FOLDER, *SHARED}


def service_of_file(file: Path) -> str:
    """Return the service whose app types a file has: its folder's name for app.py, else its own."""
    folder = file.parent.name
    return folder if file.name == APP and can_be_service(folder) else file.stem
