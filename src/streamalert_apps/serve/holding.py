"""The lease of an app's record, for a command that changes it."""

from __future__ import annotations

import secrets
from contextlib import AbstractContextManager

from streamalert_apps.runtime import holding as runtime
from streamalert_apps.runtime.head import HeldHead, Identity
from streamalert_apps.sdk.clock import Deadline, SystemClock
from streamalert_apps.serve.process import is_dead, this_process
from streamalert_apps.serve.turn import Place


def holding(place: Place) -> AbstractContextManager[HeldHead]:
    """Take the lease and give it back with a changed head. Raises AlreadyRunning during a run."""
    identity = Identity(place.owner, secrets.token_hex(8), this_process(), is_dead)
    return runtime.holding(place.store, identity, SystemClock(), Deadline.never())
