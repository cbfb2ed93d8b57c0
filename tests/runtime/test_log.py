"""Log lines are JSON, one an event, and show no value of an exception."""

from __future__ import annotations

import json
import logging
import sys
from contextvars import copy_context
from typing import Any

from streamalert_apps.runtime import log
from streamalert_apps.runtime.log import JsonFormatter

SECRET = "s3cr3t-value"


def formatted(message: str, *args: Any, error: BaseException | None = None, **extra: Any) -> dict[str, Any]:
    info = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord("streamalert_apps.x", logging.INFO, "x.py", 1, message, args, info)
    record.__dict__.update(extra)
    text = JsonFormatter().format(record)
    assert text.index("\n") == len(text) - 1
    line: dict[str, Any] = json.loads(text)
    return line


def fail() -> None:
    raise ValueError(SECRET)


def broken() -> ValueError:
    try:
        fail()
    except ValueError as error:
        return error
    raise AssertionError


def test_a_line_has_time_level_message_and_logger() -> None:
    line = formatted("took %d logs", 3)

    assert (line["level"], line["message"], line["logger"]) == ("INFO", "took 3 logs", "streamalert_apps.x")
    assert line["time"].endswith("+00:00")


def test_a_message_of_several_lines_stays_one_line() -> None:
    assert formatted("one\ntwo")["message"] == "one\ntwo"


def test_fields_stand_beside_the_message() -> None:
    assert formatted("run ended", fields={"logs": 3, "status": "partial"})["logs"] == 3


def test_each_line_names_the_run_that_it_is_of() -> None:
    def polled() -> dict[str, Any]:
        log.begin(app="acme_prod_duo_auth_collector_app", app_type="duo_auth", run="first")
        log.begin(app="acme_prod_duo_auth_collector_app", app_type="duo_auth", run="second")
        return formatted("polled")

    line = copy_context().run(polled)

    assert (line["app"], line["type"]) == ("acme_prod_duo_auth_collector_app", "duo_auth")
    assert line["run"] == "second"


def test_a_field_that_json_can_not_hold_is_written_as_text() -> None:
    assert formatted("x", fields={"error": OSError})["error"] == str(OSError)


def test_an_exception_shows_where_and_not_what() -> None:
    line = formatted("the app broke", error=broken())

    assert [place.split(" ")[1] for place in line["at"]] == ["broken", "fail"]
    assert line["at"][0].startswith("test_log.py:")
    assert SECRET not in json.dumps(line)


def test_an_exception_that_was_never_raised_shows_nothing() -> None:
    assert SECRET not in json.dumps(formatted("the app broke", error=ValueError(SECRET)))


def test_a_chain_of_exceptions_shows_no_value() -> None:
    try:
        try:
            fail()
        except ValueError as inner:
            raise RuntimeError(SECRET) from inner
    except RuntimeError:
        record = logging.LogRecord("x", logging.ERROR, "x.py", 1, "broke", (), sys.exc_info())

    assert SECRET not in JsonFormatter().format(record)
