"""Running a plugin's file: what goes wrong is said in words, with file and line."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from streamalert_apps.errors import AppError, PluginError
from streamalert_apps.plugins import source

T = TypeVar("T")


def load(path: Path, shown: str) -> ModuleType:
    """Return a file as a module; raise PluginError where it can't be one.

    It is compiled here, so that nothing is written beside it, and has a name that no other file has.
    """
    tree = source.parse(path, shown)
    source.check_imports(tree, shown)
    code = compile(tree, str(path), "exec", dont_inherit=True)
    name = f"plugin_{sha256(str(path).encode()).hexdigest()[:12]}.{path.stem}"
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module  # where dataclasses and msgspec look up annotations
    guarded(lambda: exec(code, vars(module)), path, shown)  # noqa: S102 (to run it is what a plugin is for)
    return module


def guarded(run: Callable[[], T], path: Path, shown: str) -> T:
    """Return what a plugin's code returns; what it raises becomes PluginError, with the place in its file."""
    try:
        with redirect_stdout(sys.stderr):  # standard output is for data
            return run()
    except ModuleNotFoundError as error:
        raise PluginError(
            f"{shown}, line {_line(error, path)}: there is no module '{error.name}' here.",
            hint="Install what the plugin needs beside sa-apps. For Lambda, name it in `requirements`.",
        ) from None
    except AppError as error:
        raise PluginError(f"{shown}, line {_line(error, path)}: {error.message}", hint=error.hint) from None
    except (Exception, SystemExit) as error:  # noqa: BLE001 (what others write may raise anything)
        told = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise PluginError(f"{shown}, line {_line(error, path)}: {told}") from None


def _line(error: BaseException, path: Path) -> int:
    """Return the last line of the file that was running."""
    line, trace = 1, error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
