"""Finds apps that run in AWS although conf/ does not have them: somebody took them out by hand.

The rule tells: it is what makes an app run, whoever deployed it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from streamalert_apps.config.conf import Project
from streamalert_apps.deploy import view
from streamalert_apps.runtime import names

_ENDING: Final = names.rule("_app")


@dataclass(frozen=True, slots=True)
class Orphan:
    """An app that conf/ does not have, and how it runs."""

    function: str
    schedule: str
    enabled: bool

    @property
    def state(self) -> str:
        """Whether it runs, in words."""
        return f"still runs in AWS ({self.schedule})" if self.enabled else "is still in AWS (disabled)"

    def text(self) -> str:
        """Return it in words."""
        return (
            f"{self.function} {self.state}, but is not in conf/. "
            "`deploy --prune` deletes what sa-apps deployed."
        )


def prefix_of(project: Project) -> str:
    """Return what the names of a project's functions begin with."""
    return f"{project.account.prefix}_"


def orphans(
    rules: Mapping[str, Mapping[str, Any]], project: Project, clusters: Collection[str]
) -> Iterator[Orphan]:
    """Yield the orphans of some clusters, or of all. `rules`: those of the project's prefix, by name."""
    prefix = prefix_of(project)
    known = {names.rule(app.function) for app in project.all_apps}
    for name, rule in sorted(rules.items()):
        if name in known or not name.endswith(_ENDING) or not name.startswith(prefix):
            continue
        if not clusters or _cluster(name.removeprefix(prefix), project.clusters) in clusters:
            function = name.removesuffix(names.rule(""))
            yield Orphan(function, rule.get("ScheduleExpression", "no schedule"), view.is_enabled(rule))


def _cluster(name: str, clusters: Collection[str]) -> str:
    """Return the cluster that a name begins with; where one begins like another, the longer one."""
    return max((cluster for cluster in clusters if name.startswith(f"{cluster}_")), key=len, default="")
