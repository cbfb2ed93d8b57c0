"""An account on loopback to deploy to: every call on record, what is there at a glance, no waiting."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import boto3

from streamalert_apps.aws.session import Session
from streamalert_apps.config.conf import AppConf
from streamalert_apps.deploy import apply, survey
from streamalert_apps.deploy.clients import Aws
from streamalert_apps.deploy.job import Job
from streamalert_apps.deploy.package import Package
from streamalert_apps.deploy.place import Place
from streamalert_apps.runtime import names

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streamalert_apps.deploy.apply import Result, Step
    from streamalert_apps.deploy.survey import AppPlan
    from tests.proxy import Proxy

PLACE = Place("123456789012", "us-east-1", "acme", "acme_streamalert_monitoring")
CODE = Package("duo", "python3.13", "arm64", (), {"any.py": b"one"})
OTHER_CODE = replace(CODE, own={"any.py": b"two"})
READS = ("Get", "List", "Describe", "Filter", "Head")


def app(name: str = "collector", **settings: Any) -> AppConf:
    """Return an app of cluster prod as `new` writes it; `settings` differ."""
    function = names.function_name("acme", "prod", "duo_auth", name)
    return replace(AppConf("prod", function, name, "duo_auth", "rate(2 hours)"), **settings)


def built(code: Package, architecture: str) -> Package:
    """Return the code for an architecture."""
    return code if architecture == code.architecture else replace(code, architecture=architecture)


class NoQuota:
    """Lets every call through at once."""

    def apply(self, client: Any) -> None:
        """Do nothing."""


@dataclass
class InstantClock:
    """A clock on which waiting takes no time."""

    time: datetime = field(default_factory=lambda: datetime.now(UTC))
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        """Return its time."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Put it forward."""
        self.slept.append(seconds)
        self.time += timedelta(seconds=seconds)


class Killed(BaseException):
    """The process ends here."""


@dataclass
class Cloud:
    """One account, seen through a proxy."""

    proxy: Proxy
    aws: Aws
    clock: InstantClock = field(default_factory=InstantClock)
    steps: list[Step] = field(default_factory=list)

    @classmethod
    def behind(cls, proxy: Proxy) -> Cloud:
        """Connect."""
        return cls(proxy, Aws.connect(Session("us-east-1"), NoQuota()))  # type: ignore[arg-type]

    def anew(self) -> Cloud:
        """Return the same with nothing on record, and nothing spoilt."""
        self.proxy.calls.clear()
        self.proxy.accepted.clear()
        self.proxy.before = self.proxy.after = lambda _: None
        return Cloud(self.proxy, self.aws)

    def plan(
        self, *apps: AppConf, code: Package = CODE, gone: Sequence[str] = (), adopt: bool = False
    ) -> list[AppPlan]:
        """Plan what `apps` need, and the end of the functions that are `gone`."""
        jobs = [
            Job(self.aws, PLACE, conf.function, conf, partial(built, code), clock=self.clock) for conf in apps
        ]
        jobs += [Job(self.aws, PLACE, function, clock=self.clock) for function in gone]
        return survey.survey(jobs, 4, adopt=adopt)

    def deploy(self, *apps: AppConf, workers: int = 4, adopt: bool = False, **other: Any) -> list[Result]:
        """Plan and carry out."""
        plans = self.plan(*apps, adopt=adopt, **other)
        return apply.apply(plans, workers, self.steps.append, adopt=adopt)

    def deploy_well(self, *apps: AppConf, **other: Any) -> list[Result]:
        """Deploy, and see that no app failed."""
        results = self.deploy(*apps, **other)
        assert [result.error for result in results if result.error] == []
        return results

    def writes(self) -> list[str]:
        """Return the names of the calls that may have changed anything, and forget all calls so far."""
        made = [name for name in self.proxy.names() if not name.partition(".")[2].startswith(READS)]
        self.proxy.calls.clear()
        return made

    @contextmanager
    def killed_after(self, writes: int) -> Iterator[None]:
        """End the process when it is about to make one more call that changes anything."""
        made = 0

        def before_send(event_name: str, **_: Any) -> None:
            nonlocal made
            if not event_name.rpartition(".")[2].startswith(READS):
                if made == writes:
                    raise Killed
                made += 1

        aws = self.aws
        clients = (aws.iam, aws.functions, aws.uploads, aws.events, aws.logs, aws.alarms)
        for client in clients:
            client.meta.events.register_first("before-send", before_send)
        try:
            yield
        except Killed:
            pass
        finally:
            for client in clients:
                client.meta.events.unregister("before-send", before_send)


