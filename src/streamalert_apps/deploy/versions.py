"""The versions that a function has had: to go back to one, and to forget the oldest."""

from __future__ import annotations

from typing import Any, Final

from streamalert_apps.deploy.job import Job

KEPT: Final = 5  # older than the one that runs; Lambda keeps 75 GB of code for all functions of an account


def history(job: Job) -> list[dict[str, Any]]:
    """Return the configurations of all published versions, the newest first."""
    pages = job.aws.functions.get_paginator("list_versions_by_function").paginate(FunctionName=job.function)
    published = [v for page in pages for v in page["Versions"] if v["Version"].isdecimal()]
    return sorted(published, key=lambda version: -int(version["Version"]))


def forget_old(job: Job, live: int) -> None:
    """Delete versions long before the one that runs."""
    older = [v["Version"] for v in history(job) if int(v["Version"]) < live]
    for version in older[KEPT:]:
        job.aws.functions.delete_function(FunctionName=job.function, Qualifier=version)
