"""A store in an S3 bucket, whose conditional writes are compare-and-set.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from http import HTTPStatus
from operator import attrgetter
from typing import Any, Final, NamedTuple, TypeVar

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 (botocore's name)
    CredentialRetrievalError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    PartialCredentialsError,
)
from botocore.parsers import ResponseParserError

from streamalert_apps.errors import AppError, ConfigError, CredentialsError, StateError
from streamalert_apps.runtime.store import Conflict, Gone, Item, NoStore, Read, Unsettled
from streamalert_apps.sdk.clock import Clock, Deadline
from streamalert_apps.sdk.retry import retrying

T = TypeVar("T")

MOST_DELETED_AT_ONCE: Final = 1000

# No answer, or one that was cut or damaged on its way.
_BROKEN: Final = (
    HTTPClientError,
    ConnectionError,
    IncompleteReadError,
    FlexibleChecksumError,
    ResponseParserError,
)
_NO_CREDENTIALS: Final = (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError)
_PASSING: Final = {"InternalError", "RequestTimeout", "ServiceUnavailable", "SlowDown"}
_DENIED: Final = {"AccessDenied", "ExpiredToken", "InvalidToken"}  # not always with status 403
_FORBIDDEN: Final = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


class _Page(NamedTuple):
    """A page of a listing. `next`: the token of the one after it, empty at the end."""

    items: list[Item]
    next: str


class S3Store:
    """What lies under a prefix of a bucket.

    `client` is boto3's, made with `total_max_attempts=1`: a second attempt of its own would turn a write
    whose answer was lost into one that somebody else made first. `account` is the bucket's owner; empty:
    not checked. `missing`: what to do where there is no such bucket.
    """

    def __init__(
        self,
        client: Any,
        bucket: str,
        prefix: str,
        account: str,
        *,
        clock: Clock,
        deadline: Deadline,
        missing: str = "",
    ) -> None:
        self._missing = missing or "`sa-apps deploy` creates it."
        self._client = client
        self._prefix = f"{prefix.rstrip('/')}/" if prefix else ""
        self._bucket = {"Bucket": bucket} | ({"ExpectedBucketOwner": account} if account else {})
        self._clock = clock
        self._deadline = deadline

    def read(self, name: str) -> Read:
        """Return a small mutable object with its version; consistent."""
        return self._tried(lambda: self._read(name))

    def write(self, name: str, body: bytes, *, replacing: str | None) -> str:
        """Replace that version (None: nothing is there); return the new one.

        It is sent once. Raises Conflict, Gone, Unsettled.
        """
        return self._send(name, body, {"IfNoneMatch": "*"} if replacing is None else {"IfMatch": replacing})

    def put(self, name: str, body: bytes) -> None:
        """Write an object once; an answer that leaves it open is settled by sending the same again."""

        def once() -> bool:
            try:
                self._send(name, body, {"IfNoneMatch": "*"})
            except Conflict:
                found = self._read(name)
                return found.version is not None and found.body == body
            return True

        if not self._tried(once):
            raise Conflict(f"{self._place(name)} already exists, with other bytes.")

    def get(self, name: str) -> bytes | None:
        """Return an object, or None where it is not there."""
        found = self.read(name)
        return None if found.version is None else found.body

    def list(self, prefix: str) -> builtins.list[Item]:
        """Return the objects whose names begin so, sorted by name."""
        items: dict[str, Item] = {}
        tokens = [""]
        while True:
            page = self._tried(partial(self._page, prefix, tokens[-1]))
            items |= {item.name: item for item in page.items}
            if not page.next:
                return sorted(items.values(), key=attrgetter("name"))
            if page.next in tokens:
                raise StateError(f"The listing of {self._place(prefix)} does not end: a page came twice.")
            tokens.append(page.next)

    def delete(self, names: Iterable[str]) -> None:
        """Delete objects (small mutable ones too); fine where they are not there."""
        keys = sorted({self._prefix + name for name in names})
        for start in range(0, len(keys), MOST_DELETED_AT_ONCE):
            self._tried(partial(self._delete, set(keys[start : start + MOST_DELETED_AT_ONCE])))

    def _read(self, name: str) -> Read:
        with self._explained(name, "read"):
            try:
                answer = self._client.get_object(**self._bucket, Key=self._prefix + name)
            except self._client.exceptions.NoSuchKey as absent:
                return Read(b"", None, self._date(name, absent.response))
            body = answer["Body"].read()
        if not (version := _etag(answer)):
            raise StateError(f"The answer about {self._place(name)} has no ETag.")
        return Read(body, version, self._date(name, answer))

    def _send(self, name: str, body: bytes, condition: Mapping[str, str]) -> str:
        with self._explained(name, "written", Unsettled):
            answer = self._client.put_object(**self._bucket, Key=self._prefix + name, Body=body, **condition)
        if not (version := _etag(answer)):
            raise Unsettled(f"The answer about {self._place(name)} has no ETag.")
        return version

    def _page(self, prefix: str, token: str) -> _Page:
        with self._explained(prefix, "listed"):
            page: dict[str, Any] = self._client.list_objects_v2(
                **self._bucket,
                Prefix=self._prefix + prefix,
                **({"ContinuationToken": token} if token else {}),
            )
        more, following = page.get("IsTruncated"), page.get("NextContinuationToken") or ""
        if more is None or (more and not following):  # must not pass for the end
            raise StateError(f"The listing of {self._place(prefix)} does not tell whether it is complete.")
        try:
            items = [self._item(found) for found in page.get("Contents", [])]
        except LookupError:
            raise StateError(f"The listing of {self._place(prefix)} is not complete.") from None
        return _Page(items, following if more else "")

    def _item(self, found: Mapping[str, Any]) -> Item:
        name = found["Key"].removeprefix(self._prefix)
        return Item(name, found["Size"], found["LastModified"].astimezone(UTC))

    def _delete(self, keys: set[str]) -> None:
        """Delete, and take from `keys` what is gone: another try asks for the rest alone."""
        with self._explained("", "deleted"):
            answer = self._client.delete_objects(
                **self._bucket, Delete={"Objects": [{"Key": key} for key in sorted(keys)]}
            )
        keys -= {deleted.get("Key") for deleted in answer.get("Deleted", [])}
        for error in answer.get("Errors", []):
            name = error.get("Key", "").removeprefix(self._prefix)
            raise self._refusal(name, "deleted", error, HTTPStatus.OK, StateError)
        if keys:
            raise StateError(f"Not every object below {self._place('')} was deleted.")

    def _tried(self, call: Callable[[], T]) -> T:
        return retrying(call, sleep=self._clock.sleep, deadline=self._deadline)

    @contextmanager
    def _explained(
        self, name: str, participle: str, passing: type[StateError] = StateError
    ) -> Iterator[None]:
        """Turn what botocore raises into an AppError; what time may mend becomes `passing`."""
        try:
            yield
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            raise self._refusal(name, participle, error.response["Error"], status, passing) from None
        except _BROKEN as error:
            raise passing(f"{self._place(name)} can't be {participle} ({type(error).__name__}).") from None
        except _NO_CREDENTIALS as error:
            raise CredentialsError(f"There are no AWS credentials: {error}.") from None
        except BotoCoreError as error:
            raise ConfigError(f"{self._place(name)} can't be {participle}: {_line(error)}") from None

    def _refusal(
        self,
        name: str,
        participle: str,
        told: Mapping[str, Any],
        status: int,
        passing: type[StateError],
    ) -> AppError:
        code = told.get("Code") or str(status)
        if status == HTTPStatus.PRECONDITION_FAILED:
            return Conflict(f"{self._place(name)} was written by somebody else.")
        if code == "NoSuchKey":
            return Gone(f"{self._place(name)} is not there any more.")
        if code == "NoSuchBucket":
            return NoStore(f"There is no bucket {self._bucket['Bucket']}.", hint=self._missing)
        message = _line(told.get("Message") or "")
        reason = f"{self._place(name)} can't be {participle} ({code})" + (f": {message}" if message else ".")
        if (
            status >= HTTPStatus.INTERNAL_SERVER_ERROR
            or status in {HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS}
            or code in _PASSING
            or "Throttling" in code
        ):
            return passing(reason)
        if status in _FORBIDDEN or code in _DENIED:
            return CredentialsError(
                reason, hint="Check the AWS credentials, their policy, the bucket's owner and its KMS key."
            )
        return ConfigError(reason, hint="Check the bucket's name, its region and its KMS key.")

    def _place(self, name: str) -> str:
        return f"s3://{self._bucket['Bucket']}/{self._prefix}{name}"

    def _date(self, name: str, answer: Mapping[str, Any]) -> datetime:
        """Return the time that S3 told with an answer."""
        try:
            return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"]).astimezone(UTC)
        except (LookupError, ValueError):
            raise StateError(f"The answer about {self._place(name)} does not tell the time.") from None


def _etag(answer: Mapping[str, Any]) -> str:
    """Return the ETag as it was sent, or nothing where it names no version."""
    etag: str = answer.get("ETag") or ""
    return etag if etag.strip('"') else ""


def _line(told: object) -> str:
    return " ".join(str(told).split())
