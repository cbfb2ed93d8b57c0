"""AWS clients for the command line, of one region and of the account that conf/ names."""

from __future__ import annotations

import difflib
import logging
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from io import BytesIO
from threading import RLock
from typing import Any, Final

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from streamalert_apps import __version__
from streamalert_apps.aws.answer import name_what_is_missing
from streamalert_apps.aws.trouble import (
    SIGN_IN,
    explained,
    raise_refusal,
    refuse_unreadable,
    unavailable_credentials,
)
from streamalert_apps.errors import AppError, CredentialsError, UsageError

LOGGER = logging.getLogger(__name__)

MOST_AT_ONCE: Final = 16  # calls to one service
EMULATORS: Final = {
    "000000000000",
    "123456789012",
}  # LocalStack's account, moto's; no real one has such a number

_SENT_WHOLE: Final = 1 << 16
_ANYWHERE: Final = "us-east-1"  # where an identity can be asked for that no region is known of
# What botocore lets through of a credential_process that does not do.
_NO_PROVIDER: Final = (OSError, ValueError, TypeError, LookupError, AttributeError)


@dataclass(frozen=True)
class Session:
    """Makes clients of one region; all have time-outs and retries.

    `ask` asks a person for the code of a device (MFA); without it nobody is asked.
    """

    region: str
    profile: str | None = None
    connect_seconds: float = 5.0
    read_seconds: float = 20.0
    ask: Callable[[str], str] | None = None
    _clients: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    _making: RLock = field(default_factory=RLock, init=False, repr=False, compare=False)

    @cached_property
    def _boto(self) -> Any:
        """The session of boto3; clients of one share what is slow to load."""
        core = botocore.session.Session(profile=self.profile)
        provider: Any = core.get_component("credential_provider").get_provider("assume-role")
        provider._prompter = self._code  # noqa: SLF001 (there is no public way; its own reads where nobody types)
        core.get_component("event_emitter").register("creating-client-class", name_what_is_missing)
        return boto3.Session(botocore_session=core, region_name=self.region or None)

    def client(self, service: str, **limits: Any) -> Any:
        """Return a client, `ssm` for instance; the same one for whoever asks for the same.

        `limits` are botocore's, where others than ours are wanted.
        """
        wanted = f"{service} {sorted(limits.items())}"
        with self._making:  # boto3's session is not for several threads
            if wanted not in self._clients:
                self._clients[wanted] = self._made(service, limits)
            return self._clients[wanted]

    def _made(self, service: str, limits: Mapping[str, Any]) -> Any:
        usual = {
            "connect_timeout": self.connect_seconds,
            "read_timeout": self.read_seconds,
            "retries": {"mode": "standard", "max_attempts": 4},
            "max_pool_connections": MOST_AT_ONCE,
            "user_agent_extra": f"sa-apps/{__version__}",
        }
        with explained():
            client = self._boto.client(service, config=Config(**{**usual, **limits}))
        client.meta.events.register("before-parse", refuse_unreadable)
        client.meta.events.register("after-call", _tell)
        client.meta.events.register("after-call", raise_refusal)
        client.meta.events.register("before-send", _send_in_pieces)
        return client

    @cached_property
    def parameters(self) -> Any:
        """A client of Parameter Store, one for all apps: making two hundred takes longer than using them."""
        return self.client("ssm")

    def credentials(self) -> Any:
        """Return botocore's credentials, which renew themselves; None where there are none."""
        return self._boto.get_credentials()

    def configured_region(self) -> str:
        """Return the region that AWS's configuration names, or nothing."""
        with suppress(BotoCoreError):  # a profile that is not there, a file that can't be read
            return botocore.session.Session(profile=self.profile).get_config_variable("region") or ""
        return ""

    def account_if_any(self) -> str:
        """Return the account that this machine is signed in to, or nothing. Asks once, and not for long."""
        with suppress(AppError, BotoCoreError, ClientError, *_NO_PROVIDER):
            if self.credentials():
                client = replace(self, region=self.configured_region() or _ANYWHERE).client(
                    "sts", retries={"mode": "standard", "total_max_attempts": 1}
                )
                return str(client.get_caller_identity()["Account"])
        return ""

    def sign_in(self, account: str) -> None:
        """Raise CredentialsError when nobody is signed in, or in another account than conf/ says.

        Whoever has to be asked for anything is asked here, and once.
        """
        with explained():
            self._resolve_credentials()
            actual = self.client("sts").get_caller_identity()["Account"]
        is_emulator = actual in EMULATORS and os.environ.get("AWS_ENDPOINT_URL")
        if actual != account and not is_emulator:
            raise CredentialsError(
                f"You are signed in to AWS account {actual}, but conf/global.json names {account}.",
                hint="Sign in to that account (AWS_PROFILE), or correct account.aws_account_id.",
            )

    def _resolve_credentials(self) -> None:
        try:
            if credentials := self._boto.get_credentials():
                credentials.get_frozen_credentials()
        except _NO_PROVIDER as error:
            raise unavailable_credentials(error) from None

    def _code(self, question: str) -> str:
        if self.ask is None:
            raise CredentialsError(
                f"AWS wants a code, and there is nobody to ask ({question.strip().rstrip(':')}).",
                hint=f"Run it on a terminal, or use credentials that need no code. {SIGN_IN}",
            )
        return self.ask(question)


def known_region(name: str) -> str:
    """Return the name of a region; raise UsageError for one that botocore does not know."""
    session = botocore.session.Session()
    known = [
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("lambda", partition)
    ]
    if name in known:
        return name
    close = difflib.get_close_matches(name, known, 3, 0.7)
    hint = (
        f"Did you mean {' or '.join(close)}?"
        if close
        else "See https://docs.aws.amazon.com/general/latest/gr/rande.html"
    )
    raise UsageError(f"'{name}' is not a region of AWS that this version knows.", hint=hint)


def _tell(http_response: Any, model: Any, **_: Any) -> None:
    asked = f"{model.service_model.service_name} {model.name}"
    LOGGER.debug("request", extra={"fields": {"asked": asked, "answer": http_response.status_code}})


def _send_in_pieces(request: Any, **_: Any) -> None:
    """Give each piece of a large body a time-out of its own: for the whole, a slow line needs longer."""
    if isinstance(request.body, bytes | bytearray) and len(request.body) > _SENT_WHOLE:
        request.body = BytesIO(request.body)
