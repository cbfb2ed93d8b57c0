"""docs/settings.md and docs/conf.schema.json are what the program checks conf/ by."""

from __future__ import annotations

from docs import settings
from streamalert_apps.config import schema

OUT_OF_DATE = "is out of date; run `nox -s reference`"


def test_the_published_schema_is_the_one_that_is_used() -> None:
    assert settings.PUBLISHED.read_text("utf-8") == schema.FILE.read_text("utf-8"), OUT_OF_DATE


def test_the_page_is_made_from_the_schema() -> None:
    assert settings.page() == settings.PAGE.read_text("utf-8"), OUT_OF_DATE


def test_the_page_has_every_setting_of_an_app_and_of_the_project() -> None:
    page = settings.PAGE.read_text("utf-8")
    apart = {
        "auth": "auth.from",
        "metric_alarms": "metric_alarms.errors",
        "vpc_config": "vpc_config.subnet_ids",
    }
    for key in schema.named("app")["properties"]:
        assert f"\n| `{apart.get(key, key)}` |" in page
    for key in ("account.prefix", "sa_apps.tags", "sa_apps.serve.workers", "sa_apps.role_boundary"):
        assert f"\n| `{key}` |" in page
