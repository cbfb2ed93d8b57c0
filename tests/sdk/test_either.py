"""Of credentials, one of several sets is to be given, whole."""

from __future__ import annotations

import pytest

from streamalert_apps.errors import CredentialsError
from streamalert_apps.sdk.either import given_set

SETS = {"a token": ("token",), "an app's ID and secret": ("id", "secret")}


@pytest.mark.parametrize(
    ("credentials", "names"),
    [
        ({"token": "t"}, ("token",)),
        ({"id": "i", "secret": "s"}, ("id", "secret")),
        ({"token": "t", "id": "i"}, ("token",)),
        ({"token": "", "id": "i", "secret": "s"}, ("id", "secret")),
    ],
)
def test_the_set_that_is_whole_is_the_one(credentials: dict[str, str], names: tuple[str, ...]) -> None:
    assert given_set("Acme", credentials, SETS) == names


@pytest.mark.parametrize(
    "credentials", [{}, {"id": "i"}, {"token": None, "secret": "s"}, {"token": "t", "id": "i", "secret": "s"}]
)
def test_none_and_both_are_told(credentials: dict[str, str]) -> None:
    with pytest.raises(CredentialsError, match="Acme needs either a token or an app's ID and secret"):
        given_set("Acme", credentials, SETS)
