"""What a setting may be, said before anything is asked or written. The schema says which values those are."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Final

from streamalert_apps.config import schema
from streamalert_apps.errors import ConfigError, UsageError
from streamalert_apps.runtime import names
from streamalert_apps.runtime.names import CLASSIFIER
from streamalert_apps.runtime.schedule import duration, interval

_LENGTHS: Final = {
    "day": timedelta(days=1),
    "hour": timedelta(hours=1),
    "minute": timedelta(minutes=1),
    "second": timedelta(seconds=1),
}
_DEVICES: Final = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}


def schedule_expression(text: str) -> str:
    """Return a schedule as AWS wants it: `rate(1 hour)`, `cron(0 9 ? * MON-FRI *)`; `1h` is a rate too."""
    if re.fullmatch(r"[0-9]+[smhd]", text, re.ASCII):
        return _rate(duration(text))
    try:
        interval(text)
    except ConfigError as error:
        raise UsageError(error.message, hint=error.hint) from None
    return " ".join(text.split()).replace("( ", "(").replace(" )", ")")


def _rate(every: timedelta) -> str:
    """Return the rate of an interval in the largest unit that it is a multiple of."""
    unit, length = next((unit, length) for unit, length in _LENGTHS.items() if not every % length)
    count = every // length
    return f"rate({count} {unit}{'' if count == 1 else 's'})"


def timeout(seconds: int) -> int:
    """Return a function's time limit in seconds."""
    return _between(seconds, "timeout", "seconds")


def memory(megabytes: int) -> int:
    """Return a function's memory in MB."""
    return _between(megabytes, "memory", "MB")


def app_name(text: str) -> str:
    """Return an app's name."""
    return _matching("app_name", text, "app name", "Use lower-case letters, digits, '_' and '-'.")


def is_app_name(text: str) -> bool:
    """Tell whether an app can have this name."""
    return schema.takes(schema.named("app_name"), text)


def destination_name(text: str) -> str:
    """Return a destination's name."""
    hint = "Use at most 32 lower-case letters, digits, '_' and '-'."
    if text == CLASSIFIER:
        raise UsageError(f"'{text}' is StreamAlert's, which is always there.", hint="Take another name.")
    return _matching("destination_name", text, "name of a destination", hint)


def cluster_name(text: str) -> str:
    """Return a cluster's name, which is that of its file."""
    if is_device(text):
        raise UsageError(f"'{text}' is not a valid cluster name.", hint="Windows has a device of that name.")
    return _matching("app_name", text, "cluster name", "Use lower-case letters, digits, '_' and '-'.")


def is_device(name: str) -> bool:
    """Tell whether Windows takes a file of this name for a device."""
    return name.lower() in _DEVICES


def prefix(text: str) -> str:
    """Return the prefix that all names in AWS begin with."""
    return _matching("prefix", text, "prefix", "Use lower-case letters, digits and '-'.")


def reference(text: str) -> str:
    """Return where credentials are: `env:NAME`, `file:PATH` or `secretsmanager:ID`."""
    form = schema.named("app")["properties"]["auth"]["properties"]["from"]
    if not schema.takes(form, text):
        raise UsageError(
            f"'{text}' does not say where credentials are.", hint=f"It is {schema.allowed(form)}."
        )
    return text


def referenced_file(reference: str, root: Path) -> Path | None:
    """Return the file to which a reference leads, if it is to one."""
    kind, _, place = reference.partition(":")
    return root / place if kind == "file" else None


def account_id(text: str) -> str:
    """Return an AWS account's number."""
    return _matching("account_id", text, "AWS account id", "It has 12 digits.")


def region(text: str) -> str:
    """Return the name of an AWS region."""
    return _matching("region", text, "AWS region", "It looks like us-east-1.")


def function_name(prefix: str, cluster: str, app_type: str, name: str) -> str:
    """Return the function's name, which AWS must be able to take with all that is added to it."""
    function = names.function_name(prefix, cluster, app_type, name)
    _matching("function", function, "function name", "Check account.prefix in conf/global.json.")
    over = len(function) - names.FUNCTION_NAME_LIMIT
    if over > 0:
        raise UsageError(
            f"The function's name '{function}' has {len(function)} characters; "
            f"{names.FUNCTION_NAME_LIMIT} are the most.",
            hint=f"Make the app's name {over} shorter (now {len(name)}).",
        )
    return function


def _matching(form: str, text: str, what: str, hint: str) -> str:
    if not schema.takes(schema.named(form), text):
        raise UsageError(f"'{text}' is not a valid {what}.", hint=hint)
    return text


def _between(value: int, key: str, unit: str) -> int:
    form = schema.named("app")["properties"][key]
    if not schema.takes(form, value):
        limits = f"{form['minimum']} to {form['maximum']}"
        raise UsageError(f"{value} {unit} is out of range for {key}.", hint=f"Give {limits} {unit}.")
    return value
