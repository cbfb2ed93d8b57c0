"""What events of the System Log say: sign-ins, changes by administrators, what Okta itself does."""

from __future__ import annotations

from random import Random
from typing import Any, Final

from streamalert_apps.simulator.single import ID, TIME, Row, chance

_KINDS: Final = (
    ("user.session.start", "core.user_auth.login_success", "User login to Okta"),
    ("user.authentication.sso", "app.generic.unauth_app_access_attempt", "User single sign on to app"),
    ("user.mfa.factor.update", "core.user.factor.update", "Update factor for user"),
    ("policy.rule.update", "policy.rule.update.success", "Update policy rule"),
    ("group.user_membership.add", "core.user_group_member.user_add", "Add user to group membership"),
    ("system.org.rate_limit.warning", None, "Rate limit warning"),
    ("a.kind.of.tomorrow", None, "100% new"),
)
_PEOPLE: Final = (
    ("00u1abcd2EFGHIJKL3d7", "dana@example.com", "Dana Reyes"),
    ("00u1abcd2EFGHIJKL4d7", "zoe.lukasz@example.com", "Zoë Łukasz"),
    ("00u1abcd2EFGHIJKL5d7", "y.watanabe@example.jp", "渡辺 悠"),
    ("00u1abcd2EFGHIJKL6d7", "pat@example.com", 'Pat "O\'Neil"'),
)
_PLACE: Final = {
    "city": "Ann Arbor",
    "state": "Michigan",
    "country": "United States",
    "postalCode": "48104",
    "geolocation": {"lat": 42.28, "lon": -83.74},
}


def event(random: Random) -> Row:
    """Return an event with TIME and ID in their places; most of its leaves may be null."""
    kind, former, message = random.choice(_KINDS)
    request = f"{random.getrandbits(128):032x}"
    row: Row = {
        "actor": _actor(random),
        "client": _client(random),
        "authenticationContext": {
            "authenticationProvider": None,
            "credentialProvider": None,
            "credentialType": None,
            "issuer": None,
            "interface": None,
            "authenticationStep": 0,
            "rootSessionId": f"idx{request[:20]}",
            "externalSessionId": f"idx{request[:20]}",
        },
        "displayMessage": message,
        "eventType": kind,
        "outcome": random.choice([
            {"result": "SUCCESS", "reason": None},
            {"result": "FAILURE", "reason": "INVALID_CREDENTIALS"},
        ]),
        "published": TIME,
        "securityContext": _security(random),
        "severity": random.choice(["INFO", "WARN", "DEBUG", "ERROR"]),
        "debugContext": {"debugData": {"requestId": request, "requestUri": "/idp/idx/identify"}},
        "legacyEventType": former,
        "transaction": {"type": "WEB", "id": request, "detail": random.choice([None, {}])},
        "uuid": ID,
        "version": "0",
        "request": {
            "ipChain": [{"ip": _ip(random), "geographicalContext": None, "version": "V4", "source": None}]
        },
        "target": random.choice([None, [_target(random)], [_target(random), _changed()]]),
    }
    if chance(random, 0.3):
        row["device"] = {
            "id": "guo1abcd2EFGHIJKL3d7",
            "name": "Mac15,6",
            "os_platform": "OSX",
            "managed": False,
        }
    return row


def _actor(random: Random) -> Row:
    if chance(random, 0.1):
        system = {"id": "okta.system", "type": "SystemPrincipal", "alternateId": "system@okta.com"}
        return system | {"displayName": "Okta System", "detailEntry": None}
    identity, address, name = random.choice(_PEOPLE)
    return {"id": identity, "type": "User", "alternateId": address, "displayName": name, "detailEntry": None}


def _client(random: Random) -> Row:
    agent = {"rawUserAgent": "Mozilla/5.0", "os": "Mac OS X", "browser": "CHROME"}
    place = random.choice([None, _PLACE])
    told: Row = {"zone": "null", "device": "Computer", "id": None, "ipAddress": _ip(random)}
    return {"userAgent": random.choice([None, agent]), "geographicalContext": place} | told


def _security(random: Random) -> Row:
    told: Row = {
        "asNumber": 64500,
        "asOrg": "Example ISP",
        "isp": "example",
        "domain": None,
        "isProxy": False,
    }
    if chance(random, 0.3):
        told["risk"] = {"level": "HIGH", "reasons": ["Anomalous Device"], "detectionName": None}
        told["userBehaviors"] = [{"id": "bhv1abcd2EFGHIJK0g4", "name": "New Device", "result": "POSITIVE"}]
    return told


def _target(random: Random) -> Row:
    identity, address, name = random.choice(_PEOPLE)
    return {"id": identity, "type": "User", "alternateId": address, "displayName": name, "detailEntry": None}


def _changed() -> dict[str, Any]:
    change = {"from": {"factorMode": "1FA"}, "to": {"factorMode": "2FA"}}
    rule = {"id": "0pr9x8y7z6W5V4U3T2d7", "type": "PolicyRule", "alternateId": "unknown"}
    return rule | {"displayName": "Default Rule", "detailEntry": None, "changeDetails": change}


def _ip(random: Random) -> str:
    return "null" if chance(random, 0.05) else f"203.0.113.{random.randint(1, 254)}"
