"""AWS as a run meets it: S3, the classifier's function, credentials; each call can be disturbed."""

from __future__ import annotations

import json
from collections.abc import Callable
from email.utils import format_datetime
from io import BytesIO
from typing import Any, Final

from botocore.exceptions import ClientError

from streamalert_apps.runtime import head
from streamalert_apps.runtime.store import Conflict, Gone
from streamalert_apps.runtime.store.memory import MemoryStore
from streamalert_apps.testing.clock import ManualClock
from streamalert_apps.testing.steps import Steps

SECONDS: Final = 0.05  # that a call takes
PAYLOAD_BYTES: Final = 1 << 20


def refusal(code: str, status: int = 400, **headers: str) -> ClientError:
    """Return what boto3 raises where AWS refuses a call."""
    return ClientError(
        {
            "Error": {"Code": code, "Message": ""},
            "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": headers},  # type: ignore[typeddict-item]
        },
        "Call",
    )


class NoSuchKey(ClientError):
    """What boto3 raises where S3 has no such object."""


class Bucket:
    """S3, as far as a store needs it. `holds` is what is in it; `wrote` hears of each write of a head."""

    class exceptions:  # noqa: N801 (boto3's name)
        """The errors that a client of boto3 knows by name."""

        NoSuchKey = NoSuchKey

    def __init__(self, clock: ManualClock, steps: Steps, wrote: Callable[[], None]) -> None:
        self.holds = MemoryStore(clock)
        self._clock = clock
        self._steps = steps
        self._wrote = wrote

    def get_object(self, **call: Any) -> dict[str, Any]:
        """Return an object."""
        with self._steps.taking("read"):
            self._clock.sleep(SECONDS)
            found = self.holds.read(call["Key"])
            date = self._date()
        if found.version is None:
            raise NoSuchKey(refusal("NoSuchKey", 404, date=date).response, "GetObject")
        metadata = {"HTTPHeaders": {"date": date}}
        return {"Body": BytesIO(found.body), "ETag": found.version, "ResponseMetadata": metadata}

    def put_object(self, **call: Any) -> dict[str, Any]:
        """Write an object, where its condition holds."""
        name = call["Key"]
        with self._steps.taking("head write" if name == head.NAME else "object write"):
            self._clock.sleep(SECONDS)
            try:
                version = self.holds.write(name, call["Body"], replacing=call.get("IfMatch"))
            except Conflict:
                raise refusal("PreconditionFailed", 412) from None
            except Gone:
                raise refusal("NoSuchKey", 404) from None
            if name == head.NAME:
                self._wrote()
        return {"ETag": version}

    def list_objects_v2(self, **call: Any) -> dict[str, Any]:
        """List the objects below a prefix."""
        with self._steps.taking("list"):
            self._clock.sleep(SECONDS)
            found = self.holds.list(call["Prefix"])
        contents = [{"Key": item.name, "Size": item.size, "LastModified": item.written} for item in found]
        return {"Contents": contents, "IsTruncated": False}

    def delete_objects(self, **call: Any) -> dict[str, Any]:
        """Delete objects."""
        names = [each["Key"] for each in call["Delete"]["Objects"]]
        with self._steps.taking("delete"):
            self._clock.sleep(SECONDS)
            self.holds.delete(names)
        return {"Deleted": [{"Key": name} for name in names]}

    def _date(self) -> str:
        return format_datetime(self._clock.now(), usegmt=True)


class Parameters:
    """Parameter Store, as far as credentials are read from it."""

    def __init__(self, clock: ManualClock, steps: Steps) -> None:
        self._clock = clock
        self._steps = steps
        self._values: dict[str, str] = {}

    def get_parameters(self, **call: Any) -> dict[str, Any]:
        """Return the parameters of these names that are there."""
        with self._steps.taking("read"):
            self._clock.sleep(SECONDS)
            there = {name: self._values[name] for name in call["Names"] if name in self._values}
        return {
            "Parameters": [{"Value": value, "Version": 1} for value in there.values()],
            "InvalidParameters": [name for name in call["Names"] if name not in there],
        }

    def place(self, name: str, value: str) -> None:
        """Put a value there from outside: no step of a run."""
        self._values[name] = value


class Functions:
    """Lambda, as far as it takes the classifier's invocations: what was delivered, in batches."""

    def __init__(
        self, clock: ManualClock, steps: Steps, took: Callable[[list[dict[str, Any]]], None]
    ) -> None:
        self.batches: list[list[dict[str, Any]]] = []
        self.unheard: list[dict[str, Any]] = []
        """Logs that arrived though the sender could not know: they may come again."""
        self._clock = clock
        self._steps = steps
        self._took = took

    def invoke(self, **call: Any) -> dict[str, Any]:
        """Take a batch."""
        batch: list[dict[str, Any]] = []
        try:
            with self._steps.taking("delivery"):
                self._clock.sleep(SECONDS)
                batch = _logs(call["Payload"])
                self.batches.append(batch)
                self._took(batch)
        except Exception:
            self.unheard += batch
            raise
        return {"StatusCode": 202, "Payload": BytesIO()}


def _logs(payload: bytes) -> list[dict[str, Any]]:
    if len(payload) > PAYLOAD_BYTES:
        raise refusal("RequestEntityTooLargeException", 413)
    return list(json.loads(payload)["Records"][0]["logs"])
