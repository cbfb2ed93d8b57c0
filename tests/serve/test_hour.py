"""Many apps on their schedules for some time, with faults: all is on record once, and soon."""

from __future__ import annotations

from statistics import median

from tests.bench.serve import hour


def test_in_an_hour_50_apps_that_fail_and_are_killed_put_all_on_record_once_and_soon() -> None:
    results, ends = hour(apps=50)

    assert ends["killed"] > 20
    assert ends["waited"] > 20
    assert ends["failed"] > 100
    assert (sum(result.lost for result in results), sum(result.twice for result in results)) == (0, 0)
    assert median(result.p50 for result in results) <= 40
    assert median(result.p90 for result in results) <= 90
