"""python-gitlab: audit events of each kind by keyset, a wrong token."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import gitlab
import pytest

from streamalert_apps.services.gitlab.twin import GROUP, PROJECT, Gitlab
from tests.sdks.conftest import Serve

END = datetime.now(UTC) - timedelta(minutes=10)
BEGIN = END - timedelta(hours=1)
KEYSET = {"pagination": "keyset", "order_by": "id", "sort": "desc", "per_page": 20}


def client(token: str) -> gitlab.Gitlab:
    return gitlab.Gitlab("https://gitlab.com", private_token=token)


@pytest.mark.parametrize("kind", ["instance", "group", "project"])
@pytest.mark.parametrize("exact", [True, False])
def test_every_event_comes_page_by_page(served: Serve, kind: str, *, exact: bool) -> None:
    twin = Gitlab(host="gitlab.com", exact=exact)
    twin.seed(f"gitlab_{kind}", events=60, start=BEGIN, end=END)
    served(twin)
    here = client(twin.credentials["token"])
    lists: dict[str, Any] = {
        "instance": here,
        "group": here.groups.get(GROUP, lazy=True),
        "project": here.projects.get(PROJECT, lazy=True),
    }

    events = lists[kind].audit_events.list(created_after=BEGIN.isoformat(), get_all=True, **KEYSET)

    assert len({event.id for event in events}) == 60


def test_a_wrong_token_is_told(served: Serve) -> None:
    served(Gitlab(host="gitlab.com"))

    with pytest.raises(gitlab.GitlabAuthenticationError):
        client("glpat-another00000000000").audit_events.list(get_all=False, **KEYSET)
