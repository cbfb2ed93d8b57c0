"""What the activity reports say: one shape for all applications, and what differs between them."""

from __future__ import annotations

import json
from datetime import datetime
from random import Random
from typing import Any, Final, TypeAlias

from streamalert_apps.simulator.single import chance

Row: TypeAlias = dict[str, Any]

ISO: Final = "<iso>"
QUALIFIER: Final = "<qualifier>"
CUSTOMER: Final = "C02abcd3e"

EVENTS: Final = {  # application: type of its events, and their names
    "access_evaluation": ("access_evaluation", "access_allowed", "access_denied"),
    "access_transparency": ("GSUITE_RESOURCE", "ACCESS"),
    "admin": ("USER_SETTINGS", "CREATE_USER", "CHANGE_PASSWORD", "GRANT_ADMIN_PRIVILEGE"),
    "admin_data_action": ("data_action", "export_started", "content_viewed"),
    "assignments": ("assignments", "submission_turned_in"),
    "calendar": ("event_change", "create_event", "change_event_guest_response", "delete_event"),
    "chat": ("user_action", "message_posted", "room_created", "attachment_download"),
    "chrome": ("CHROME_OS_LOGIN_LOGOUT_TYPE", "CHROME_OS_LOGIN_EVENT", "CHROME_OS_LOGOUT_EVENT"),
    "chrome_sync": ("chrome_sync", "sync_started"),
    "classroom": ("classroom", "course_created", "invitation_accepted"),
    "cloud_search": ("search", "query"),
    "contacts": ("contacts", "contact_exported", "contact_deleted"),
    "context_aware_access": ("CONTEXT_AWARE_ACCESS_USER_EVENT", "ACCESS_DENY_EVENT"),
    "data_migration": ("data_migration", "item_migrated"),
    "data_studio": ("ACCESS", "VIEW", "DOWNLOAD_REPORT"),
    "directory_sync": ("directory_sync", "sync_finished"),
    "drive": ("access", "view", "edit", "download", "change_document_visibility"),
    "gcp": ("CLOUD_OSLOGIN", "IMPORT_SSH_PUBLIC_KEY"),
    "gemini_in_workspace_apps": ("gemini", "feature_utilization"),
    "gemini_notebook": ("gemini_notebook", "source_added"),
    "gmail": ("mail_action", "delivery", "link_click"),
    "gplus": ("content_change", "create_post"),
    "graduation": ("graduation", "transfer_started"),
    "groups": ("acl_change", "add_user", "change_acl_permission"),
    "groups_enterprise": ("moderator_action", "add_member", "remove_member"),
    "jamboard": ("DEVICE_SETTINGS", "DEVICE_REBOOT"),
    "keep": ("user_action", "edited_note_content", "modified_acl"),
    "ldap": ("ldap", "bind", "search"),
    "login": ("login", "login_success", "login_failure", "suspicious_login", "logout"),
    "meet": ("call", "call_ended", "invitation_sent"),
    "meet_hardware": ("meet_hardware", "device_offline"),
    "mobile": ("device_updates", "DEVICE_SYNC_EVENT", "DEVICE_COMPROMISED_EVENT"),
    "profile": ("profile", "photo_changed"),
    "rules": ("action_complete_type", "action_complete", "rule_match"),
    "saml": ("login", "login_success", "login_failure"),
    "takeout": ("takeout", "user_takeout", "takeout_download"),
    "tasks": ("tasks", "task_created"),
    "token": ("auth", "authorize", "revoke", "activity"),
    "user_accounts": ("2sv_change", "2sv_enroll", "password_edit", "recovery_email_edit"),
    "vault": ("user_action", "create_matter", "view_search_results"),
    "voice": ("voice", "call_received"),
    "workspace_studio": ("workspace_studio", "flow_executed"),
}

_PEOPLE: Final = ("dana@example.com", "avery@example.com", "zoe.lukasz@example.com", "y.watanabe@example.com")


