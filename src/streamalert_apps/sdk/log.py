"""The logger that plugins write to."""

from __future__ import annotations

import logging

LOGGER = logging.getLogger("streamalert_apps")


def get_logger(name: str) -> logging.Logger:
    """Return a logger below the product's own, as StreamAlert's function of that name does."""
    return LOGGER.getChild(name.rpartition(".")[2])
