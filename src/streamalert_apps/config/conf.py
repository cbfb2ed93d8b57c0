"""The project's conf/ folder, as StreamAlert lays it out: read, check, change. Knows no AWS and asks nothing.

    conf/global.json               account, prefix, region
    conf/destinations.json         where events go (destinations.py)
    conf/clusters/<cluster>.json   modules.streamalert_apps, data_sources.streamalert_app
    conf/schemas/<service>.json    what the classifier knows of a service's logs

conf.schema.json describes all but the last. All else in these files belongs to others and stays as it is.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from streamalert_apps.config import content, jsonfile, schema
from streamalert_apps.config.natural import natural
from streamalert_apps.config.suggest import did_you_mean
from streamalert_apps.errors import ConfigError, UsageError
from streamalert_apps.runtime import names
from streamalert_apps.runtime.schedule import duration, interval
from streamalert_apps.sdk.app import service_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import timedelta

    from streamalert_apps.config.destinations import Destinations
    from streamalert_apps.runtime.outlets import Definition

GLOBAL: Final = content.GLOBAL
REGION_VARIABLE: Final = "SA_APPS_REGION"
DEFAULT_ALARMS: Final = {"errors": {"enabled": True, "evaluation_periods": 1, "period_secs": 120}}
DEFAULT_JOURNAL_DAYS: Final = 7.0


@dataclass(frozen=True, slots=True)
class Serving:
    """How `sa-apps serve` runs the apps."""

    workers: int = 8
    grace: str = "30s"
    listen: str = "127.0.0.1:9464"


@dataclass(frozen=True, slots=True)
class Account:
    """Where the project lives; a local project needs neither account nor region, both may be empty."""

    aws_account_id: str
    prefix: str
    region: str
    local: bool = False
    """Whether nothing is deployed: the apps run on machines of the user's own."""
    store: str = ""
    """Where the records of a local project are, if not in its folder: `s3://bucket/prefix`."""
    alarm_topic: str = ""
    named_bucket: str = ""
    """A bucket of the user's own for the records; none: one is made."""
    kms_key: str = ""
    """The id or the ARN of the key that encrypts bucket, parameters and functions; none: AWS's own."""
    role_boundary: str = ""
    """The ARN of the policy that bounds what roles may do; none: what bounds them stays as it is."""
    tags: tuple[tuple[str, str], ...] = ()
    """Tags that all that is made gets besides ours."""

    @property
    def bucket(self) -> str:
        """The bucket that holds the records of the project's apps."""
        return self.named_bucket or names.bucket(self.prefix, self.aws_account_id, self.region)

    def in_s3(self, function: str) -> tuple[str, str]:
        """Return the bucket and the prefix of an app's record, where it is in S3."""
        if not self.store:
            return self.bucket, function
        bucket, _, prefix = self.store.removeprefix("s3://").partition("/")
        return bucket, f"{prefix.strip('/')}/{function}".lstrip("/")


