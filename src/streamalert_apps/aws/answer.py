"""Answers of AWS that say which member they lack, where botocore's would raise a bare KeyError."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from botocore.exceptions import BotoCoreError


class IncompleteAnswerError(BotoCoreError, KeyError):
    """An answer lacks a member that AWS documents as always there; it must not pass for an empty one."""

    fmt = "AWS's answer to {operation} has no {member}"
    __str__ = Exception.__str__  # a KeyError's own shows no words but their repr


class UnreadableDocumentError(BotoCoreError):
    """A text in an answer is not the JSON that AWS documents."""

    fmt = "What AWS has as {member} is no JSON that can be read"


class Answer(dict[str, Any]):
    """A structure of an answer, whose members are looked up by name."""

    def __init__(self, members: Iterable[tuple[str, Any]], operation: str) -> None:
        super().__init__(members)
        self._operation = operation

    def __missing__(self, member: str) -> NoReturn:
        """Raise IncompleteAnswerError."""
        raise IncompleteAnswerError(operation=self._operation, member=member)


class Client:
    """What a client of boto3 gets as its first base: each of its answers is an Answer."""

    def _make_api_call(self, operation_name: str, api_params: dict[str, Any]) -> Any:
        answer = super()._make_api_call(operation_name, api_params)  # type: ignore[misc] # of boto3's class
        return _named(answer, operation_name)


def name_what_is_missing(base_classes: list[type], **_: Any) -> None:
    """Let a client that is being made answer so; a handler of botocore's `creating-client-class`."""
    base_classes.insert(0, Client)


def statements(answer: Mapping[str, Any], member: str = "Policy") -> list[dict[str, Any]]:
    """Return the statements of a policy that stands in an answer as text; a single one needs no list."""
    document = answer[member]
    try:
        found = json.loads(document)["Statement"]
        return [{**found}] if isinstance(found, dict) else [{**statement} for statement in found]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise UnreadableDocumentError(member=member) from None


def _named(value: Any, operation: str) -> Any:
    if isinstance(value, dict):
        return Answer(((key, _named(each, operation)) for key, each in value.items()), operation)
    if isinstance(value, list):
        return [_named(each, operation) for each in value]
    return value
