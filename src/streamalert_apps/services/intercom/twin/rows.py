"""What Intercom tells of its administrators."""

from __future__ import annotations

from random import Random
from typing import Any, Final

from streamalert_apps.simulator.single import ID, TIME, Row

_ADMINS: Final = (
    ("991201", "avery@example.com", "Avery Admin"),
    ("991202", "zoe.lukasz@example.com", "Zoë Łukasz"),
    ("991203", "y.watanabe@example.jp", "渡辺 悠"),
    ("991204", "pat@example.com", 'Pat "O\'Neil"'),
)
_ACTIVITIES: Final[tuple[tuple[str, str, Any], ...]] = (
    ("admin_login_success", "{} successfully logged in.", {}),
    ("admin_login_failure", "{} failed to log in.", {}),
    (
        "app_name_change",
        "{} changed your app name from Acme to “Acme 100%”.",
        {"before": "Acme", "after": "Acme 100%"},
    ),
    (
        "admin_permission_change",
        "{} changed permissions.",
        {"before": {"can": False}, "after": {"can": True}},
    ),
    ("app_data_export", "{} exported conversations.", {"export_id": 12345678901234567890}),
    (
        "message_state_change",
        "{} changed your salt&vinegar message.",
        {"message": {"id": 123, "title": "salt&vinegar"}},
    ),
    ("security_settings_change", "{} changed security settings.", None),
)


def log(random: Random) -> Row:
    """Return a log; of some the address is not known."""
    number, email, name = random.choice(_ADMINS)
    kind, description, metadata = random.choice(_ACTIVITIES)
    admin: Row = {"type": "admin", "id": number, "email": email}
    if random.random() < 0.9:  # noqa: PLR2004 (a share)
        admin["ip"] = f"203.0.113.{random.randint(1, 254)}"
    return {
        "id": ID,
        "performed_by": admin,
        "metadata": metadata,
        "created_at": TIME,
        "activity_type": kind,
        "activity_description": description.format(name),
    }
