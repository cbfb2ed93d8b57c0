"""What ActionTrail tells: events of the kinds that accounts see most, each with the fields that it has."""

from __future__ import annotations

import json
from random import Random
from typing import Any, Final

from streamalert_apps.simulator.single import ID, TIME, Row, uuid

ACCOUNT: Final = "1234567890123456"

_USERS: Final = ("dana", "zoë.łukasz", "渡辺悠", "build-bot@1234567890123456.onaliyun.com", 'o\'neil "pat"')
_CALLS: Final = (
    ("ram.aliyuncs.com", "Ram", "2015-05-01", "CreateUser", "Write", "ACS::RAM::User", True),
    ("ecs-cn-hangzhou.aliyuncs.com", "Ecs", "2014-05-26", "DescribeInstances", "Read", "", False),
    (
        "ecs-cn-hangzhou.aliyuncs.com",
        "Ecs",
        "2014-05-26",
        "RunInstances",
        "Write",
        "ACS::ECS::Instance",
        False,
    ),
    ("sts.cn-hangzhou.aliyuncs.com", "Sts", "2015-04-01", "AssumeRole", "Write", "ACS::RAM::Role", False),
    ("kms.cn-hangzhou.aliyuncs.com", "Kms", "2016-01-20", "Decrypt", "Read", "ACS::KMS::Key", False),
)


def event(random: Random, region: str) -> Row:
    """Return an event: an API call in most cases."""
    kind = random.random()
    if kind < 0.1:  # noqa: PLR2004 (a share)
        return _sign_in(random)
    if kind < 0.15:  # noqa: PLR2004 (a share)
        return _of_alibaba(random, region)
    return _call(random, region)


def _call(random: Random, region: str) -> Row:
    source, service, version, name, access, resource, everywhere = random.choice(_CALLS)
    asked: dict[str, Any] = {"RegionId": region, "Comment": random.choice(["", "50% “Büro”", "テスト"])}
    row: Row = {
        "eventId": ID,
        "eventVersion": random.choice(["1", 1]),
        "eventCategory": "Management",
        "eventType": "ApiCall",
        "eventRW": access,
        "eventName": name,
        "eventSource": source,
        "eventTime": TIME,
        "serviceName": service,
        "apiVersion": version,
        "acsRegion": region,
        "requestId": uuid(random).upper(),
        "sourceIpAddress": _ip(random),
        "userAgent": "AlibabaCloud (Linux; amd64) Java/1.8.0_152-b187 Core/4.5.17",
        "userIdentity": _identity(random),
        "requestParameters": asked,
        "requestParameterJson": json.dumps(asked, ensure_ascii=False),
        "additionalEventData": {"Scheme": "https"},
        "isGlobal": everywhere,
        "recipientAccountId": ACCOUNT,
    }
    if resource:
        number = f"{random.getrandbits(64):016x}"
        row |= {
            "resourceType": resource,
            "resourceName": number,
            "referencedResources": {resource: [number]},
            "responseElements": {"RequestId": uuid(random), "Id": random.getrandbits(64)},
        }
    if random.random() < 0.2:  # noqa: PLR2004 (a share)
        row |= {"errorCode": "NoPermission", "errorMessage": "You are not authorized to do this action."}
    if random.random() < 0.2:  # noqa: PLR2004 (a share)
        row |= {"vpcId": f"vpc-{random.getrandbits(40):010x}", "eventAttributes": {"SensitiveAction": True}}
    return row


def _sign_in(random: Random) -> Row:
    failed = random.random() < 0.3  # noqa: PLR2004 (a share)
    return {
        "eventId": ID,
        "eventVersion": "1",
        "eventType": random.choice(["ConsoleSignin", "ConsoleSignout"]),
        "eventName": "ConsoleSignin",
        "eventSource": "signin.aliyun.com",
        "eventTime": TIME,
        "serviceName": "AasSub",
        "requestId": f"60.152_{random.getrandbits(40)}_1247",
        "sourceIpAddress": _ip(random),
        "userAgent": "Mozilla/5.0",
        "userIdentity": _identity(random),
        "additionalEventData": {"callbackUrl": "https://home.console.aliyun.com/", "mfaChecked": "true"},
        "errorMessage": "UserLoginFailed" if failed else "success",
    }


def _of_alibaba(random: Random, region: str) -> Row:
    return {
        "eventId": ID,
        "eventVersion": "1",
        "eventType": "AliyunServiceEvent",
        "eventName": "Release",
        "eventSource": "ecs.aliyuncs.com",
        "eventTime": TIME,
        "serviceName": "Ecs",
        "acsRegion": region,
        "userIdentity": {"type": "system", "userName": "aliyun"},
        "referencedResources": {"ACS::ECS::Instance": [f"i-{random.getrandbits(64):016x}"]},
    }


def _identity(random: Random) -> Row:
    kind = random.choice(["ram-user", "root-account", "assumed-role"])
    return {
        "type": kind,
        "principalId": ACCOUNT if kind == "root-account" else f"2{random.randrange(10**17):017}",
        "accountId": ACCOUNT,
        "userName": random.choice(_USERS),
        "accessKeyId": f"LTAI5tExample{random.getrandbits(40):010x}",
        "sessionContext": {"attributes": {"mfaAuthenticated": random.choice(["true", "false"])}},
    }


def _ip(random: Random) -> str:
    return f"{random.choice(['192.0.2', '198.51.100', '203.0.113'])}.{random.randint(1, 254)}"
