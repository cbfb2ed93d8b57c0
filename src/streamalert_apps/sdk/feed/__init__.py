"""How far a feed is done: one walk for every service that lists events by time.

Events arrive late, share times across pages, and keep coming while pages are read; a run may be cut
short anywhere. A feed states what its service documents (time, id, precision, lag, order) and the walk
does the rest, with two kinds of listing:

- a **look** (`look.py`) lists what is new, from a little before the last look up to now. It goes first in
  every run, lives no longer, and never moves the floor: it makes events come soon.
- a **sweep** (`sweep.py`) lists from the floor up, in windows, each quarter of the lag, over as many runs as
  it takes. It moves the floor to a lag before what was newest when it began: it makes the record complete.

`reader.py` is what both do with a page, `place.py` the checkpoint, `listing.py` what is checked of a list.

The memory holds the ids of all events on record from the floor on, so that no event is taken twice,
whichever listing finds it. Rows without an id are counted. What a service says of its order, its page
sizes and its tokens is made use of as long as it holds: the floor does not follow what was left out by
trust in an order until the order has held, and where it breaks the sweep begins again without it. The
floor follows the events' own times, so no wrong clock moves it past events to come. Bounds are asked for
one unit of precision too wide, never before what the service keeps; times are compared here.
"""

from streamalert_apps.sdk.feed.feed import Feed
from streamalert_apps.sdk.feed.orders import AnyOrder, NewestFirst, OldestFirst

__all__ = ["AnyOrder", "Feed", "NewestFirst", "OldestFirst"]
