"""What a plugin's file says of itself, read without running it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import streamalert_apps
from streamalert_apps.errors import PluginError

_MARK: Final = re.compile(rb"streamalert_apps|StreamAlertApp")
_STREAMALERTS: Final = ("streamalert", "stream_alert", "app_integrations")


def is_plugin(path: Path) -> bool:
    """Tell whether a file is meant for us: an apps/ folder may hold other things."""
    try:
        return _MARK.search(path.read_bytes()) is not None
    except OSError:
        return False


def parse(path: Path, shown: str) -> ast.Module:
    """Return a file's syntax tree; raise PluginError where it has none."""
    try:
        return ast.parse(path.read_bytes(), str(path))
    except SyntaxError as error:
        raise PluginError(f"{shown}, line {error.lineno or 1}: {error.msg}.") from None
    except (ValueError, RecursionError, MemoryError):
        raise PluginError(f"{shown}, line 1: this is no Python.") from None
    except OSError as error:
        raise PluginError(f"{shown} can't be read: {error.strerror}.") from None


def with_neighbours(path: Path, shown: str) -> dict[Path, ast.Module]:
    """Return a file and the modules beside it that it imports, one through the other, parsed."""
    found: dict[Path, ast.Module] = {}
    waiting = [path]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found[file] = parse(file, f"{shown.removesuffix(path.name)}{file.name}")
            waiting += [
                named
                for node in ast.walk(found[file])
                if isinstance(node, ast.ImportFrom)
                for named in _neighbours(node, path.parent)
                if named.is_file()
            ]
    return found


def _neighbours(node: ast.ImportFrom, folder: Path) -> list[Path]:
    """Return the files that `from .module import …` and `from . import module` name."""
    if node.level != 1:
        return []
    return [folder / f"{name}.py" for name in ([node.module] if node.module else _names(node))]


def _names(node: ast.ImportFrom) -> list[str]:
    return [name.name for name in node.names]


def check_imports(tree: ast.Module, shown: str, folder: Path | None = None) -> None:
    """Raise PluginError, with the line to write, where a file in apps/ imports in StreamAlert's way.

    In a folder of its own it may import the modules beside it.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            _check_import(node, shown, folder)


def _check_import(node: ast.ImportFrom, shown: str, folder: Path | None) -> None:
    if node.level == 0:
        if (node.module or "").partition(".")[0] in _STREAMALERTS:
            raise _to_change(node, shown)
        return
    named = _neighbours(node, folder) if folder else []
    missing = [file.name for file in named if not file.is_file()]
    if named and not missing:
        return
    if named and not set(_names(node)) & set(streamalert_apps.__all__):
        raise PluginError(f"{shown}, line {node.lineno}: there is no {missing[0]} beside it.")
    raise _to_change(node, shown)


def _to_change(node: ast.ImportFrom, shown: str) -> PluginError:
    """Return the error that gives the import line to write instead."""
    ours = [name for name in node.names if name.name in streamalert_apps.__all__]
    others = ", ".join(name.name for name in node.names if name not in ours)
    place = f"{shown}, line {node.lineno}"
    if not ours:
        return PluginError(f"{place}: there is no {others} here; import from streamalert_apps what there is.")
    line = ast.unparse(ast.ImportFrom("streamalert_apps", ours, 0))
    rest = f" (there is no {others} here)" if others else ""
    return PluginError(f"{place}: this import is StreamAlert's. Write instead: {line}{rest}")


def requirements(tree: ast.Module, shown: str) -> tuple[str, ...]:
    """Return the packages that a file names in `requirements`."""
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name("requirements")], value=value):
                break
            case ast.AnnAssign(target=ast.Name("requirements"), value=ast.expr() as value):
                break
    else:
        return ()
    try:
        found = ast.literal_eval(value)
    except ValueError:
        found = None
    if not isinstance(found, tuple | list) or not all(isinstance(name, str) for name in found):
        raise PluginError(f"{shown}, line {node.lineno}: `requirements` has to be a tuple of names.")
    return tuple(found)


def line_of(tree: ast.Module, name: str) -> int | None:
    """Return the line where a class begins, if it is in this file."""
    return next(
        (node.lineno for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name), None
    )


def app_types(tree: ast.Module) -> Iterator[str]:
    """Yield the app types that a file states in plain words: `type`, or StreamAlert's two methods."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            said = dict(_constants(node))
            if "type" in said:
                yield said["type"]
            elif {"service", "_type"} <= said.keys():
                yield f"{said['service']}_{said['_type']}"


def _constants(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """Yield what a class sets, or what its methods return, where that is a text."""
    for part in node.body:
        match part:
            case ast.Assign(targets=[ast.Name(name)], value=ast.Constant(str(text))):
                yield name, text
            case ast.AnnAssign(target=ast.Name(name), value=ast.Constant(str(text))):
                yield name, text
            case ast.FunctionDef(name=name, body=[*_, ast.Return(ast.Constant(str(text)))]):
                yield name, text
