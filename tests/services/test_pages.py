"""Each service has a page, and all pages tell the same things in the same order."""

from __future__ import annotations

import re

import pytest

from docs import pages
from streamalert_apps import services

BUILT_IN = sorted(services.services())
WITH_OWN_TYPES = ("salesforce",)  # whose many types the page tells of without listing each


def page(service: str) -> str:
    return pages.page(service)


def section(service: str, title: str) -> str:
    return page(service).partition(f"\n## {title}")[2].partition("\n## ")[0]


def test_each_service_has_a_page_and_each_page_a_service() -> None:
    assert pages.services() == BUILT_IN


@pytest.mark.parametrize("service", BUILT_IN)
def test_a_page_has_the_parts_of_all_pages_in_their_order(service: str) -> None:
    titles = re.findall(r"^## (.*)$", page(service), re.MULTILINE)
    order = ["What to set up in", "What to expect", "Changes from StreamAlert"]

    shared = [begin for title in titles for begin in order if title.startswith(begin)]

    assert shared == order
    assert titles[0].startswith(order[0])
    assert titles[-1] == order[-1]


@pytest.mark.parametrize("service", BUILT_IN)
def test_a_page_tells_limit_lag_retention_and_schedule(service: str) -> None:
    told = re.findall(r"^- \*\*([\w ]+)\.\*\*", section(service, "What to expect"), re.MULTILINE)

    assert {"Limit", "Lag", "Retention", "Schedule"} <= set(told)


@pytest.mark.parametrize("service", BUILT_IN)
def test_a_page_names_what_is_collected_and_the_schemas_of_the_logs(service: str) -> None:
    first = page(service).partition("\n## ")[0]
    kinds = services.apps(service)
    listed = set(re.findall(rf"^\| `({service}_\w+)` \|", first, re.MULTILINE))

    assert listed <= set(kinds)
    assert listed == set(kinds) or service in WITH_OWN_TYPES
    assert all(f"`{schema}`" in first for kind in kinds.values() for schema in kind.schemas)


@pytest.mark.parametrize("service", BUILT_IN)
def test_a_page_tells_how_each_credential_that_is_asked_for_looks(service: str) -> None:
    text = section(service, "What to set up in")
    rows = re.findall(r"^\| `(\w+)` \|", text.partition("| value | looks like |")[2], re.MULTILINE)
    asked = {field.name for kind in services.apps(service).values() for field in kind.auth}
    old = set(re.findall(r"`(\w+)`", text.partition("Credentials that StreamAlert stored")[2]))

    assert f"`sa-apps new {service}_" in text
    assert set(rows) <= asked
    assert asked <= set(rows) | old