@dataclass(frozen=True, slots=True)
class AppConf:
    """One app as its cluster file has it; `timeout` is in seconds, `memory` in MB; None is "not set"."""

    cluster: str
    function: str
    name: str
    type: str
    schedule_expression: str
    timeout: int = 80
    memory: int = 128
    log_level: str = "info"
    log_retention_days: int = 14
    concurrency_limit: int | None = 1
    metric_alarms: Mapping[str, Any] = field(default_factory=lambda: dict(DEFAULT_ALARMS))
    vpc_config: Mapping[str, Any] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    sinks: tuple[Definition, ...] = ()
    """Where its events go, if that is stated for it or its cluster."""

    @property
    def service(self) -> str:
        """The service that the app collects from."""
        return service_of(self.type)

    @property
    def journal_days(self) -> float:
        """For how many days the journal is kept."""
        return float(self.extra.get("journal_days", DEFAULT_JOURNAL_DAYS))

    @property
    def credentials_expire(self) -> datetime | None:
        """When the credentials end, if that is stated."""
        if "credentials_expire" not in self.extra:
            return None
        return datetime.fromisoformat(self.extra["credentials_expire"]).replace(tzinfo=UTC)

    @property
    def auth_from(self) -> str:
        """Where its credentials are, like `env:DUO_AUTH`; none: where `sa-apps` stores them."""
        return str(self.extra.get("auth", {}).get("from", ""))

    @property
    def lag(self) -> timedelta | None:
        """How late events may appear, where conf/ states another lag than the type."""
        return duration(self.extra["lag"]) if "lag" in self.extra else None

    def settings(self) -> dict[str, Any]:
        """Return the entry of the cluster file: keys in order, those of others included."""
        ours = {
            "app_name": self.name,
            "concurrency_limit": self.concurrency_limit,
            "log_level": self.log_level,
            "log_retention_days": self.log_retention_days,
            "memory": self.memory,
            "metric_alarms": dict(self.metric_alarms),
            "schedule_expression": self.schedule_expression,
            "timeout": self.timeout,
            "type": self.type,
            "vpc_config": None if self.vpc_config is None else dict(self.vpc_config),
        }
        given = {key: value for key, value in ours.items() if value is not None}
        return dict(sorted({**self.extra, **given}.items()))


