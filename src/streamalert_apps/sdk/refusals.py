"""What a service's own error codes mean: a table of them, as a judge of its answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from streamalert_apps.errors import AppError, BadResponse
from streamalert_apps.sdk.http import Answer, Judge

SET_CLOCK: Final = "Set this machine's clock; it is wrong."
_REFUSED: Final = 400


def by_code(code: Callable[[Answer], Any], meanings: Mapping[Any, Callable[[], AppError]]) -> Judge:
    """Return a judge that reads the code of an answer that is an error, and makes what it means.

    A code that is not in the table, or can't be read, leaves it to the status.
    """

    def judge(answer: Answer) -> AppError | None:
        if answer.status < _REFUSED:
            return None
        try:
            meaning = meanings.get(code(answer))
        except BadResponse:
            return None
        return meaning() if meaning else None

    return judge
