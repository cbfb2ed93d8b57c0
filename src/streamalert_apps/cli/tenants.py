"""The file of `new --from-file`: a row for each app, with its name and its credentials.

CSV, whose first line names the columns, or a JSON list of objects. A row has a `name` and either the values
of the credentials by their names, or `auth_file`: a file that holds them, as `--auth-file` takes it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from streamalert_apps.cli.credentials import read_file, read_text
from streamalert_apps.config import jsonfile
from streamalert_apps.config.rules import is_app_name
from streamalert_apps.config.suggest import did_you_mean
from streamalert_apps.errors import AppError, UsageError
from streamalert_apps.sdk.app import AuthField
from streamalert_apps.serve.references import checked

NAME: Final = "name"
AUTH_FILE: Final = "auth_file"
LARGEST_FILE: Final = 16 << 20  # bytes: a thousand rows with a key file in each
_SEPARATORS: Final = ",;\t"


@dataclass(frozen=True, slots=True)
class Row:
    """One app of the file, or what is wrong with it; `place` says where it is."""

    place: str
    name: str
    credentials: Mapping[str, Any] = field(default_factory=dict, repr=False)
    error: AppError | None = None


def read(path: Path, fields: tuple[AuthField, ...]) -> list[Row]:
    """Return the rows; raise UsageError where the file is none of this kind."""
    shown = "Standard input" if str(path) == "-" else str(path)
    text = read_text(path, shown, LARGEST_FILE)
    is_json = path.suffix.lower() == ".json" or text.lstrip()[:1] in {"[", "{"}
    entries = list(_objects(text, shown) if is_json else _lines(text, shown))
    if not entries:
        raise UsageError(f"{shown} has no row.", hint=_needed(fields))
    _refuse_unknown(entries, fields, shown)
    seen: dict[str, str] = {}
    return [_row(path.parent, place, entry, fields, seen) for place, entry in entries]


def _objects(text: str, shown: str) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        rows = jsonfile.parse(text)
    except ValueError as error:
        raise UsageError(f"{shown} is not valid JSON: {error}.") from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UsageError(f"{shown} must hold a JSON list of objects, one for each app.")
    for number, row in enumerate(rows, 1):
        yield f"{shown}, row {number}", row


def _lines(text: str, shown: str) -> Iterator[tuple[str, dict[str, Any]]]:
    header = text.partition("\n")[0]
    separator = max(_SEPARATORS, key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        columns = [column.strip() for column in next(reader, [])]
        if twice := next((column for column in columns if columns.count(column) > 1), None):
            raise UsageError(f"{shown} has the column '{twice}' twice.")
        for cells in reader:
            if cells:
                yield f"{shown}, line {reader.line_num}", _entry(columns, cells)
    except csv.Error as error:
        raise UsageError(f"{shown}, line {reader.line_num}: it is not valid CSV: {error}.") from None


def _entry(columns: Sequence[str], cells: Sequence[str]) -> dict[str, Any]:
    """Return a line by its columns; an empty cell says nothing, and what is beyond the last column is ''."""
    entry: dict[str, Any] = {column: cell for column, cell in zip(columns, cells, strict=False) if cell}
    return entry | ({"": len(cells)} if len(cells) > len(columns) else {})


def _refuse_unknown(
    entries: Sequence[tuple[str, Mapping[str, Any]]], fields: tuple[AuthField, ...], shown: str
) -> None:
    keys = {key for _, entry in entries for key in entry if key}
    if NAME not in keys:  # what the first line holds instead may be a secret
        raise UsageError(f"{shown} has no column '{NAME}'.", hint=_needed(fields))
    known = [NAME, AUTH_FILE, *(field.name for field in fields)]
    if foreign := sorted(keys - {*known}):
        near = did_you_mean(foreign[0], known)
        raise UsageError(f"{shown} has the unknown column '{foreign[0]}'.", hint=f"{near}{_needed(fields)}")


def _needed(fields: tuple[AuthField, ...]) -> str:
    return (
        f"The columns are {NAME} and {', '.join(field.name for field in fields)}, or {NAME} and {AUTH_FILE}."
    )


def _row(
    folder: Path, place: str, entry: Mapping[str, Any], fields: tuple[AuthField, ...], seen: dict[str, str]
) -> Row:
    stated = entry.get(NAME)
    name = stated.strip() if isinstance(stated, str) else ""
    try:
        _check(place, name, entry, seen)
        return Row(place, name, _credentials(folder, place, entry, fields))
    except AppError as error:
        return Row(place, name if is_app_name(name) else "", error=error)


def _check(place: str, name: str, entry: Mapping[str, Any], seen: dict[str, str]) -> None:
    if "" in entry:
        raise UsageError(f"{place} has {entry['']} values, more than there are columns.")
    if not name:
        raise UsageError(f"{place} has no name.")
    if not is_app_name(name):  # which may be a value that slipped into this column: it is not shown
        raise UsageError(f"{place} has no valid name.", hint="Use lower-case letters, digits, '_' and '-'.")
    first = seen.setdefault(name, place)
    if first != place:
        raise UsageError(f"{place} has the same name as {first.rpartition(', ')[2]}.")


def _credentials(
    folder: Path, place: str, entry: Mapping[str, Any], fields: tuple[AuthField, ...]
) -> dict[str, Any]:
    stated = {key: value for key, value in entry.items() if key not in {NAME, AUTH_FILE}}
    file = entry.get(AUTH_FILE)
    if file is None:
        return checked(stated, fields, place)
    if stated:
        raise UsageError(f"{place} has credentials and an {AUTH_FILE}.", hint="Give one of them.")
    if not isinstance(file, str):
        raise UsageError(f"{place}: {AUTH_FILE} must be a file's name.")
    return read_file(folder / file, fields)