@dataclass(frozen=True, slots=True)
class Schemas:
    """Names of a service's schemas: those that were added, and those that were there but differ."""

    added: tuple[str, ...]
    differing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Project:
    """What conf/ says."""

    root: Path
    account: Account
    clusters: tuple[str, ...]
    all_apps: tuple[AppConf, ...]
    serving: Serving = field(default_factory=Serving)
    destinations: Mapping[str, Definition] = field(default_factory=dict)
    """The destinations that are defined, by name; the classifier is none of them."""
    unknown: tuple[str, ...] = ()
    """What there is to say of keys that the schema does not know, a line each."""

    def cluster(self, name: str) -> str:
        """Return `name` if there is such a cluster; otherwise say which there are."""
        if name in self.clusters:
            return name
        there = ", ".join(self.clusters) or "none yet; `sa-apps init --cluster NAME` makes one"
        raise UsageError(
            f"There is no cluster '{name}'.",
            hint=f"{did_you_mean(name, self.clusters)}Clusters: {there}.",
        )

    def apps(self, cluster: str | None = None) -> tuple[AppConf, ...]:
        """Return the apps of one cluster or of all, by cluster and name."""
        if cluster is None:
            return self.all_apps
        self.cluster(cluster)
        return tuple(app for app in self.all_apps if app.cluster == cluster)

    def find(self, name: str, cluster: str | None = None) -> AppConf:
        """Return the app of this name (or of this function name)."""
        apps = self.apps(cluster)
        found = [app for app in apps if name in {app.name, app.function}]
        where = f" in cluster '{cluster}'" if cluster else ""
        if len(found) == 1:
            return found[0]
        if not found:
            raise UsageError(
                f"There is no app '{name}'{where}.",
                hint=did_you_mean(name, [app.name for app in apps]) + "`sa-apps list` shows all apps.",
            )
        clusters = sorted({app.cluster for app in found})
        if len(clusters) > 1:
            raise UsageError(
                f"An app '{name}' is in several clusters: {', '.join(clusters)}.", hint="Pass --cluster."
            )
        raise UsageError(
            f"Several apps{where} are named '{name}'.",
            hint="Give the function's name instead: " + ", ".join(app.function for app in found) + ".",
        )

    def destination(self, name: str) -> Definition:
        """Return the destination of this name that conf/ defines."""
        if name in self.destinations:
            return self.destinations[name]
        raise UsageError(
            f"There is no destination '{name}'.",
            hint=did_you_mean(name, self.destinations) + "`sa-apps destination list` shows all.",
        )

    def add_app(self, app: AppConf, schemas: Mapping[str, Any] | None = None) -> Schemas:
        """Add the app, and of its service's `schemas` those that conf/ lacks; all or nothing."""
        with jsonfile.locked(self.root):
            path, cluster = self._read_cluster(app.cluster)
            apps = _made(_made(cluster, "modules", path), "streamalert_apps", path)
            if app.function in apps:
                raise ConfigError(f"{path} already has the app '{app.name}'.")
            jsonfile.insert(apps, app.function, app.settings())
            sources = _made(_made(cluster, "data_sources", path), "streamalert_app", path)
            jsonfile.insert(sources, app.function, [app.service])
            return self._write_with_schemas({path: cluster}, app.service, schemas or {})

    def update_app(self, app: AppConf, schemas: Mapping[str, Any] | None = None) -> Schemas:
        """Write the app's settings; keys that others put there meanwhile stay. Schemas as in `add_app`."""
        with jsonfile.locked(self.root):
            path, cluster = self._read_cluster(app.cluster)
            apps = _object(_object(cluster, "modules", path), "streamalert_apps", path)
            if app.function not in apps:
                raise ConfigError(f"{path} no longer has the app '{app.name}'.")
            entry = _object(apps, app.function, path)
            settings = app.settings()
            for key in _KEYS.keys() - settings.keys():
                entry.pop(key, None)
            for key, value in settings.items():
                jsonfile.insert(entry, key, value)
            return self._write_with_schemas({path: cluster}, app.service, schemas or {})

    def remove_app(self, app: AppConf) -> None:
        """Take the app out; one that is gone already is fine."""
        with jsonfile.locked(self.root):
            path, cluster = self._read_cluster(app.cluster)
            for outer, inner in (("modules", "streamalert_apps"), ("data_sources", "streamalert_app")):
                section = _object(cluster, outer, path)
                entries = _object(section, inner, path)
                entries.pop(app.function, None)
                if not entries:
                    section.pop(inner, None)
            write(self.root, {path: cluster})

    def add_destination(self, name: str, given: Mapping[str, Any]) -> None:
        """Define a destination; raise ConfigError where it is there, or its settings are wrong."""
        with jsonfile.locked(self.root):
            whole = content.read(self.root)
            if name in whole.get("destinations", {}).get("destinations", {}):
                raise ConfigError(f"{content.DESTINATIONS} already has the destination '{name}'.")
            content.put(whole, ("destinations", "destinations", name), dict(given))
            of(self.root, whole)
            write(self.root, {content.DESTINATIONS: whole["destinations"]})

    def without_destination(self, name: str) -> dict[str, dict[str, Any]]:
        """Return the files of conf/ without a destination, which no list names any more.

        Raises ConfigError where somebody's events would go nowhere then.
        """
        whole = content.read(self.root)
        stated = whole.get("destinations", {})
        stated.get("destinations", {}).pop(name, None)
        clusters = stated.get("clusters", {})
        clusters |= {
            cluster: _without(clusters[cluster], name, f"The cluster {cluster}") for cluster in clusters
        }
        for cluster in whole["clusters"].values():
            for app in cluster.get("modules", {}).get("streamalert_apps", {}).values():
                if "destinations" in app:
                    app["destinations"] = _without(app["destinations"], name, app.get("app_name", "An app"))
        of(self.root, whole)
        return {
            file: content.get(whole, keys)
            for keys, file in content.files(self.root).items()
            if file != GLOBAL
        }

    def remove_destination(self, name: str) -> None:
        """Take a destination out, and out of every list; one that is gone already is fine."""
        with jsonfile.locked(self.root):
            write(self.root, self.without_destination(name))

    def _read_cluster(self, cluster: str) -> tuple[str, dict[str, Any]]:
        shown = f"conf/clusters/{self.cluster(cluster)}.json"
        return shown, jsonfile.read_object(self.root / shown, shown)

    def _write_with_schemas(
        self, files: dict[str, dict[str, Any]], service: str, schemas: Mapping[str, Any]
    ) -> Schemas:
        shown = f"conf/schemas/{service}.json"
        path = self.root / shown
        known = jsonfile.read_object(path, shown) if path.exists() else {}
        missing = tuple(name for name in schemas if name not in known)
        differing = tuple(name for name in schemas if name in known and known[name] != schemas[name])
        if missing:
            for name in missing:
                jsonfile.insert(known, name, schemas[name])
            files[shown] = known
        write(self.root, files)
        return Schemas(missing, differing)


