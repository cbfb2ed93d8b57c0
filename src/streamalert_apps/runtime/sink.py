"""What a kind of destination is: what it asks for, what it may do in AWS, what it is made with."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from streamalert_apps.errors import UsageError
from streamalert_apps.runtime.delivery import Answer, Batch, Limits
from streamalert_apps.sdk.app import AuthField, Credentials
from streamalert_apps.sdk.clock import Clock, Deadline

if TYPE_CHECKING:
    from streamalert_apps.sdk.http import Api

REQUIRED: Final = object()
"""The default of a setting that has to be given."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of a destination in conf/destinations.json.

    `rule` returns what is used for a value of the file; it raises UsageError, which says what is wrong.
    """

    name: str
    description: str
    rule: Callable[[Any], Any]
    default: Any = REQUIRED


@dataclass(frozen=True, slots=True)
class Where:
    """The account and the region that a destination in AWS is in, unless its settings say another."""

    partition: str
    region: str
    account: str

    def in_region(self, region: str) -> Where:
        """Return the same account in a region; empty: in this one."""
        return replace(self, region=region or self.region)

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of something there."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"


@dataclass(frozen=True, slots=True)
class Permission:
    """What a function that delivers needs to be allowed, as in a statement of IAM."""

    actions: Sequence[str]
    resources: Sequence[str]
    condition: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """The app whose events are sent."""

    name: str
    type: str
    function: str


@dataclass(frozen=True, slots=True)
class Setup:
    """What a destination is made with.

    `settings` are checked, and have a value for each. `credentials` loads them when they are first needed.
    `client` makes boto3's client of a service in a region (empty: where the app is), whose calls are tried
    once. `api` makes the way out by HTTPS. `aws_credentials` returns botocore's, for a request that
    is signed here; None where there are none. `folder`: where paths begin.
    """

    name: str
    settings: Mapping[str, Any]
    credentials: Callable[[], Credentials]
    source: Source
    clock: Clock
    deadline: Deadline
    client: Callable[[str, str], Any]
    api: Callable[[], Api]
    aws_credentials: Callable[[], Any] = lambda: None
    folder: Path = Path()


class Sink(ABC):
    """A kind of destination. One is a file in `destinations/`, or a plugin; the runtime decides when to send.

    It keeps nothing that another process would need: what was sent is noted by who sends.
    """

    kind: ClassVar[str]
    """Its `type` in conf/destinations.json."""
    takes: ClassVar[str]
    """Where events go, in a few words."""
    settings: ClassVar[tuple[Setting, ...]] = ()
    documentation: ClassVar[str] = ""
    """Where the vendor documents it."""
    in_lambda: ClassVar[bool] = True
    too_old: ClassVar[tuple[timedelta, str] | None] = None
    """How old an event may be, and what becomes of older ones; None: any age is fine."""
    limits: Limits = Limits()

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.given = setup.settings

    @classmethod
    def auth(cls, settings: Mapping[str, Any]) -> tuple[AuthField, ...]:  # noqa: ARG003 (some ask as they are set)
        """Return what it needs to sign in; nothing: the role of the function, or nobody is asked."""
        return ()

    @classmethod
    def permissions(cls, settings: Mapping[str, Any], where: Where) -> Sequence[Permission]:  # noqa: ARG003
        """Return what the role of a function has to allow, besides reading the credentials."""
        return ()

    @abstractmethod
    def send(self, batch: Batch) -> Answer:
        """Deliver a batch once and say what became of it; what is raised stands for a batch not taken.

        It has to come back before the deadline of its setup.
        """

    def close(self) -> None:  # noqa: B027 (most have nothing to close)
        """Close what was opened."""


def checked(settings: Sequence[Setting], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a value for each setting; raise UsageError for what is missing or wrong."""
    values = {}
    for setting in settings:
        if setting.name in given:
            try:
                values[setting.name] = setting.rule(given[setting.name])
            except UsageError as error:
                raise UsageError(f"{setting.name}: {error.message}", hint=error.hint) from None
        elif setting.default is REQUIRED:
            raise UsageError(f"{setting.name} is missing.", hint=f"It is {setting.description}.")
        else:
            values[setting.name] = setting.default
    return values
