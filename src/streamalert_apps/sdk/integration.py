"""StreamAlert's own way to write an app: subclass AppIntegration, decorate it with StreamAlertApp.

A plugin made for StreamAlert needs another import line and nothing else. It is an App whose pages
come from `_gather_logs`: a list of logs (an empty one: nothing new), or False for a failure.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from inspect import isabstract, ismethod
from typing import Any, TypeVar

from streamalert_apps.errors import AppError, ConfigError, OutOfTime, RateLimited, Unavailable
from streamalert_apps.sdk.app import App, AuthField, Checkpoint, Credentials, Json, Page
from streamalert_apps.sdk.http import Answer, Api, with_params

_ANYTHING = re.compile(r".+", re.DOTALL)


@dataclass(slots=True)
class _Config:
    """What a plugin reads as `self._config`."""

    auth: Credentials
    last_timestamp: Json = 0


class AppIntegration(App):
    """An app in the form of StreamAlert v3."""

    def __init__(self, credentials: Credentials, api: Api) -> None:
        super().__init__(credentials, api)
        self._config = _Config(credentials)
        self._last_timestamp: Json = 0
        self._context: dict[str, Json] = {}
        self._more_to_poll = False
        self._poll_count = 0
        self._failure: AppError | None = None

    @classmethod
    @abstractmethod
    def service(cls) -> str:
        """Return the service: `box`."""

    @classmethod
    @abstractmethod
    def _type(cls) -> str:
        """Return the kind of log: `admin_events`."""

    @abstractmethod
    def _gather_logs(self) -> list[Json] | bool:
        """Return the next logs, or False; set `_last_timestamp`, `_more_to_poll` and `_context`."""

    @abstractmethod
    def _sleep_seconds(self) -> float:
        """Return the seconds to wait before the next poll."""

    @classmethod
    def date_formatter(cls) -> str | None:
        """Return the strftime format of `_last_timestamp`; None: seconds since 1970."""
        return None

    def start(self, since: datetime) -> Checkpoint:
        """Return a checkpoint whose last timestamp is `since` in the plugin's own format."""
        pattern = self.date_formatter()
        return {
            "last_timestamp": since.strftime(pattern) if pattern else int(since.timestamp()),
            "context": {},
        }

    def adopt(self, last_timestamp: Json, context: Json) -> Checkpoint:
        """Take both as they are: the plugin wrote them itself."""
        return {"last_timestamp": last_timestamp, "context": context}

    def last_timestamp(self, checkpoint: Checkpoint) -> Json:
        """Return it as the plugin set it."""
        return checkpoint["last_timestamp"]

    def poll(self, checkpoint: Checkpoint) -> Iterator[Page]:
        """Yield what each call of `_gather_logs` brings, as long as it sets `_more_to_poll`."""
        self._last_timestamp = self._config.last_timestamp = checkpoint["last_timestamp"]
        self._context = deepcopy(checkpoint.get("context") or {})
        self._poll_count = 0
        more = True
        while more:
            if self._poll_count:
                self.api.sleep(self._sleep_seconds())
            self._more_to_poll, self._failure = False, None
            self._poll_count += 1
            logs = self._gather_logs()
            if isinstance(logs, bool):
                raise self._reason()
            more = bool(self._more_to_poll)
            yield Page(
                logs, {"last_timestamp": self._last_timestamp, "context": deepcopy(self._context)}, more=more
            )

    def _reason(self) -> AppError:
        return self._failure or Unavailable(f"{self.type} could not gather its logs.")

    def check(self) -> None:
        """Gather once, from now on."""
        next(self.poll(self.start(self.api.clock.now())))

    def _make_request(
        self, full_url: str, headers: Mapping[str, str] | None = None, params: Mapping[str, Any] | None = None
    ) -> Json:
        """Return the JSON that a GET brought, or False where it failed."""
        succeeded, body = self._make_get_request(full_url, headers, params)
        return body if succeeded else False

    def _make_get_request(
        self, full_url: str, headers: Mapping[str, str] | None, params: Mapping[str, Any] | None = None
    ) -> tuple[bool, Json]:
        """Return whether a GET succeeded, and the JSON that it brought."""
        answers: list[Answer] = []
        return self._answered(
            lambda: self.api.get(with_params(full_url, params), headers=headers or {}, judge=_keep(answers)),
            answers,
        )

    def _make_post_request(
        self, full_url: str, headers: Mapping[str, str] | None, data: Json, is_json: bool = True
    ) -> tuple[bool, Json]:
        """Return whether a POST of JSON or of a form succeeded, and the JSON that it brought."""
        answers: list[Answer] = []
        body = {"json": data} if is_json else {"form": data}
        return self._answered(
            lambda: self.api.post(full_url, headers=headers or {}, judge=_keep(answers), **body), answers
        )

    def _answered(self, ask: Any, answers: list[Answer]) -> tuple[bool, Json]:
        """Ask; keep the reason of a failure for the moment when `_gather_logs` returns False."""
        try:
            ask()
            return True, answers[-1].json(object)
        except (RateLimited, OutOfTime):
            raise
        except AppError as error:
            self._failure = error
        try:
            return False, answers[-1].json(object)
        except (AppError, IndexError):
            return False, None


def _keep(answers: list[Answer]) -> Any:
    """Return a judge that judges nothing and keeps what it saw."""
    return answers.append


AnyApp = TypeVar("AnyApp", bound=type[AppIntegration])


def StreamAlertApp(cls: AnyApp) -> AnyApp:  # noqa: N802 (the name that plugins use)
    """Give a class in StreamAlert's form its type and auth fields; raise ConfigError where it says none."""
    if isabstract(cls):
        missing = ", ".join(sorted(cls.__abstractmethods__))
        raise ConfigError(f"The app class {cls.__name__} does not say {missing}.")
    cls.type = f"{cls.service()}_{cls._type()}"
    cls.auth = tuple(_field(name, spec) for name, spec in _auth_info(cls).items())
    if "collects" not in cls.__dict__:
        cls.collects = (cls.__doc__ or cls.type).strip().splitlines()[0]
    return cls


def _auth_info(cls: type[AppIntegration]) -> Mapping[str, Mapping[str, Any]]:
    """Call `required_auth_info` or `_required_auth_info`, be it a method of the instance or of the class."""
    for name in ("required_auth_info", "_required_auth_info"):
        method = getattr(cls, name, None)
        if method is not None:
            info = method() if ismethod(method) else method(object.__new__(cls))
            return info if isinstance(info, Mapping) else {}
    raise ConfigError(f"The app class {cls.__name__} does not say required_auth_info.")


def _field(name: str, spec: Mapping[str, Any]) -> AuthField:
    form = spec.get("format", _ANYTHING)
    if isinstance(form, str):
        form = re.compile(form)
    return AuthField(name, spec.get("description", name), form, secret=bool(spec.get("secret", True)))
