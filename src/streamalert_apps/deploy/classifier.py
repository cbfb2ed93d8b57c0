"""The classifier of StreamAlert: it drops what its own copy of conf/ does not know.

That copy is in its zip. So the zip that runs is read, the project's apps and the schemas of their services
are merged into it, and the rest stays as it is. Nothing is ever taken away from it.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile, ZipFile

from streamalert_apps.config import jsonfile
from streamalert_apps.deploy import merge
from streamalert_apps.deploy.job import Job
from streamalert_apps.deploy.merge import Difference
from streamalert_apps.deploy.patience import Patience
from streamalert_apps.deploy.resources import function
from streamalert_apps.deploy.resources.alias import weights
from streamalert_apps.deploy.view import found
from streamalert_apps.errors import ConfigError, Unavailable
from streamalert_apps.runtime import names

HANDLER: Final = "streamalert.classifier.main.handler"
LARGEST_ZIP: Final = 50 << 20
_GLOBAL: Final = "conf/global.json"
_JSON: Final = re.compile(r"conf/(?:(?:clusters|schemas)/)?[^/]+\.json")
_DOWNLOAD_SECONDS: Final = 60.0

Fetch = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class ClassifierPlan:
    """A cluster's classifier, which of its files change, and in what."""

    job: Job
    cluster: str
    files: tuple[str, ...]
    archive: bytes
    differences: tuple[Difference, ...] = ()
    uploaded: bool = False  # an earlier deploy came as far as this


def look(job: Job, cluster: str, root: Path, services: Iterable[str], fetch: Fetch) -> ClassifierPlan:
    """Read the classifier that runs and merge; raise ConfigError where that can't be done without harm."""
    live = _live(job)
    running = fetch(live["Code"]["Location"])
    if digest(running) != live["Configuration"]["CodeSha256"]:
        raise Unavailable(
            f"What was downloaded is not the code of {job.function}: its digest differs.", hint="Try again."
        )
    files, differences = _merged(_conf(running, job.function), cluster, root, services)
    if lost := [difference for difference in differences if difference.sign == "-"]:
        raise ConfigError(
            f"conf/ lacks what the classifier {job.function} knows: "
            + "; ".join(f"{difference.file}: {difference.entry}" for difference in lost)
            + ".",
            hint="Put it back into conf/, or deploy the classifier with StreamAlert, which may take it away.",
        )
    if not differences:
        return ClassifierPlan(job, cluster, (), running)
    archive = replaced(running, files)
    if len(archive) > LARGEST_ZIP:
        raise ConfigError(
            f"{job.function} is larger than Lambda takes in one call; deploy it with StreamAlert."
        )
    latest = job.aws.functions.get_function(FunctionName=job.function)["Configuration"]
    uploaded = latest["CodeSha256"] == digest(archive)
    if not uploaded:
        _refuse_unpublished(job.function, latest, live["Configuration"])
    return ClassifierPlan(job, cluster, tuple(sorted(files)), archive, tuple(differences), uploaded)


def digest(archive: bytes) -> str:
    """Return what Lambda calls CodeSha256."""
    return b64encode(sha256(archive).digest()).decode()


def _live(job: Job) -> dict[str, Any]:
    """Return what AWS says of the version that runs."""
    call = job.aws.functions.get_function
    live: dict[str, Any] | None = found(lambda: call(FunctionName=job.function, Qualifier=names.ALIAS))
    if not live:
        raise ConfigError(
            f"There is no classifier {job.function} with an alias {names.ALIAS}.",
            hint="Deploy StreamAlert's classifier first, or leave out --with-classifier.",
        )
    alias = job.aws.functions.get_alias(FunctionName=job.function, Name=names.ALIAS)
    if besides := weights(alias):
        raise ConfigError(
            f"The alias {names.ALIAS} of {job.function} also invokes version {', '.join(besides)}.",
            hint="Let it invoke one version alone: the other one would not know the new apps.",
        )
    handler = live["Configuration"].get("Handler")
    if handler != HANDLER:
        raise ConfigError(
            f"{job.function} is not StreamAlert's classifier: its handler is {handler}, not {HANDLER}."
        )
    return live


def apply(plan: ClassifierPlan) -> str:
    """Upload, publish, move the alias, waiting for what passes; return the version that runs now."""
    return Patience(plan.job.clock).persist(partial(_apply, plan))


def _apply(plan: ClassifierPlan) -> str:
    job = plan.job
    if not plan.uploaded:
        job.aws.uploads.update_function_code(FunctionName=job.function, ZipFile=plan.archive)
    function.settled(job)
    published = job.aws.functions.publish_version(
        FunctionName=job.function,
        CodeSha256=digest(plan.archive),
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
    except (httpx.HTTPError, httpx.InvalidURL) as error:  # the latter is of a proxy in the environment
        raise Unavailable(f"The classifier's code can't be downloaded ({type(error).__name__}).") from None


def _conf(archive: bytes, name: str) -> dict[str, dict[str, Any]]:
    """Return what the files of conf/ in a zip hold, all of them parsed."""
    try:
        with ZipFile(BytesIO(archive)) as opened:
            texts = {entry: opened.read(entry) for entry in opened.namelist() if _JSON.fullmatch(entry)}
    except BadZipFile:
        raise ConfigError(f"What AWS has as the code of {name} is no zip file.") from None
    if _GLOBAL not in texts:
        raise ConfigError(f"{name} is not StreamAlert's classifier: its zip has no {_GLOBAL}.")
    if "conf/logs.json" in texts:
        raise ConfigError(
            f"The zip of {name} has conf/logs.json: StreamAlert then ignores conf/schemas/.",
            hint="Move what is in logs.json to conf/schemas/, then deploy it with StreamAlert once.",
        )
    return {entry: _parsed(text, f"{entry} in the zip of {name}") for entry, text in texts.items()}


def _parsed(text: bytes, shown: str) -> dict[str, Any]:
    try:
        value = jsonfile.parse(text.decode("utf-8-sig"))
    except ValueError as error:  # of the text's encoding, too
        raise ConfigError(f"{shown} is not valid JSON: {error}.") from None
    if not isinstance(value, dict):
        raise ConfigError(f"{shown} must hold a JSON object.")
    return value


def _merged(
    live: Mapping[str, dict[str, Any]], cluster: str, root: Path, services: Iterable[str]
) -> tuple[dict[str, bytes], list[Difference]]:
    """Return the files that differ, as they shall be, and in what they differ."""
    merges = {f"conf/clusters/{cluster}.json": merge.cluster}
    merges |= {f"conf/schemas/{service}.json": merge.schemas for service in sorted(set(services))}
    files: dict[str, bytes] = {}
    differences: list[Difference] = []
    for file, merged in merges.items():
        if not (root / file).is_file():
            continue
        ours = jsonfile.read_object(root / file, file)
        if merged is merge.schemas:
            _check_schemas(ours, file)
        value, told = (
            merged(live[file], ours, file) if file in live else (ours, [Difference("+", file, "new")])
        )
        if told:
            files[file] = jsonfile.dump(value).encode()
            differences += told
    return files, differences


def _check_schemas(ours: Mapping[str, Any], file: str) -> None:
    """Refuse a schema with which no classifier starts."""
    for log, schema in ours.items():
        for key in ("parser", "schema"):
            if not isinstance(schema, dict) or key not in schema:
                raise ConfigError(f"{file}: {log} has no {key}.", hint="The classifier would not start.")


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
