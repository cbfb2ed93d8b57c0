"""What AWS says about one app. Each answer is asked for once, when somebody looks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TypeVar

from botocore.exceptions import ClientError

from streamalert_apps.deploy import tags
from streamalert_apps.deploy.clients import Aws
from streamalert_apps.deploy.job import Job
from streamalert_apps.runtime import names

T = TypeVar("T")

ABSENT: Final = {"ResourceNotFoundException", "NoSuchEntity", "NoSuchEntityException"}
_DESCRIBED: Final = re.compile(r"sa-apps code=([0-9a-f]{64}) zip=(\S+)")


def describe(digest: str, sha: str) -> str:
    """Return what is written on a version: it tells what runs, and for which zip it says so.

    Two machines may compress the same contents to different zips, so the zip's hash alone says little.
    """
    return f"sa-apps code={digest} zip={sha}"


@dataclass(frozen=True, slots=True)
class Lists:
    """What a single question answers for many apps: their rules, log groups and alarms, by name."""

    rules: Mapping[str, Mapping[str, Any]]
    log_groups: Mapping[str, Mapping[str, Any]]
    alarms: Mapping[str, Mapping[str, Any]]


def rules(aws: Aws, prefix: str) -> dict[str, Any]:
    """Return the rules whose names begin with `prefix`."""
    pages = aws.events.get_paginator("list_rules").paginate(NamePrefix=prefix)
    return {rule["Name"]: rule for page in pages for rule in page["Rules"]}


def targets(aws: Aws, rule: str) -> list[dict[str, Any]]:
    """Return what a rule invokes; nothing where there is no such rule."""
    pages = aws.events.get_paginator("list_targets_by_rule").paginate(Rule=rule)
    return found(lambda: [target for page in pages for target in page["Targets"]]) or []


def is_enabled(rule: Mapping[str, Any]) -> bool:
    """Tell whether a rule is on."""
    return bool(rule.get("State", "ENABLED") == "ENABLED")


def log_groups(aws: Aws, prefix: str) -> dict[str, Any]:
    """Return the log groups of the functions whose names begin with `prefix`."""
    pages = aws.logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=names.log_group(prefix))
    return {group["logGroupName"]: group for page in pages for group in page["logGroups"]}


def alarms(aws: Aws, prefix: str) -> dict[str, Any]:
    """Return the alarms whose names begin with `prefix`."""
    pages = aws.alarms.get_paginator("describe_alarms").paginate(AlarmNamePrefix=prefix)
    return {alarm["AlarmName"]: alarm for page in pages for alarm in page["MetricAlarms"]}


def lists(aws: Aws, prefix: str) -> Lists:
    """Ask for all three."""
    return Lists(rules(aws, prefix), log_groups(aws, prefix), alarms(aws, prefix))


class View:
    """What AWS says about one app."""

    def __init__(self, job: Job, known: Lists) -> None:
        self.job = job
        self.known = known

    @cached_property
    def latest(self) -> dict[str, Any] | None:
        """GetFunction's answer for what the next version would be made of."""
        call = self.job.aws.functions.get_function
        return found(lambda: call(FunctionName=self.job.function))

    @cached_property
    def live(self) -> dict[str, Any] | None:
        """The configuration of the version that the alias points to."""
        if not self.latest:
            return None
        call = self.job.aws.functions.get_function
        answer = found(lambda: call(FunctionName=self.job.function, Qualifier=names.ALIAS))
        configuration: dict[str, Any] | None = answer["Configuration"] if answer else None
        return configuration

    @property
    def architecture(self) -> str:
        """The function's. A living one keeps its own unless conf/ says otherwise."""
        if not self.latest:
            return ""
        architectures: list[str] = self.latest["Configuration"].get("Architectures", ["x86_64"])
        return architectures[0]

    def code_of(self, configuration: Mapping[str, Any]) -> str:
        """Return the digest of a version's code: written on it, or known by the hash of its zip."""
        sha = configuration["CodeSha256"]
        for described in (configuration, self.live or {}):
            match = _DESCRIBED.fullmatch(described.get("Description") or "")
            if match and match[2] == sha:
                return match[1]
        package = None if self.job.looks else self.job.package
        return package.digest if package and package.sha256_base64 == sha else f"zip {sha}"

    @property
    def rule(self) -> Mapping[str, Any] | None:
        """The rule that invokes the function."""
        return self.known.rules.get(names.rule(self.job.function))

    @cached_property
    def targets(self) -> list[dict[str, Any]]:
        """What the rule invokes."""
        if not self.rule:
            return []
        return targets(self.job.aws, self.rule["Name"])

    @property
    def invoking(self) -> list[dict[str, Any]]:
        """Those of the targets that are this function, by whatever qualifier."""
        arn = self.job.place.function(self.job.function)
        return [t for t in self.targets if t["Arn"] == arn or t["Arn"].startswith(f"{arn}:")]

    @cached_property
    def alias(self) -> dict[str, Any] | None:
        """The alias: which version runs, and which besides."""
        if not self.latest:
            return None
        call = self.job.aws.functions.get_alias
        return found(lambda: call(FunctionName=self.job.function, Name=names.ALIAS))

    @cached_property
    def retries(self) -> int | None:
        """How often Lambda repeats an invocation that failed; None: as often as it does unasked, twice."""
        call = self.job.aws.functions.get_function_event_invoke_config
        answer = found(lambda: call(FunctionName=self.job.function, Qualifier=names.ALIAS))
        return answer.get("MaximumRetryAttempts") if answer else None

    @cached_property
    def tags(self) -> dict[str, str] | None:
        """The function's tags; None where they can't be read, which GetFunction tells by the way."""
        if not self.latest:
            return {}
        return None if self.latest.get("TagsError") else self.latest.get("Tags", {})

    @property
    def strange(self) -> bool:
        """Whether the app is not wholly ours yet: the function is tagged last when one is taken over.

        Then there is more to read: tags, and what StreamAlert's Terraform left in the role. So there is
        where conf/ has other tags than before.
        """
        if self.tags is None:
            return False
        wanted = dict(self.job.place.tags) if self.job.app else {}
        return not tags.ours(self.tags) or any(self.tags.get(key) != value for key, value in wanted.items())


class Glance(View):
    """What runs of an app: version, rule, target. What is not asked for counts as right."""

    alias = None
    retries = 0
    strange = False

    @cached_property
    def latest(self) -> dict[str, Any] | None:
        """GetFunction's answer for what runs; where nothing does, for what would be published next."""
        call, name = self.job.aws.functions.get_function, self.job.function
        live = found(lambda: call(FunctionName=name, Qualifier=names.ALIAS))
        self.live = live["Configuration"] if live else None
        return live or found(lambda: call(FunctionName=name))

    @cached_property
    def live(self) -> dict[str, Any] | None:
        """The configuration of the version that the alias points to."""
        _ = self.latest
        return self.live


def found(call: Callable[[], T]) -> T | None:
    """Return AWS's answer, or None where what was asked for is not there."""
    try:
        return call()
    except ClientError as error:
        if error.response["Error"]["Code"] in ABSENT:
            return None
        raise
