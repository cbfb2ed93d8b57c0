"""What an app has, in AWS or in the folder of a local project, and how it goes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from streamalert_apps.config.conf import AppConf, Project
from streamalert_apps.runtime import names


class Removal(Protocol):
    """All that goes but for the entries in conf/."""

    def things(self) -> Iterator[tuple[str, str]]:
        """Yield kind and name of each thing."""

    def carry_out(self) -> None:
        """Take it away; what is gone already is fine."""


def removal_of(project: Project, app: AppConf, *, keep_auth: bool) -> Removal:
    """Find out what an app has."""
    if project.account.local:
        return _Local.of(project, app, keep_auth=keep_auth)
    from streamalert_apps.cli.undeploy import Deployed

    return Deployed.of(project, app, keep_auth=keep_auth)


@dataclass(frozen=True, slots=True)
class _Local:
    """The files of a local app. What it kept of logs that were too large stays."""

    folder: Path
    files: tuple[str, ...]

    @classmethod
    def of(cls, project: Project, app: AppConf, *, keep_auth: bool) -> _Local:
        folder = names.local_folder(project.root, app.function)
        files = ("state.json", "state.lock") if keep_auth else ("auth.json", "state.json", "state.lock")
        return cls(folder, tuple(file for file in files if (folder / file).exists()))

    def things(self) -> Iterator[tuple[str, str]]:
        """Yield the files."""
        for file in self.files:
            yield "file", str(Path(".sa-apps") / self.folder.name / file)

    def carry_out(self) -> None:
        """Delete them, and the folder if nothing is left in it."""
        for file in self.files:
            (self.folder / file).unlink(missing_ok=True)
        with suppress(OSError):
            self.folder.rmdir()
