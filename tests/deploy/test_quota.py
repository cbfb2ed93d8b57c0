"""Lambda's limits on calls are kept."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from streamalert_apps.aws.session import Session
from streamalert_apps.deploy.quota import Bucket, Quota

if TYPE_CHECKING:
    import pytest


class Clock:
    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


def times(tokens: int, calls: int) -> list[float]:
    """Return when each of so many calls in a row gets its token."""
    clock = Clock()
    bucket = Bucket(tokens, 1.0, now=clock.now, sleep=clock.sleep)
    taken = []
    for _ in range(calls):
        bucket.take()
        taken.append(clock.time)
    return taken


def test_no_second_has_more_calls_than_tokens() -> None:
    taken = times(15, 100)

    assert all(later - earlier >= 1.0 for earlier, later in zip(taken, taken[15:], strict=False))


def test_the_first_calls_do_not_wait_and_no_call_waits_in_vain() -> None:
    taken = times(15, 45)

    assert taken == [0.0] * 15 + [1.0] * 15 + [2.0] * 15


def test_tokens_come_back_while_nobody_asks() -> None:
    clock = Clock()
    bucket = Bucket(2, 1.0, now=clock.now, sleep=clock.sleep)
    bucket.take()
    bucket.take()
    clock.time = 5.0
    bucket.take()
    assert clock.time == 5.0


def test_each_call_takes_a_token_of_its_own_bucket_and_an_invocation_takes_none(
    aws_env: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[int] = []
    monkeypatch.setattr(Bucket, "take", lambda bucket: taken.append(len(bucket._back)))
    client = Session("us-east-1").client("lambda")
    Quota().apply(client)

    client.list_functions()
    for name in ("get_function", "get_policy", "invoke"):
        with suppress(client.exceptions.ResourceNotFoundException):
            getattr(client, name)(FunctionName="a")

    assert taken == [15, 100, 60]
