"""What an organization's events, Jira's audit records and Confluence's audit log say."""

from __future__ import annotations

from random import Random
from typing import Final

from streamalert_apps.simulator.single import ID, SEEN, TIME, Row, chance

_PEOPLE: Final = (
    ("5d1a2b3c4d5e6f708192a3b4", "Dana Reyes", "dana@example.com"),
    ("5d1a2b3c4d5e6f708192a3b5", "Zoë Łukasz", "zoe.lukasz@example.com"),
    ("5d1a2b3c4d5e6f708192a3b6", "渡辺 悠", "y.watanabe@example.jp"),
    ("5d1a2b3c4d5e6f708192a3b7", 'Pat "O\'Neil" 100%', "pat@example.com"),
)
_ACTIONS: Final = (
    "user_added_to_group",
    "user_granted_role",
    "user_login",
    "policy_updated",
    "api_token_created",
)
_RECORDS: Final = (
    ("User added to group", "group management"),
    ("Permission scheme updated", "permissions"),
    ("Project created", "projects"),
    ("Workflow updated", "workflows"),
)


def event(random: Random) -> Row:
    """Return an organization's event; it happened a little before it was processed."""
    identity, name, email = random.choice(_PEOPLE)
    group: Row = {
        "id": "ari:cloud:identity::group/9f",
        "type": "groups",
        "attributes": {"name": "eng"},
        "links": {},
    }
    attributes: Row = {
        "time": TIME,
        "processedAt": SEEN,
        "action": random.choice(_ACTIONS),
        "actor": {
            "id": identity,
            "name": name,
            "email": email,
            "links": {"self": f"https://api.atlassian.com/users/{identity}"},
        },
        "context": [group],
        "container": [{"id": "org-1", "type": "orgs", "attributes": {}, "links": {}}],
    }
    if chance(random, 0.8):
        place = {"geo": "US", "countryName": "United States", "regionName": "Michigan", "city": "Ann Arbor"}
        attributes["location"] = {"ip": _ip(random)} | place
    row: Row = {"id": ID, "type": "events", "attributes": attributes}
    row["message"] = {"content": f"{name} did something", "format": "simple"}
    return row | {"links": {"self": "https://api.atlassian.com/admin/v1/orgs/org-1/events/1"}}


def record(random: Random) -> Row:
    """Return an audit record of Jira; what does not apply is left out."""
    identity, name, _ = random.choice(_PEOPLE)
    summary, category = random.choice(_RECORDS)
    row: Row = {"id": ID, "summary": summary, "created": TIME, "category": category, "eventSource": ""}
    if chance(random, 0.9):
        row |= {"remoteAddress": _ip(random), "authorAccountId": identity}
    row["objectItem"] = {
        "name": "site-admins",
        "typeName": "GROUP",
        "parentId": "10000",
        "parentName": "directory",
    }
    if chance(random, 0.5):
        row["changedValues"] = [{"fieldName": "Name", "changedFrom": "a", "changedTo": name}]
    if chance(random, 0.5):
        user = {
            "id": identity,
            "name": name,
            "typeName": "USER",
            "parentId": "10000",
            "parentName": "directory",
        }
        row["associatedItems"] = [user]
    return row


def audited(random: Random) -> Row:
    """Return a record of Confluence, which has no id."""
    identity, name, _ = random.choice(_PEOPLE)
    value = {"name": "Type", "oldValue": "", "newValue": random.choice(["VIEWSPACE", "SETSPACEPERMISSIONS"])}
    return {
        "author": {"type": "user", "displayName": name, "operations": None, "accountId": identity},
        "remoteAddress": _ip(random),
        "creationDate": TIME,
        "summary": random.choice(["Space permission added", "User added to group", "Space exported"]),
        "description": f"{random.getrandbits(32):08x}",
        "category": random.choice(["Permissions", "Users and groups", "Import/Export"]),
        "sysAdmin": False,
        "superAdmin": chance(random, 0.1),
        "affectedObject": {"name": "ENG", "objectType": "Space"},
        "changedValues": random.choice([[], [value]]),
        "associatedObjects": [{"name": name, "objectType": "User"}],
    }


def _ip(random: Random) -> str:
    return f"203.0.113.{random.randint(1, 254)}"
