"""How an app is called in what a person reads, and what --json shows of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from streamalert_apps.config.conf import AppConf


def label(app: AppConf) -> str:
    """Return how an app is called in what a person reads."""
    return f"{app.name} ({app.cluster})"


def identity(app: AppConf) -> dict[str, str]:
    """Return what tells an app from all others, as --json shows it."""
    return {"cluster": app.cluster, "name": app.name}


def described(app: AppConf) -> dict[str, Any]:
    """Return an app as --json shows it."""
    return {
        "cluster": app.cluster,
        "name": app.name,
        "type": app.type,
        "service": app.service,
        "function": app.function,
        "interval": app.schedule_expression,
        "timeout": app.timeout,
        "memory": app.memory,
        "log_level": app.log_level,
        "log_retention_days": app.log_retention_days,
        "concurrency_limit": app.concurrency_limit,
    }
