"""A table of a service's error codes judges its answers."""

from __future__ import annotations

from functools import partial

import msgspec
import pytest

from streamalert_apps.errors import CredentialsError
from streamalert_apps.sdk.http import Answer
from streamalert_apps.sdk.refusals import by_code


class Failure(msgspec.Struct):
    code: int


JUDGE = by_code(
    lambda answer: answer.json(Failure).code, {7: partial(CredentialsError, "No.", hint="Check the key.")}
)


def judged(status: int, body: bytes) -> object:
    return JUDGE(Answer("api.example.com/logs", status, {}, body))


def test_a_code_of_the_table_is_what_it_means() -> None:
    error = judged(400, b'{"code": 7}')

    assert isinstance(error, CredentialsError)
    assert (error.message, error.hint) == ("No.", "Check the key.")


def test_each_answer_gets_an_error_of_its_own() -> None:
    assert judged(400, b'{"code": 7}') is not judged(400, b'{"code": 7}')


@pytest.mark.parametrize("body", [b'{"code": 8}', b"<html>", b"[]", b""])
def test_any_other_code_or_none_is_left_to_the_status(body: bytes) -> None:
    assert judged(400, body) is None


def test_what_succeeded_is_not_judged() -> None:
    assert judged(200, b'{"code": 7}') is None
