"""How far a feed is done: one walk for every service that lists events by time.

Events arrive late, share times across pages, and keep coming while pages are read; a run may be cut
short anywhere. A feed states what its service documents (time, id, precision, lag, order) and the walk
does the rest, with two kinds of listing:

- a **look** lists what is new, from a little before the last look up to now. It goes first in every run
  and never moves the floor: it makes events come soon.
- a **sweep** lists from the floor up, in windows. Its end moves the floor to a lag before what was
  newest when it began: it makes the record complete.

The memory holds the ids of all events on record from the floor on, so that no event is taken twice,
whichever listing finds it. What a service says of its order, its page sizes and its tokens is checked,
not believed; bounds are asked for one unit of precision too wide, and times compared here.
"""

from streamalert_apps.sdk.feed.feed import Feed
from streamalert_apps.sdk.feed.orders import AnyOrder, NewestFirst, OldestFirst

__all__ = ["AnyOrder", "Feed", "NewestFirst", "OldestFirst"]
