"""A store in a folder of one machine: small mutable objects in SQLite, the others as files beside it.

    store.db              the small objects of all apps
    <app>/<name>          an object

Both are readable by their owner alone.
"""

from __future__ import annotations

import builtins
import errno
import os
import secrets
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from streamalert_apps.errors import AppError, ConfigError, StateError
from streamalert_apps.runtime.files import leftover, sync_folder, write_once
from streamalert_apps.runtime.store import Conflict, Gone, Item, Read, Unsettled
from streamalert_apps.sdk.clock import Clock, SystemClock

BUSY_SECONDS: Final = 10.0
LEFTOVER_AGE: Final = timedelta(hours=1)

_TABLE: Final = """
CREATE TABLE objects (
    app TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    body BLOB NOT NULL,
    written TEXT NOT NULL,
    PRIMARY KEY (app, name)
)
"""
_BUSY: Final = {"SQLITE_BUSY", "SQLITE_LOCKED"}
_PASSING: Final = {"SQLITE_FULL", "SQLITE_IOERR", "SQLITE_NOMEM", "SQLITE_INTERRUPT"}
_DENIED: Final = {"SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH"}
_SETUP: Final = {
    errno.EACCES,
    errno.EEXIST,  # a file where a folder has to be
    errno.ENAMETOOLONG,
    errno.ENOTDIR,
    errno.ENOTSUP,  # no links here
    errno.EPERM,
    errno.EROFS,
}


