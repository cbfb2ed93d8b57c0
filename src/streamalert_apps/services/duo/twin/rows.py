"""What Duo's logs say: rows as tenants of different ages and editions really see them.

A row is made once as a shape, with markers where time and id go, and then stamped per event: a
backlog of 200,000 events is there in seconds.
"""

from __future__ import annotations

import json
from datetime import datetime
from random import Random
from typing import Any, Final, TypeAlias

from streamalert_apps.simulator.single import chance

Row: TypeAlias = dict[str, Any]

ISO: Final = "<iso>"
SECONDS: Final = "<seconds>"
ID: Final = "<id>"

_PEOPLE: Final = (
    ("dana", "dana@example.com"),
    ("avery", "avery@example.com"),
    ("zoë.łukasz", "zoe.lukasz@example.com"),
    ("渡辺 悠", "y.watanabe@example.jp"),
    ("дарья", "darya@example.org"),
    ('o\'neil, "pat"', "pat@example.com"),
    ("svc-backup", ""),
    ("kim", None),
)
_PLACES: Final = (
    ("Ann Arbor", "United States", "Michigan"),
    ("Zürich", "Switzerland", "Zürich"),
    ("São Paulo", "Brazil", "São Paulo"),
    ("大阪市", "Japan", "Ōsaka"),
    (None, "Iceland", None),
    (None, None, None),
)
_APPLICATIONS: Final = ("Payroll SSO", "VPN — Büro", "Wiki 100%", "UNIX Application", "Microsoft 365")
_OUTCOMES: Final = (
    *[("success", "user_approved", "duo_push")] * 6,
    ("success", "valid_passcode", "hardware_token"),
    ("success", "allow_unenrolled_user", None),
    ("success", "bypass_user", "not_available"),
    ("success", "remembered_device", "remembered_device"),
    ("denied", "no_response", "phone_call"),
    ("denied", "invalid_passcode", "sms_passcode"),
    ("denied", "out_of_date", "duo_push"),
    ("fraud", "user_marked_fraud", "duo_push"),
)
_KEY_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def authentication(random: Random) -> Row:
    """Return a row of the authentication log v2."""
    name, email = random.choice(_PEOPLE)
    result, reason, factor = random.choice(_OUTCOMES)
    row: Row = {
        "access_device": _access_device(random),
        "alias": random.choice(["", "", "unknown"]),
        "application": {"key": _key(random, "DI"), "name": random.choice(_APPLICATIONS)},
        "auth_device": _auth_device(random, factor),
        "email": email,
        "event_type": "authentication",
        "factor": factor,
        "isotimestamp": ISO,
        "ood_software": "Chrome" if reason == "out_of_date" else None,
        "reason": reason,
        "result": result,
        "timestamp": SECONDS,
        "txid": ID,
        "user": {"groups": _groups(random), "key": _key(random, "DU"), "name": name},
    }
    if chance(random, 0.05):
        row |= {"event_type": "enrollment", "factor": "not_available", "reason": None, "result": "success"}
    if chance(random, 0.9):
        row["trusted_endpoint_status"] = random.choice(["trusted", "not trusted", "unknown"])
    if chance(random, 0.2):
        row |= _of_newer_tenants(random)
    return row


def administrator(random: Random) -> Row:
    """Return a row of the administrator log v1; few lack a reference, so equal rows are rare but exist."""
    actor = random.choice(["Avery Admin", "API", "System", "AD Sync: Zürich", "渡辺 悠"])
    row: Row = {
        "isotimestamp": ISO,
        "object": random.choice(_PEOPLE)[0],
        "timestamp": SECONDS,
        "username": actor,
    }
    if chance(random, 0.05):
        return row | {
            "action": "activation_begin",
            "description": "Starting activation process",
            "object": None,
        }
    if chance(random, 0.03):
        return row | {"action": "activation_set_password", "description": None, "username": ""}
    if chance(random, 0.02):
        return row | {"action": "user_update"}  # some rows have no description at all
    actions: list[tuple[str, Row]] = [
        ("user_update", {"email": "dana@example.com", "realname": "Zoë Łukasz", "status": "Active"}),
        ("user_create", {"notes": "50% “contractor”", "phones": {}, "uname": "дарья"}),
        ("bypass_create", {"bypass": "", "count": 10, "remaining_uses": 1, "valid_secs": 3600}),
        ("admin_login", {"device": "734-555-0142", "factor": "push", "ip_address": _ip(random)}),
        ("policy_update", {"changes": ["browsers", "remembered_devices"], "name": "Global Policy"}),
    ]
    action, details = random.choice(actions)
    return row | {
        "action": action,
        "description": json.dumps({**details, "Sync Ref. Code": ID}, sort_keys=True),
    }


def activity(random: Random) -> Row:
    """Return a row of the activity log v2."""
    name, _ = random.choice(_PEOPLE)
    return {
        "access_device": {
            "browser": "Firefox",
            "browser_version": "131.0",
            "epkey": None,
            "ip": {"address": _ip(random)},
            "location": _location(random),
            "os": "Linux",
            "os_version": None,
        },
        "action": {"details": None, "name": random.choice(["user_update", "webauthn_credential_create"])},
        "activity_id": ID,
        "actor": {
            "details": json.dumps({"created": "2021-03-04T05:06:07.000000+00:00", "role": "Owner"}),
            "key": _key(random, "DE"),
            "name": "avery",
            "type": "admin",
        },
        "akey": _key(random, "DA"),
        "application": {"key": _key(random, "DI"), "name": random.choice(_APPLICATIONS), "type": "sso"},
        "old_target": None,
        "outcome": random.choice([None, {"result": "SUCCESS"}]),
        "target": {"details": "{}", "key": _key(random, "DU"), "name": name, "type": "user"},
        "ts": ISO,
    }