def _without(names: Sequence[str], name: str, whose: str) -> list[str]:
    """Return the names without one; raise ConfigError where it is the only one."""
    left = [other for other in names if other != name]
    if names and not left:
        raise ConfigError(
            f"{whose} sends to {name} alone: without it its events would go nowhere.",
            hint="Let it send elsewhere first: `sa-apps config set destinations`.",
        )
    return left


def write(root: Path, objects: Mapping[str, Mapping[str, Any]]) -> None:
    """Write JSON files, named relative to the project's folder, all or none."""
    contents = {}
    for shown, value in objects.items():
        path = (root / shown).resolve()
        before = path.read_bytes().decode("utf-8") if path.exists() else ""
        if not before or json.loads(before.removeprefix("\ufeff")) != value:
            contents[path] = jsonfile.dump(value, before).encode()
    try:
        for path in contents:
            path.parent.mkdir(parents=True, exist_ok=True)
        jsonfile.replace_all(contents)
    except OSError as error:
        raise ConfigError(
            f"{' and '.join(objects)} could not be written: {error.strerror or error}.",
            hint="Nothing in conf/ was changed.",
        ) from error


def find_root(start: Path) -> Path:
    """Return the nearest folder from `start` upwards that has conf/global.json."""
    here = start.resolve()
    for folder in (here, *here.parents):
        if (folder / GLOBAL).is_file():
            return folder
    raise ConfigError(
        f"There is no {GLOBAL} in {here} or a parent directory.",
        hint="`sa-apps init` creates one; --project-dir names a project elsewhere.",
    )


def root_of(project_dir: Path | None) -> Path:
    """Return the folder of the project that is named, or of the one around the working directory."""
    return project_dir.absolute() if project_dir else find_root(Path.cwd())


def root_if_any(project_dir: Path | None) -> Path | None:
    """Return the project's folder, or None outside of any; one that is named has to be there."""
    if project_dir:
        return load(project_dir.absolute()).root
    with suppress(ConfigError):
        return find_root(Path.cwd())
    return None


def load(root: Path) -> Project:
    """Read the project whose folder is `root`."""
    return of(root, content.read(root))


def of(root: Path, whole: dict[str, Any]) -> Project:
    """Return the project of which `whole` is all of conf/; raise ConfigError for what is wrong with it."""
    content.check(whole)
    clusters: dict[str, Any] = whole["clusters"]
    apps = [app for name, cluster in clusters.items() for app in _apps(name, cluster)]
    defined: Mapping[str, Definition] = {}
    if "destinations" in whole or any("destinations" in app.extra for app in apps):
        apps, defined = _with_sinks(apps, whole.get("destinations", {}))
    return Project(
        root,
        _account(whole["global"]),
        tuple(clusters),
        tuple(sorted(apps, key=lambda a: (natural(a.cluster), natural(a.name), a.type))),
        _serving(whole["global"].get("sa_apps", {}).get("serve", {})),
        defined,
        tuple(content.told(unknown(whole))),
    )


def unknown(whole: dict[str, Any]) -> Iterator[schema.Finding]:
    """Yield the keys of conf/ that nobody knows; the rest of it need not be right."""
    yield from schema.unknown(schema.whole(), whole)
    if stated := whole.get("destinations"):
        from streamalert_apps.config import destinations  # noqa: PLC0415 (projects without any start sooner)

        yield from destinations.unknown(stated)


