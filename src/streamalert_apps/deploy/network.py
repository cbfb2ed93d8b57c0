"""Whether apps in a VPC reach the project's bucket: by a gateway endpoint for S3, which costs nothing.

Without one the way is that to the internet, a NAT gateway for instance; where there is none, no run works.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from streamalert_apps.config.conf import AppConf
from streamalert_apps.deploy.patience import explained
from streamalert_apps.deploy.place import Place
from streamalert_apps.errors import AppError


def warnings(ec2: Any, place: Place, apps: Sequence[AppConf]) -> list[str]:
    """Return what there is to say about apps in a VPC, a line each; or why that can't be told."""
    subnets = sorted({subnet for app in apps for subnet in subnets_of(app)})
    try:
        without = _without_endpoint(ec2, place, subnets)
    except (AppError, ClientError, BotoCoreError) as error:
        return [
            "Whether apps in a VPC reach their bucket in S3 could not be checked: " + explained(error).message
        ]
    return [
        f"{app.name} ({app.cluster}) is in a VPC, and the route table of {', '.join(bad)} has no gateway "
        "endpoint for S3: its record goes through the NAT gateway ($0.045 per GB), or not at all without one."
        for app in apps
        if (bad := [subnet for subnet in subnets_of(app) if subnet in without])
    ]


def subnets_of(app: AppConf) -> list[str]:
    """Return the subnets of an app in a VPC; none for one that is in no VPC."""
    return list((app.vpc_config or {}).get("subnet_ids", ()))


def _without_endpoint(ec2: Any, place: Place, subnets: Sequence[str]) -> set[str]:
    """Return the subnets whose route table has no gateway endpoint for S3."""
    vpcs = {s["SubnetId"]: s["VpcId"] for s in ec2.describe_subnets(SubnetIds=subnets)["Subnets"]}
    of_vpcs = {"Name": "vpc-id", "Values": sorted(set(vpcs.values()))}
    service = {"Name": "service-name", "Values": [f"com.amazonaws.{place.region}.s3"]}
    pages = ec2.get_paginator("describe_vpc_endpoints").paginate(Filters=[of_vpcs, service])
    endpoints = [endpoint for page in pages for endpoint in page["VpcEndpoints"]]
    tables = [
        table
        for page in ec2.get_paginator("describe_route_tables").paginate(Filters=[of_vpcs])
        for table in page["RouteTables"]
    ]
    served = {table for endpoint in endpoints for table in endpoint.get("RouteTableIds", ())}
    return {subnet for subnet, vpc in vpcs.items() if _table(tables, subnet, vpc) not in served}


def _table(tables: Sequence[Mapping[str, Any]], subnet: str, vpc: str) -> str:
    """Return the route table of a subnet: its own, or the main one of its VPC."""
    main = ""
    for table in tables:
        for association in table["Associations"]:
            if association.get("SubnetId") == subnet:
                return str(table["RouteTableId"])
            if association.get("Main") and table["VpcId"] == vpc:
                main = table["RouteTableId"]
    return main
