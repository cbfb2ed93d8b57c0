"""Running a plugin's file: what goes wrong is said in words, with file and line."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from importlib.machinery import FileFinder, SourceFileLoader
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import NoReturn, TypeVar

from streamalert_apps.errors import AppError, PluginError
from streamalert_apps.plugins import source
from streamalert_apps.plugins.owner import check_owner

T = TypeVar("T")

_NUMBER = count(1)


class _Uncached(SourceFileLoader):
    """Loads a module, and neither reads nor writes a compiled one beside it."""

    def path_stats(self, path: object) -> NoReturn:
        """Say nothing of the file's age, without which there is no compiled one."""
        raise OSError(path)


def package(folder: Path) -> str:
    """Make a package of a folder's files, which may import one another; return its name, which is new."""
    name = f"plugin_{next(_NUMBER)}"
    made = ModuleType(name)
    made.__path__ = [str(folder)]
    sys.modules[name] = made
    sys.path_importer_cache[str(folder)] = FileFinder(str(folder), (_Uncached, [".py"]))
    return name


def load(path: Path, shown: str, within: str = "") -> ModuleType:
    """Return a file as a module, one of the package `within` if that is given.

    Raises PluginError where it can't be one. It is compiled here, so that nothing is written beside it, and
    has a name that no other file has.
    """
    check_owner(path.parent)
    tree = source.parse(path, shown)
    source.check_imports(tree, shown, path.parent if within else None)
    code = compile(tree, str(path), "exec", dont_inherit=True)
    name = f"{within or f'plugin_{next(_NUMBER)}'}.{path.stem}"
    module = ModuleType(name)
    module.__file__ = str(path)
    module.__package__ = within
    sys.modules[name] = module  # where dataclasses and msgspec look up annotations
    guarded(lambda: exec(code, vars(module)), path, shown)  # noqa: S102 (to run it is what a plugin is for)
    return module


def guarded(run: Callable[[], T], path: Path, shown: str) -> T:
    """Return what a plugin's code returns; what it raises becomes PluginError, with the place."""
    try:
        with redirect_stdout(sys.stderr):  # standard output is for data
            return run()
    except ModuleNotFoundError as error:
        raise PluginError(
            f"{_place(error, path, shown)}: there is no module '{error.name}' here.",
            hint="Install what the plugin needs beside sa-apps. For Lambda, name it in `requirements`.",
        ) from None
    except AppError as error:
        raise PluginError(f"{_place(error, path, shown)}: {error.message}", hint=error.hint) from None
    except (Exception, SystemExit) as error:  # noqa: BLE001 (what others write may raise anything)
        told = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise PluginError(f"{_place(error, path, shown)}: {told}") from None


def _place(error: BaseException, path: Path, shown: str) -> str:
    """Return the last line that was running of the file, or of one beside it."""
    file, line, trace = path, 1, error.__traceback__
    while trace:
        running = Path(trace.tb_frame.f_code.co_filename)
        if running.parent == path.parent:
            file, line = running, trace.tb_lineno
        trace = trace.tb_next
    return f"{shown.removesuffix(path.name)}{file.name}, line {line}"
