"""What an index is told that depends on where a release is built: links, and where README.md leads to.

A workflow's environment names the repository. A build elsewhere has no links, rather than wrong ones.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class Links(MetadataHookInterface):
    """Adds what is `dynamic` in pyproject.toml, but for the version."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the links and the readme."""
        repository = repository_of(os.environ)
        readme = (Path(self.root) / "README.md").read_text("utf-8")
        metadata["urls"] = links(repository)
        metadata["readme"] = {"content-type": "text/markdown", "text": absolute(readme, repository)}


def repository_of(environment: Any) -> str:
    """Return the address of the repository that a workflow builds, or nothing."""
    name = environment.get("GITHUB_REPOSITORY")
    return f"{environment.get('GITHUB_SERVER_URL', 'https://github.com')}/{name}" if name else ""


def links(repository: str) -> dict[str, str]:
    """Return the project's links."""
    if not repository:
        return {}
    return {
        "Source": repository,
        "Documentation": f"{repository}/tree/main/docs",
        "Changelog": f"{repository}/blob/main/CHANGELOG.md",
        "Issues": f"{repository}/issues",
    }


def absolute(readme: str, repository: str) -> str:
    """Return a text whose links into the repository work elsewhere, too."""
    if not repository:
        return readme
    readme = re.sub(r"(!\[[^\]]*\]\()(?![a-z]+:|#)", rf"\1{repository}/raw/main/", readme)
    return re.sub(r"((?<!!)\[[^\[\]]*\]\()(?![a-z]+:|#)", rf"\1{repository}/blob/main/", readme)
