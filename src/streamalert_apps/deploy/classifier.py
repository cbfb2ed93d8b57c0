"""The classifier of StreamAlert: it drops what its own copy of conf/ does not know.

That copy is in its zip. So the zip that runs is read, the cluster's file and the schemas of the services
in use are replaced in it, and the rest stays as it is.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile, ZipFile

from botocore.exceptions import BotoCoreError, ClientError

from streamalert_apps.deploy.job import Job
from streamalert_apps.deploy.patience import Patience
from streamalert_apps.deploy.resources import function
from streamalert_apps.deploy.view import found
from streamalert_apps.errors import ConfigError, Unavailable
from streamalert_apps.runtime import names

HANDLER: Final = "streamalert.classifier.main.handler"
LARGEST_ZIP: Final = 50 << 20
_GLOBAL: Final = "conf/global.json"
_DOWNLOAD_SECONDS: Final = 60.0

Fetch = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class ClassifierPlan:
    """A cluster's classifier, and which of its files are to be replaced by what."""

    job: Job
    cluster: str
    files: tuple[str, ...]
    archive: bytes
    uploaded: bool = False  # an earlier deploy came as far as this


def look(job: Job, cluster: str, root: Path, services: Iterable[str], fetch: Fetch) -> ClassifierPlan:
    """Read the classifier that runs; raise ConfigError where there is none, or none of StreamAlert's."""
    live = _live(job)
    running = fetch(live["Code"]["Location"])
    wanted = _conf_files(root, cluster, services)
    files = _differing(running, wanted, job.function)
    if not files:
        return ClassifierPlan(job, cluster, (), running)
    archive = replaced(running, {name: wanted[name] for name in files})
    if len(archive) > LARGEST_ZIP:
        raise ConfigError(
            f"{job.function} is larger than Lambda takes in one call; deploy it with StreamAlert."
        )
    latest = job.aws.functions.get_function(FunctionName=job.function)["Configuration"]
    uploaded = latest["CodeSha256"] == b64encode(sha256(archive).digest()).decode()
    if not uploaded:
        _refuse_unpublished(job.function, latest, live["Configuration"])
    return ClassifierPlan(job, cluster, files, archive, uploaded)


def _live(job: Job) -> dict[str, Any]:
    """Return what AWS says of the version that runs."""
    call = job.aws.functions.get_function
    live = found(lambda: call(FunctionName=job.function, Qualifier=names.ALIAS))
    if not live:
        raise ConfigError(
            f"There is no classifier {job.function} with an alias {names.ALIAS}.",
            hint="Deploy StreamAlert's classifier first, or leave out --with-classifier.",
        )
    handler = live["Configuration"].get("Handler")
    if handler != HANDLER:
        raise ConfigError(
            f"{job.function} is not StreamAlert's classifier: its handler is {handler}, not {HANDLER}."
        )
    return live


def apply(plan: ClassifierPlan) -> str:
    """Upload, publish, move the alias, waiting for what passes; return the version that runs now."""
    patience = Patience(plan.job.clock)
    while True:
        try:
            return _apply(plan)
        except (ClientError, BotoCoreError) as trouble:
            patience.wait(trouble)


def _apply(plan: ClassifierPlan) -> str:
    job = plan.job
    if not plan.uploaded:
        job.aws.functions.update_function_code(FunctionName=job.function, ZipFile=plan.archive)
    configuration = function.settled(job)
    published = job.aws.functions.publish_version(
        FunctionName=job.function,
        CodeSha256=configuration["CodeSha256"],
        Description=f"sa-apps: conf of {plan.cluster}",
    )
    version = str(published["Version"])
    job.aws.functions.update_alias(FunctionName=job.function, Name=names.ALIAS, FunctionVersion=version)
    return version


def download(location: str) -> bytes:
    """Return what AWS's address of a function's code holds; raise Unavailable."""
    import httpx  # noqa: PLC0415 (few deploys come here)

    try:
        return httpx.get(location, timeout=_DOWNLOAD_SECONDS).raise_for_status().content
    except httpx.HTTPError as error:
        raise Unavailable(f"The classifier's code can't be downloaded ({type(error).__name__}).") from None


def _conf_files(root: Path, cluster: str, services: Iterable[str]) -> dict[str, bytes]:
    shown = [
        f"conf/clusters/{cluster}.json",
        *(f"conf/schemas/{service}.json" for service in sorted(set(services))),
    ]
    return {name: (root / name).read_bytes() for name in shown if (root / name).is_file()}


def _differing(archive: bytes, wanted: Mapping[str, bytes], name: str) -> tuple[str, ...]:
    """Return the files that say something else in the zip; the same JSON in another layout does not."""
    try:
        with ZipFile(BytesIO(archive)) as opened:
            there = {entry: opened.read(entry) for entry in wanted if entry in opened.namelist()}
            known = set(opened.namelist())
    except BadZipFile:
        raise ConfigError(f"What AWS has as the code of {name} is no zip file.") from None
    if _GLOBAL not in known:
        raise ConfigError(f"{name} is not StreamAlert's classifier: its zip has no {_GLOBAL}.")
    if "conf/logs.json" in known and any(entry.startswith("conf/schemas/") for entry in wanted):
        raise ConfigError(
            f"The zip of {name} has conf/logs.json: StreamAlert then ignores conf/schemas/.",
            hint="Move what is in logs.json to conf/schemas/, then deploy it with StreamAlert once.",
        )
    return tuple(
        entry for entry, text in wanted.items() if entry not in there or not _same(there[entry], text)
    )


def _same(one: bytes, other: bytes) -> bool:
    try:  # as text: the order of a schema's keys says where a field of CSV stands
        return json.dumps(json.loads(one)) == json.dumps(json.loads(other))
    except ValueError:
        return False


def replaced(archive: bytes, files: Mapping[str, bytes]) -> bytes:
    """Return a zip with these files in place of those of the same name; all others keep what they are."""
    buffer = BytesIO()
    with ZipFile(BytesIO(archive)) as old, ZipFile(buffer, "w") as new:
        for entry in old.infolist():
            new.writestr(copy(entry), files.get(entry.filename, old.read(entry)))
        for name in sorted(files.keys() - set(old.namelist())):
            entry = copy(old.getinfo(_GLOBAL))  # its time and mode: the same zip whenever it is made
            entry.filename = entry.orig_filename = name
            new.writestr(entry, files[name])
    return buffer.getvalue()


def _refuse_unpublished(name: str, latest: Mapping[str, Any], live: Mapping[str, Any]) -> None:
    """Refuse to publish, along with ours, what somebody has changed and not published."""
    keys = ("CodeSha256", "MemorySize", "Timeout", "Environment", "Role", "Runtime", "Layers", "VpcConfig")
    differing = [key for key in keys if latest.get(key) != live.get(key)]
    if differing:
        raise ConfigError(
            f"{name} has changes that are not published ({', '.join(differing)}).",
            hint="Publish them with StreamAlert, or take them back; then deploy again.",
        )
