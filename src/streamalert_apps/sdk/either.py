"""Credentials of which one of several sets is to be given: a token, say, or what an app signs in with."""

from __future__ import annotations

from collections.abc import Mapping

from streamalert_apps.errors import CredentialsError
from streamalert_apps.sdk.app import Credentials


def given_set(service: str, credentials: Credentials, sets: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the names of the set that is given; raise CredentialsError unless it is exactly one.

    `sets`: the names of the values of each, by what to call it.
    """
    given = [names for names in sets.values() if all(map(credentials.get, names))]
    if len(given) != 1:
        raise CredentialsError(
            f"{service} needs either {' or '.join(sets)}.", hint="Give one of the two, not both."
        )
    return given[0]