def telephony(random: Random) -> Row:
    """Return a row of the telephony log v2."""
    return {
        "context": random.choice(["administrator login", "authentication", "enrollment", "verify"]),
        "credits": random.randint(0, 20),
        "phone": f"+1734555{random.randint(0, 9999):04}",
        "telephony_id": ID,
        "ts": ISO,
        "txid": new_id(random),
        "type": random.choice(["sms", "phone"]),
    }


def as_v1(row: Row) -> Row:
    """Return a v2 authentication row in the shape of the v1 log."""
    return {
        "access_device": row["access_device"],
        "alias": row["alias"],
        "device": row["auth_device"]["name"],
        "factor": (row["factor"] or "").replace("_", " ").title(),
        "integration": row["application"]["name"],
        "ip": row["access_device"]["ip"],
        "isotimestamp": row["isotimestamp"],
        "location": row["access_device"]["location"],
        "new_enrollment": row["event_type"] == "enrollment",
        "reason": (row["reason"] or "").replace("_", " ").capitalize(),
        "result": {"denied": "FAILURE"}.get(row["result"], row["result"].upper()),
        "timestamp": row["timestamp"],
        "username": row["user"]["name"],
    }


def shape(row: Row) -> str:
    """Return a row as JSON with places to be stamped."""
    text = json.dumps(row, ensure_ascii=False, sort_keys=True, separators=(",", ":")).replace("%", "%%")
    text = text.replace(f'"{SECONDS}"', "%(seconds)d")
    return text.replace(ISO, "%(iso)s").replace(ID, "%(id)s")


def stamp(shaped: str, at: datetime, event_id: str, *, fraction: bool) -> bytes:
    """Return the JSON of an event: a shape with its time (with or without microseconds) and its id."""
    iso = at.isoformat(timespec="microseconds" if fraction else "seconds")
    return (shaped % {"iso": iso, "seconds": at.timestamp() // 1, "id": event_id}).encode()


def new_id(random: Random) -> str:
    """Return a random UUID."""
    digits = f"{random.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"


def _access_device(random: Random) -> Row:
    if chance(random, 0.3):  # no browser took part
        return {
            "browser": None,
            "browser_version": None,
            "epkey": None,
            "flash_version": None,
            "hostname": "jump-01",
            "ip": _ip(random),
            "is_encryption_enabled": "unknown",
            "is_firewall_enabled": "unknown",
            "is_password_set": "unknown",
            "java_version": None,
            "location": _location(random),
            "os": None,
            "os_version": None,
            "security_agents": random.choice([None, "unknown", []]),
        }
    return {
        "browser": random.choice(["Chrome", "Firefox", "Edge Chromium", "Mobile Safari"]),
        "browser_version": f"{random.randint(100, 140)}.0.{random.randint(1000, 7000)}.159",
        "epkey": _key(random, "EP"),
        "flash_version": "uninstalled",
        "hostname": None,
        "ip": _ip(random),
        "is_encryption_enabled": random.choice([True, False]),
        "is_firewall_enabled": random.choice([True, False, "unknown"]),
        "is_password_set": True,
        "java_version": "uninstalled",
        "location": _location(random),
        "os": random.choice(["Mac OS X", "Windows", "Linux", "iOS"]),
        "os_version": random.choice(["14.1.1", "10.0.22631.4317", "11", None]),
        "security_agents": random.choice([
            [],
            None,
            "unknown",
            [{"security_agent": "cisco-amp", "version": "1.24.0.967"}],
        ]),
    }


def _auth_device(random: Random, factor: str | None) -> Row:
    if factor in {None, "not_available"}:
        return {
            "ip": None,
            "key": None,
            "location": {"city": None, "country": None, "state": None},
            "name": None,
        }
    name = random.choice(["Pixel (734-555-0142)", "Zoë's iPhone 📱", "734-555-0199", "HOTP 6-digit 00123"])
    return {"ip": _ip(random), "key": _key(random, "DP"), "location": _location(random), "name": name}


def _of_newer_tenants(random: Random) -> Row:
    """Return top-level keys that only newer tenants and editions have."""
    trust = {
        "features_version": "3.0",
        "model_version": "2022.07.19.001",
        "policy_enabled": random.choice([True, False]),
        "reason": "Normal level of trust; no detection of known attack pattern",
        "trust_level": random.choice(["NORMAL", "LOW"]),
    }
    row: Row = {
        "adaptive_trust_assessments": random.choice([{}, {"more_secure_auth": trust}, {"remember_me": trust}])
    }
    if chance(random, 0.5):
        row["rbfs_triggered_attacks"] = random.choice([
            None,
            [],
            [{"detector": "NOVEL_ASN", "suppressed": "KNOWN_IP"}],
        ])
    if chance(random, 0.3):
        row["passport_assessment"] = {"is_supported": False, "reason": "absent_health_report"}
    if chance(random, 0.3):
        row["trusted_session_info"] = {"trusted_session_uuid": new_id(random)}
    return row


def _groups(random: Random) -> list[str]:
    groups = ["Staff", "VPN", 'Büro (from AD sync "Zürich")', "当番", "Contractors"]
    return random.sample(groups, random.randint(0, 2))


def _location(random: Random) -> Row:
    city, country, state = random.choice(_PLACES)
    return {"city": city, "country": country, "state": state}


def _ip(random: Random) -> str:
    if chance(random, 0.1):
        return f"2001:db8::{random.getrandbits(16):x}"
    return f"{random.choice(['192.0.2', '198.51.100', '203.0.113'])}.{random.randint(1, 254)}"


def _key(random: Random, prefix: str) -> str:
    return prefix + "".join(random.choices(_KEY_LETTERS, k=18))
