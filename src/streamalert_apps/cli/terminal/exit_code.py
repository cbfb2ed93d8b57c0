"""How a command ends that is about several apps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from streamalert_apps.errors import AppError, CredentialsError

SOME_FAILED: Final = 5


def of_several(errors: Sequence[AppError], apps: int) -> int:
    """Return 0, or what says how many of the apps failed."""
    if not errors:
        return 0
    if len(errors) < apps:
        return SOME_FAILED
    refused = all(isinstance(error, CredentialsError) for error in errors)
    return CredentialsError.exit_code if refused else AppError.exit_code