def activity(random: Random, application: str) -> Row:
    """Return an activity with one to three events."""
    row: Row = {
        "kind": "admin#reports#activity",
        "etag": f'"{random.getrandbits(64):016x}/{random.getrandbits(64):016x}"',
        "id": {
            "time": ISO,
            "uniqueQualifier": QUALIFIER,
            "applicationName": application,
            "customerId": CUSTOMER,
        },
        "actor": _actor(random),
        "events": [_event(random, application) for _ in range(random.choice([1, 1, 1, 2, 3]))],
    }
    if chance(random, 0.9):
        row["ipAddress"] = _ip(random)
    if chance(random, 0.7):
        row["networkInfo"] = {"ipAsn": [64500], "regionCode": "US", "subdivisionCode": "US-MI"}
    if chance(random, 0.2):
        row["ownerDomain"] = "example.com"
    if application in {"drive", "gmail", "chat"} and chance(random, 0.7):
        row["resourceDetails"] = [{"id": f"{random.getrandbits(128):032x}", "title": "Budget “Q4” 📈"}]
    if application in {"chrome", "mobile"}:
        row["userDeviceInfo"] = {"deviceId": f"{random.getrandbits(64):016x}", "deviceOsVersion": "14.1.1"}
    if chance(random, 0.05):
        row["isAgenticAction"] = True
    return row


def long_event(application: str, size: int) -> Row:
    """Return an event with a text of this many characters."""
    kind, name, *_ = EVENTS[application]
    return {"type": kind, "name": name, "parameters": [{"name": "doc_title", "value": "x" * size}]}


def shape(row: Row) -> str:
    """Return a row as JSON with places to be stamped."""
    text = json.dumps(row, ensure_ascii=False, separators=(",", ":")).replace("%", "%%")
    return text.replace(ISO, "%(iso)s").replace(QUALIFIER, "%(qualifier)s")


def stamp(shaped: str, at: datetime, qualifier: str) -> bytes:
    """Return the JSON of an event: a shape with its time and its qualifier."""
    return (shaped % {"iso": iso(at), "qualifier": qualifier}).encode()


def iso(at: datetime) -> str:
    """Return a time as Google writes it."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_qualifier(random: Random) -> str:
    """Return a signed 64-bit integer as text."""
    return str(random.getrandbits(64) - 2**63)


def _actor(random: Random) -> Row:
    if chance(random, 0.04):
        return {"callerType": "KEY", "key": "SYSTEM"}
    if chance(random, 0.02):
        return {"profileId": "105250506097979753968"}
    email = random.choice(_PEOPLE)
    return {"callerType": "USER", "email": email, "profileId": f"1{random.randrange(10**20):020}"}


def _event(random: Random, application: str) -> Row:
    kind, *names = EVENTS[application]
    event: Row = {"type": kind, "name": random.choice(names)}
    if chance(random, 0.05):
        return event
    nested = [{"name": "app_name", "value": "Büro & Co"}, {"name": "client_type", "value": "WEB"}]
    event["parameters"] = random.sample(
        [
            {"name": "actor_is_collaborator_account", "boolValue": False},
            {"name": "doc_title", "value": '50% "draft" 渡辺'},
            {"name": "login_challenge_method", "multiValue": ["password", "idv_preregistered_phone"]},
            {"name": "login_timestamp", "intValue": str(1_700_557_945_000_000 + random.randrange(10**9))},
            {"name": "num_bytes", "intValue": str(random.getrandbits(62))},
            {"name": "scope_data", "multiMessageValue": [{"parameter": nested}]},
            {"name": "target", "messageValue": {"parameter": nested}},
            {"name": "thresholds", "multiIntValue": ["1", "-9223372036854775808"]},
        ],
        random.randint(1, 4),
    )
    return event


def _ip(random: Random) -> str:
    if chance(random, 0.2):
        return f"2001:db8::{random.getrandbits(16):x}"
    return f"{random.choice(['192.0.2', '198.51.100', '203.0.113'])}.{random.randint(1, 254)}"
