"""Chalice, in an environment of its own: the peer whose job is the nearest to that of `sa-apps`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Final

CHALICE: Final = "chalice==1.34.0"
_PROJECT: Final = Path(__file__).parents[2]

_APP: Final = """from chalice import Chalice, Rate
import httpx

app = Chalice(app_name="bench")
"""
_FUNCTION: Final = """
@app.schedule(Rate(1, unit=Rate.HOURS), name="app{number}")
def app{number}(event):
    return httpx.__version__
"""


def chalice() -> Path | None:
    """Return Chalice's command; install it where it is not yet. None where that can't be done."""
    folder = _PROJECT / ".nox" / f"peer-{CHALICE.replace('==', '-')}"
    command = folder / "bin" / "chalice"
    if command.exists():
        return command
    venv.create(folder, with_pip=True, clear=True)
    install = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q", CHALICE, "httpx", "setuptools"]
    if subprocess.run(install, check=False, stderr=subprocess.DEVNULL).returncode == 0:
        return command
    shutil.rmtree(folder)
    sys.stderr.write(f"{CHALICE} can't be installed here; its rows are left out.\n")
    return None


def chalice_project(folder: Path, functions: int) -> None:
    """Write a Chalice project of so many scheduled functions, set up as an app of ours is."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / ".chalice").mkdir(parents=True)
    source = _APP + "".join(_FUNCTION.format(number=number) for number in range(functions))
    (folder / "app.py").write_text(source)
    (folder / "requirements.txt").write_text("httpx\n")
    stage = {"reserved_concurrency": 1, "log_retention_in_days": 30}
    config = {"version": "2.0", "app_name": "bench", "stages": {"dev": stage}}
    (folder / ".chalice" / "config.json").write_text(json.dumps(config))


def environment() -> dict[str, str]:
    """Return this process's environment without what belongs to its own Python."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith(("VIRTUAL_ENV", "PYTHON"))
    }
