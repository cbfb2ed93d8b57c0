"""Files for their owner alone: replaced as a whole, or written once; a crash leaves nothing half-written."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile


def write_private(path: Path, data: bytes) -> None:
    """Replace a file as a whole; a crash leaves the old one, and a new one that the next call takes away."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    remove_leftovers(path)
    with _written(path, data) as temporary:
        temporary.replace(path)


def write_once(path: Path, data: bytes) -> bool:
    """Write a new file and its folders, durably; return False, and change nothing, where it is there."""
    _make(path.parent)
    try:
        with _written(path, data) as temporary:
            os.link(temporary, path)  # unlike a rename, it replaces nothing
    except FileExistsError:
        return False
    finally:
        sync_folder(path.parent)
    return True


def is_open(path: Path) -> bool:
    """Tell whether others on this machine can read or change a file; there is no telling on Windows."""
    return sys.platform != "win32" and bool(path.stat().st_mode & 0o077)


def leftover(path: Path) -> bool:
    """Tell whether a file is what a process left behind that was killed while it wrote."""
    return path.name.startswith(".") and path.name.endswith(".part")


def remove_leftovers(path: Path) -> None:
    """Take away what processes left that were killed while they wrote a file, not what one writes now."""
    for other in path.parent.iterdir() if path.parent.is_dir() else ():
        if other.name.startswith(f".{path.name}.") and not _is_held(other):
            with suppress(OSError):
                other.unlink()


def _is_held(path: Path) -> bool:
    """Tell whether a process is writing a file: each holds a lock on it that ends with the process."""
    if sys.platform == "win32":
        return False  # there, an open file can't be deleted
    import fcntl  # noqa: PLC0415 (of POSIX)

    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return True  # gone, or not ours
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _hold(descriptor: int) -> None:
    if sys.platform != "win32":
        import fcntl  # noqa: PLC0415 (of POSIX)

        fcntl.flock(descriptor, fcntl.LOCK_EX)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    if os.name == "nt":  # Windows opens no folders
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _written(path: Path, data: bytes) -> Iterator[Path]:
    """Yield a durable file with the data, beside the one it is for; it is gone afterwards."""
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", suffix=".part", delete=False) as file:
        temporary = Path(file.name)
        try:
            _hold(file.fileno())
            file.write(data)
            file.flush()
            sync(file.fileno())
            if sys.platform == "win32":
                file.close()  # an open file can't be moved there
            yield temporary
        finally:
            try:
                file.close()  # it writes what is left, which a full disk refuses
            finally:
                temporary.unlink(missing_ok=True)


def _make(folder: Path) -> None:
    """Make a folder and those above it, for their owner alone; unlike `mkdir(parents=True)` those too."""
    if folder.is_dir():
        return
    _make(folder.parent)
    folder.mkdir(exist_ok=True, mode=0o700)
    sync_folder(folder.parent)


def sync(descriptor: int) -> None:
    """Have what was written to a file on disk."""
    if sys.platform == "darwin":  # there, fsync leaves the data in the disk's own cache
        import fcntl  # noqa: PLC0415 (of POSIX)

        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    else:
        os.fsync(descriptor)
