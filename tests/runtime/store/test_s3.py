"""S3 on a bad day: what is lost, late, cut, slow or refused, and what the store makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

import pytest

from streamalert_apps.errors import ConfigError, CredentialsError, StateError
from streamalert_apps.runtime.store import Conflict, Gone, Unsettled
from streamalert_apps.runtime.store.s3 import S3Store
from streamalert_apps.sdk.clock import Deadline
from tests.runtime.store import fake_s3
from tests.runtime.store.conftest import BUCKET, PREFIX, s3_client
from tests.runtime.store.fake_s3 import (
    NOW,
    OWNER,
    Answer,
    cut,
    delayed,
    done_but_refused,
    kept,
    lost,
    refused,
    silent,
    without,
)
from tests.simulator.world import StillClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.runtime.store.fake_s3 import FakeS3, Fault

HEAD = f"{PREFIX}/head.json"
JOURNAL = f"{PREFIX}/4f1c/journal/1.jsonl"
PLACE = f"s3://{BUCKET}/{HEAD}"

OPEN_ANSWERS = [
    refused(409, "ConditionalRequestConflict"),
    refused(503, "SlowDown"),
    refused(500, "InternalError"),
    refused(400, "RequestTimeout"),
    refused(502, "Bad Gateway", None),
    fake_s3.answered(Answer(503, b"<html>no XML</html>")),
    refused(429, "TooManyRequestsException"),
    fake_s3.answered(Answer(500)),
    done_but_refused(500, "InternalError"),
    done_but_refused(503, "SlowDown"),
    lost,
    delayed,
    without("ETag"),
    without("ETag", '""'),
]
PASSING_ANSWERS = [
    refused(503, "SlowDown"),
    refused(500, "InternalError"),
    refused(400, "RequestTimeout"),
    fake_s3.answered(Answer(503, b"<html>no XML</html>")),
    lost,
    delayed,
    cut(3),
    cut(0),
]


@dataclass
class Left:
    """The seconds that a run has left, on a clock on which waiting takes no time."""

    clock: StillClock
    seconds: float

    def deadline(self) -> Deadline:
        end = self.clock.time.timestamp() + self.seconds
        return Deadline(lambda: end - self.clock.time.timestamp())


def opened(
    s3: FakeS3, *, account: str = OWNER, read_seconds: float = 20, seconds: float = 1000, prefix: str = PREFIX
) -> S3Store:
    clock = StillClock()
    client = s3_client(s3.url, read_seconds)
    return S3Store(client, BUCKET, prefix, account, clock=clock, deadline=Left(clock, seconds).deadline())


# What every call says


def test_every_call_names_the_buckets_owner(s3: FakeS3) -> None:
    store = opened(s3)

    store.write("head.json", b"1", replacing=None)
    store.read("head.json")
    store.put("a/1", b"x")
    store.list("")
    store.delete(["a/1"])

    assert s3.operations() == ["put", "get", "put", "list", "delete"]
    assert {request.headers.get("x-amz-expected-bucket-owner") for request in s3.requests} == {OWNER}


def test_an_owner_that_is_not_known_is_not_named(s3: FakeS3) -> None:
    opened(s3, account="").read("head.json")

    assert "x-amz-expected-bucket-owner" not in s3.requests[0].headers


@pytest.mark.parametrize(
    ("prefix", "key"), [("", "head.json"), ("app", "app/head.json"), ("app/", "app/head.json")]
)
def test_names_are_below_the_prefix(s3: FakeS3, prefix: str, key: str) -> None:
    opened(s3, prefix=prefix).write("head.json", b"1", replacing=None)

    assert list(s3.objects) == [key]


def test_the_time_is_s3s_own(s3: FakeS3) -> None:
    store = opened(s3)
    absent = store.read("head.json")
    store.write("head.json", b"1", replacing=None)

    assert absent.now == store.read("head.json").now == NOW
    assert absent.now.tzinfo == UTC


@pytest.mark.parametrize("value", [None, "soon"])
def test_an_answer_that_does_not_tell_the_time_is_asked_for_again(s3: FakeS3, value: str | None) -> None:
    s3.spoil(without("Date", value))

    assert opened(s3).read("head.json").now == NOW


# Compare-and-set


@pytest.mark.parametrize("replacing", [None, fake_s3.etag(b"0")], ids=["new", "replacing"])
@pytest.mark.parametrize("fault", OPEN_ANSWERS)
def test_a_write_that_may_have_landed_is_unsettled_and_sent_once(
    s3: FakeS3, fault: Fault, replacing: str | None
) -> None:
    if replacing:
        s3.objects[HEAD] = b"0"
    s3.spoil(fault)

    with pytest.raises(Unsettled, match=PLACE):
        opened(s3).write("head.json", b"1", replacing=replacing)

    assert s3.operations() == ["put"]


def test_a_write_that_is_answered_too_late_is_unsettled(s3: FakeS3) -> None:
    s3.spoil(silent)

    with pytest.raises(Unsettled, match="ReadTimeoutError"):
        opened(s3, read_seconds=0.5).write("head.json", b"1", replacing=None)

    assert opened(s3).read("head.json").body == b"1"


def test_a_write_that_never_arrived_is_unsettled() -> None:
    with fake_s3.serve() as s3:
        store = opened(s3)

    with pytest.raises(Unsettled, match="EndpointConnectionError"):
        store.write("head.json", b"1", replacing=None)


def test_a_late_write_lands_on_the_version_it_was_for(s3: FakeS3) -> None:
    store = opened(s3)
    first = store.write("head.json", b"1", replacing=None)
    s3.spoil(delayed)
    with pytest.raises(Unsettled):
        store.write("head.json", b"2", replacing=first)
    assert store.read("head.json").version == first

    s3.land()

    assert store.read("head.json").body == b"2"


def test_a_late_write_does_not_land_on_a_newer_version(s3: FakeS3) -> None:
    store = opened(s3)
    first = store.write("head.json", b"1", replacing=None)
    s3.spoil(delayed)
    with pytest.raises(Unsettled):
        store.write("head.json", b"2", replacing=first)
    store.write("head.json", b"3", replacing=first)

    s3.land()

    assert store.read("head.json").body == b"3"


def test_who_was_not_first_meets_a_conflict(s3: FakeS3) -> None:
    s3.objects[HEAD] = b"theirs"
    store = opened(s3)

    with pytest.raises(Conflict, match=f"{PLACE} was written by somebody else") as told:
        store.write("head.json", b"ours", replacing=fake_s3.etag(b"older"))

    assert told.value.code == "state_conflict"
    assert s3.objects == {HEAD: b"theirs"}


def test_what_is_not_there_any_more_is_not_made_anew(s3: FakeS3) -> None:
    with pytest.raises(Gone, match=f"{PLACE} is not there any more") as told:
        opened(s3).write("head.json", b"ours", replacing=fake_s3.etag(b"older"))

    assert told.value.code == "state_gone"
    assert s3.objects == {}


# Objects that are written once


@pytest.mark.parametrize("fault", OPEN_ANSWERS)
def test_an_object_is_put_again_until_it_is_known_to_be_there(s3: FakeS3, fault: Fault) -> None:
    s3.spoil(fault, fault)

    opened(s3).put("4f1c/journal/1.jsonl", b"rows")

    assert s3.objects == {JOURNAL: b"rows"}


def test_an_object_that_landed_unheard_is_compared_not_written_again(s3: FakeS3) -> None:
    s3.spoil(lost)

    opened(s3).put("4f1c/journal/1.jsonl", b"rows")

    assert s3.operations() == ["put", "put", "get"]


def test_an_object_of_somebody_else_that_came_in_between_is_a_conflict(s3: FakeS3) -> None:
    def theirs(s3: FakeS3, exchange: object, _: object) -> None:
        s3.objects[JOURNAL] = b"theirs"
        refused(409, "ConditionalRequestConflict")(s3, exchange, _)  # type: ignore[arg-type]

    s3.spoil(theirs)

    with pytest.raises(Conflict, match=r"1\.jsonl already exists, with other bytes"):
        opened(s3).put("4f1c/journal/1.jsonl", b"ours")

    assert s3.operations() == ["put", "put", "get"]
    assert s3.objects == {JOURNAL: b"theirs"}


def test_a_put_gives_up_when_the_time_does_not_suffice(s3: FakeS3) -> None:
    s3.spoil(*[refused(503, "SlowDown")] * 20)

    with pytest.raises(Unsettled, match="SlowDown"):
        opened(s3, seconds=1.5).put("4f1c/journal/1.jsonl", b"rows")

    assert len(s3.requests) < 4


# Reads


@pytest.mark.parametrize("fault", [*PASSING_ANSWERS, without("ETag"), without("ETag", '""')])
def test_a_read_is_tried_again(s3: FakeS3, fault: Fault) -> None:
    s3.objects[HEAD] = b"a whole body"
    s3.spoil(fault, fault)

    found = opened(s3).read("head.json")

    assert (found.body, found.version) == (b"a whole body", fake_s3.etag(b"a whole body"))
    assert s3.operations() == ["get"] * 3


@pytest.mark.parametrize("fault", PASSING_ANSWERS)
def test_an_object_is_got_whole_or_again(s3: FakeS3, fault: Fault) -> None:
    s3.objects[JOURNAL] = b"a whole body"
    s3.spoil(fault)

    assert opened(s3).get("4f1c/journal/1.jsonl") == b"a whole body"


def test_a_read_that_never_comes_ends_with_the_time_that_is_left(s3: FakeS3) -> None:
    s3.spoil(silent)

    with pytest.raises(StateError, match=f"{PLACE} can't be read \\(ReadTimeoutError\\)") as told:
        opened(s3, read_seconds=0.5, seconds=0).read("head.json")

    assert told.type is StateError  # nothing was written that could be unsettled
    assert s3.operations() == ["get"]


# Listings


def listed(store: S3Store) -> list[str]:
    return [item.name for item in store.list("")]


def test_a_listing_of_several_pages_is_whole(s3: FakeS3) -> None:
    s3.page = 3
    s3.objects |= {f"{PREFIX}/{number:02}": b"x" for number in range(10)} | {"another_app/head.json": b"x"}

    assert listed(opened(s3)) == [f"{number:02}" for number in range(10)]
    assert s3.operations() == ["list"] * 4


@pytest.mark.parametrize("fault", PASSING_ANSWERS)
def test_a_page_is_tried_again_where_it_failed(s3: FakeS3, fault: Fault) -> None:
    s3.page = 2
    s3.objects |= {f"{PREFIX}/{number}": b"x" for number in range(5)}
    s3.spoil(None, fault)

    assert listed(opened(s3)) == ["0", "1", "2", "3", "4"]
    assert s3.operations() == ["list"] * 4


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200),
        Answer(200, b"<ListBucketResult></ListBucketResult>"),
        Answer(200, b"<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>"),
        Answer(200, b"<Error><Code>InternalError</Code><Message>We had a fault</Message></Error>"),
    ],
)
def test_a_listing_that_says_nothing_does_not_pass_for_an_empty_one(s3: FakeS3, answer: Answer) -> None:
    s3.objects[HEAD] = b"x"
    s3.spoil(fake_s3.answered(answer))

    assert listed(opened(s3)) == ["head.json"]


def page(content: str = "", following: str = "") -> Fault:
    """Answer with a page that has `content`, and a token of the next one."""
    more = f"<NextContinuationToken>{following}</NextContinuationToken>" if following else ""
    is_cut = f"<IsTruncated>{'true' if following else 'false'}</IsTruncated>"
    body = f"<ListBucketResult>{is_cut}{more}{content}</ListBucketResult>"
    return fake_s3.answered(Answer(200, body.encode()))


@pytest.mark.parametrize("tokens", ["aa", "aba", "abcb"])
def test_pages_that_come_again_are_an_error_and_no_circle(s3: FakeS3, tokens: str) -> None:
    s3.spoil(*(page(following=token) for token in tokens))

    with pytest.raises(StateError, match="does not end"):
        listed(opened(s3))


def test_an_empty_page_in_the_middle_is_not_the_end(s3: FakeS3) -> None:
    s3.objects[HEAD] = b"x"
    s3.spoil(page(following="0"), page(following="00"))

    assert listed(opened(s3)) == ["head.json"]


@pytest.mark.parametrize("lacking", ["Key", "Size", "LastModified"])
def test_a_listing_that_lacks_a_field_is_asked_for_again(s3: FakeS3, lacking: str) -> None:
    fields = {"Key": f"{PREFIX}/other", "Size": "1", "LastModified": "2026-03-01T12:00:00Z"}
    told = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items() if name != lacking)
    s3.objects[HEAD] = b"x"
    s3.spoil(page(f"<Contents>{told}</Contents>"))

    assert listed(opened(s3)) == ["head.json"]


# Deletion


def test_a_thousand_are_deleted_at_once(s3: FakeS3) -> None:
    names = [f"a/{number}" for number in range(2001)]
    s3.objects |= {f"{PREFIX}/{name}": b"" for name in names} | {HEAD: b"x"}

    opened(s3).delete(names)

    assert list(s3.objects) == [HEAD]
    assert s3.operations() == ["delete"] * 3


def test_nothing_is_asked_where_there_is_nothing_to_delete(s3: FakeS3) -> None:
    opened(s3).delete([])

    assert s3.requests == []


@pytest.mark.parametrize("fault", [*PASSING_ANSWERS, done_but_refused(500, "InternalError")])
def test_a_deletion_is_tried_again(s3: FakeS3, fault: Fault) -> None:
    s3.objects |= {f"{PREFIX}/{number}": b"x" for number in range(3)}
    s3.spoil(fault)

    opened(s3).delete(["0", "1"])

    assert list(s3.objects) == [f"{PREFIX}/2"]


def test_only_keys_that_stayed_are_deleted_again(s3: FakeS3) -> None:
    s3.objects |= {f"{PREFIX}/{number}": b"x" for number in range(4)}
    s3.spoil(kept("InternalError", "SlowDown"))

    opened(s3).delete(["0", "1", "2", "3"])

    assert [len(fake_s3.deleted_keys(request)) for request in s3.requests] == [4, 2]
    assert s3.objects == {}


def test_a_key_that_must_not_be_deleted_is_named(s3: FakeS3) -> None:
    s3.spoil(kept("AccessDenied"))

    with pytest.raises(CredentialsError, match=r"/a can't be deleted \(AccessDenied\): says the test"):
        opened(s3).delete(["a", "b"])


# Refusals

CALLS: list[Callable[[S3Store], object]] = [
    lambda store: store.read("head.json"),
    lambda store: store.write("head.json", b"1", replacing=None),
    lambda store: store.put("head.json", b"1"),
    lambda store: store.get("head.json"),
    lambda store: store.list(""),
    lambda store: store.delete(["head.json"]),
]
KMS = "User: arn:aws:sts::123456789012:assumed-role/a is not authorized to perform: kms:Decrypt"
REFUSALS = [
    (403, "AccessDenied", "Access Denied", CredentialsError),
    (403, "AccessDenied", KMS, CredentialsError),
    (403, "AccessDenied", None, CredentialsError),
    (403, "RequestTimeTooSkewed", "The difference is too large.", CredentialsError),
    (400, "ExpiredToken", "The provided token has expired.", CredentialsError),
    (400, "KMS.DisabledException", "the key is disabled", ConfigError),
    (400, "InvalidRequest", None, ConfigError),
]


@pytest.mark.parametrize("call", CALLS, ids=["read", "write", "put", "get", "list", "delete"])
@pytest.mark.parametrize("refusal", REFUSALS, ids=str)
def test_a_refusal_is_told_once_in_a_line_with_its_reason(
    s3: FakeS3, call: Callable[[S3Store], object], refusal: tuple[int, str, str | None, type[Exception]]
) -> None:
    status, code, message, expected = refusal
    s3.spoil(refused(status, code, message))

    with pytest.raises(expected) as told:
        call(opened(s3))

    text = str(told.value)
    assert f"({code})" in text
    assert text.endswith(f": {message}" if message else f"({code}).")
    assert "\n" not in text
    assert "None" not in text
    assert len(s3.requests) == 1


def test_a_bucket_that_is_not_there_is_told_with_what_creates_it(s3: FakeS3) -> None:
    s3.spoil(refused(404, "NoSuchBucket", "The specified bucket does not exist"))

    with pytest.raises(ConfigError, match=f"^There is no bucket {BUCKET}") as told:
        opened(s3).read("head.json")

    assert "deploy" in told.value.hint
    assert len(s3.requests) == 1


def test_a_reason_of_several_lines_is_told_in_one(s3: FakeS3) -> None:
    s3.spoil(refused(403, "AccessDenied", "not\n  allowed"))

    with pytest.raises(CredentialsError, match=r"can't be read \(AccessDenied\): not allowed$"):
        opened(s3).read("head.json")


def test_the_bucket_of_another_account_is_not_used(s3: FakeS3) -> None:
    with pytest.raises(CredentialsError, match="AccessDenied") as told:
        opened(s3, account="210987654321").write("head.json", b"1", replacing=None)

    assert "owner" in told.value.hint
    assert s3.objects == {}
