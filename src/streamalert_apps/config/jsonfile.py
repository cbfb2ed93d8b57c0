"""JSON files that others edit too: an error names its place, a change is whole or not at all."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamalert_apps.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LOCK_SECONDS = 30


def read_object(path: Path, shown: str) -> dict[str, Any]:
    """Return the JSON object in `path`; `shown` is how errors call the file."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{shown} can't be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{shown} is not UTF-8 text (byte {error.start}).") from error
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(
            f"{shown} is not valid JSON: line {error.lineno}, column {error.colno}: {error.msg}.",
            hint="Mend the file there; nothing was changed.",
        ) from error
    if not isinstance(value, dict):
        raise ConfigError(f"{shown} must hold a JSON object.")
    return value


def insert(mapping: dict[str, Any], key: str, value: Any) -> None:
    """Set `key`; a mapping whose keys are in order stays in order, any other keeps its own."""
    was_sorted = list(mapping) == sorted(mapping)
    mapping[key] = value
    if was_sorted:
        items = sorted(mapping.items())
        mapping.clear()
        mapping.update(items)


def dump(value: Mapping[str, Any], *, ascii_only: bool = True) -> str:
    """Return JSON as StreamAlert writes it, with a newline at the end."""
    return json.dumps(value, indent=2, ensure_ascii=ascii_only) + "\n"


def replace_all(texts: Mapping[Path, str]) -> None:
    """Write all files or none: a failure on the way puts back what was there."""
    staged: list[tuple[Path, Path]] = []
    before: dict[Path, bytes | None] = {}
    try:
        for path, text in texts.items():
            staged.append((_stage(path, text.encode()), path))
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
    """Write `data` to a new file beside `path`, with its mode."""
    path.parent.mkdir(parents=True, exist_ok=True)
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
