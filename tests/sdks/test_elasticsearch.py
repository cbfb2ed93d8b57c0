"""Elastic's and OpenSearch's own clients beside the sink: the same documents, in the same cluster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import elasticsearch.helpers
import opensearchpy.helpers
import pytest
from elasticsearch import Elasticsearch
from opensearchpy import OpenSearch

from tests.destinations.elastic import API_KEY, CASE, Cluster
from tests.destinations.stand import stand

INDEX = "logs-numbers_all-saas"


def by_elastic(url: str, actions: list[dict[str, Any]]) -> list[tuple[bool, Any]]:
    with Elasticsearch(url, api_key=API_KEY, http_compress=True) as client:
        return [*elasticsearch.helpers.streaming_bulk(client, actions, raise_on_error=False)]


def by_opensearch(url: str, actions: list[dict[str, Any]]) -> list[tuple[bool, Any]]:
    client = OpenSearch(url, http_compress=True, headers={"Authorization": f"ApiKey {API_KEY}"})
    return [*opensearchpy.helpers.streaming_bulk(client, actions, raise_on_error=False)]


both_clients = pytest.mark.parametrize("bulk", [by_elastic, by_opensearch])
Bulk = Callable[[str, list[dict[str, Any]]], list[tuple[bool, Any]]]


@both_clients
def test_what_the_sink_made_is_there_for_the_client(bulk: Bulk) -> None:
    with stand(CASE) as one:
        one.run()
        assert isinstance(one.twin, Cluster)
        made = dict(one.twin.documents)
        actions = [
            {"_op_type": "create", "_index": INDEX, "_id": identity, **document}
            for identity, document in made.items()
        ]

        said = bulk(one.server.url, actions)

        assert {item["create"]["status"] for ok, item in said if not ok} == {409}
        assert (len(said), one.twin.documents) == (10, made)


@both_clients
def test_the_client_understands_what_the_cluster_says_of_each_document(bulk: Bulk) -> None:
    with stand(CASE, total=0) as one:
        one.twin.poison = {1}
        actions = [{"_op_type": "create", "_index": INDEX, "_id": f"{n}", "n": n} for n in range(3)]

        said = bulk(one.server.url, actions)

        assert [ok for ok, _ in said] == [True, False, True]
        assert said[1][1]["create"]["error"]["type"] == "document_parsing_exception"
        assert sorted(one.twin.numbers) == [0, 2]
