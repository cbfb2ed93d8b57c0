"""The work on one app: what to make, where, and with what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from streamalert_apps.config.conf import AppConf
from streamalert_apps.deploy.clients import Aws
from streamalert_apps.deploy.package import Package
from streamalert_apps.deploy.place import Place
from streamalert_apps.sdk.clock import Clock, SystemClock


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an app shall be."""

    app: AppConf
    place: Place
    package: Package


@dataclass(slots=True)
class Job:
    """One app's. Without `app` it shall be gone: conf/ has it no more, or it is being removed.

    `build` returns the package for an architecture; `package` is there once that is known. Where it `looks`
    only, nothing is laid out or fetched for it.
    """

    aws: Aws
    place: Place
    function: str
    app: AppConf | None = None
    build: Callable[[str], Package] | None = None
    package: Package | None = None
    looks: bool = False
    clock: Clock = SystemClock()  # noqa: RUF009 (it has no state)
    code_sha: str = ""  # CodeSha256 of the function's code, as it was seen or uploaded last
    published: str = ""  # the version that the creation of the function published
