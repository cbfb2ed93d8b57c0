"""Whether this machine's clock is right: AWS and services refuse what is signed at another time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from streamalert_apps.checks.finding import Finding

if TYPE_CHECKING:
    from streamalert_apps.checks.subject import Subject

CHECK: Final = "clock"
TOLERATED: Final = timedelta(seconds=60)


def look(subject: Subject) -> Iterator[Finding]:
    """Yield by how much it differs from AWS's, if by more than is tolerated."""
    answer = subject.client("sts").get_caller_identity()
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    if date:
        yield from judged(subject.clock.now() - parsedate_to_datetime(date), "AWS")


def judged(ahead: timedelta, whose: str) -> Iterator[Finding]:
    """Yield what there is to say of a clock that is `ahead` of somebody's."""
    if abs(ahead) > TOLERATED:
        way = "ahead of" if ahead > timedelta(0) else "behind"
        yield Finding(
            CHECK,
            f"This machine's clock is {abs(ahead).total_seconds():,.0f} s {way} that of {whose}.",
            "From five minutes on, signed requests are refused.",
            "Set it: `timedatectl set-ntp true` on Linux, `sntp -sS time.apple.com` on macOS.",
        )
