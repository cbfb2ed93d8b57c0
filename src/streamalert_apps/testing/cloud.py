"""AWS as a run meets it: Parameter Store and the classifier's function; each step can be disturbed."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from io import BytesIO
from typing import Any, Final

from botocore.exceptions import ClientError

from streamalert_apps.testing.clock import ManualClock
from streamalert_apps.testing.steps import Steps

SECONDS: Final = 0.05  # that a call takes
STANDARD_CHARACTERS: Final = 4096
PAYLOAD_BYTES: Final = 1 << 20


def refusal(code: str, status: int = 400) -> ClientError:
    """Return what boto3 raises where AWS refuses a call."""
    return ClientError(
        {"Error": {"Code": code, "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "Call",
    )


class Parameters:
    """Parameter Store: values with the history of their versions. `wrote` hears of each write."""

    def __init__(self, clock: ManualClock, steps: Steps, wrote: Callable[[], None]) -> None:
        self._clock = clock
        self._steps = steps
        self._wrote = wrote
        self._versions: defaultdict[str, list[str]] = defaultdict(list)

    def get_parameters(self, **call: Any) -> dict[str, Any]:
        """Return the parameters of these names that are there; a name may end in `:version`."""
        with self._steps.taking("read"):
            self._clock.sleep(SECONDS)
            found = {name: self._find(name) for name in call["Names"]}
        return {
            "Parameters": [parameter for parameter in found.values() if parameter],
            "InvalidParameters": [name for name, parameter in found.items() if not parameter],
        }

    def put_parameter(self, **call: Any) -> dict[str, Any]:
        """Write a parameter and return its version."""
        versions = self._versions[call["Name"]]
        with self._steps.taking("state write"):
            self._clock.sleep(SECONDS)
            if versions and not call["Overwrite"]:
                raise refusal("ParameterAlreadyExists")
            if len(call["Value"]) > STANDARD_CHARACTERS and "Tier" not in call:
                raise refusal("ValidationException")
            self.place(call["Name"], call["Value"])
            self._wrote()
            version = len(versions)
        return {"Version": version}

    def place(self, name: str, value: str) -> None:
        """Put a value there from outside: no step of a run."""
        self._versions[name].append(value)

    def history(self, name: str) -> list[str]:
        """Return every value that a parameter has had."""
        return self._versions[name]

    def _find(self, name: str) -> dict[str, Any] | None:
        name, _, version = name.partition(":")
        versions = self._versions[name]
        number = int(version) if version else len(versions)
        return {"Value": versions[number - 1], "Version": number} if 0 < number <= len(versions) else None


class Functions:
    """Lambda, as far as it takes the classifier's invocations: what was delivered, in batches."""

    def __init__(self, clock: ManualClock, steps: Steps) -> None:
        self.batches: list[list[dict[str, Any]]] = []
        self.doubtful: list[dict[str, Any]] = []
        """Logs that arrived though the sender could not know: they may come again."""
        self._clock = clock
        self._steps = steps

    def invoke(self, **call: Any) -> dict[str, Any]:
        """Take a batch."""
        batch: list[dict[str, Any]] = []
        try:
            with self._steps.taking("delivery"):
                self._clock.sleep(SECONDS)
                batch = _logs(call["Payload"])
                self.batches.append(batch)
        except BaseException:
            self.doubtful += batch
            raise
        return {"StatusCode": 202, "Payload": BytesIO()}


def _logs(payload: bytes) -> list[dict[str, Any]]:
    if len(payload) > PAYLOAD_BYTES:
        raise refusal("RequestEntityTooLargeException", 413)
    return list(json.loads(payload)["Records"][0]["logs"])
