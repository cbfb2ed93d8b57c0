"""Whether apps in a VPC reach the project's bucket."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from streamalert_apps.checks.finding import Finding
from streamalert_apps.checks.subject import Subject
from streamalert_apps.deploy import network

CHECK: Final = "endpoints"


def look(subject: Subject) -> Iterator[Finding]:
    """Yield those whose subnets have no way that is sure."""
    in_a_vpc = [app for app in subject.apps if network.subnets_of(app)]
    if not in_a_vpc:
        return
    for warning in network.warnings(subject.client("ec2"), subject.place, in_a_vpc):
        what, _, why = warning.partition(": ")
        yield Finding(
            CHECK,
            f"{what}.",
            f"{why[:1].upper()}{why[1:]}",
            f"`aws ec2 create-vpc-endpoint --service-name com.amazonaws.{subject.place.region}.s3 "
            "--vpc-id VPC --route-table-ids TABLE`",
            pressing=False,
        )