def client(service: str) -> Any:
    """Return a client whose calls are not on record."""
    return _client(service, os.environ["AWS_ENDPOINT_URL"])


@cache
def _client(service: str, endpoint: str) -> Any:
    make: Any = boto3.client
    return make(service, endpoint_url=endpoint)


def world() -> dict[str, Any]:
    """Return all that is in the account, without what differs from one deploy to the next."""
    return {
        "roles": _roles(),
        "functions": _functions(),
        "rules": _rules(),
        "log groups": _log_groups(),
        "alarms": _alarms(),
    }


def _roles() -> dict[str, Any]:
    iam = client("iam")
    found = {}
    for role in iam.list_roles()["Roles"]:
        name = role["RoleName"]
        inline = iam.list_role_policies(RoleName=name)["PolicyNames"]
        found[name] = {
            "path": role["Path"],
            "trust": role["AssumeRolePolicyDocument"]["Statement"],
            "attached": iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"],
            "inline": {
                p: iam.get_role_policy(RoleName=name, PolicyName=p)["PolicyDocument"] for p in sorted(inline)
            },
            "tags": _by_key(iam.list_role_tags(RoleName=name)["Tags"]),
        }
    return found


def _functions() -> dict[str, Any]:
    functions = client("lambda")
    found = {}
    for listed in functions.list_functions()["Functions"]:
        name = listed["FunctionName"]
        answer = functions.get_function(FunctionName=name)
        aliases = functions.list_aliases(FunctionName=name)["Aliases"]
        found[name] = {
            "latest": _lasting(answer["Configuration"]),
            "concurrency": answer.get("Concurrency", {}).get("ReservedConcurrentExecutions"),
            "tags": answer.get("Tags", {}),
            "aliases": {
                alias["Name"]: _lasting(
                    functions.get_function(FunctionName=name, Qualifier=alias["Name"])["Configuration"]
                )
                for alias in aliases
            },
            "permissions": _permissions(functions, name) if aliases else [],
        }
    return found


def _permissions(functions: Any, name: str) -> list[Any]:
    try:
        policy = functions.get_policy(FunctionName=name, Qualifier=names.ALIAS)["Policy"]
    except functions.exceptions.ResourceNotFoundException:
        return []
    # One of a name: where AWS refuses a second one, moto takes it.
    return list({statement["Sid"]: statement for statement in json.loads(policy)["Statement"]}.values())


def _lasting(configuration: dict[str, Any]) -> dict[str, Any]:
    passing = {
        "LastModified",
        "LastUpdateStatus",
        "FunctionArn",
        "Version",
        "Description",
        "RevisionId",
        "CodeSize",
    }
    return {key: value for key, value in configuration.items() if key not in passing}


def _rules() -> dict[str, Any]:
    events = client("events")
    return {
        rule["Name"]: {
            "schedule": rule.get("ScheduleExpression"),
            "state": rule["State"],
            "tags": _by_key(events.list_tags_for_resource(ResourceARN=rule["Arn"])["Tags"]),
            "targets": [
                {"arn": target["Arn"], "input": json.loads(target.get("Input", "null"))}
                for target in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
            ],
        }
        for rule in events.list_rules()["Rules"]
    }


def _log_groups() -> dict[str, Any]:
    logs = client("logs")
    return {
        group["logGroupName"]: {
            "retention": group.get("retentionInDays"),
            "tags": logs.list_tags_log_group(logGroupName=group["logGroupName"])["tags"],
        }
        for group in logs.describe_log_groups()["logGroups"]
    }


def _alarms() -> dict[str, Any]:
    alarms = client("cloudwatch")
    kept = (
        "MetricName",
        "Threshold",
        "Period",
        "EvaluationPeriods",
        "AlarmActions",
        "Dimensions",
        "TreatMissingData",
    )
    return {
        alarm["AlarmName"]: {key: alarm.get(key) for key in kept}
        | {"tags": _by_key(alarms.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"])}
        for alarm in alarms.describe_alarms()["MetricAlarms"]
    }


def _by_key(tags: list[dict[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}
