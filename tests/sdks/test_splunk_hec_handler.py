"""A handler of others for Splunk's event collector: what it posts, the twin takes as it takes the sink's."""

from __future__ import annotations

import logging
from urllib.parse import urlsplit

import pytest
import requests
from splunk_hec_handler import SplunkHecHandler

from tests.destinations.splunk import CASE, TOKEN, Collector
from tests.destinations.stand import stand


def handler(url: str, token: str = TOKEN) -> SplunkHecHandler:
    place = urlsplit(url)
    return SplunkHecHandler(
        place.hostname, token, port=place.port, proto="http", source="collector", sourcetype="numbers_all",
        empty_body=True,
    )  # fmt: skip


def record(event: object) -> logging.LogRecord:
    return logging.LogRecord("saas", logging.INFO, "", 0, event, (), None)


def test_its_envelope_has_the_keys_of_the_sinks() -> None:
    with stand(CASE, total=1) as one:
        one.run()
        handler(one.server.url).emit(record({"n": 1}))
        assert isinstance(one.twin, Collector)
        ours, theirs = one.twin.envelopes

    assert one.twin.numbers == [0, 1]
    assert ours.keys() >= {"time", "event", "source", "sourcetype", "fields"}
    assert theirs.keys() >= {"time", "event", "source", "sourcetype", "fields"}
    assert type(ours["time"]) in {int, float}
    assert all(isinstance(value, str) for value in ours["fields"].values())


def test_it_understands_a_refused_token() -> None:
    with stand(CASE, total=0) as one, pytest.raises(requests.HTTPError, match="403"):
        handler(one.server.url, "another").emit(record({"n": 1}))
