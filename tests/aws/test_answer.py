"""What AWS's answers lack is named; it is no bare KeyError, and does not pass for nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from streamalert_apps.aws.session import Session
from streamalert_apps.aws.trouble import explained
from streamalert_apps.errors import Unavailable
from tests import proxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.proxy import Proxy

CONFIGURATION = {"FunctionName": "f", "Layers": [{"Arn": "arn:x"}]}


@pytest.fixture
def answering(aws_env: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    with proxy.serve(aws_env) as between:
        monkeypatch.setenv("AWS_ENDPOINT_URL", between.url)
        answer = json.dumps({"Configuration": CONFIGURATION}).encode()
        between.before = lambda _: proxy.Answer(200, answer)
        yield between


def asked() -> Any:
    return Session("us-east-1").client("lambda").get_function(FunctionName="f")


@pytest.mark.usefixtures("answering")
@pytest.mark.parametrize(
    ("look", "member"),
    [
        (lambda answer: answer["Code"], "Code"),
        (lambda answer: answer["Configuration"]["Role"], "Role"),
        (lambda answer: answer["Configuration"]["Layers"][0]["CodeSize"], "CodeSize"),
    ],
)
def test_a_member_that_is_missing_is_named_at_any_depth(look: Any, member: str) -> None:
    answer = asked()
    with pytest.raises(Unavailable, match=f"AWS's answer to GetFunction has no {member}"), explained():
        look(answer)


@pytest.mark.usefixtures("answering")
def test_an_answer_is_as_boto3_gives_it_in_all_else() -> None:
    answer = asked()
    assert answer["Configuration"] == CONFIGURATION
    assert answer["Configuration"].get("Role") is None
    with pytest.raises(KeyError):  # as who looks for what may be missing expects
        answer["Configuration"]["Role"]


def test_pages_say_what_they_lack_too(answering: Proxy) -> None:
    answering.before = lambda _: proxy.Answer(200, b"{}")
    pages = Session("us-east-1").client("events").get_paginator("list_rules").paginate()
    with pytest.raises(Unavailable, match="ListRules has no Rules"), explained():
        _ = [rule for page in pages for rule in page["Rules"]]


def test_pages_without_an_end_are_told(answering: Proxy) -> None:
    answering.before = lambda _: proxy.Answer(200, b'{"Rules": [], "NextToken": "again"}')
    pages = Session("us-east-1").client("events").get_paginator("list_rules").paginate()
    with pytest.raises(Unavailable, match="does not end"), explained():
        _ = [*pages]
