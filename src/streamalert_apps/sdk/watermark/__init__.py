"""How far a feed is done: the collection algorithms, written once for all services.

Events arrive late, share timestamps across pages, and keep coming while pages are read; a run may
be cut short anywhere. A feed states what its service documents (time, id, precision, lag), and one
of three walks does the rest: OldestFirst, NewestFirst, AnyOrder.

Both divide time in two. What is older than the lag is *settled*: no more events will appear there,
so a walk through it can be final. What is younger is *fresh*: it is forwarded at once, and the ids
of what was forwarded are remembered until it has settled, so that late arrivals are noticed and
nothing is sent twice. Where fresh events outnumber the memory, the rest of them waits: later, never
incomplete.

A checkpoint: `floor` (every event before it is done), `seen` (ids from the floor on that were
forwarded) and, between two pages of a walk, `page` (how the walk goes on).

Bounds are asked for one unit of the service's precision too wide, and times compared here: it does
not matter whether a service counts its bounds in, nor how it rounds.
"""

from streamalert_apps.sdk.watermark.any_order import AnyOrder
from streamalert_apps.sdk.watermark.feed import SKEW, Feed
from streamalert_apps.sdk.watermark.newest_first import NewestFirst
from streamalert_apps.sdk.watermark.oldest_first import OldestFirst

__all__ = ["SKEW", "AnyOrder", "Feed", "NewestFirst", "OldestFirst"]
