"""An app's credentials on their way from a person or a file to their store."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from streamalert_apps.checks.told import Told
from streamalert_apps.cli.project import aws_session
from streamalert_apps.cli.terminal import output
from streamalert_apps.config import conf, jsonfile
from streamalert_apps.errors import (
    AppError,
    Cancelled,
    ConfigError,
    CredentialsError,
    RateLimited,
    RequestRefused,
    Unavailable,
    UsageError,
)
from streamalert_apps.runtime import names
from streamalert_apps.sdk.app import App, AuthField, complete

if TYPE_CHECKING:
    from streamalert_apps.cli.terminal.prompts import Prompts
    from streamalert_apps.runtime.credentials import CredentialStore
    from streamalert_apps.runtime.store import Store
    from streamalert_apps.sdk.clock import Clock

CHECK_SECONDS: Final = 20.0
LONGEST_WAIT_SECONDS: Final = 90.0  # for the service's limit
LARGEST_FILE: Final = 1 << 20  # bytes; a device never ends
WHAT: Final = "the app's credentials"
FLAG: Final = "--auth-file FILE (- reads standard input)"


@dataclass(frozen=True, slots=True)
class Source:
    """Where credentials come from (`given`, or a person) and how they are tried.

    `setup` is what a person is told first who is asked for new ones, in Markdown. `record` is that of the
    app, where there is one.
    """

    prompts: Prompts
    given: Mapping[str, Any] | None = None
    check: bool = True
    simulator: str = ""
    clock: Clock | None = None
    setup: str = ""
    record: Callable[[], Store] | None = None

    def need(self) -> None:
        """Raise UsageError when there is nowhere to take credentials from."""
        if self.given is None:
            self.prompts.need(WHAT, FLAG)

    def obtain(self, app_type: type[App], present: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return credentials that the service accepts; on a terminal refused ones can be entered again."""
        if self.setup and self.given is None and present is None:
            output.markdown(f"**What to set up first**\n\n{self.setup}", sys.stderr)
        while True:
            if self.given is not None:
                values = dict(self.given)
            else:
                values = ask_all(self.prompts, app_type.auth, present or {})
            hide_secrets(app_type.auth, values)
            try:
                self._try(app_type, values)
            except (CredentialsError, RequestRefused) as refused:
                if self.given is not None:
                    refused.hint = f"{refused.hint} Nothing was saved; --no-check saves them untried.".strip()
                    raise
                output.error(refused)
                if not self.prompts.confirm("Enter them again?", flag=FLAG, default=True):
                    raise Cancelled("Cancelled; nothing was changed.") from None
                present = {f.name: values[f.name] for f in app_type.auth if f.name in values and not f.secret}
            else:
                return values

    def _try(self, app_type: type[App], credentials: Mapping[str, Any]) -> None:
        """Make one request; raise what the service refuses, and only tell what keeps it from being asked."""
        if not self.check:
            return
        try:
            with output.working("Trying the credentials"):
                record = self.record() if self.record else None
                told = ask_service(
                    app_type, credentials, simulator=self.simulator, clock=self.clock, record=record
                )
        except (CredentialsError, RequestRefused):
            raise
        except AppError as trouble:
            output.warn(f"The credentials could not be tried: {trouble.message}")
        else:
            output.say("The service accepts the credentials.")
            for warning in warnings(told, credentials, "These credentials"):
                output.warn(warning)


def warnings(told: Told, credentials: Mapping[str, Any], whose: str) -> list[str]:
    """Return what there is to know of credentials that work: when they end, and that a clock is wrong."""
    from streamalert_apps.checks import clock, expiry

    ends = min((end for end in (expiry.stated(credentials), told.expires) if end), default=None)
    found = [*expiry.judged(ends, datetime.now(UTC), whose, ""), *clock.judged(told.ahead, "the service")]
    return [finding.text() for finding in found]


