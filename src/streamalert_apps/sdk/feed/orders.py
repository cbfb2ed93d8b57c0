"""The order in which a service documents that it lists events. It is made use of only as long as it holds."""

from __future__ import annotations

from streamalert_apps.sdk.feed.feed import Feed


class OldestFirst(Feed):
    """A feed that lists the oldest event first."""

    order = 1


class NewestFirst(Feed):
    """A feed that lists the newest event first."""

    order = -1


class AnyOrder(Feed):
    """A feed whose order is not documented, or whose old events change."""

    order = 0