def _with_sinks(
    apps: Sequence[AppConf], stated: dict[str, Any]
) -> tuple[list[AppConf], Mapping[str, Definition]]:
    """Return apps with the destinations stated for them or for their clusters, and all that are defined."""
    from streamalert_apps.config import destinations  # noqa: PLC0415 (projects without any start sooner)

    known = destinations.read(stated)
    apps = [_with_own_sinks(app, known) for app in apps]
    for definition in known.defined.values():
        users = [app for app in apps if definition in app.sinks]
        destinations.check_path(
            definition, [{"app": app.name, "function": app.function, "type": app.type} for app in users]
        )
    return apps, known.defined


def _with_own_sinks(app: AppConf, known: Destinations) -> AppConf:
    if "destinations" in app.extra:
        where = f"conf/clusters/{app.cluster}.json: {app.function}: destinations"
        return replace(app, sinks=known.of(app.extra["destinations"], where))
    if app.cluster in known.clusters:
        where = f"{content.DESTINATIONS}: clusters.{app.cluster}"
        return replace(app, sinks=known.of(known.clusters[app.cluster], where))
    return app


def _account(settings: dict[str, Any]) -> Account:
    account, ours = settings["account"], settings.get("sa_apps", {})
    monitoring = settings.get("infrastructure", {}).get("monitoring", {})
    return Account(
        aws_account_id=account.get("aws_account_id", ""),
        prefix=account["prefix"],
        region=_region(account.get("region", "")),
        local="store" in ours,
        store=ours.get("store", "").removeprefix("local"),
        alarm_topic=monitoring.get("sns_topic_name") or names.alarm_topic(account["prefix"]),
        named_bucket=ours.get("bucket", ""),
        kms_key=ours.get("kms_key", ""),
        role_boundary=ours.get("role_boundary", ""),
        tags=tuple(sorted(ours.get("tags", {}).items())),
    )


def _serving(stated: dict[str, Any]) -> Serving:
    return Serving(**{f.name: stated[f.name] for f in fields(Serving) if f.name in stated})


def _region(stated: str) -> str:
    """Return the region of all that a command does: clients, names and ARNs follow from it."""
    named = os.environ.get(REGION_VARIABLE)
    if not named:
        return stated
    form = schema.named("region")
    if not schema.takes(form, named):
        raise ConfigError(f"{REGION_VARIABLE} must be {schema.allowed(form)}, not {schema.shown(named)}.")
    return named


_KEYS: Final = {"app_name": "name"} | {
    f.name: f.name for f in fields(AppConf) if f.name not in {"cluster", "function", "name", "extra", "sinks"}
}


def _apps(cluster: str, file: dict[str, Any]) -> Iterator[AppConf]:
    for function, entry in file.get("modules", {}).get("streamalert_apps", {}).items():
        values = {_KEYS[key]: value for key, value in entry.items() if key in _KEYS}
        values.setdefault("concurrency_limit", None)
        extra = {key: value for key, value in entry.items() if key not in _KEYS}
        _check_schedule(cluster, function, values["schedule_expression"])
        yield AppConf(cluster=cluster, function=function, extra=extra, **values)


def _check_schedule(cluster: str, function: str, expression: str) -> None:
    """Raise ConfigError for a schedule that has the right form, but never comes or can't be."""
    try:
        interval(expression)
    except ConfigError as error:
        place = f"conf/clusters/{cluster}.json: modules.streamalert_apps.{function}.schedule_expression"
        raise ConfigError(f"{place}: {error.message}", hint=error.hint) from None


def _object(parent: dict[str, Any], key: str, shown: str) -> dict[str, Any]:
    """Return the object at `key`, or an empty one."""
    value = parent.get(key, {})
    if not isinstance(value, dict):
        raise ConfigError(f"{shown}: '{key}' must be a JSON object.")
    return value


def _made(parent: dict[str, Any], key: str, shown: str) -> dict[str, Any]:
    """Return the object at `key`, put there if there is none."""
    value = _object(parent, key, shown)
    if key not in parent:
        jsonfile.insert(parent, key, value)
    return value
