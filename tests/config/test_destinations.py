"""conf/destinations.json: where events go, and which apps send there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from streamalert_apps.config import conf
from streamalert_apps.errors import ConfigError

ACCOUNT = {"aws_account_id": "123456789012", "prefix": "acme", "region": "us-east-1"}
LAKE = {"type": "s3", "bucket": "acme-lake", "prefix": "saas/", "hold": "5m"}
HOOK = {"type": "http", "url": "https://logs.example.com/in"}


def project(root: Path, stated: Any = None, **app: Any) -> conf.AppConf:
    """Write a project of one app; return the app as it is read."""
    entry = {"app_name": "collector", "type": "duo_auth", "schedule_expression": "rate(1 hour)", **app}
    put(root, "global.json", {"account": ACCOUNT})
    put(
        root,
        "clusters/prod.json",
        {"modules": {"streamalert_apps": {"acme_prod_duo_auth_collector_app": entry}}},
    )
    if stated is not None:
        put(root, "destinations.json", stated)
    return conf.load(root).find("collector")


def put(root: Path, name: str, content: Any) -> None:
    path = root / "conf" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def sinks(app: conf.AppConf) -> list[str]:
    return [sink.name for sink in app.sinks]


def test_without_the_file_nothing_is_stated(tmp_path: Path) -> None:
    assert project(tmp_path).sinks == ()


def test_a_cluster_s_list_is_that_of_its_apps(tmp_path: Path) -> None:
    stated = {"destinations": {"lake": LAKE}, "clusters": {"prod": ["classifier", "lake"]}}

    assert sinks(project(tmp_path, stated)) == ["classifier", "lake"]


def test_an_app_s_own_list_goes_before_its_cluster_s(tmp_path: Path) -> None:
    stated = {"destinations": {"lake": LAKE, "hook": HOOK}, "clusters": {"prod": ["classifier"]}}

    assert sinks(project(tmp_path, stated, destinations=["lake", "hook", "lake"])) == ["lake", "hook"]


def test_an_app_without_a_list_in_a_cluster_without_one_goes_to_the_classifier(tmp_path: Path) -> None:
    assert project(tmp_path, {"destinations": {"lake": LAKE}, "clusters": {"other": ["lake"]}}).sinks == ()


def test_what_the_file_says_of_a_destination_stays_as_it_is(tmp_path: Path) -> None:
    (lake,) = project(tmp_path, {"destinations": {"lake": LAKE}}, destinations=["lake"]).sinks

    assert (lake.kind, dict(lake.given), lake.common()["hold"]) == ("s3", LAKE, 300.0)


def test_an_app_is_written_with_its_own_list_and_without_its_cluster_s(tmp_path: Path) -> None:
    app = project(
        tmp_path, {"destinations": {"lake": LAKE}, "clusters": {"prod": ["lake"]}}, destinations=["lake"]
    )

    assert app.settings()["destinations"] == ["lake"]
    assert "sinks" not in app.settings()


def test_what_is_no_setting_of_a_kind_is_known(tmp_path: Path) -> None:
    from streamalert_apps.runtime import kinds

    (lake,) = project(
        tmp_path, {"destinations": {"lake": LAKE | {"compres": 1}}}, destinations=["lake"]
    ).sinks

    assert lake.unknown(kinds.find("s3")) == ["compres"]


def test_other_settings_make_another_digest_but_how_long_it_waits_does_not(tmp_path: Path) -> None:
    def digest(**changes: Any) -> str:
        (lake,) = project(
            tmp_path, {"destinations": {"lake": {**LAKE, **changes}}}, destinations=["lake"]
        ).sinks
        return lake.digest

    assert digest() == digest(hold="10m") != digest(bucket="other")
    assert (
        len({digest(), digest(only="a"), digest(without="a"), digest(redact=["a"]), digest(wrap="raw")}) == 5
    )


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ([], "must hold a JSON object"),
        ({"destinations": []}, "destinations must be an object"),
        ({"destinations": {"lake": "s3"}}, "destinations.lake must be an object"),
        ({"destinations": {"lake": {"bucket": "b"}}}, "destinations.lake lacks type"),
        ({"destinations": {"classifier": HOOK}}, "can't be the name"),
        ({"destinations": {"My Lake": HOOK}}, "which must be a name"),
        ({"destinations": {"run:x": HOOK}}, "which must be a name"),
        ({"destinations": {"lake": {"type": "s3"}}}, "destination lake: bucket is missing"),
        ({"destinations": {"lake": LAKE | {"bucket": "A B"}}}, "destination lake: bucket: 'A B' is not"),
        ({"destinations": {"lake": LAKE | {"prefix": "/x"}}}, "destination lake: prefix"),
        ({"destinations": {"lake": LAKE | {"hold": "5"}}}, "not a valid duration"),
        ({"destinations": {"lake": LAKE | {"hold": "2d"}}}, "A day is the longest"),
        (
            {"destinations": {"lake": LAKE | {"only": "result =="}}},
            "only: It is no JMESPath",
        ),
        ({"destinations": {"lake": LAKE | {"only": "[" * 500}}}, "only: It is no JMESPath"),
        ({"destinations": {"lake": LAKE | {"without": 1}}}, "without: 1 is not a text"),
        (
            {"destinations": {"lake": LAKE | {"redact": "ip"}}},
            "redact: It has to be a list",
        ),
        ({"destinations": {"lake": LAKE | {"redact": ["a..b"]}}}, "redact: 'a..b' is not a path"),
        ({"destinations": {"lake": LAKE | {"redact": ["a["]}}}, "redact: 'a[' is not a path"),
        ({"destinations": {"lake": LAKE | {"wrap": "box"}}}, "wrap: 'box' is none of raw, envelope"),
        ({"destinations": {}, "clusters": {"prod": "lake"}}, "clusters.prod must be a list"),
        ({"destinations": {}, "clusters": {"prod": ["lake"]}}, "there is no destination 'lake'"),
        ({"destinations": {}, "clusters": {"prod": []}}, "clusters.prod names no destination"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, stated: Any, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        project(tmp_path, stated)

    assert "conf/destinations.json" in caught.value.message
    assert message in caught.value.message


def test_a_name_that_is_nearly_right_is_suggested(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        project(tmp_path, {"destinations": {"lake": LAKE}}, destinations=["lak"])

    assert "acme_prod_duo_auth_collector_app: destinations" in caught.value.message
    assert "Did you mean 'lake'?" in caught.value.hint


@pytest.mark.parametrize("path", ["logs/{app}.jsonl", "logs/all.jsonl", "logs/{function}.jsonl"])
def test_apps_of_one_name_share_no_file_unless_that_is_meant(tmp_path: Path, path: str) -> None:
    stated = {"destinations": {"file": {"type": "file", "path": path}}}
    project(tmp_path, stated, destinations=["file"])
    entry = {"app_name": "collector", "type": "duo_auth", "schedule_expression": "rate(1 hour)"}
    other = {"acme_test_duo_auth_collector_app": entry | {"destinations": ["file"]}}
    put(tmp_path, "clusters/test.json", {"modules": {"streamalert_apps": other}})

    if path != "logs/{app}.jsonl":
        assert len(conf.load(tmp_path).all_apps) == 2
        return
    with pytest.raises(ConfigError) as caught:
        conf.load(tmp_path)
    assert "acme_prod_duo_auth_collector_app and acme_test_duo_auth_collector_app" in caught.value.message
