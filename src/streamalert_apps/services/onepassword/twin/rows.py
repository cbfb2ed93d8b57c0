"""What events of 1Password say."""

from __future__ import annotations

from random import Random
from string import ascii_uppercase
from typing import Final

from streamalert_apps.simulator.single import ID, TIME, Row, chance

_ALPHABET: Final = ascii_uppercase + "234567"
_PEOPLE: Final = (
    ("Dana Reyes", "dana@example.com"),
    ("Zoë Łukasz", "zoe.lukasz@example.com"),
    ("渡辺 悠", "y.watanabe@example.jp"),
    ('Pat "O\'Neil" 100%', "pat@example.com"),
)


def uuid(random: Random) -> str:
    """Return an id: 26 letters and digits."""
    return "".join(random.choices(_ALPHABET, k=26))


def _user(random: Random) -> Row:
    name, email = random.choice(_PEOPLE)
    return {"uuid": uuid(random), "name": name, "email": email, "type": "user"}


def _client(random: Random) -> Row:
    return {
        "app_name": random.choice(["1Password Browser Extension", "1Password CLI"]),
        "app_version": "20216",
        "platform_name": "Chrome",
        "platform_version": "119.0",
        "os_name": "MacOSX",
        "os_version": "14.1",
        "ip_address": f"203.0.113.{random.randint(1, 254)}",
    }


def _place(random: Random) -> Row | None:
    place = {
        "country": "US",
        "region": "Michigan",
        "city": "Ann Arbor",
        "latitude": 42.28,
        "longitude": -83.74,
    }
    return None if chance(random, 0.1) else place


def attempt(random: Random) -> Row:
    """Return an attempt to sign in, with TIME and ID in their places."""
    category, kind, details = random.choice([
        ("success", "credentials_ok", None),
        ("success", "mfa_ok", None),
        ("credentials_failed", "password_secret_bad", None),
        ("mfa_failed", "totp_bad", None),
        ("firewall_failed", "continent_blocked", {"value": "Europe"}),
    ])
    return {
        "uuid": ID,
        "session_uuid": uuid(random),
        "timestamp": TIME,
        "country": "US",
        "category": category,
        "type": kind,
        "details": details,
        "target_user": _user(random),
        "account_uuid": uuid(random),
        "client": _client(random),
        "location": _place(random),
    }


def usage(random: Random) -> Row:
    """Return a use of an item."""
    return {
        "uuid": ID,
        "timestamp": TIME,
        "used_version": random.randint(0, 40),
        "vault_uuid": uuid(random).lower(),
        "item_uuid": uuid(random).lower(),
        "action": random.choice(["fill", "reveal", "secure-copy", "export", "share", "server-fetch"]),
        "user": _user(random),
        "account_uuid": uuid(random),
        "client": _client(random),
        "location": _place(random),
    }


def audit(random: Random) -> Row:
    """Return an audit event; not every one has an auxiliary object."""
    row: Row = {
        "uuid": ID,
        "timestamp": TIME,
        "actor_uuid": uuid(random),
        "actor_details": _user(random),
        "actor_account_uuid": uuid(random),
        "account_uuid": uuid(random),
        "action": random.choice(["grant", "revoke", "enblmfa", "create", "suspend", "join"]),
        "object_type": random.choice(["uva", "gva", "user", "vault", "ec", "report"]),
        "object_uuid": uuid(random),
        "session": {
            "uuid": uuid(random),
            "login_time": "2023-11-21T08:55:01Z",
            "device_uuid": uuid(random).lower(),
            "ip": f"203.0.113.{random.randint(1, 254)}",
        },
        "location": _place(random),
    }
    if chance(random, 0.5):
        row |= {
            "aux_id": 482910,
            "aux_uuid": uuid(random),
            "aux_details": _user(random),
            "aux_info": "R,W,M",
        }
    return row
