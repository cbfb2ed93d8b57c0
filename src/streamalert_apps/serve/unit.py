"""The unit by which systemd runs the collector of a project.

https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Final

from streamalert_apps.errors import UsageError

_UNIT: Final = """\
# Save it as /etc/systemd/system/sa-apps.service, then: systemctl enable --now sa-apps
[Unit]
Description=Collect audit logs of {name}
Wants=network-online.target
After=network-online.target

[Service]
ExecStart={program} serve --project-dir {root}
WorkingDirectory={folder}
User={user}
Restart=on-failure
RestartSec=5
KillSignal=SIGTERM
TimeoutStopSec=45
UMask=0077

# It writes below the project's folder alone, and gets no further rights.
ReadWritePaths={writable}
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
LockPersonality=yes
SystemCallArchitectures=native

[Install]
WantedBy=multi-user.target
"""


def unit(program: str, root: Path) -> str:
    """Return the unit, for the owner of the project's folder. `program` is the command as it was called."""
    if not str(root).isprintable():
        raise UsageError("The path of the project has a character that a unit can't hold.")
    found = shutil.which(program) or program
    return _UNIT.format(
        name=_escaped(root.name),
        program=_argument(Path(found).absolute()),
        root=_argument(root),
        folder=_escaped(str(root)),
        writable=_word(root),
        user=root.owner(),
    )


def _argument(path: Path) -> str:
    """Return a path as a word of a command line; what looks like a variable is none."""
    return _word(path).replace("$", "$$")


def _word(path: Path) -> str:
    text = _escaped(str(path)).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"' if re.search(r"[\s\\\"';]", text) else text


def _escaped(text: str) -> str:
    return text.replace("%", "%%")
