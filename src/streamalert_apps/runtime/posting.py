"""Posting a batch to a sink by HTTP, and what the statuses of its answers mean."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from streamalert_apps.errors import AppError, CredentialsError, DeliveryFailed, DeliveryRefused, RateLimited
from streamalert_apps.runtime.delivery import TOO_LARGE, Answer, Batch, nothing_taken
from streamalert_apps.sdk.clock import Clock
from streamalert_apps.sdk.pace import RETRY_AFTER

if TYPE_CHECKING:
    from streamalert_apps.runtime.sink import Setup
    from streamalert_apps.sdk import http


@dataclass(frozen=True, slots=True)
class Statuses:
    """What the statuses of a sink mean; any other is a matter of its settings.

    `later`: the same again later, besides all that are 500 or more. `events`: something in the batch is not
    taken, and nothing of it was. `too_large`: less may be taken. Any 2xx that is not `taken` took nothing.
    """

    taken: frozenset[int] = frozenset({200, 201, 202, 204})
    later: frozenset[int] = frozenset({408, 425, 429})
    events: frozenset[int] = frozenset({400, 422})
    too_large: frozenset[int] = frozenset({413})


class Exchange(Protocol):
    """Posts bytes once: an `Api`, or a `Bearer` that adds a token."""

    @property
    def clock(self) -> Clock:
        """The time."""

    def exchange(self, url: str, content: bytes, headers: Mapping[str, str]) -> http.Answer:
        """Post bytes once and return what the other side says, an error too."""


def packed(body: bytes) -> bytes:
    """Return the body compressed, the same bytes each time."""
    return gzip.compress(body, compresslevel=6, mtime=0)


def post(
    api: Exchange,
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    batch: Batch,
    *,
    read: Callable[[http.Answer], Answer] = lambda _: Answer(),
    judge: Callable[[http.Answer], Answer | None] = lambda _: None,
    statuses: Statuses = Statuses(),
) -> Answer:
    """Post a batch once, and say what became of it.

    `read` tells it from an answer that says it was taken, `judge` from any other; None leaves that to the
    status.
    """
    said = api.exchange(url, body, headers)
    if said.status in statuses.taken:
        return read(said)
    if judged := judge(said):
        return judged
    if said.status in statuses.too_large:
        return Answer(halve=TOO_LARGE)
    if said.status in statuses.events:
        return Answer(halve=f"{said.place} answered {said.status}.")
    return nothing_taken(batch, _refusal(said, statuses, RETRY_AFTER.seconds(said.headers, api.clock.now())))


def _refusal(said: http.Answer, statuses: Statuses, wait: float | None) -> AppError:
    told = f"{said.place} answered {said.status}"
    match said.status:
        case 429:
            return RateLimited(f"{told}: too many requests.", retry_after=wait)
        case status if status in statuses.later or status >= 500:  # noqa: PLR2004
            return DeliveryFailed(f"{told}.", retry_after=wait)
        case 401 | 403:
            return CredentialsError(f"{told}: the credentials were refused.")
        case status if status < 300:  # noqa: PLR2004
            return DeliveryFailed(f"{told}, which does not say that anything was taken.", retry_after=wait)
        case status if status < 400:  # noqa: PLR2004
            return DeliveryRefused(f"{told}: a redirect, which is not followed.", hint="Check its `url`.")
        case _:
            return DeliveryRefused(f"{told}.", hint="Check the settings of the destination.")


class Way:
    """The way out of a sink, made when it is first needed."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._api: http.Api | None = None

    @property
    def api(self) -> http.Api:
        """The connections."""
        if self._api is None:
            self._api = self._setup.api()
        return self._api

    def close(self) -> None:
        """Close the connections, where there are any."""
        if self._api is not None:
            self._api.close()
            self._api = None
