"""On PYTHONPATH: commands take every service for one without a limit, as the simulated ones of a test are."""

from streamalert_apps.sdk import pace

_make = pace.Pace.__init__


def _unlimited(self: pace.Pace, _: object, *rest: object) -> None:
    _make(self, None, *rest)  # type: ignore[arg-type]


pace.Pace.__init__ = _unlimited  # type: ignore[assignment, method-assign]
