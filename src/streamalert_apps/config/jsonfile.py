"""JSON files that others edit too: an error names its place, a change is whole or not at all."""

from __future__ import annotations

import json
import math
import os
import re
from contextlib import contextmanager, suppress
from errno import EACCES
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import TYPE_CHECKING, Any, Final

from streamalert_apps.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LOCK_SECONDS = 30
LARGEST_BYTES: Final = 32 << 20
_BOM: Final = "\ufeff"
_INDENTED: Final = re.compile(r"\n([ \t]+)\S")
LONGEST_NUMBER: Final = 4000  # digits; Python itself refuses more than 4,300


def read_object(path: Path, shown: str) -> dict[str, Any]:
    """Return the JSON object in `path`; `shown` is how errors call the file."""
    try:
        mode = path.stat().st_mode
        if not (S_ISREG(mode) or S_ISDIR(mode)):  # to open a pipe waits for its other end
            raise ConfigError(f"{shown} is not a file.")
        with path.open("rb") as file:
            data = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{shown} can't be read: {error.strerror}.") from error
    if len(data) > LARGEST_BYTES:
        raise ConfigError(f"{shown} is larger than {LARGEST_BYTES >> 20} MiB.")
    try:
        value = parse(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ConfigError(f"{shown} is not UTF-8 text (byte {error.start}).") from error
    except ValueError as error:
        raise ConfigError(
            f"{shown} is not valid JSON: {error}.", hint="Fix the file there; nothing was changed."
        ) from error
    if not isinstance(value, dict):
        raise ConfigError(f"{shown} must hold a JSON object.")
    return value


def parse(text: str) -> Any:
    """Return what JSON says; raise ValueError, which says what is wrong with it and where.

    What could not be written back as it was is wrong, too: a key that stands twice, NaN, a number
    beyond a float.
    """
    try:
        return json.loads(
            text, object_pairs_hook=_unique, parse_constant=_no_number, parse_float=_finite, parse_int=_whole
        )
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno}, column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def meant(text: str) -> Iterator[Any]:
    """Yield what a person may mean who typed a value: JSON, if it is some, and the text."""
    with suppress(ValueError):
        yield parse(text)
    yield text


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in unique if keys.count(key) > 1)
        raise ValueError(f"the key {json.dumps(twice)} stands twice in one object")
    return unique


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _whole(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise ValueError("a number is too long")
    return int(digits)


def insert(mapping: dict[str, Any], key: str, value: Any) -> None:
    """Set `key`; a mapping whose keys are in order stays in order, any other keeps its own."""
    was_sorted = list(mapping) == sorted(mapping)
    mapping[key] = value
    if was_sorted:
        items = sorted(mapping.items())
        mapping.clear()
        mapping.update(items)


def dump(value: Mapping[str, Any], like: str = "") -> str:
    """Return JSON with a line break at its end: as StreamAlert writes it, or `like` the text it replaces.

    Of that text its line ends, indentation, byte order mark and letters beyond ASCII are kept.
    """
    indentation = _INDENTED.search(like)
    indent = indentation[1] if indentation else 2
    text = json.dumps(value, indent=indent, ensure_ascii=like.isascii()) + "\n"
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair: only an escape can say it
        text = json.dumps(value, indent=indent) + "\n"
    lines = text.replace("\n", "\r\n") if "\r\n" in like else text
    return f"{_BOM}{lines}" if like.startswith(_BOM) else lines


def replace_all(contents: Mapping[Path, bytes]) -> None:
    """Write all files or none: a failure on the way puts back what was there."""
    staged: list[tuple[Path, Path]] = []
    before: dict[Path, bytes | None] = {}
    try:
        for path, data in contents.items():
            staged.append((_stage(path, data), path))
        for temporary, path in staged:
            old = path.read_bytes() if path.exists() else None
            temporary.replace(path)
            before[path] = old
    except BaseException:
        for path, old in before.items():
            _restore(path, old)
        raise
    finally:
        for temporary, _ in staged:
            temporary.unlink(missing_ok=True)


def _stage(path: Path, data: bytes) -> Path:
    """Write `data` to a new file beside `path`, with its mode; a file that nobody may write stays."""
    if path.exists() and not path.stat().st_mode & 0o222:
        raise PermissionError(EACCES, "It is read-only")
    import tempfile  # noqa: PLC0415 (commands that only read start without it)

    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _restore(path: Path, old: bytes | None) -> None:
    with suppress(OSError):
        if old is None:
            path.unlink(missing_ok=True)
        else:
            _stage(path, old).replace(path)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def private_folder(root: Path) -> Path:
    """Return the project's folder for what must not be shared, made so that git never takes it."""
    folder = root / ".sa-apps"
    folder.mkdir(mode=0o700, exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    return folder


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Hold the project's lock, so that two commands at once lose nothing."""
    from filelock import FileLock, Timeout  # noqa: PLC0415 (commands that only read start without it)

    try:
        lock = FileLock(private_folder(root) / "conf.lock", timeout=LOCK_SECONDS)
        lock.acquire()
    except Timeout as error:
        raise ConfigError(
            f"Another sa-apps command has been changing conf/ for {LOCK_SECONDS} seconds.",
            hint="Try again when it has ended.",
        ) from error
    except OSError as error:
        raise ConfigError(f".sa-apps/conf.lock can't be locked: {error.strerror}.") from error
    try:
        yield
    finally:
        lock.release()