class LocalStore:
    """One app's part of a folder; any number of threads and processes may share it.

    The folder has to be on a disk of this machine: locks do not hold on network file systems.
    """

    def __init__(self, folder: Path, name: str, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._database = folder / "store.db"
        self._files = folder / name
        self._app = name

    def read(self, name: str) -> Read:
        """Return a small mutable object with its version; consistent."""
        now = self._clock.now()
        if not self._is_there():
            return Read(b"", None, now)
        with self._open() as database:
            found = database.execute(
                "SELECT body, version FROM objects WHERE app = ? AND name = ?", (self._app, name)
            ).fetchone()
        body, version = found or (b"", None)
        return Read(body, version, now)

    def write(self, name: str, body: bytes, *, replacing: str | None) -> str:
        """Replace that version (None: nothing is there); return the new one.

        Raises Conflict, Gone, Unsettled.
        """
        self._make_database()
        version = secrets.token_hex(16)
        with self._open() as database:
            database.execute("BEGIN IMMEDIATE")  # a read that wants to write later would fail at once
            found = database.execute(
                "SELECT version FROM objects WHERE app = ? AND name = ?", (self._app, name)
            ).fetchone()
            if found is None and replacing is not None:
                raise Gone(f"{name} in {self._database} is not there any more.")
            if found and found[0] != replacing:
                raise Conflict(f"{name} in {self._database} was written by somebody else.")
            database.execute(
                "REPLACE INTO objects VALUES (?, ?, ?, ?, ?)",
                (self._app, name, version, body, datetime.now(UTC).isoformat()),
            )
            try:
                database.execute("COMMIT")
            except sqlite3.Error as error:
                raise Unsettled(self._explain(error).message) from None
        return version

    def put(self, name: str, body: bytes) -> None:
        """Write an object once; fine where it is there with the same bytes, Conflict with others."""
        path = self._files / name
        with _explained(path, "written"):
            if not write_once(path, body) and path.read_bytes() != body:
                raise Conflict(f"{path} already exists, with other bytes.")

    def get(self, name: str) -> bytes | None:
        """Return an object, or None where it is not there."""
        path = self._files / name
        with _explained(path, "read"):
            try:
                return path.read_bytes()
            except FileNotFoundError:
                return None

    def list(self, prefix: str) -> builtins.list[Item]:
        """Return the objects whose names begin so, sorted by name; sweep up what killed processes left."""
        with _explained(self._files, "listed"):
            items = list(self._objects(prefix))
        if self._is_there():
            with self._open() as database:
                rows = database.execute(
                    "SELECT name, length(body), written FROM objects WHERE app = ?", (self._app,)
                ).fetchall()
            items += [
                Item(name, size, datetime.fromisoformat(written))
                for name, size, written in rows
                if name.startswith(prefix)
            ]
        return sorted(items, key=lambda item: item.name)

    def delete(self, names: Iterable[str]) -> None:
        """Delete objects (small mutable ones too); fine where they are not there."""
        names = list(names)
        paths = [self._files / name for name in names]
        for path in paths:
            with _explained(path, "deleted"):
                path.unlink(missing_ok=True)
        for folder in {path.parent for path in paths}:
            with _explained(folder, "written"), suppress(FileNotFoundError):
                sync_folder(folder)
        if self._is_there():
            with self._open() as database:
                database.execute("BEGIN IMMEDIATE")
                database.executemany(
                    "DELETE FROM objects WHERE app = ? AND name = ?", [(self._app, name) for name in names]
                )
                database.execute("COMMIT")

    def _objects(self, prefix: str) -> Iterator[Item]:
        now = datetime.now(UTC)
        top = (self._files / f"{prefix}x").parent
        for path in (
            Path(folder, file) for folder, _, files in os.walk(top, onerror=_told) for file in files
        ):
            name = path.relative_to(self._files).as_posix()
            try:
                found = path.stat()
            except FileNotFoundError:
                continue  # deleted meanwhile
            written = datetime.fromtimestamp(found.st_mtime, UTC)
            if leftover(path):
                if now - written > LEFTOVER_AGE:
                    path.unlink(missing_ok=True)
            elif name.startswith(prefix):
                yield Item(name, found.st_size, written)

    def _make_database(self) -> None:
        if self._is_there():
            return
        with closing(sqlite3.connect(":memory:")) as database:
            database.execute(_TABLE)
            empty = database.serialize()
        with _explained(self._database, "made"):
            write_once(self._database, empty)  # private and whole from the first moment

    def _is_there(self) -> bool:
        with _explained(self._database, "read"):
            return self._database.exists()

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection that ends with its one transaction: no reader holds up a writer.

        A rollback journal (SQLite's default) rather than a WAL: writes are few and small, and no file
        grows. EXTRA is FULL, and makes the end of that journal durable too: without, a commit could be
        rolled back by a power failure right after it.
        """
        try:
            database = sqlite3.connect(
                f"{self._database.absolute().as_uri()}?mode=rw",
                uri=True,
                timeout=BUSY_SECONDS,
                isolation_level=None,
            )
            with closing(database):
                database.execute("PRAGMA synchronous = EXTRA")
                database.execute("PRAGMA fullfsync = ON")  # means something on macOS alone
                yield database
        except sqlite3.Error as error:
            raise self._explain(error) from None

    def _explain(self, error: sqlite3.Error) -> AppError:
        # Extended names, such as SQLITE_IOERR_FSYNC, begin with the plain one.
        name = "_".join(getattr(error, "sqlite_errorname", "").split("_")[:2])
        if name in _BUSY:
            return StateError(f"{self._database} is locked by another process.")
        if name in _PASSING:
            return StateError(f"{self._database} can't be used ({error}).")
        if name in _DENIED:
            return ConfigError(
                f"{self._database} can't be used ({error}).", hint="Check who owns the folder."
            )
        return ConfigError(
            f"{self._database} is damaged, or not a store ({error}).",
            hint="Bring back a copy, or move it away: the apps then begin anew.",
        )


@contextmanager
def _explained(path: Path, participle: str) -> Iterator[None]:
    """Turn an error of the file system into an AppError."""
    try:
        yield
    except OSError as error:
        reason = f"{path} can't be {participle} ({error.strerror})."
        if error.errno in _SETUP:
            raise ConfigError(reason, hint="Check who owns the folder, and its file system.") from None
        raise StateError(reason) from None


def _told(error: OSError) -> None:
    """Raise what `os.walk` would pass over, unless the folder is just not there."""
    if not isinstance(error, FileNotFoundError):
        raise error
