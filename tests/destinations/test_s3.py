"""What `s3` writes, and that each event is there once."""

from __future__ import annotations

import gzip
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import boto3
import pytest

from streamalert_apps.runtime import kinds
from streamalert_apps.runtime.delivery import Batch
from streamalert_apps.runtime.outlets import Definition, outlet
from streamalert_apps.runtime.sink import Setup, Where
from streamalert_apps.sdk.clock import Deadline, SystemClock
from streamalert_apps.simulator.faults import Fault, Status
from tests.destinations.s3 import BUCKET, CASE, Bucket
from tests.destinations.stand import SOURCE, Stand, TakenInSilence, stand
from tests.runtime.doubles import Remembered, number_of

HOURS = 4
EVERY = 900  # seconds between two events


class Spread(Remembered):
    """Numbers that happen a quarter of an hour apart."""

    def page(self, numbers: list[int], checkpoint: Any, *, more: bool) -> Any:
        page = super().page(numbers, checkpoint, more=more)
        return replace(page, times=[page.times[0] + EVERY * at for at in range(len(numbers))])


def objects(one: Stand) -> dict[str, list[int]]:
    """Return the numbers in each object."""
    assert isinstance(one.twin, Bucket)
    return {
        unquote(key): [number_of(line) for line in gzip.decompress(body).splitlines()]
        for key, body in one.twin.objects.items()
    }


def spread(*faults: Fault, **world: Any) -> Any:
    return stand(CASE, *faults, **{"total": 16, "page": 16, "app": Spread} | world)


def test_events_are_in_folders_by_the_hour_in_which_they_happened() -> None:
    with spread() as one:
        assert one.run().status == "succeeded"
        found = objects(one)

    names = [re.fullmatch(r"(.+/)collector-[0-9a-f]{32}\.ndjson\.gz", name) for name in found]
    assert [name[1] for name in names if name] == [
        f"saas/numbers_all/dt=2026-03-01/hour={hour}/" for hour in range(12, 12 + HOURS)
    ]
    assert [*found.values()] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11], [12, 13, 14, 15]]


def test_the_table_of_the_docs_knows_these_folders_and_these_hours() -> None:
    page = Path("docs/destinations/s3.md").read_text("utf-8")
    (template,) = re.findall(r"'storage.location.template' = 's3://acme-lake/(.+)'", page)
    (date,) = re.findall(r"'projection.dt.format' = '(.+)'", page)
    (digits,) = re.findall(r"'projection.hour.digits' = '(.+)'", page)
    assert (date, digits) == ("yyyy-MM-dd", "2")

    with spread() as one:
        one.run()
        folders = {name.rpartition("/")[0] for name in objects(one)}

    of_hour = template.replace("duo_auth", "numbers_all").replace("${dt}", "2026-03-01").removesuffix("/")
    assert folders == {of_hour.replace("${hour}", str(hour)) for hour in range(12, 12 + HOURS)}


def test_folders_may_be_by_the_day() -> None:
    with spread() as one:
        one.use(partition="day")
        one.run()

        (name,) = objects(one)
    assert name.startswith("saas/numbers_all/dt=2026-03-01/collector-")


@pytest.mark.parametrize("nth", range(1, 5))
@pytest.mark.parametrize("effect", [Status(503), Status(409), TakenInSilence()], ids=["503", "409", "lost"])
def test_what_is_written_is_not_written_again_when_a_part_failed(nth: int, effect: Any) -> None:
    with spread(Fault(effect, nth=nth)) as one:
        assert one.run().status == "succeeded"

        assert sorted(one.twin.numbers) == list(range(16))


def test_half_of_a_batch_that_is_written_in_each_of_ten_runs_is_there_once() -> None:
    with spread(Fault(Status(503), every=2)) as one:
        for _ in range(10):
            one.world.total += 16
            one.run(left=0.2)
            one.world.clock.sleep(100)
        while one.run().status != "succeeded":
            one.world.clock.sleep(100)

        assert Counter(one.twin.numbers) == Counter(range(one.world.total))


def test_settings_that_change_between_two_tries_make_no_event_come_twice() -> None:
    with spread(Fault(Status(503), nth=range(3, 20))) as one:
        one.run(left=0.2)
        one.use(owner="123456789012")
        while one.run().status != "succeeded":
            one.world.clock.sleep(100)

        assert Counter(one.twin.numbers) == Counter(range(16))


def test_a_run_each_minute_makes_one_object_for_what_came_in_the_time_it_holds() -> None:
    with stand(CASE, total=0) as one:
        one.use(hold="5m")
        for _ in range(31):
            one.world.total += 2
            one.run()
            one.world.clock.sleep(60)
        found = objects(one)

    assert [len(numbers) for numbers in found.values()] == [12, 12, 12, 12, 12]
    assert sorted(number for numbers in found.values() for number in numbers) == list(range(60))


def test_a_bucket_of_somebody_else_and_a_key_are_said_with_each_object() -> None:
    key = "arn:aws:kms:us-east-1:123456789012:key/0a1b"
    with stand(CASE) as one:
        one.use(owner="123456789012", kms_key=key)
        one.run()
        assert isinstance(one.twin, Bucket)
        (headers,) = one.twin.headers

    assert headers["x-amz-expected-bucket-owner"] == "123456789012"
    assert headers["x-amz-server-side-encryption-aws-kms-key-id"] == key


def test_its_role_may_write_below_the_prefix_and_nothing_else() -> None:
    settings = Definition("lake", {"bucket": "acme-lake", "prefix": "saas/"}).settings(kinds.find("s3"))

    (permission,) = kinds.find("s3").permissions(settings, Where("aws-us-gov", "us-gov-west-1", "1"))

    assert permission.actions == ["s3:PutObject"]
    assert permission.resources == ["arn:aws-us-gov:s3:::acme-lake/saas/*"]


def test_moto_takes_each_object_once(aws_env: str) -> None:
    client: Any = boto3.client("s3")
    client.create_bucket(Bucket=BUCKET)
    clock, never = SystemClock(), Deadline.never()

    def setup(definition: Definition, settings: dict[str, Any]) -> Setup:
        return Setup("lake", settings, dict, SOURCE, clock, never, lambda *_: client, lambda: NotImplemented)

    made = outlet(Definition("lake", {"type": "s3", "bucket": BUCKET}), kinds.find, setup).destination
    batch = Batch("id", [b'{"n":1}', b'{"n":2}'], ["a", "b"], [0.0, 7200.0], "window")

    assert made.send(batch).error is None
    assert made.send(batch).error is None

    keys = [found["Key"] for found in client.list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert keys == [
        f"numbers_all/dt=1970-01-01/hour={hour}/collector-window.ndjson.gz" for hour in ("00", "02")
    ]
    assert gzip.decompress(client.get_object(Bucket=BUCKET, Key=keys[1])["Body"].read()) == b'{"n":2}\n'
    client.close()
