"""Switches an app's schedule on and off. A deploy leaves it as it is."""

from __future__ import annotations

from streamalert_apps.deploy.job import Job
from streamalert_apps.deploy.resources import deleting
from streamalert_apps.deploy.view import found, is_enabled
from streamalert_apps.errors import ConfigError
from streamalert_apps.runtime import names


def switch(job: Job, *, on: bool) -> bool:
    """Enable or disable the rule; return whether that changed anything.

    While it is off, another one lets the function delete what is past its time.
    """
    events, name = job.aws.events, names.rule(job.function)
    rule = found(lambda: events.describe_rule(Name=name))
    if not rule:
        raise ConfigError(f"{job.function} is not deployed.", hint="`sa-apps deploy` does it.")
    changed = deleting.end(job) if on else deleting.begin(job, rule)
    if is_enabled(rule) == on:
        return changed
    (events.enable_rule if on else events.disable_rule)(Name=name)
    return True
