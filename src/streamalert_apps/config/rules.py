"""What a setting may be, said before anything is asked or written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from streamalert_apps.errors import ConfigError, UsageError
from streamalert_apps.runtime import names
from streamalert_apps.runtime.schedule import interval

TIMEOUT_SECONDS: Final = (10, 900)
MEMORY_MB: Final = (128, 10240)
JOURNAL_DAYS: Final = (0, 3650)
LONGEST_LAG: Final = timedelta(days=30)
LONGEST_KEY: Final = 128
LONGEST_VALUE: Final = 256
MOST_TAGS: Final = 45  # AWS takes 50, and five are ours

_NAME = re.compile(r"[a-z0-9_-]+")
_PREFIX = re.compile(r"[a-z0-9-]+")
_ACCOUNT = re.compile(r"[0-9]{12}")
_FUNCTION = re.compile(r"[A-Za-z0-9_-]+")
_DEVICES: Final = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}
_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_KMS_KEY = re.compile(
    r"(arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/)?(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})"
)
_BOUNDARY = re.compile(r"arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[\w+=,.@/-]{1,512}")
_TAG = re.compile(r"[\w\s_.:/=+\-@]*")
_DURATION = re.compile(r"([0-9]{1,5})([smhd])")
_TAG_HINT: Final = "AWS takes letters, digits, blanks and _.:/=+-@; 128 of a key, 256 of a value."
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def schedule_expression(text: str) -> str:
    """Return a rate expression as AWS wants it: `rate(1 hour)`, `rate(2 hours)`."""
    try:
        interval(text)
    except ConfigError as error:
        raise UsageError(error.message, hint=error.hint) from None
    return " ".join(text.split()).replace("( ", "(").replace(" )", ")")


def timeout(seconds: int) -> int:
    """Return a function's time limit in seconds."""
    return _between(seconds, TIMEOUT_SECONDS, "timeout", "seconds")


def memory(megabytes: int) -> int:
    """Return a function's memory in MB."""
    return _between(megabytes, MEMORY_MB, "memory", "MB")


def app_name(text: str) -> str:
    """Return an app's name."""
    return _matching(_NAME, text, "app name", "Use lower-case letters, digits, '_' and '-'.")


def cluster_name(text: str) -> str:
    """Return a cluster's name, which is that of its file."""
    if is_device(text):
        raise UsageError(f"'{text}' is not a valid cluster name.", hint="Windows has a device of that name.")
    return _matching(_NAME, text, "cluster name", "Use lower-case letters, digits, '_' and '-'.")


def is_device(name: str) -> bool:
    """Tell whether Windows takes a file of this name for a device."""
    return name.lower() in _DEVICES


def prefix(text: str) -> str:
    """Return the prefix that all names in AWS begin with."""
    return _matching(_PREFIX, text, "prefix", "Use lower-case letters, digits and '-'.")


def account_id(text: str) -> str:
    """Return an AWS account's number."""
    return _matching(_ACCOUNT, text, "AWS account id", "It has 12 digits.")


def region(text: str) -> str:
    """Return the name of an AWS region."""
    return _matching(_REGION, text, "AWS region", "It looks like us-east-1.")


def function_name(prefix: str, cluster: str, app_type: str, name: str) -> str:
    """Return the function's name, which AWS must be able to take with all that is added to it."""
    function = names.function_name(prefix, cluster, app_type, name)
    _matching(_FUNCTION, function, "function name", "Check account.prefix in conf/global.json.")
    over = len(function) - names.FUNCTION_NAME_LIMIT
    if over > 0:
        raise UsageError(
            f"The function's name '{function}' has {len(function)} characters; "
            f"{names.FUNCTION_NAME_LIMIT} are the most.",
            hint=f"Make the app's name {over} shorter (now {len(name)}).",
        )
    return function


def bucket_name(text: str) -> str:
    """Return the name of a bucket."""
    hint = "Use 3 to 63 lower-case letters, digits, '-' and '.'; a name, not an address or an ARN."
    return _matching(_BUCKET, text, "bucket name", hint)


def kms_key(text: str) -> str:
    """Return the id or the ARN of a KMS key; an alias won't do, as a policy can't name a key by it."""
    return _matching(_KMS_KEY, text, "KMS key", "Give the key's id or its ARN (not an alias).")


def role_boundary(text: str) -> str:
    """Return the ARN of a policy that bounds what roles may do."""
    hint = "Give the policy's ARN, like arn:aws:iam::123456789012:policy/boundary."
    return _matching(_BOUNDARY, text, "permissions boundary", hint)


def tags(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return tags; their keys and values are what AWS takes, and its own and ours are not among them."""
    for key, value in given.items():
        if key.lower().startswith(("aws:", "sa-apps:")):
            raise UsageError(f"The tag '{key}' is not yours to set.", hint="aws: and sa-apps: are taken.")
        if not isinstance(value, str):
            raise UsageError(f"The tag '{key}' has to be a string, not {value!r}.")
        if not (0 < len(key) <= LONGEST_KEY and _TAG.fullmatch(key)):
            raise UsageError(f"'{key}' can't be a tag's key.", hint=_TAG_HINT)
        if len(value) > LONGEST_VALUE or not _TAG.fullmatch(value):
            raise UsageError(f"'{value}' can't be the value of the tag '{key}'.", hint=_TAG_HINT)
    if len(given) > MOST_TAGS:
        raise UsageError(f"{len(given)} tags are too many.", hint=f"Give {MOST_TAGS} at most.")
    return given


def duration(text: Any) -> timedelta:
    """Return the length of time that `90s`, `30m`, `2h` or `7d` means."""
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if not match or not int(match[1]):
        raise UsageError(f"{text!r} is not a length of time.", hint="Write it like 90s, 30m, 2h or 7d.")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def lag(text: Any) -> timedelta:
    """Return how late an app's events may appear."""
    length = duration(text)
    if length > LONGEST_LAG:
        raise UsageError(f"A lag of {text} is not possible.", hint=f"Give {LONGEST_LAG.days}d at most.")
    return length


def journal_days(days: Any) -> float:
    """Return for how many days the journal is kept; 0: until every destination has it."""
    low, high = JOURNAL_DAYS
    if isinstance(days, bool) or not isinstance(days, int | float) or not low <= days <= high:
        raise UsageError(f"{days!r} is not a number of days.", hint=f"Give {low} to {high}.")
    return float(days)


def _matching(pattern: re.Pattern[str], text: str, what: str, hint: str) -> str:
    if not pattern.fullmatch(text):
        raise UsageError(f"'{text}' is not a valid {what}.", hint=hint)
    return text


def _between(value: int, limits: tuple[int, int], what: str, unit: str) -> int:
    low, high = limits
    if not low <= value <= high:
        raise UsageError(f"A {what} of {value} {unit} is not possible.", hint=f"Give {low} to {high} {unit}.")
    return value