def ask_all(
    prompts: Prompts, fields: Sequence[AuthField], present: Mapping[str, Any], what: str = WHAT
) -> dict[str, Any]:
    """Ask for each value of some credentials; those that are there can be kept."""
    answers = {field.name: _ask(prompts, field, present, what) for field in fields}
    return {name: value for name, value in answers.items() if value is not None}


def _ask(prompts: Prompts, field: AuthField, present: Mapping[str, Any], what: str) -> Any:
    """Ask for one value; only what is no secret is shown as the default."""
    now = present.get(field.name)
    question = f"Please supply {field.description}{', or nothing' if field.optional else ''}:"
    if not field.secret and (now is None or isinstance(now, str)):
        return prompts.text(question, what=what, flag=FLAG, parse=field.parse, default=now or "")
    ask = prompts.secret if field.secret else prompts.text
    if now is None:
        return ask(question, what=what, flag=FLAG, parse=field.parse)

    def keep_or_parse(text: str) -> Any:
        return field.parse(text) if text else now

    return ask(f"{question} (Enter keeps it)", what=what, flag=FLAG, parse=keep_or_parse)


def ask_service(
    app_type: type[App],
    credentials: Mapping[str, Any],
    *,
    simulator: str,
    clock: Clock | None = None,
    record: Store | None = None,
) -> Told:
    """Try credentials by one cheap request; raise what the service says or what keeps it from answering.

    `record`: the app's, where its runs and this share the service's limit.
    """
    from streamalert_apps.sdk.clock import Deadline, SystemClock
    from streamalert_apps.sdk.http import Api
    from streamalert_apps.sdk.pace import Pace
    from streamalert_apps.serve.asking import shared

    clock = clock or SystemClock()
    pace = Pace(app_type.rate, clock)
    with shared(pace, record, clock) if record else nullcontext():
        ends = time.monotonic() + CHECK_SECONDS + min(pace.wait(), LONGEST_WAIT_SECONDS)
        deadline = Deadline(lambda: ends - time.monotonic())
        api = Api(clock=clock, deadline=deadline, pace=pace, simulator=simulator)
        try:
            app = app_type(credentials, api)
            app.check()
            return Told(api.ahead, app.expires())
        except RateLimited as limited:
            if api.headers:
                raise
            raise Unavailable("The service does not answer.") from limited  # and asking again has to wait
        finally:
            api.close()


def read_file(path: Path, fields: tuple[AuthField, ...]) -> dict[str, Any]:
    """Return the credentials in a JSON file (- is standard input); name each key that is wrong."""
    from streamalert_apps.serve import references

    shown = "Standard input" if str(path) == "-" else str(path)
    return references.checked(references.parsed(read_text(path, shown), shown), fields, shown)


def read_reference(project: conf.Project, reference: str, fields: tuple[AuthField, ...]) -> dict[str, Any]:
    """Return the credentials to which conf/ refers; name each key that is wrong."""
    from streamalert_apps.serve import references

    text = references.read(reference, project.root, lambda: aws_session(project.account))
    return references.checked(references.parsed(text, reference), fields, reference)


def read_new_reference(
    project: conf.Project, reference: str, fields: tuple[AuthField, ...]
) -> dict[str, Any]:
    """As `read_reference`, of one that conf/ is to hold; warn of a file that others can read."""
    from streamalert_apps.config.rules import referenced_file

    found = read_reference(project, reference, fields)
    if path := referenced_file(reference, project.root):
        _warn_if_open(path)
    return found


def read_text(path: Path, shown: str, most: int = LARGEST_FILE) -> str:
    """Return what a file with secrets holds, whatever the locale: UTF-8, with or without a byte order mark.

    Raises UsageError, also where it is larger than `most` bytes.
    """
    try:
        return _bytes(path, shown, most).decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{shown} can't be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{shown} is not UTF-8 text.", hint="Save it as UTF-8.") from error


def _bytes(path: Path, shown: str, most: int) -> bytes:
    if str(path) == "-":
        return _bounded(sys.stdin.buffer, shown, most)
    _warn_if_open(path)
    with path.open("rb") as file:
        return _bounded(file, shown, most)


