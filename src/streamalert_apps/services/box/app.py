"""Box enterprise events.

`admin_logs_streaming` holds two weeks and goes on by position: every event at least once, in no order.
`admin_logs` holds a year and is for what was missed. An app signs in with a JWT, or with its secret alone.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

import msgspec

from streamalert_apps.errors import AppError, CredentialsError, UsageError
from streamalert_apps.sdk.app import AuthField, Checkpoint, Credentials, Json
from streamalert_apps.sdk.events import Fetched, Row
from streamalert_apps.sdk.http import Answer, Api, Form, with_params
from streamalert_apps.sdk.keyfile import check_private_key, read_key_file
from streamalert_apps.sdk.oauth import (
    JWT_BEARER,
    Bearer,
    Refusal,
    Token,
    judging_sign_in,
    load_private_key,
    signed_jwt,
)
from streamalert_apps.sdk.stream import Stream

requirements = ("cryptography",)

TOKEN: Final = "https://api.box.com/oauth2/token"  # noqa: S105 (where one is to be had)
EVENTS: Final = "https://api.box.com/2.0/events"
PAGE: Final = 500
ASSERTION_SECONDS: Final = 45  # 60 at most


def key_file(text: str) -> Json:
    """Return the content of an app's configuration file, whose path or JSON text is given.

    One without a private key is that of an app with the client credentials grant.
    """
    content = read_key_file(text)
    settings = content.get("boxAppSettings")
    if not isinstance(settings, dict) or not (settings.get("clientID") and settings.get("clientSecret")):
        raise UsageError(
            "This is not the configuration file of a Box app.",
            hint="Download it in Box's developer console: 'App Settings as JSON', and fill in clientSecret.",
        )
    if not str(content.get("enterpriseID") or "").isdecimal():
        raise UsageError("The file lacks the enterpriseID, which is a number.", hint="Add it.")
    if key := _key(settings):
        check_private_key(key.get("privateKey"), key.get("passphrase"))
    return content


def _key(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the part with the private key; empty where the app has none."""
    key: Mapping[str, Any] = settings.get("appAuth") or {}
    return key if key.get("privateKey") else {}


class _Page(msgspec.Struct):
    entries: list[Row]
    next_stream_position: msgspec.Raw = msgspec.Raw(b"null")


class _UntimelyError(CredentialsError):
    """Box's clock shows another time."""


class BoxAdminEvents(Stream):
    """Events of an enterprise."""

    type = "box_admin_events"
    collects = "what users and administrators do: files, sharing, sign-ins, settings"
    schemas = ("box:admin_events_v2",)
    auth = (AuthField("keyfile", "the path of the Box app's configuration file, in JSON", key_file),)
    documentation = "https://developer.box.com/reference/get-events"
    time_field = "created_at"
    id_fields = ("event_id",)
    beginning = "0"
    retention = timedelta(weeks=2)
    history_retention = timedelta(days=365)

    def __init__(self, credentials: Credentials, api: Api) -> None:
        super().__init__(credentials, api)
        self._box = Bearer(api, self._token)
        self._offset = timedelta(0)  # what Box's clock is ahead of ours, as far as it matters

    def check(self) -> None:
        """Ask for the latest position."""
        self.fetch("now")

    def fetch(self, position: str) -> Fetched:
        """Ask for up to 500 events at a position; fewer are not the end."""
        return self._events({"stream_type": "admin_logs_streaming"}, position)

    def history(self, since: datetime, until: datetime, token: Json) -> Fetched:
        """Ask for up to 500 events in the order in which they happened."""
        second = timedelta(seconds=1)
        bounds = {"created_after": _iso(since - second), "created_before": _iso(until + second)}
        return self._events({"stream_type": "admin_logs"} | bounds, token)

    def last_timestamp(self, checkpoint: Checkpoint) -> Json:
        """Return how far the app is as StreamAlert would ask for it."""
        mark = self.watermark(checkpoint)
        return _iso(mark) if mark else 0

    def _events(self, params: dict[str, Any], position: str | None) -> Fetched:
        place = {} if position is None else {"stream_position": position}
        page = self._box.get(with_params(EVENTS, params | place | {"limit": PAGE}), judge=_judge).json(_Page)
        after = bytes(page.next_stream_position).decode().strip('"')  # a number may be too large for JSON
        known = after not in {"null", ""} and (page.entries or after != self.beginning)
        return Fetched(page.entries, after if known else None)

    def _token(self) -> Token:
        file = self.credentials["keyfile"]
        settings, enterprise = file["boxAppSettings"], str(file["enterpriseID"])
        client = {"client_id": settings["clientID"], "client_secret": settings["clientSecret"]}
        key = _key(settings)
        if not key:
            subject = {"box_subject_type": "enterprise", "box_subject_id": enterprise}
            return self._grant({"grant_type": "client_credentials"} | client | subject)
        private_key = load_private_key(key["privateKey"], key.get("passphrase"), check=False)

        def signed() -> Mapping[str, str]:
            claims = {
                "iss": settings["clientID"],
                "sub": enterprise,
                "box_sub_type": "enterprise",
                "aud": TOKEN,
                "jti": secrets.token_hex(32),
                "exp": int((self.api.clock.now() + self._offset).timestamp()) + ASSERTION_SECONDS,
            }
            assertion = signed_jwt(claims, private_key, key_id=key.get("publicKeyID", ""))
            return {"grant_type": JWT_BEARER, "assertion": assertion} | client

        try:
            return self._grant(signed)
        except _UntimelyError:
            return self._grant(signed)  # with Box's time, which is known now

    def _grant(self, form: Form) -> Token:
        return Token.of(self.api.post(TOKEN, form=form, judge=judging_sign_in(self._refused)))

    def _refused(self, refusal: Refusal, answer: Answer) -> AppError:
        """Tell what of the sign-in is wrong: the approval, the app, the time or the key."""
        if refusal.error == "unauthorized_client":
            return CredentialsError(
                "The Box app is not approved.",
                hint="An administrator authorizes it in the Admin Console, under Platform Apps Manager.",
            )
        if refusal.error == "invalid_client":
            return CredentialsError(
                "Box refused the app's secret.", hint="Check clientID and clientSecret in the file."
            )
        if "'exp'" in refusal.error_description or "'jti'" in refusal.error_description:
            with suppress(ValueError):
                date = parsedate_to_datetime(answer.headers.get("Date", ""))
                self._offset = date.replace(tzinfo=UTC) - self.api.clock.now()
            return _UntimelyError(
                "Box refused the time of the sign-in.", hint="Set this machine's clock; it is wrong."
            )
        if refusal.error != "invalid_grant":
            return CredentialsError("Box refused to sign the app in.", hint="Check the configuration file.")
        return CredentialsError(
            "Box refused the app's key or its enterprise.", hint="Create a new key, and check enterpriseID."
        )


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _judge(answer: Answer) -> AppError | None:
    if answer.status != 403:  # noqa: PLR2004
        return None
    return CredentialsError(
        "Box refused access to the events (403).",
        hint="The app needs the scope 'Manage enterprise properties', and must be authorized again after"
        " that change.",
    )
