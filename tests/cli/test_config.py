"""`sa-apps config`: conf/ read, checked and changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from tests.cli.test_json import SCHEMA, check

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Ran

    Command = Callable[..., Ran]

CLUSTER = "conf/clusters/prod.json"
FUNCTION = "local_prod_duo_auth_collector_app"
PLACE = f"{CLUSTER}: modules.streamalert_apps.{FUNCTION}"


@pytest.fixture
def configured(local: Path, auth_file: Path, sa_apps: Command) -> Path:
    """Return the folder of a local project that has the app `collector`."""
    arguments = ["--cluster", "prod", "--auth-file", str(auth_file), "--no-check"]
    assert sa_apps("new", "duo_auth", *arguments).code == 0
    return local


def entry(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((root / CLUSTER).read_text())["modules"]["streamalert_apps"][FUNCTION]
    return found


def edit(root: Path, **settings: Any) -> None:
    content = json.loads((root / CLUSTER).read_text())
    content["modules"]["streamalert_apps"][FUNCTION] |= settings
    (root / CLUSTER).write_text(json.dumps(content, indent=2) + "\n")


# validate


def test_a_project_as_the_commands_make_it_is_valid(configured: Path, sa_apps: Command) -> None:
    ran = sa_apps("config", "validate")
    assert (ran.code, ran.err) == (0, f"conf/ is valid: conf/global.json, {CLUSTER}.\n")


def test_everything_that_is_wrong_is_shown_at_once(configured: Path, sa_apps: Command) -> None:
    edit(configured, timeout=3000, memory="128", memori=256)
    (configured / "conf/clusters/corp.json").write_text("{")
    ran = sa_apps("config", "validate")
    assert ran.code == 1
    assert f"error: {PLACE}.timeout must be a whole number from 10 to 900, not 3000.\n" in ran.err
    assert f'error: {PLACE}.memory must be a whole number from 128 to 10240, not "128".\n' in ran.err
    assert "error: conf/clusters/corp.json is not valid JSON: line 1" in ran.err
    assert f"warning: {PLACE}.memori is not a known key. Did you mean 'memory'?\n" in ran.err


def test_an_unknown_key_is_no_error(configured: Path, sa_apps: Command) -> None:
    edit(configured, owner="security team")
    ran = sa_apps("config", "validate", "--json")
    assert ran.code == 0
    assert ran.err.startswith(f"warning: {PLACE}.owner is not a known key.\n")
    assert check(ran.out, "config validate")["warnings"] == [f"{PLACE}.owner is not a known key."]


def test_an_unknown_app_type_is_an_error_with_the_likely_one(configured: Path, sa_apps: Command) -> None:
    edit(configured, type="duo_auht")
    ran = sa_apps("config", "validate", "--json")
    assert ran.code == 1
    answer = json.loads(ran.out)
    Draft202012Validator({"$ref": "#/$defs/config%20validate", "$defs": SCHEMA["$defs"]}).validate(answer)
    assert answer["errors"] == [
        {
            "code": "config_error",
            "message": f"{PLACE}: There is no app type 'duo_auht'.",
            "hint": "Did you mean 'duo_auth'?",
        }
    ]


def test_settings_that_do_not_fit_together_are_errors(deployable: Path, sa_apps: Command) -> None:
    words = ["--name", "collector"]
    assert sa_apps("config", "set", "vpc_config.subnet_ids", '["subnet-1"]', *words).code == 0
    ran = sa_apps("config", "validate")
    assert ran.code == 1
    assert "vpc_config needs subnet_ids and security_group_ids, or neither." in ran.err


def test_a_destination_that_nobody_defined_is_an_error(configured: Path, sa_apps: Command) -> None:
    edit(configured, destinations=["lake"])
    ran = sa_apps("config", "validate", "--json")
    assert ran.code == 1
    assert [error["hint"] for error in json.loads(ran.out)["errors"]] == [
        "Define it in conf/destinations.json."
    ]


def test_every_command_warns_of_an_unknown_key_and_goes_on(configured: Path, sa_apps: Command) -> None:
    edit(configured, memori=256)
    ran = sa_apps("list")
    assert ran.code == 0
    assert ran.err == f"warning: {PLACE}.memori is not a known key. Did you mean 'memory'?\n"


def test_every_command_refuses_a_wrong_value(configured: Path, sa_apps: Command) -> None:
    edit(configured, timeout=3000)
    for words in (["list"], ["status"], ["run", "collector"]):
        ran = sa_apps(*words)
        assert ran.code == 1
        assert "timeout must be a whole number from 10 to 900, not 3000" in ran.err


# get


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["account.prefix"], "local"),
        (["sa_apps.store"], "local"),
        (["timeout", "--name", "collector"], "80"),
        (["timeout", "-n", FUNCTION, "-c", "prod"], "80"),
        (["metric_alarms.errors.enabled", "-n", "collector"], "true"),
        (["id", "--cluster", "prod"], "prod"),
        (["journal_days", "-n", "collector"], "7"),
        (["sa_apps.serve.workers"], "8"),
    ],
    ids=" ".join,
)
def test_a_value_is_shown_as_it_is_or_as_its_default(
    configured: Path, sa_apps: Command, words: list[str], shown: str
) -> None:
    ran = sa_apps("config", "get", *words)
    assert (ran.code, ran.out, ran.err) == (0, f"{shown}\n", "")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["timeot", "-n", "collector"], f"error: {PLACE}.timeot is not set.\nhint: Did you mean 'timeout'?"),
        (["lag", "-n", "collector"], f"error: {PLACE}.lag is not set."),
        (["timeout"], "error: 'timeout' is a setting of an app.\nhint: Pass --name."),
        (
            ["timeout", "-n", "colector"],
            "error: There is no app 'colector'.\nhint: Did you mean 'collector'?",
        ),
        (["id", "-c", "prd"], "error: There is no cluster 'prd'.\nhint: Did you mean 'prod'?"),
        (["account..prefix"], "error: 'account..prefix' is not a key."),
        (["account.prefix.more"], "error: conf/global.json: account.prefix.more is not set."),
    ],
    ids=["mistyped", "unset", "no name", "no app", "no cluster", "no key", "no object"],
)
def test_what_is_not_there_is_told(configured: Path, sa_apps: Command, words: list[str], told: str) -> None:
    ran = sa_apps("config", "get", *words)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(told)


def test_json_tells_whether_a_value_is_the_default(configured: Path, sa_apps: Command) -> None:
    answer = check(sa_apps("config", "get", "journal_days", "-n", "collector", "--json").out, "config get")
    assert (answer["file"], answer["value"], answer["is_set"]) == (CLUSTER, 7, False)
    assert answer["key"] == f"modules.streamalert_apps.{FUNCTION}.journal_days"


# set


@pytest.mark.parametrize(
    ("words", "key", "written"),
    [
        (["timeout", "300"], "timeout", 300),
        (["lag", "10m"], "lag", "10m"),
        (["enable_custom_metrics", "true"], "enable_custom_metrics", True),
        (["destinations", '["classifier"]'], "destinations", ["classifier"]),
        (["auth.from", "file:/run/secrets/duo.json"], "auth", {"from": "file:/run/secrets/duo.json"}),
    ],
    ids=str,
)
def test_a_value_is_json_or_else_text(
    configured: Path, sa_apps: Command, words: list[str], key: str, written: Any
) -> None:
    assert sa_apps("config", "set", *words, "--name", "collector").code == 0
    assert entry(configured)[key] == written


def test_a_number_is_text_where_only_text_is_allowed(configured: Path, sa_apps: Command) -> None:
    assert sa_apps("config", "set", "account.aws_account_id", "123456789012").code == 0
    account = json.loads((configured / "conf/global.json").read_text())["account"]
    assert account["aws_account_id"] == "123456789012"


def test_a_negative_value_follows_two_dashes(configured: Path, sa_apps: Command) -> None:
    assert sa_apps("config", "set", "concurrency_limit", "-n", "collector", "--", "-1").code == 0
    assert entry(configured)["concurrency_limit"] == -1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["timeout", "3000"], "timeout must be a whole number from 10 to 900, not 3000."),
        (["memori", "300"], "memori is not a known key.\nhint: Did you mean 'memory'?"),
        (["vpc_config", "x"], 'vpc_config must be an object, not "x".'),
        (["timeout.more", "1"], "timeout is not an object."),
        (["destinations", '["lake"]'], "destinations: there is no destination 'lake'."),
        (["type", "duo_admin"], "type is part of the name of the app's function."),
    ],
    ids=str,
)
def test_a_wrong_value_is_not_written(
    configured: Path, sa_apps: Command, words: list[str], told: str
) -> None:
    before = (configured / CLUSTER).read_bytes()
    ran = sa_apps("config", "set", *words, "--name", "collector")
    assert ran.code != 0
    assert told in ran.err
    assert (configured / CLUSTER).read_bytes() == before


def test_a_file_that_is_wrong_can_be_put_right(configured: Path, sa_apps: Command) -> None:
    edit(configured, timeout=3000, memory=1)
    assert sa_apps("config", "set", "timeout", "300", "--name", "collector").code == 0
    assert sa_apps("config", "set", "memory", "128", "--name", "collector").code == 0
    assert sa_apps("config", "validate").code == 0


def test_the_rest_of_the_file_stays_byte_for_byte(configured: Path, sa_apps: Command) -> None:
    path = configured / CLUSTER
    text = json.dumps({"note": "überwacht", **json.loads(path.read_text())}, indent=4, ensure_ascii=False)
    path.write_bytes(f"{text}\n".replace("\n", "\r\n").encode())
    before = path.read_bytes()
    assert sa_apps("config", "set", "timeout", "300", "--name", "collector").code == 0
    assert path.read_bytes() == before.replace(b'"timeout": 80', b'"timeout": 300')


def test_the_first_destination_makes_the_file(configured: Path, sa_apps: Command) -> None:
    assert sa_apps("config", "set", "destinations.lake", '{"type": "s3", "bucket": "acme"}').code == 0
    assert sa_apps("config", "get", "destinations.lake.bucket").out == "acme\n"
    content = json.loads((configured / "conf/destinations.json").read_text())
    assert content == {"destinations": {"lake": {"bucket": "acme", "type": "s3"}}}


def test_json_tells_whether_something_changed(configured: Path, sa_apps: Command) -> None:
    words = ["config", "set", "timeout", "300", "-n", "collector", "--json"]
    assert check(sa_apps(*words).out, "config set")["changed"] is True
    assert check(sa_apps(*words).out, "config set")["changed"] is False


def test_an_app_in_two_clusters_needs_the_cluster(
    configured: Path, auth_file: Path, sa_apps: Command
) -> None:
    assert sa_apps("init", "--cluster", "corp").code == 0
    arguments = ["--cluster", "corp", "--auth-file", str(auth_file), "--no-check"]
    assert sa_apps("new", "duo_auth", *arguments).code == 0
    ran = sa_apps("config", "set", "timeout", "300", "--name", "collector")
    assert ran.code == 2
    assert "Pass --cluster" in ran.err
    assert sa_apps("config", "set", "timeout", "300", "--name", "collector", "-c", "corp").code == 0
    assert entry(configured)["timeout"] == 80
