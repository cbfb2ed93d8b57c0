"""The parameters of an app: its credentials and its state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

NAMES_A_CALL: Final = 10


def values(ssm: Any, names: Sequence[str], *, decrypted: bool = False) -> dict[str, str]:
    """Return those of the parameters that are there, by name; encrypted unless asked otherwise."""
    found = {}
    for start in range(0, len(names), NAMES_A_CALL):
        some = list(names[start : start + NAMES_A_CALL])
        for parameter in ssm.get_parameters(Names=some, WithDecryption=decrypted)["Parameters"]:
            found[parameter["Name"]] = parameter["Value"]
    return found


def delete(ssm: Any, names: Sequence[str]) -> None:
    """Delete parameters; what is gone already is fine."""
    if names:
        ssm.delete_parameters(Names=list(names))
