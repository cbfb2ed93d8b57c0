"""Apps in a VPC: whether their subnets have a way to S3."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from streamalert_apps.deploy import network
from tests.deploy.cloud import PLACE, app

IN_A_VPC = app(vpc_config={"subnet_ids": ["subnet-1", "subnet-2"], "security_group_ids": ["sg-1"]})
SUBNETS = [{"SubnetId": "subnet-1", "VpcId": "vpc-1"}, {"SubnetId": "subnet-2", "VpcId": "vpc-1"}]
TABLES = [
    {"RouteTableId": "rtb-main", "VpcId": "vpc-1", "Associations": [{"Main": True}]},
    {"RouteTableId": "rtb-2", "VpcId": "vpc-1", "Associations": [{"Main": False, "SubnetId": "subnet-2"}]},
]
OF_THE_VPC = {"Name": "vpc-id", "Values": ["vpc-1"]}
S3 = {"Name": "service-name", "Values": ["com.amazonaws.us-east-1.s3"]}


@pytest.fixture
def ec2() -> Any:
    return boto3.client(
        "ec2", region_name="us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing"
    )


def warnings(ec2: Any, *served: str) -> list[str]:
    """Return what is told where these route tables have an endpoint."""
    endpoints = [{"VpcEndpointType": "Gateway", "RouteTableIds": list(served)}] if served else []
    with Stubber(ec2) as stub:
        stub.add_response("describe_subnets", {"Subnets": SUBNETS}, {"SubnetIds": ["subnet-1", "subnet-2"]})
        stub.add_response(
            "describe_vpc_endpoints", {"VpcEndpoints": endpoints}, {"Filters": [OF_THE_VPC, S3]}
        )
        stub.add_response("describe_route_tables", {"RouteTables": TABLES}, {"Filters": [OF_THE_VPC]})
        return network.warnings(ec2, PLACE, [IN_A_VPC])


def test_an_endpoint_for_each_route_table_is_all_that_is_needed(ec2: Any) -> None:
    assert warnings(ec2, "rtb-main", "rtb-2") == []


@pytest.mark.parametrize(
    ("served", "subnets"),
    [(["rtb-main"], "subnet-2"), (["rtb-2"], "subnet-1"), ([], "subnet-1, subnet-2")],
)
def test_a_subnet_without_one_is_named(ec2: Any, served: list[str], subnets: str) -> None:
    (line,) = warnings(ec2, *served)
    assert f"collector (prod) is in a VPC, and the route table of {subnets} has no gateway endpoint" in line


def test_where_it_may_not_be_asked_that_is_told(ec2: Any) -> None:
    with Stubber(ec2) as stub:
        stub.add_client_error("describe_subnets", "UnauthorizedOperation", http_status_code=403)
        (line,) = network.warnings(ec2, PLACE, [IN_A_VPC])
    assert "could not be checked: Your AWS user may not" in line


def test_an_interface_endpoint_is_no_gateway(ec2: Any) -> None:
    endpoint = {"VpcEndpointType": "Interface", "SubnetIds": ["subnet-1", "subnet-2"]}
    with Stubber(ec2) as stub:
        stub.add_response("describe_subnets", {"Subnets": SUBNETS})
        stub.add_response("describe_vpc_endpoints", {"VpcEndpoints": [endpoint]})
        stub.add_response("describe_route_tables", {"RouteTables": TABLES})
        assert len(network.warnings(ec2, PLACE, [IN_A_VPC])) == 1
