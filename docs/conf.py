"""How Sphinx makes a site of these pages: `nox -s docs`. On GitHub they are read as they are."""

from streamalert_apps import __version__

project = "streamalert-apps"
release = __version__
copyright = "The streamalert-apps authors"  # noqa: A001 (Sphinx's name for it)
extensions = ["myst_parser"]
exclude_patterns = ["README.md"]  # index.rst shows it
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
myst_heading_anchors = 3  # as GitHub makes them
nitpicky = True
html_theme = "furo"
html_title = "streamalert-apps"
html_copy_source = False
html_show_sphinx = False
