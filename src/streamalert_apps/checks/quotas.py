"""Whether the account has room for the apps that are still to be deployed: rules, and concurrency to reserve.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from streamalert_apps.checks.finding import Finding
from streamalert_apps.checks.subject import Subject
from streamalert_apps.config.conf import AppConf
from streamalert_apps.errors import AppError
from streamalert_apps.runtime import names
from streamalert_apps.sdk.count import counted

CHECK: Final = "quotas"
RULES_QUOTA: Final = "L-244521F2"
CONCURRENCY_QUOTA: Final = "L-B99A9384"
_USUAL_RULES: Final = 300
_FEWER_RULES: Final = {"af-south-1": 100, "eu-south-1": 100}
_KEPT_FREE: Final = 100  # Lambda lets nobody reserve the last hundred, or all where there are fewer


def look(subject: Subject) -> Iterator[Finding]:
    """Yield what there is too little of; raises what AWS refuses."""
    there = subject.rules  # of others, too: the quota counts them
    new = [app for app in subject.apps if names.rule(app.function) not in there]
    if new:
        yield from _too_many_rules(subject, len(there), len(new))
        yield from _too_little_concurrency(subject.client("lambda"), new)


def _too_many_rules(subject: Subject, there: int, new: int) -> Iterator[Finding]:
    region = subject.place.region
    quota = _FEWER_RULES.get(region, _USUAL_RULES)
    if there + new > quota:
        quota = _rules_quota(subject.client) or quota
    if there + new <= quota:
        return
    fits = max(0, quota - there)
    yield Finding(
        CHECK,
        f"{_need(new)}, and EventBridge has room for {fits} more: the account has {there} of {quota} in "
        f"{region}.",
        "An app without a rule never runs.",
        _asking("events", RULES_QUOTA, there + new, region),
    )


def _rules_quota(client: Callable[[str], Any]) -> int | None:
    """Return the account's own quota; None where AWS does not tell this user."""
    with suppress(AppError, ClientError, BotoCoreError):
        call = client("service-quotas").get_service_quota
        return int(call(ServiceCode="events", QuotaCode=RULES_QUOTA)["Quota"]["Value"])
    return None


def _too_little_concurrency(functions: Any, new: Sequence[AppConf]) -> Iterator[Finding]:
    wanted = sum(app.concurrency_limit or 0 for app in new)
    if not wanted:
        return
    limit = functions.get_account_settings()["AccountLimit"]
    total, unreserved = limit["ConcurrentExecutions"], limit["UnreservedConcurrentExecutions"]
    free = max(0, unreserved - min(_KEPT_FREE, total))
    if wanted > free:
        yield Finding(
            CHECK,
            f"{_reserve(len(new))} a concurrency of {wanted}, and the account has {free} left to reserve.",
            "Lambda refuses the functions beyond that.",
            "Take concurrency_limit out of the apps' entries: their lease lets one run at a time work all "
            f"the same. Or ask AWS for more: {_asking('lambda', CONCURRENCY_QUOTA, total + wanted - free)}",
        )


def _need(apps: int) -> str:
    return "1 app needs a rule" if apps == 1 else f"{apps} apps need a rule each"


def _reserve(apps: int) -> str:
    return f"{counted(apps, 'app')} {'reserves' if apps == 1 else 'reserve'}"


def _asking(service: str, quota: str, wanted: int, region: str = "") -> str:
    """Return the command that asks for more."""
    where = f" --region {region}" if region else ""
    return (
        f"`aws service-quotas request-service-quota-increase --service-code {service} "
        f"--quota-code {quota} --desired-value {wanted}{where}`."
    )
