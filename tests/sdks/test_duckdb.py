"""The queries of docs/destinations/s3.md, carried out by DuckDB on what the sink wrote.

Athena's words are read by sqlglot, which knows them; its query is carried out in DuckDB's.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pytest
import sqlglot
from sqlglot import exp

from streamalert_apps.runtime import kinds
from streamalert_apps.runtime.delivery import Batch
from streamalert_apps.runtime.outlets import Definition, outlet
from streamalert_apps.runtime.sink import Setup, Source
from streamalert_apps.sdk.clock import Deadline, SystemClock

PAGE = Path("docs/destinations/s3.md").read_text("utf-8")
ATHENA, DUCKDB = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
DEFINITION = {"type": "s3", "bucket": "acme-lake", "prefix": "saas/"}
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC).timestamp()
DENIED = [
    ("ann", NOON),
    ("bob", NOON + 3600),
    ("ann", NOON + 7200),
]  # others are let in, or were the day before
WANTED = [("ann", 2), ("bob", 1)]


def event(name: str, time: float, result: str = "failure") -> bytes:
    device = {"ip": "192.0.2.7", "hostname": None}
    told = {"timestamp": int(time), "result": result, "user": {"name": name}, "access_device": device}
    return json.dumps(told | {"adaptive_trust_assessments": {}, "factor": "duo_push"}).encode()


@pytest.fixture
def lake(aws_env: str, tmp_path: Path) -> str:
    """Write events to a bucket, and return where a copy of it is."""
    happened = [*DENIED, ("eve", NOON - 86_400)]
    events = [event(*one) for one in happened] + [event("bob", NOON, "success")]
    times = [time for _, time in happened] + [NOON]
    client: Any = boto3.client("s3")
    client.create_bucket(Bucket="acme-lake")

    def setup(definition: Definition, settings: dict[str, Any]) -> Setup:
        source, never = Source("duo_prod", "duo_auth", "acme_prod_duo_auth_duo_prod_app"), Deadline.never()
        lent = cache(lambda *_: client)
        return Setup(
            definition.name, settings, dict, source, SystemClock(), never, lent, lambda: NotImplemented
        )

    sink = outlet(Definition("lake", DEFINITION), kinds.find, setup).destination
    assert sink.send(Batch("id", events, [str(n) for n in range(5)], times, "window")).error is None
    for found in client.list_objects_v2(Bucket="acme-lake")["Contents"]:
        path = tmp_path / found["Key"]
        path.parent.mkdir(parents=True, exist_ok=True)
        client.download_file("acme-lake", found["Key"], str(path))
    client.close()
    return f"{tmp_path}/"


def test_the_query_for_duckdb_finds_what_was_written(lake: str) -> None:
    assert sorted(duckdb.sql(DUCKDB.replace("s3://acme-lake/", lake)).fetchall()) == WANTED


def test_the_table_for_athena_has_the_columns_and_the_folders_of_what_was_written(lake: str) -> None:
    create, query = (sqlglot.parse_one(words, dialect="athena") for words in ATHENA.split(";\n\n"))
    columns = [column for column in create.find_all(exp.ColumnDef) if column.parent is create.this]
    place, partitions = create.find(exp.LocationProperty), create.find(exp.PartitionedByProperty)
    assert place
    assert partitions
    assert [column.name for column in partitions.find_all(exp.ColumnDef)] == ["dt", "hour"]

    types = ", ".join(f"'{column.name}': '{column.args['kind'].sql('duckdb')}'" for column in columns)
    files = f"{place.this.name.replace('s3://acme-lake/', lake)}*/*/*.ndjson.gz"
    with duckdb.connect() as database:
        read = f"read_json('{files}', columns = {{{types}}}, hive_partitioning = true)"
        database.execute(f"CREATE VIEW duo_auth AS FROM {read}")
        assert sorted(database.sql(query.sql("duckdb")).fetchall()) == WANTED
