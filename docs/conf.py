"""How Sphinx makes a site of these pages: `nox -s docs`. On GitHub they are read as they are."""

import re
import sys
from pathlib import Path
from typing import Any

from streamalert_apps import __version__

sys.path.insert(0, str(Path(__file__).parent))
import pages

project = "streamalert-apps"
release = __version__
copyright = "The streamalert-apps authors"  # noqa: A001 (Sphinx's name for it)
extensions = ["myst_parser", "sphinx_copybutton"]
copybutton_prompt_text = "$ "
exclude_patterns = ["README.md"]  # index.rst shows it
source_suffix = {".md": "markdown"}
myst_enable_extensions = ["colon_fence"]  # index.md, which only the site shows
myst_heading_anchors = 3  # as GitHub makes them
nitpicky = True
html_theme = "furo"
html_title = "streamalert-apps"
html_copy_source = False
html_show_sphinx = False


def setup(app: Any) -> None:
    """Bring the services' pages into the site, and let links lead to them there."""
    pages.gather()
    app.connect("source-read", _link_inside)
    app.connect("include-read", _link_inside)
    app.connect("include-read", _without_links)


def _link_inside(_app: Any, _name: Any, *rest: Any) -> None:
    content = rest[-1]
    content[0] = pages.inside(content[0])


def _without_links(_app: Any, path: Path, _docname: str, content: list[str]) -> None:
    """Leave the changelog's links out: they lead into the repository, as PyPI and GitHub show it."""
    if path.name == "CHANGELOG.md":
        content[0] = re.sub(r"\[([^]]+)\](\([^)]*\)|: \S+)?", r"\1", content[0])
