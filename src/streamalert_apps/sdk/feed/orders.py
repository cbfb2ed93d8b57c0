"""The documented order of a service's list. It is used only as long as the service keeps to it."""

from __future__ import annotations

from streamalert_apps.sdk.feed.feed import Feed


class OldestFirst(Feed):
    """A feed that lists the oldest event first."""

    order = 1


class NewestFirst(Feed):
    """A feed that lists the newest event first."""

    order = -1


class AnyOrder(Feed):
    """A feed with no documented order, or whose old events change."""

    order = 0
