"""What events of an enterprise say: sources of several shapes, details that differ with the kind of event."""

from __future__ import annotations

from random import Random
from typing import Any, Final

from streamalert_apps.simulator.single import ID, TIME, Row, chance

KINDS: Final = (
    *("DOWNLOAD", "UPLOAD", "PREVIEW", "SHARE", "EDIT", "LOGIN", "FAILED_LOGIN", "ADMIN_LOGIN", "NEW_USER"),
    *("COLLABORATION_INVITE", "GROUP_ADD_USER", "CHANGE_ADMIN_ROLE", "SHIELD_ALERT", "A_KIND_OF_TOMORROW"),
)
_PEOPLE: Final = (
    ("20551837", "Dana Reyes", "dana@example.com"),
    ("20551838", "Avery Admin", "avery@example.com"),
    ("20551839", "Zoë Łukasz", "zoe.lukasz@example.com"),
    ("20551840", "渡辺 悠", "y.watanabe@example.com"),
)
_FILES: Final = ("Q4 plan.xlsx", "Büro 100%.docx", 'a "quoted" name.pdf', "写真.png")


def event(random: Random) -> Row:
    """Return an event with TIME and ID in their places."""
    row: Row = {
        "type": "event",
        "event_id": ID,
        "event_type": random.choice(KINDS),
        "created_at": TIME,
        "session_id": f"{random.getrandbits(64):016x}",
        "ip_address": _ip(random),
        "created_by": _creator(random),
        "action_by": None,
        "source": _source(random),
        "additional_details": _details(random),
    }
    if chance(random, 0.7):
        row["recorded_at"] = TIME
    if chance(random, 0.5):
        row["accessible_by"] = _user(random)
    return row


def long_details(size: int) -> Row:
    """Return details with a text of this many characters."""
    return {"comment": "x" * size}


def _creator(random: Random) -> Row | None:
    if chance(random, 0.03):
        return None
    if chance(random, 0.03):
        return {"type": "user", "id": "2", "name": "Unknown User", "login": ""}
    return _user(random)


def _user(random: Random) -> Row:
    identity, name, login = random.choice(_PEOPLE)
    return {"type": "user", "id": identity, "name": name, "login": login}


def _source(random: Random) -> Row | None:
    if chance(random, 0.1):
        return None
    if chance(random, 0.3):
        return _user(random)
    number, name = str(random.randrange(10**10)), random.choice(_FILES)
    parent = {"type": "folder", "id": "987654321", "name": "Finance"}
    if chance(random, 0.2):
        return {"type": "file", "id": number, "etag": "1", "name": name, "parent": parent}
    return {
        "item_type": "file",
        "item_id": number,
        "item_name": name,
        "parent": parent,
        "owned_by": _user(random),
    }


def _details(random: Random) -> Any:
    if chance(random, 0.3):
        return None
    return random.choice([
        {"size": random.getrandbits(40), "version_id": "1357924680", "service_name": "Box Web App"},
        {"type": "group", "role": "Member", "group_id": "7007"},
        {"shield_alert": {"rule_category": "Anomalous Download", "risk_score": random.randint(1, 100)}},
    ])


def _ip(random: Random) -> str:
    return "Unknown IP" if chance(random, 0.05) else f"203.0.113.{random.randint(1, 254)}"
