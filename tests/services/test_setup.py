"""What an administrator sets up is one text: the command line shows it, and the service's page holds it."""

from __future__ import annotations

import re

import pytest

from docs import pages
from streamalert_apps import services

each = pytest.mark.parametrize("service", services.services())


@each
def test_a_services_page_holds_what_the_command_line_shows(service: str) -> None:
    setup = services.setup(service)

    assert f"\n\n{setup}\n" in pages.page(service)


@each
def test_the_steps_are_numbered_and_few(service: str) -> None:
    numbers = [int(number) for number in re.findall(r"^(\d+)\. ", services.setup(service), re.MULTILINE)]

    assert numbers == list(range(1, len(numbers) + 1))
    assert 3 <= len(numbers) <= 5


@each
def test_an_app_type_says_where_its_api_is_documented(service: str) -> None:
    assert {kind.documentation[:8] for kind in services.apps(service).values()} == {"https://"}


def test_a_service_that_is_not_here_has_nothing_to_set_up() -> None:
    assert services.setup("acme") == ""
