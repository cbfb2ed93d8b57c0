"""What went wrong with some of several apps, and what the command ends with then."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streamalert_apps.cli.terminal.description import label
from streamalert_apps.cli.terminal.exit_code import of_several
from streamalert_apps.errors import AppError
from streamalert_apps.sdk.count import counted

if TYPE_CHECKING:
    from streamalert_apps.config.conf import AppConf


@dataclass(slots=True)
class Failures:
    """Of so many apps."""

    apps: int
    errors: list[AppError] = field(default_factory=list)

    def note(self, app: AppConf, error: AppError) -> AppError:
        """Keep an app's error with its name; return that."""
        told = type(error)(f"{label(app)}: {error.message}")
        told.hint = error.hint
        self.errors.append(told)
        return told

    def summary(self, done: str) -> str:
        """Return in words how many are done, and how many failed."""
        failed = f", {len(self.errors)} failed" if self.errors else ""
        return f"{counted(self.apps, 'app')}: {self.apps - len(self.errors)} {done}{failed}"

    @property
    def exit_code(self) -> int:
        """0, or what says whether some failed or all did, and whether credentials are all that is wrong."""
        return of_several(self.errors, self.apps)
