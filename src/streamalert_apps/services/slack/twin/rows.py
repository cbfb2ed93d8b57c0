"""What Slack's logs say."""

from __future__ import annotations

from random import Random
from string import ascii_uppercase, digits
from typing import Any, Final, TypeAlias

from streamalert_apps.simulator.single import chance

Content: TypeAlias = dict[str, Any]

_PEOPLE: Final = ("dana", "avery", "zoë.łukasz", "渡辺", "o'neil", "svc-backup")
_AGENTS: Final = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/131.0.0.0 Safari/537.36",
    "com.tinyspeck.chatlyio/24.11.10 (iPhone; iOS 18.1; Scale/3.00)",
    "AppleCoreMedia/1.0.0 (“Büro”; U; CPU OS 18_1 like Mac OS X; de_de)",
)
_PLACES: Final = (
    ("Example ISP", "US", "MI"),
    ("Beispiel-Netz AG", "CH", "ZH"),
    ("例のネット", "JP", "27"),
    (None, "IS", None),
    (None, None, None),
)
_ACTIONS: Final = (
    "user_login",
    "user_logout",
    "file_downloaded",
    "app_installed",
    "pref.sso_setting_changed",
)


def access(random: Random, first: int, last: int) -> Content:
    """Return a row of team.accessLogs: how a person came in, from where and with what."""
    isp, country, region = random.choice(_PLACES)
    return {
        "user_id": identifier(random, "U"),
        "username": random.choice(_PEOPLE),
        "date_first": first,
        "date_last": last,
        "count": 1 if first == last else random.randint(2, 500),
        "ip": None if chance(random, 0.02) else _ip(random),
        "user_agent": random.choice(_AGENTS),
        "isp": isp,
        "country": country,
        "region": region,
    }


def integration(random: Random, at: int) -> Content:
    """Return a row of team.integrationLogs: of a service, of an app, of a feed; its date is text."""
    row: Content = {
        "user_id": identifier(random, "U"),
        "user_name": random.choice(_PEOPLE),
        "date": str(at),
        "change_type": random.choice(["added", "removed", "enabled", "disabled", "updated", "expanded"]),
        "scope": random.choice(["incoming-webhook", "chat:write,channels:read", ""]),
    }
    match random.choices(["service", "feed", "request", "app"], [4, 1, 1, 4])[0]:
        case "service":
            number = random.randint(10**9, 10**10)
            return row | {
                "service_id": random.choice([number, str(number)]),
                "service_type": "Google Calendar",
                "channel": identifier(random, "C"),
            }
        case "feed":
            return row | {
                "service_id": random.randint(10**9, 10**10),
                "service_type": "RSS",
                "rss_feed": True,
                "rss_feed_change_type": "added",
                "rss_feed_title": "Neues — “Büro”",
                "rss_feed_url": "https://example.com/feed.xml?a=1&b=2",
            }
        case "request":
            app = {"app_id": identifier(random, "A"), "app_type": "Deploy Bot"}
            return row | app | {"reason": "user", "resolution": "approved"}
        case _:
            app = {"app_id": identifier(random, "A"), "app_type": "Wiki 100%"}
            return row | app | ({"admin_app_id": identifier(random, "A")} if chance(random, 0.1) else {})


def audit(random: Random, at: int, name: str) -> Content:
    """Return an entry of the Audit Logs API."""
    user = identifier(random, "W")
    person = {
        "id": user,
        "name": random.choice(_PEOPLE),
        "email": f"{user.lower()}@example.com",
        "team": identifier(random, "T"),
    }
    entry: Content = {
        "id": name,
        "date_create": at,
        "action": random.choice(_ACTIONS),
        "actor": {"type": "user", "user": person},
        "entity": {"type": "user", "user": person},
        "context": {
            "location": {
                "type": "enterprise",
                "id": identifier(random, "E"),
                "name": "Example Corp",
                "domain": "examplecorp",
            },
            "ua": random.choice(_AGENTS),
            "ip_address": _ip(random),
            "session_id": random.choice([None, random.randint(10**11, 10**17)]),
            "app": None,
        },
    }
    if entry["action"] == "file_downloaded":
        file = {"id": identifier(random, "F"), "name": "Löhne 100%.xlsx", "filetype": "xlsx"}
        entry["entity"] = {"type": "file", "file": file}
    if chance(random, 0.4):
        entry["details"] = {"type": "user", "is_internal_integration": False}
    return entry


def identifier(random: Random, prefix: str) -> str:
    """Return an id as Slack forms them."""
    return prefix + "".join(random.choices(ascii_uppercase + digits, k=10))


def uuid(random: Random) -> str:
    """Return a random UUID."""
    text = f"{random.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:]}"


def _ip(random: Random) -> str:
    if chance(random, 0.1):
        return f"2001:db8::{random.getrandbits(32):x}"
    return ".".join(str(random.randint(1, 254)) for _ in range(4))
