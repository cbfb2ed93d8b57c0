"""The part of SOQL that log files are asked for in."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import eq, ge, gt, le, lt, ne
from typing import Any, Final

from streamalert_apps.services.salesforce.twin.files import LogFile

TIMES: Final = {"LogDate", "CreatedDate"}
FIELDS: Final = (
    *("Id", "EventType", "LogDate", "CreatedDate", "Interval", "Sequence", "LogFile", "LogFileLength"),
    *("LogFileContentType", "ApiVersion"),
)
_QUERY: Final = re.compile(
    r"SELECT\s+(?P<fields>.+?)\s+FROM\s+(?P<object>\w+)(\s+WHERE\s+(?P<where>.+?))?"
    r"(\s+ORDER\s+BY\s+(?P<order>.+?))?(\s+LIMIT\s+(?P<limit>\d+))?",
    re.IGNORECASE | re.DOTALL,
)
_CONDITION: Final = re.compile(r"(\w+)\s*(>=|<=|!=|=|>|<|IN)\s*(.+)", re.IGNORECASE)
_LITERAL: Final = re.compile(
    r"'([^']*)'|(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?(?:Z|[+-]\d\d:?\d\d))|(\d+)"
)
_MOMENTS: Final = re.compile(
    r"(?P<name>TODAY|YESTERDAY|LAST_N_DAYS|N_DAYS_AGO)(:(?P<days>\d{1,4}))?", re.IGNORECASE
)
_OPERATORS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "=": eq,
    "!=": ne,
    ">=": ge,
    "<=": le,
    ">": gt,
    "<": lt,
}


class SoqlError(Exception):
    """A query that is refused: Salesforce's error code and message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Query:
    """What is selected of which files, and in which order; without one, in any."""

    fields: tuple[str, ...]
    conditions: tuple[Callable[[LogFile], bool], ...]
    order: tuple[tuple[str, bool], ...]
    limit: int | None

    def run(self, files: Sequence[LogFile]) -> list[LogFile]:
        """Return the files that are selected."""
        found = [file for file in files if all(condition(file) for condition in self.conditions)]
        for name, descending in reversed(self.order):
            found.sort(key=lambda file, name=name: value(file, name), reverse=descending)  # type: ignore[misc]
        return found[: self.limit]


def parse(text: str, now: datetime, fields: Sequence[str] = FIELDS) -> Query:
    """Return the query that a text is; raise SoqlError for anything that Salesforce would not take.

    Of the words that stand for days only TODAY, YESTERDAY, LAST_N_DAYS and N_DAYS_AGO are known.
    """
    match = _QUERY.fullmatch(text.strip())
    if not match:
        raise SoqlError("MALFORMED_QUERY", "unexpected token")
    if match["object"].lower() != "eventlogfile":
        raise SoqlError("INVALID_TYPE", f"sObject type '{match['object']}' is not supported.")
    names = tuple(_field(name.strip(), fields) for name in match["fields"].split(","))
    where = re.split(r"\s+AND\s+", match["where"] or "", flags=re.IGNORECASE)
    conditions = tuple(_condition(part, now, fields) for part in where if part)
    order = tuple(_order(part, fields) for part in (match["order"] or "").split(",") if part)
    return Query(names, conditions, order, int(match["limit"]) if match["limit"] else None)


def value(file: LogFile, name: str) -> Any:
    """Return a field of a file, to compare with."""
    match name:
        case "Id":
            return file.id
        case "EventType":
            return file.event_type
        case "LogDate":
            return file.log_date
        case "CreatedDate":
            return file.created
        case "Interval":
            return file.interval
        case _:
            return file.sequence


def _field(name: str, fields: Sequence[str]) -> str:
    for known in fields:
        if known.lower() == name.lower():
            return known
    message = f"No such column '{name}' on entity 'EventLogFile'."
    raise SoqlError("INVALID_FIELD", message)


def _order(text: str, fields: Sequence[str]) -> tuple[str, bool]:
    name, _, direction = text.strip().partition(" ")
    if direction.strip().upper() not in {"", "ASC", "DESC", "ASC NULLS FIRST"}:
        raise SoqlError("MALFORMED_QUERY", f"unexpected token: {direction}")
    return _field(name, fields), direction.strip().upper() == "DESC"


def _condition(text: str, now: datetime, fields: Sequence[str]) -> Callable[[LogFile], bool]:
    match = _CONDITION.fullmatch(text.strip())
    if not match:
        raise SoqlError("MALFORMED_QUERY", f"unexpected token: {text}")
    name, operator = _field(match[1], fields), match[2].upper()
    if operator == "IN":
        wanted = [_literal(part.strip()) for part in match[3].strip().strip("()").split(",")]
        return lambda file: value(file, name) in wanted
    if (days := _days(match[3].strip(), now)) and name in TIMES:
        return lambda file: _during(value(file, name), operator, *days)
    compared, compare = _literal(match[3].strip()), _OPERATORS[operator]
    if isinstance(compared, datetime) is not (name in TIMES):
        raise SoqlError(
            "INVALID_FIELD", f"value of filter criterion for field '{name}' must be of another type"
        )
    return lambda file: compare(value(file, name), compared)


def _days(text: str, now: datetime) -> tuple[datetime, datetime] | None:
    """Return the beginning and the end of the days that a word stands for; None for another text."""
    match = _MOMENTS.fullmatch(text)
    if not match:
        return None
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    count, day = int(match["days"] or 1), timedelta(days=1)
    match match["name"].upper():
        case "TODAY":
            return today, today + day
        case "YESTERDAY":
            return today - day, today
        case "N_DAYS_AGO":
            return today - count * day, today - (count - 1) * day
        case _:
            return today - count * day, today + day


def _during(time: datetime, operator: str, begin: datetime, end: datetime) -> bool:
    within = begin <= time < end
    return {
        "=": within,
        "!=": not within,
        ">": time >= end,
        ">=": time >= begin,
        "<": time < begin,
        "<=": time < end,
    }[operator]


def _literal(text: str) -> Any:
    match = _LITERAL.fullmatch(text)
    if not match:
        raise SoqlError("MALFORMED_QUERY", f"unexpected token: {text}")
    if match[2]:
        return datetime.fromisoformat(match[2]).astimezone(UTC)
    return int(match[3]) if match[3] else match[1]
