"""Whether each app has credentials, and the service accepts them: one cheap request for each app."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from streamalert_apps.checks import clock, expiry
from streamalert_apps.checks.finding import Finding
from streamalert_apps.checks.subject import Subject
from streamalert_apps.checks.told import Told
from streamalert_apps.config.conf import AppConf
from streamalert_apps.deploy import parameters
from streamalert_apps.errors import AppError, CredentialsError, RateLimited, TransientError
from streamalert_apps.runtime import names
from streamalert_apps.runtime.credentials import parse_credentials
from streamalert_apps.runtime.local import FileCredentials
from streamalert_apps.sdk.app import complete

CHECK: Final = "credentials"
AT_ONCE: Final = 16
_NOTHING: Final = "Nothing is collected."

Load = Callable[[AppConf], Mapping[str, Any]]


def look(subject: Subject) -> Iterator[Finding]:
    """Yield what is wrong with the apps' credentials, and of the clocks that services have."""
    load = _local(subject) if subject.project.account.local else _stored(subject)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        results = list(pool.map(lambda app: _looked(subject, app, load), subject.apps))
    for _, findings in results:
        yield from findings
    aheads = [(told.ahead, app) for app, (told, _) in zip(subject.apps, results, strict=True) if told]
    if aheads:
        ahead, app = max(aheads, key=lambda one: abs(one[0]))
        yield from clock.judged(ahead, f"the service of {app.name} ({app.cluster})")


def _looked(subject: Subject, app: AppConf, load: Load) -> tuple[Told | None, list[Finding]]:
    whose, fix = f"{app.name} ({app.cluster})", f"`sa-apps update-auth {app.name} --cluster {app.cluster}`"
    if app.auth_from:
        fix = f"Change them in {app.auth_from}, to which conf/ refers."
    try:
        kind = subject.types.find(app.type)
    except AppError:
        return None, []  # another check tells
    try:
        credentials = (
            subject.refer(app, kind) if app.auth_from else complete(load(app), kind.auth, "the credentials")
        )
    except AppError as error:
        return None, [
            Finding(
                CHECK,
                f"{whose}: {error.message}",
                _NOTHING,
                f"{error.hint if app.auth_from else ''} {fix}".strip(),
            )
        ]
    ends = app.credentials_expire or expiry.stated(credentials)
    told = None
    try:
        told = subject.ask(app, kind, credentials)
    except RateLimited:
        found = []  # the service knows them, or would not count
    except AppError as error:
        found = [_refused(error, whose, fix)]
    else:
        found = []
        ends = min((end for end in (ends, told.expires) if end), default=None)
    return told, [*expiry.judged(ends, subject.clock.now(), f"The credentials of {whose}", fix), *found]


def _refused(error: AppError, whose: str, fix: str) -> Finding:
    """Return what a service said, or what kept it from saying anything."""
    if isinstance(error, TransientError):
        why = "Nothing is known of its credentials, and a run from here would fail."
        return Finding(
            CHECK, f"{whose}: {error.message}", why, error.hint or "Check network, proxy and firewall."
        )
    if error.kind == "config" and not isinstance(error, CredentialsError):
        return Finding(CHECK, f"{whose}: {error.message}", _NOTHING, error.hint)
    return Finding(CHECK, f"{whose}: {error.message}", _NOTHING, f"{error.hint} {fix}".strip())


def _local(subject: Subject) -> Load:
    def load(app: AppConf) -> Mapping[str, Any]:
        store = FileCredentials(names.local_folder(subject.root, app.function) / "auth.json")
        if not store.exists():
            raise CredentialsError("there are no credentials.")
        return store.load()

    return load


def _stored(subject: Subject) -> Load:
    """Read all of them at once, ten a call: two hundred apps would be two hundred calls."""
    wanted = [names.auth_parameter(app.function) for app in subject.apps]
    found = parameters.values(subject.client("ssm"), wanted, decrypted=True) if wanted else {}

    def load(app: AppConf) -> Mapping[str, Any]:
        name = names.auth_parameter(app.function)
        if name not in found:
            raise CredentialsError("there are no credentials in Parameter Store.")
        return parse_credentials(found[name], f"Parameter {name}")

    return load
