"""conf/ is shared with people and with StreamAlert: what sa-apps reads and writes there."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from streamalert_apps.config import conf, jsonfile
from streamalert_apps.errors import ConfigError, UsageError

ACCOUNT = {"aws_account_id": "123456789012", "prefix": "acme", "region": "us-east-1"}
KEY = "1234abcd-12ab-34cd-56ef-1234567890ab"
STREAMALERT = {
    "id": "prod",
    "classifier_config": {"timeout": 60, "inputs": {"aws-sns": []}},
    "data_sources": {"sns": {"topic": ["duo"]}},
    "modules": {"cloudwatch_monitoring": {"enabled": True}},
}


def put(root: Path, name: str, content: Any) -> Path:
    path = root / "conf" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content, indent=2))
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    put(tmp_path, "global.json", {"account": ACCOUNT, "general": {"rule_locations": ["rules"]}})
    put(tmp_path, "clusters/prod.json", STREAMALERT)
    return tmp_path


def app(name: str = "collector", cluster: str = "prod", app_type: str = "duo_auth") -> conf.AppConf:
    return conf.AppConf(cluster, f"acme_{cluster}_{app_type}_{name}_app", name, app_type, "rate(2 hours)")


def cluster_file(root: Path, name: str = "prod") -> dict[str, Any]:
    content: dict[str, Any] = json.loads((root / f"conf/clusters/{name}.json").read_text())
    return content


def test_an_added_app_is_found_again_as_it_was(root: Path) -> None:
    conf.load(root).add_app(app())
    assert conf.load(root).find("collector") == app()


def test_an_app_is_written_as_streamalert_writes_it(root: Path) -> None:
    conf.load(root).add_app(app())
    written = cluster_file(root)
    assert written["modules"]["streamalert_apps"] == {
        "acme_prod_duo_auth_collector_app": {
            "app_name": "collector",
            "concurrency_limit": 1,
            "log_level": "info",
            "log_retention_days": 14,
            "memory": 128,
            "metric_alarms": {"errors": {"enabled": True, "evaluation_periods": 1, "period_secs": 120}},
            "schedule_expression": "rate(2 hours)",
            "timeout": 80,
            "type": "duo_auth",
        }
    }
    assert written["data_sources"]["streamalert_app"] == {"acme_prod_duo_auth_collector_app": ["duo"]}


def test_what_others_have_in_the_file_stays_in_its_place(root: Path) -> None:
    conf.load(root).add_app(app())
    conf.load(root).remove_app(app())
    written = cluster_file(root)
    assert written == STREAMALERT
    assert list(written) == list(STREAMALERT)


def test_a_sorted_file_stays_sorted(root: Path) -> None:
    path = put(root, "clusters/prod.json", json.dumps(STREAMALERT, indent=2, sort_keys=True))
    conf.load(root).add_app(app("b"))
    conf.load(root).add_app(app("a"))
    assert path.read_text() == json.dumps(cluster_file(root), indent=2, sort_keys=True) + "\n"


def test_letters_beyond_ascii_stay_readable(root: Path) -> None:
    path = put(root, "clusters/prod.json", '{"id": "prod", "note": "überwacht"}')
    conf.load(root).add_app(app())
    assert "überwacht" in path.read_text()


def test_keys_of_others_in_an_app_survive_an_update(root: Path) -> None:
    conf.load(root).add_app(app())
    content = cluster_file(root)
    content["modules"]["streamalert_apps"][app().function]["enable_custom_metrics"] = True
    put(root, "clusters/prod.json", content)

    conf.load(root).update_app(replace(app(), timeout=300))

    entry = cluster_file(root)["modules"]["streamalert_apps"][app().function]
    assert entry["timeout"] == 300
    assert entry["enable_custom_metrics"] is True


def test_a_limit_that_is_taken_away_leaves_the_file(root: Path) -> None:
    conf.load(root).add_app(app())
    conf.load(root).update_app(replace(app(), concurrency_limit=None))
    assert "concurrency_limit" not in cluster_file(root)["modules"]["streamalert_apps"][app().function]


def test_removing_what_is_gone_is_fine(root: Path) -> None:
    before = (root / "conf/clusters/prod.json").read_bytes()
    conf.load(root).remove_app(app())
    assert (root / "conf/clusters/prod.json").read_bytes() == before


def test_missing_schemas_are_added_and_present_ones_left_alone(root: Path) -> None:
    mine = {"parser": "json", "schema": {"mine": "string"}}
    put(root, "schemas/duo.json", {"duo:authentication": mine})
    theirs = {"duo:authentication": {"parser": "json", "schema": {}}, "duo:administrator": mine}

    said = conf.load(root).add_app(app(), theirs)

    assert said == conf.Schemas(added=("duo:administrator",), differing=("duo:authentication",))
    assert json.loads((root / "conf/schemas/duo.json").read_text()) == {
        "duo:administrator": mine,
        "duo:authentication": mine,
    }


def test_an_app_that_is_there_is_not_added_again(root: Path) -> None:
    conf.load(root).add_app(app())
    with pytest.raises(ConfigError, match="already has the app 'collector'"):
        conf.load(root).add_app(app())


def test_a_failed_write_leaves_every_file_as_it_was(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = conf.load(root)
    before = (root / "conf/clusters/prod.json").read_bytes()
    replace_file = Path.replace

    def fail_at_the_second(self: Path, target: Path) -> Path:
        if target.name == "duo.json":
            raise OSError(28, "No space left on device")
        return replace_file(self, target)

    monkeypatch.setattr(Path, "replace", fail_at_the_second)
    with pytest.raises(ConfigError, match="No space left on device"):
        project.add_app(app(), {"duo:x": {}})

    assert (root / "conf/clusters/prod.json").read_bytes() == before
    assert sorted(p.name for p in (root / "conf").rglob("*") if p.is_file()) == ["global.json", "prod.json"]


def test_a_crash_before_the_replacement_leaves_the_old_file(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (root / "conf/clusters/prod.json").read_bytes()

    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        conf.load(root).add_app(app())

    assert (root / "conf/clusters/prod.json").read_bytes() == before


@pytest.mark.skipif(sys.platform == "win32", reason="modes and links are of POSIX")
def test_the_files_mode_is_kept(root: Path) -> None:
    path = root / "conf/clusters/prod.json"
    path.chmod(0o664)
    conf.load(root).add_app(app())
    assert path.stat().st_mode & 0o777 == 0o664


@pytest.mark.skipif(sys.platform == "win32", reason="modes and links are of POSIX")
def test_a_linked_file_stays_a_link(root: Path) -> None:
    path = root / "conf/clusters/prod.json"
    real = path.rename(root / "elsewhere.json")
    path.symlink_to(real)
    conf.load(root).add_app(app())
    assert path.is_symlink()
    assert app().function in real.read_text()


def _add(root: Path, name: str) -> None:
    conf.load(root).add_app(app(name))


def test_two_commands_at_once_lose_neither_app(root: Path) -> None:
    names = [f"app{number}" for number in range(6)]
    processes = [
        multiprocessing.get_context("spawn").Process(target=_add, args=(root, name)) for name in names
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [found.name for found in conf.load(root).apps()] == names


@pytest.mark.skipif(sys.platform == "win32", reason="modes and links are of POSIX")
def test_the_folder_for_what_is_private_keeps_itself_out_of_git(root: Path) -> None:
    conf.load(root).add_app(app())
    assert (root / ".sa-apps").stat().st_mode & 0o777 == 0o700
    assert (root / ".sa-apps/.gitignore").read_text() == "*\n"


def test_who_waits_too_long_for_another_command_is_told(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonfile, "LOCK_SECONDS", 0)
    project = conf.load(root)
    with jsonfile.locked(root), pytest.raises(ConfigError, match="Another sa-apps command"):
        project.add_app(app())


def test_a_lock_that_cannot_be_made_is_told(root: Path) -> None:
    (root / ".sa-apps").write_text("a file in the way")
    with pytest.raises(ConfigError, match="can't be locked"):
        conf.load(root).add_app(app())


def test_a_file_that_is_no_text_is_told(root: Path) -> None:
    (root / "conf/clusters/prod.json").write_bytes(b'{"id": "\xff"}')
    with pytest.raises(ConfigError, match=r"prod\.json is not UTF-8 text"):
        conf.load(root)


def test_a_file_that_is_no_object_is_told(root: Path) -> None:
    put(root, "clusters/prod.json", "[]")
    with pytest.raises(ConfigError, match=r"prod\.json must hold a JSON object"):
        conf.load(root)


def test_a_file_that_cannot_be_read_is_told(root: Path) -> None:
    (root / "conf/clusters/corp.json").mkdir()
    with pytest.raises(ConfigError, match=r"corp\.json can't be read: Is a directory"):
        conf.load(root)


def test_an_update_of_what_is_gone_is_refused(root: Path) -> None:
    with pytest.raises(ConfigError, match="no longer has the app"):
        conf.load(root).update_app(app())


def test_broken_json_is_told_with_its_place(root: Path) -> None:
    put(root, "clusters/prod.json", '{\n  "id": "prod",\n  "modules": {,}\n}')
    with pytest.raises(ConfigError, match=r"conf/clusters/prod\.json .*line 3, column 15"):
        conf.load(root)


def test_what_is_wrong_is_told_with_its_file_and_its_keys(root: Path) -> None:
    entry = {"app_name": "x", "type": "duo_auth", "schedule_expression": "rate(1 hour)", "timeout": "80"}
    put(root, "clusters/prod.json", {"modules": {"streamalert_apps": {"f": entry}}})
    with pytest.raises(ConfigError) as caught:
        conf.load(root)
    assert caught.value.message == (
        "conf/clusters/prod.json: modules.streamalert_apps.f.timeout "
        'must be a whole number from 10 to 900, not "80".'
    )
    assert caught.value.hint == ""


def test_a_schedule_that_never_comes_is_told_with_its_place(root: Path) -> None:
    entry = {"app_name": "x", "type": "duo_auth", "schedule_expression": "cron(0 0 31 2 ? *)"}
    put(root, "clusters/prod.json", {"modules": {"streamalert_apps": {"f": entry}}})
    with pytest.raises(ConfigError) as caught:
        conf.load(root)
    assert caught.value.message == (
        "conf/clusters/prod.json: modules.streamalert_apps.f.schedule_expression: "
        "'cron(0 0 31 2 ? *)' never comes: no month has such a day."
    )


def test_of_several_errors_one_is_told_and_how_to_see_the_others(root: Path) -> None:
    put(root, "global.json", {"account": {"prefix": "Acme", "region": "here"}})
    with pytest.raises(ConfigError) as caught:
        conf.load(root)
    assert caught.value.hint == "2 more; `sa-apps config validate` shows all."


def test_streamalerts_placeholders_are_refused(root: Path) -> None:
    put(root, "global.json", {"account": ACCOUNT | {"prefix": "PREFIX_GOES_HERE"}})
    with pytest.raises(ConfigError, match=r"global\.json: account\.prefix .* not \"PREFIX_GOES_HERE\""):
        conf.load(root)


def test_keys_that_nobody_knows_are_told_once_for_all_apps(root: Path) -> None:
    entry = {"app_name": "x", "type": "duo_auth", "schedule_expression": "rate(1 hour)", "memori": 256}
    put(root, "clusters/prod.json", {"modules": {"streamalert_apps": {"f": entry, "g": entry}}})
    (told,) = conf.load(root).unknown
    assert told == (
        "conf/clusters/prod.json: modules.streamalert_apps.f.memori is not a known key "
        "(and 1 more like it). Did you mean 'memory'?"
    )


def test_the_destinations_are_checked_where_there_are_any(root: Path) -> None:
    put(root, "destinations.json", {"destinations": {"lake": {"bucket": "acme-lake"}}})
    with pytest.raises(ConfigError, match=r"conf/destinations\.json: destinations\.lake lacks type"):
        conf.load(root)


@pytest.mark.parametrize(
    "text",
    [
        '{\r\n  "id": "prod"\r\n}\r\n',
        '{\n    "id": "prod"\n}\n',
        '{\n\t"id": "prod"\n}\n',
        '\ufeff{\n  "id": "prod"\n}\n',
    ],
    ids=["CRLF", "four spaces", "tabs", "byte order mark"],
)
def test_line_ends_and_indentation_stay_as_they_were(root: Path, text: str) -> None:
    path = root / "conf/clusters/prod.json"
    path.write_bytes(text.encode())
    conf.load(root).add_app(app())
    assert app().function in path.read_text("utf-8")
    conf.load(root).remove_app(app())
    content = json.loads(path.read_bytes().decode("utf-8-sig"))
    assert content == {"data_sources": {}, "id": "prod", "modules": {}}
    conf.write(root, {"conf/clusters/prod.json": {"id": "prod"}})
    assert path.read_bytes().decode() == text


def test_a_local_project_needs_neither_account_nor_region(root: Path) -> None:
    put(root, "global.json", {"account": {"prefix": "local"}, "sa_apps": {"store": "local"}})
    account = conf.load(root).account
    assert (account.local, account.prefix, account.aws_account_id, account.region) == (True, "local", "", "")


def test_alarms_go_to_streamalerts_topic_unless_another_is_named(root: Path) -> None:
    assert conf.load(root).account.alarm_topic == "acme_streamalert_monitoring"
    monitoring = {"monitoring": {"sns_topic_name": "pager"}}
    put(root, "global.json", {"account": ACCOUNT, "infrastructure": monitoring})
    assert conf.load(root).account.alarm_topic == "pager"


def test_the_record_has_a_bucket_of_its_own_unless_one_is_named(root: Path) -> None:
    assert conf.load(root).account.bucket == "acme-sa-apps-123456789012-us-east-1"
    put(root, "global.json", {"account": ACCOUNT, "sa_apps": {"bucket": "ours", "kms_key": KEY}})
    account = conf.load(root).account
    assert (account.bucket, account.kms_key) == ("ours", KEY)


def test_what_an_app_states_of_its_record_is_read_and_stays_in_its_file(root: Path) -> None:
    stated = {"journal_days": 30, "lag": "10m"}
    project = conf.load(root)
    project.add_app(replace(app(), extra=stated))

    found = conf.load(root).find("collector")

    assert (found.journal_days, found.lag) == (30.0, timedelta(minutes=10))
    assert stated.items() <= found.settings().items()
    assert (app().journal_days, app().lag) == (7.0, None)


def test_an_app_of_streamalert_without_a_limit_has_none(root: Path) -> None:
    entry = {"app_name": "x", "type": "duo_auth", "schedule_expression": "rate(1 hour)"}
    put(root, "clusters/prod.json", {"modules": {"streamalert_apps": {"f": entry}}})
    assert conf.load(root).find("x").concurrency_limit is None


def test_the_root_is_found_from_a_folder_below(root: Path) -> None:
    below = root / "rules" / "duo"
    below.mkdir(parents=True)
    assert conf.find_root(below) == root.resolve()


def test_without_a_project_init_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        conf.find_root(tmp_path)
    assert "sa-apps init" in caught.value.hint


def test_an_unknown_cluster_names_those_that_are(root: Path) -> None:
    with pytest.raises(UsageError) as caught:
        conf.load(root).apps("prd")
    assert caught.value.hint == "Did you mean 'prod'? Clusters: prod."


def test_an_unknown_app_gets_a_suggestion(root: Path) -> None:
    conf.load(root).add_app(app("duo_prod"))
    with pytest.raises(UsageError) as caught:
        conf.load(root).find("duo_prd")
    assert "Did you mean 'duo_prod'?" in caught.value.hint


def test_a_name_in_two_clusters_needs_the_cluster(root: Path) -> None:
    put(root, "clusters/corp.json", {})
    conf.load(root).add_app(app())
    conf.load(root).add_app(app(cluster="corp"))
    project = conf.load(root)
    with pytest.raises(UsageError, match="several clusters: corp, prod") as caught:
        project.find("collector")
    assert "--cluster" in caught.value.hint
    assert project.find("collector", "corp").cluster == "corp"


def test_two_apps_of_one_name_are_told_apart_by_function(root: Path) -> None:
    conf.load(root).add_app(app())
    conf.load(root).add_app(app(app_type="duo_admin"))
    project = conf.load(root)
    with pytest.raises(UsageError) as caught:
        project.find("collector")
    assert "acme_prod_duo_admin_collector_app" in caught.value.hint
    assert project.find("acme_prod_duo_admin_collector_app").type == "duo_admin"
