"""Parameter Store: versions, create-if-absent, and what goes wrong with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

if TYPE_CHECKING:
    from tests.simulation.world import World

ENDPOINT: Final = "https://ssm.test"
STALE_SECONDS: Final = 2.0
STANDARD_CHARACTERS: Final = 4096
KEPT_VERSIONS: Final = 100
SKEW_SECONDS: Final = 300  # a signature is refused whose time is off by more


def refusal(code: str, operation: str, status: int = 400) -> ClientError:
    """Return what boto3 raises when AWS says no."""
    answer: Any = {"Error": {"Code": code, "Message": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, operation)


@dataclass(frozen=True, slots=True)
class _Version:
    text: str
    written: float


class ParameterStore:
    """What `boto3.client("ssm")` is to the collector."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._values: dict[str, list[_Version]] = {}

    def set(self, name: str, text: str) -> None:
        """Write as an operator would."""
        self._values.setdefault(name, []).append(_Version(text, self._world.timeline.now))

    def get(self, name: str) -> str | None:
        """Return what is there."""
        versions = self._values.get(name)
        return versions[-1].text if versions else None

    def get_parameters(self, *, Names: list[str], **_options: bool) -> dict[str, Any]:  # noqa: N803 (boto3's)
        """Return parameters, or single versions of them."""

        def read() -> dict[str, Any]:
            self._fail("GetParameters")
            found = [parameter for name in Names if (parameter := self._read(name))]
            self._world.say(f"  versions {[parameter['Version'] for parameter in found]}")
            return {"Parameters": found, "InvalidParameters": [] if found else Names}

        return self._world.step(f"reads {Names[0].rpartition('_')[2]}", 0.03, read)

    def _read(self, selected: str) -> dict[str, Any] | None:
        name, _, number = selected.partition(":")
        versions = self._values.get(name, [])
        fresh = versions and self._world.timeline.now - versions[-1].written < STALE_SECONDS
        if fresh and self._world.strikes("stale read"):
            versions = versions[:-1]
            self._world.judge.state_read_stale()
        wanted = int(number) if number else len(versions)
        if not max(1, len(versions) - KEPT_VERSIONS + 1) <= wanted <= len(versions):
            return None
        return {"Name": name, "Value": versions[wanted - 1].text, "Version": wanted}

    def put_parameter(
        self,
        *,
        Name: str,  # noqa: N803
        Value: str,  # noqa: N803
        Overwrite: bool,  # noqa: N803
        Tier: str = "Standard",  # noqa: N803
        **_: str,
    ) -> dict[str, Any]:
        """Write a new version."""

        def put() -> dict[str, Any]:
            self._fail("PutParameter")
            if self._world.strikes("put fails"):
                self._world.hang(10)
                raise ConnectionClosedError(endpoint_url=ENDPOINT)
            versions = self._values.setdefault(Name, [])
            if versions and not Overwrite:
                raise refusal("ParameterAlreadyExists", "PutParameter")
            if len(Value) > STANDARD_CHARACTERS and Tier == "Standard":
                raise refusal("ValidationException", "PutParameter")
            versions.append(_Version(Value, self._world.timeline.now))
            self._world.judge.state_written(Value)
            if self._world.strikes("put succeeds, answer lost"):
                self._world.hang(10)
                raise ReadTimeoutError(endpoint_url=ENDPOINT)
            return {"Version": len(versions)}

        return self._world.step("writes state", 0.05, put)

    def _fail(self, operation: str) -> None:
        if self._world.plan.in_aws and abs(self._world.process.skew) > SKEW_SECONDS:
            raise refusal("InvalidSignatureException", operation)
        if self._world.strikes("throttled by Parameter Store"):
            raise refusal("ThrottlingException", operation)
        if self._world.strikes("Parameter Store fails"):
            raise refusal("InternalServerError", operation, 500)
