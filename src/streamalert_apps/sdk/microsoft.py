"""Microsoft's sign-in: an app that is registered in a tenant of Entra ID, with a secret of its own."""

from __future__ import annotations

import re
from typing import Final

from streamalert_apps.errors import AppError, CredentialsError
from streamalert_apps.sdk.app import AuthField, Credentials
from streamalert_apps.sdk.http import Answer, Api
from streamalert_apps.sdk.oauth import Bearer, Refusal, by_client_credentials, judging_sign_in

LOGINS: Final = {
    "global": "login.microsoftonline.com",
    "gcc": "login.microsoftonline.com",
    "gcchigh": "login.microsoftonline.us",
    "dod": "login.microsoftonline.us",
    "china": "login.chinacloudapi.cn",
}
"""Where a tenant signs in, by its cloud."""

_GUID: Final = "[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_CODE: Final = re.compile(r"AADSTS([0-9]+)")

TENANT: Final = (
    AuthField("tenant_id", "the Directory (tenant) ID, a GUID", re.compile(_GUID)),
    AuthField("client_id", "the Application (client) ID of the registered app, a GUID", re.compile(_GUID)),
    AuthField(
        "client_secret",
        "the value of a client secret of the app, not the secret's ID",
        re.compile(rf"(?!{_GUID}$)(?!https?:)[!#-~]{{16,128}}"),
        secret=True,
    ),
)


def cloud(*clouds: str) -> AuthField:
    """Return the field that asks in which of these clouds the tenant is."""
    *most, last = (f"'{name}'" for name in clouds)
    return AuthField(
        "cloud",
        f"the cloud that the tenant is in: {', '.join(most)} or {last} (default: global)",
        re.compile("|".join(clouds)),
        optional=True,
    )


def signed_in(api: Api, credentials: Credentials, resource: str) -> Bearer:
    """Return requests with tokens for a resource, which is the address of one of Microsoft's APIs."""
    login = LOGINS[credentials.get("cloud") or "global"]
    url = f"https://{login}/{credentials['tenant_id']}/oauth2/v2.0/token"
    return by_client_credentials(api, url, credentials, judge=_judge, scope=f"{resource}/.default")


_HINTS: Final = {
    **dict.fromkeys(("90002", "900023"), "Check tenant_id, and the cloud that the tenant is in."),
    "700016": "Check client_id, and that the app is registered in this tenant.",
    "7000112": "The app is disabled; enable it under Enterprise applications.",
    "7000215": "Check client_secret: it is the value of a secret, not its ID.",
    "7000222": "The client secret has expired; create a new one.",
    "500011": "The tenant does not have this API; check the cloud, and the app's API permissions.",
    "53003": "A policy of Conditional Access for workload identities blocks the app.",
}


@judging_sign_in
def _judge(refusal: Refusal, _: Answer) -> AppError:
    code = _CODE.search(refusal.error_description)
    said = f" (AADSTS{code[1]})" if code else ""
    hint = _HINTS.get(code[1]) if code else None
    return CredentialsError(
        f"Microsoft refused to sign the app in{said}.",
        hint=hint or "Check tenant_id, client_id, client_secret and the cloud.",
    )
