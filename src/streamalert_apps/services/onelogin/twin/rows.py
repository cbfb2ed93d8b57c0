"""What OneLogin tells: one wide row for everything, most of it null."""

from __future__ import annotations

from random import Random
from typing import Final

from streamalert_apps.simulator.single import ID, TIME, Row

ACCOUNT: Final = 734210

_NULLS: Final = (
    "assuming_acting_user_id",
    "role_id",
    "role_name",
    "group_id",
    "group_name",
    "otp_device_id",
    "otp_device_name",
    "custom_message",
    "directory_sync_run_id",
    "directory_id",
    "resolution",
    "client_id",
    "resource_type_id",
    "error_description",
    "operation_name",
)
_NEWER: Final = (
    "adc_id",
    "assumed_by_superadmin_or_reseller",
    "certificate_id",
    "mapping_id",
    "object_id",
    "param",
    "policy_type",
    "privilege_id",
    "radius_config_id",
    "resolved_at",
    "risk_cookie_id",
    "risk_reasons",
    "risk_score",
    "service_directory_id",
    "solved",
    "trusted_idp_id",
    "user_field_id",
)
_PEOPLE: Final = ("Dana Reyes", "Zoë Łukasz", "渡辺 悠", "Дарья П.", 'Pat "O\'Neil"', "50% Contractor")
_APPS: Final = ((881234, "Payroll"), (881235, "VPN — Büro"), (None, None))


def event(random: Random) -> Row:
    """Return a row; in a tenth of them some of the newer fields are missing."""
    user, (app, name) = random.randint(40_000_000, 49_999_999), random.choice(_APPS)
    who = random.choice(_PEOPLE)
    row: Row = {
        "id": ID,
        "created_at": TIME,
        "account_id": ACCOUNT,
        "user_id": user,
        "user_name": who,
        "event_type_id": random.choice([5, 6, 8, 11, 13, 17, 21, 149]),
        "notes": random.choice([None, "Initiated by OneLogin", "テスト 100%"]),
        "ipaddr": f"203.0.113.{random.randint(1, 254)}",
        "proxy_ip": None,
        "actor_user_id": random.choice([user, None]),
        "actor_user_name": who,
        "actor_system": random.choice(["", "Mapping", "API"]),
        "app_id": app,
        "app_name": name,
        "policy_id": 220033,
        "policy_name": "Default",
    }
    row |= dict.fromkeys(_NULLS) | dict.fromkeys(_NEWER)
    row |= {
        "policy_type": "user",
        "risk_score": random.randint(0, 100),
        "solved": random.choice([None, True]),
    }
    if random.random() < 0.1:  # noqa: PLR2004 (a share)
        for field in random.sample(_NEWER, 5):
            del row[field]
    return row