def _warn_if_open(path: Path) -> None:
    from streamalert_apps.runtime.files import is_open

    if is_open(path):
        output.warn(f"{path} can be read by others on this machine; `chmod 600 {path}` closes it.")


def _bounded(file: BinaryIO, shown: str, most: int) -> bytes:
    data = file.read(most + 1)
    if len(data) > most:
        raise UsageError(f"{shown} is larger than {most >> 20} MiB.", hint=FLAG)
    return data


def store_of(project: conf.Project, function: str) -> CredentialStore:
    """Return the place where the app's credentials live; raise CredentialsError if AWS can't be used."""
    if project.account.local:
        from streamalert_apps.runtime.local import FileCredentials

        jsonfile.private_folder(project.root)
        return FileCredentials(names.local_folder(project.root, function) / "auth.json")
    from streamalert_apps.deploy.place import Place
    from streamalert_apps.runtime.ssm import ParameterCredentials

    account = project.account
    key = Place.of(account).kms_key
    ssm, name = aws_session(account).parameters, names.auth_parameter(function)
    return ParameterCredentials(ssm, name, key=key, tags=account.tags)


def record_of(project: conf.Project, app: conf.AppConf) -> Store:
    """Return the store of an app's record, which may be empty."""
    from streamalert_apps.serve.turn import place_of

    return place_of(project, app, lambda: aws_session(project.account)).store


def credentials_of(project: conf.Project, app: conf.AppConf, app_type: type[App]) -> Mapping[str, Any]:
    """Return an app's credentials; raise CredentialsError where one is missing."""
    if app.auth_from:
        found = read_reference(project, app.auth_from, app_type.auth)
        hide_secrets(app_type.auth, found)
        return found
    credentials = store_of(project, app.function).load()
    hide_secrets(app_type.auth, credentials)
    hint = f"Give them with `sa-apps update-auth {app.name}`."
    return complete(credentials, app_type.auth, f"The credentials of {app.name}", hint)


def hide_secrets(fields: Sequence[AuthField], credentials: Mapping[str, Any]) -> None:
    """Never write these secrets from now on."""
    for field in fields:
        if field.secret and field.name in credentials:
            output.hide(credentials[field.name])


def refuse_reference(app: conf.AppConf) -> None:
    """Raise UsageError for an app whose credentials are not ours to store."""
    if app.auth_from:
        raise UsageError(
            f"The credentials of {app.name} come from {app.auth_from}, as conf/ says.",
            hint="Change them there.",
        )


def place(project: conf.Project, function: str) -> str:
    """Name the place where the app's credentials live."""
    if project.account.local:
        return f".sa-apps/{function}/auth.json"
    return f"Parameter Store as {names.auth_parameter(function)}"


@contextmanager
def saved(store: CredentialStore, credentials: Mapping[str, Any], where: str) -> Iterator[None]:
    """Save credentials for what follows, and put back what was there if that fails."""
    before = load_if_any(store)
    save(store, credentials, where)
    try:
        yield
    except BaseException as failure:
        try:
            if before is None:
                store.delete()
            else:
                store.save(before)
        except Exception as undoing:  # noqa: BLE001 (whatever it is, the user must know what remains)
            raise ConfigError(
                f"{failure} The new credentials remain in {where}: they could not be taken back ({undoing}).",
                hint="Fix the cause and run the command again.",
            ) from failure
        raise


def load_if_any(store: CredentialStore) -> Mapping[str, Any] | None:
    """Return the credentials that are there; what is broken counts as nothing."""
    with suppress(ConfigError):
        return store.load() if store.exists() else None
    return None


def save(store: CredentialStore, credentials: Mapping[str, Any], where: str) -> None:
    """Save credentials; raise ConfigError when the disk does not take them."""
    try:
        store.save(credentials)
    except OSError as error:
        raise ConfigError(f"The credentials could not be saved to {where}: {error.strerror}.") from error
