"""The sinks that the suite tries."""

from __future__ import annotations

from tests.destinations import http, s3

CASES = {"http": http.CASE, "http per event": http.PER_EVENT, "s3": s3.CASE}
