"""What events of the audit log say."""

from __future__ import annotations

from random import Random
from typing import Any, Final

from streamalert_apps.simulator.single import ID, SEEN, TIME, Row, chance

_PEOPLE: Final = (("dana", 4512345), ("zoe-lukasz", 4512346), ("y-watanabe", 4512347), ("pat", 4512348))
_ACTIONS: Final = (
    "team.add_member",
    "repo.create",
    "org.update_member",
    "protected_branch.destroy",
    "hook.create",
)


def web(random: Random) -> Row:
    """Return an event with TIME and ID in their places; fields differ with its action."""
    name, number = random.choice(_PEOPLE)
    row: Row = {
        "@timestamp": TIME,
        "_document_id": ID,
        "action": random.choice(_ACTIONS),
        "actor": name,
        "actor_id": number,
        "actor_is_bot": False,
        "created_at": SEEN,
        "org": "acme",
        "org_id": 998877,
        "operation_type": random.choice(["create", "modify", "remove"]),
        "user_agent": "Mozilla/5.0",
    }
    if chance(random, 0.5):
        row |= {"business": "acme", "business_id": 101, "actor_location": {"country_code": "US"}}
    if chance(random, 0.3):
        row |= {"repo": "acme/100%-plan", "team": "acme/büro", "public_repo": False}
    return row


def git(random: Random) -> Row:
    """Return an event of Git, which has no id."""
    name, number = random.choice(_PEOPLE)
    protocol: tuple[int, str] = random.choice([(1, "http"), (2, "ssh")])
    row: dict[str, Any] = {
        "@timestamp": TIME,
        "action": random.choice(["git.clone", "git.fetch", "git.push"]),
        "actor": name,
        "actor_id": number,
        "org": "acme",
        "org_id": 998877,
        "repository": "acme/platform",
        "repository_public": False,
        "transport_protocol": protocol[0],
        "transport_protocol_name": protocol[1],
        "user": name,
        "user_agent": "git/2.42.0",
    }
    return row | ({"external_identity_nameid": f"{name}@example.com"} if chance(random, 0.4) else {})
