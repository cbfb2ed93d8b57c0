"""An app for each row of a file: planned as a whole, carried out one by one; none stops another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from streamalert_apps.checks.told import Told
from streamalert_apps.cli.adding import add, change, there, wanted, with_settings
from streamalert_apps.cli.credentials import Source, ask_service, hide_secrets, record_of, warnings
from streamalert_apps.cli.terminal import output
from streamalert_apps.cli.terminal.description import identity
from streamalert_apps.cli.terminal.prompts import Prompts
from streamalert_apps.config.conf import AppConf, Project
from streamalert_apps.errors import AppError, CredentialsError, RequestRefused
from streamalert_apps.runtime.priming import prime

if TYPE_CHECKING:
    from streamalert_apps.cli.adding import Outcome
    from streamalert_apps.cli.tenants import Row
    from streamalert_apps.plugins.registry import Registry

AT_ONCE: Final = 16  # sign-ins that are waited for
FATES: Final = ("create", "change", "unchanged", "failed")
_SIGNS: Final = {"create": "+", "change": "~", "unchanged": "=", "failed": "!"}
_PLANNED: Final = ("to add", "to change", "unchanged", "not possible")
_DONE: Final = ("added", "changed", "unchanged", "failed")
_NOBODY: Final = Prompts("credentials are in the file")


@dataclass(frozen=True, slots=True)
class Planned:
    """What is to become of a row: a new app, another form of the one that is there, or nothing."""

    row: Row
    cluster: str
    fate: str
    app: AppConf | None = None
    old: AppConf | None = None
    changes: tuple[str, ...] = ()
    error: AppError | None = None

    @property
    def label(self) -> str:
        """How the app is called in what a person reads."""
        return f"{self.row.name} ({self.cluster})" if self.row.name else self.row.place

    def failed(self, error: AppError) -> Planned:
        """Return the same as it is where something kept it from being done."""
        return replace(self, fate="failed", error=error)

    def line(self) -> str:
        """Return it in words."""
        what = self.error.message if self.error else ", ".join(self.changes) or "already exists"
        return f"{_SIGNS[self.fate]} {self.label}: {what}"

    def described(self) -> dict[str, Any]:
        """Return it as --json shows it."""
        function = self.app.function if self.app else None
        named = identity(self.app) if self.app else {"cluster": self.cluster, "name": self.row.name or None}
        return {**named, "function": function, "result": self.fate, "changed": list(self.changes)}

    def labelled_error(self) -> AppError | None:
        """Return what went wrong, with the app's name."""
        if not self.error:
            return None
        told = type(self.error)(f"{self.label}: {self.error.message}")
        told.hint = self.error.hint
        return told


@dataclass(frozen=True, slots=True)
class Terms:
    """What is the same for all rows: the settings, and what may change of apps that are there."""

    cluster: str
    app_type: str
    settings: Mapping[str, Any]
    update_settings: bool = False
    update_auth: bool = False
    check: bool = True
    simulator: str = ""


def plan(project: Project, rows: Sequence[Row], terms: Terms) -> list[Planned]:
    """Return what is to become of each row; asks nobody and writes nothing."""
    return [_planned(project, row, terms) for row in rows]


def _planned(project: Project, row: Row, terms: Terms) -> Planned:
    if row.error:
        return Planned(row, terms.cluster, "failed", error=row.error)
    try:
        app = wanted(project, terms.cluster, terms.app_type, row.name)
    except AppError as error:
        return Planned(row, terms.cluster, "failed", error=error)
    old = there(project, app)
    if old is None:
        app = with_settings(app, terms.settings)
        return Planned(row, terms.cluster, "create", app, changes=("credentials", "settings"))
    new = with_settings(old, terms.settings) if terms.update_settings else old
    changes = ("credentials",) * terms.update_auth + ("settings",) * (new != old)
    return Planned(row, terms.cluster, "change" if changes else "unchanged", new, old, changes)


def pending(planned: Sequence[Planned]) -> list[Planned]:
    """Return those with which something is to be done."""
    return [one for one in planned if one.fate in {"create", "change"}]


def carry_out(
    project: Project, planned: Sequence[Planned], types: Registry, terms: Terms
) -> Iterator[tuple[Planned, Outcome | None]]:
    """Do it, row by row; yield how each ended.

    Sign-ins are tried side by side. What is stored is stored one at a time: Parameter Store takes a handful
    of writes a second.
    """
    kind = types.find(terms.app_type)
    for one in planned:
        hide_secrets(kind.auth, one.row.credentials)

    def tried(one: Planned) -> AppError | Told | None:
        if not terms.check or "credentials" not in one.changes:
            return None
        assert one.app is not None  # noqa: S101 (it has changes)
        record = record_of(project, one.old) if one.old else None
        try:
            return ask_service(kind, one.row.credentials, simulator=terms.simulator, record=record)
        except AppError as error:
            return error

    prime()
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        for one, told in zip(planned, pool.map(tried, planned), strict=True):
            yield _done(project, one, types, told)
    finally:
        pool.shutdown(cancel_futures=True)


def _done(
    project: Project, one: Planned, types: Registry, told: AppError | Told | None
) -> tuple[Planned, Outcome | None]:
    """Do what is to be done to one. `told`: what the service said of its credentials, if it was asked."""
    if isinstance(told, CredentialsError | RequestRefused):
        return one.failed(told), None
    if isinstance(told, AppError):
        output.warn(f"{one.label}: the credentials could not be tried: {told.message}")
    elif told:
        for warning in warnings(told, one.row.credentials, f"The credentials of {one.label}"):
            output.warn(warning)
    if one.app is None or not one.changes:
        return one, None
    source = Source(_NOBODY, one.row.credentials, check=False)
    try:
        if one.old is None:
            return one, add(project, one.app, types, source)
        new_source = source if "credentials" in one.changes else None
        outcome = change(project, one.old, one.app, types, new_source)
    except AppError as error:
        return one.failed(error), None
    fate = one.fate if outcome.changed else "unchanged"
    return replace(one, fate=fate, changes=outcome.changed), outcome


def totals(planned: Sequence[Planned]) -> dict[str, int]:
    """Return how many rows have which fate."""
    return {fate: sum(one.fate == fate for one in planned) for fate in FATES}


def summary(planned: Sequence[Planned], *, done: bool) -> str:
    """Return the totals in words."""
    words = _DONE if done else _PLANNED
    told = [f"{count} {word}" for count, word in zip(totals(planned).values(), words, strict=True) if count]
    return f"{', '.join(told)}."
