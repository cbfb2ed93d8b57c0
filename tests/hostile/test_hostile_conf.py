"""Files of conf/ and of credentials that are broken, huge, no files, or named to lead elsewhere."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

import pytest

from streamalert_apps.cli.app import main
from streamalert_apps.config import conf, jsonfile, rules
from streamalert_apps.errors import ConfigError, UsageError

ACCOUNT = {"aws_account_id": "123456789012", "prefix": "acme", "region": "us-east-1"}
CLUSTER = "conf/clusters/prod.json"
FUNCTION = "acme_prod_duo_auth_collector_app"
ENTRY = {"app_name": "collector", "type": "duo_auth", "schedule_expression": "rate(2 hours)"}
APP = conf.AppConf("prod", FUNCTION, "collector", "duo_auth", "rate(2 hours)")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "conf/clusters").mkdir(parents=True)
    (tmp_path / "conf/global.json").write_text(json.dumps({"account": ACCOUNT}))
    (tmp_path / CLUSTER).write_text("{}")
    return tmp_path


def files(root: Path) -> dict[str, bytes]:
    """Return every file of conf/."""
    return {str(path): path.read_bytes() for path in (root / "conf").rglob("*") if path.is_file()}


# What a file holds


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{"a": 1,\n  b}', "line 2, column 3: "),
        ('{"id": "a", "id": "b"}', 'the key "id" stands twice in one object'),
        ('{"a": {"b": 1, "b": 1}}', 'the key "b" stands twice in one object'),
        ('{"a": NaN}', "NaN is no number"),
        ('{"a": -Infinity}', "-Infinity is no number"),
        ('{"a": 1e999}', "a number is too large"),
        ('{"a": ' + "9" * 5000 + "}", "a number is too long"),
        ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", "it is nested too deeply"),
    ],
    ids=["no JSON", "a key twice", "a key twice inside", "NaN", "Infinity", "huge", "long", "deep"],
)
def test_what_could_not_be_written_back_is_refused_with_its_place(
    root: Path, text: str, complaint: str
) -> None:
    (root / CLUSTER).write_text(text)
    with pytest.raises(ConfigError) as caught:
        conf.load(root)
    assert caught.value.message.startswith(f"{CLUSTER} is not valid JSON: {complaint}")
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    "text", ['{"a": "\\ud800 \u00e9"}', '{"a": "\u00e9"}', '{"\u00e9": "\\ud83d\\ude00"}']
)
def test_odd_characters_of_others_survive_a_change(root: Path, text: str) -> None:
    (root / CLUSTER).write_text(text)
    conf.load(root).add_app(APP)
    written = json.loads((root / CLUSTER).read_text())
    assert {key: written[key] for key in json.loads(text)} == json.loads(text)


def test_a_huge_file_is_refused_before_it_is_read_whole(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonfile, "LARGEST_BYTES", 1 << 20)
    (root / CLUSTER).write_text("{}" + " " * (1 << 20))
    with pytest.raises(ConfigError, match=r"prod\.json is larger than 1 MiB"):
        conf.load(root)


@pytest.mark.skipif(sys.platform == "win32", reason="pipes in folders are of POSIX")
def test_a_pipe_is_not_waited_for(root: Path) -> None:
    os.mkfifo(root / "conf/clusters/corp.json")
    with pytest.raises(ConfigError, match=r"corp\.json is not a file"):
        conf.load(root)


@pytest.mark.parametrize(
    "entry",
    [
        {"log_level": 5},
        {"oversize_bucket": ["b"]},
        {"batch_bytes": "many"},
        {"metric_alarms": []},
        {"vpc_config": "x"},
        {"timeout": 1.5},
        {"memory": True},
        {"app_name": None},
    ],
    ids=str,
)
def test_a_value_of_the_wrong_type_is_named(root: Path, entry: dict[str, Any]) -> None:
    apps = {"modules": {"streamalert_apps": {FUNCTION: ENTRY | entry}}}
    (root / CLUSTER).write_text(json.dumps(apps))
    with pytest.raises(ConfigError, match=next(iter(entry))):
        conf.load(root)


# Names that lead elsewhere


@pytest.mark.parametrize(
    "name", ["../x", "../../../tmp/x", "/tmp/x", "a/b", "a\\b", "a\0b", ".", "..", "", "C:x", "a b", "x\n"]
)
def test_a_function_whose_name_leads_elsewhere_is_refused(root: Path, name: str) -> None:
    (root / CLUSTER).write_text(json.dumps({"modules": {"streamalert_apps": {name: ENTRY}}}))
    with pytest.raises(ConfigError, match="must be the name of a Lambda function"):
        conf.load(root)


@pytest.mark.parametrize(
    "name", ["../x", "/x", "a/b", "a\\b", "a\0b", ".", "..", "con", "nul", "com1", "lpt9"]
)
def test_a_cluster_is_never_named_so_that_its_file_is_elsewhere(name: str) -> None:
    with pytest.raises(UsageError):
        rules.cluster_name(name)


@pytest.mark.parametrize("prefix", ["../../x", "a/b", "/x", "a\0b"])
def test_a_prefix_that_leads_elsewhere_makes_no_app(root: Path, prefix: str) -> None:
    (root / "conf/global.json").write_text(
        json.dumps({"account": ACCOUNT | {"prefix": prefix}, "sa_apps": {"store": "local"}})
    )
    auth = root / "auth.json"
    auth.write_text("{}")
    before = files(root)
    words = ["new", "duo_auth", "-c", "prod", "--auth-file", str(auth), "--no-check"]
    assert main([*words, "--project-dir", str(root)]) != 0
    assert files(root) == before
    assert not (root / ".sa-apps").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["new", "../../x_y", "-c", "prod"],
        ["new", "duo_auth", "-c", "../prod"],
        ["new", "duo_auth", "-c", "prod", "-n", "../x"],
        ["new", "duo_auth", "-c", "prod", "-n", "/x"],
        ["plugin", "new", "../x_y"],
        ["plugin", "new", "con_events"],
        ["plugin", "new", "aux_events"],
        ["init", "--local", "--cluster", "../x"],
        ["init", "--local", "--cluster", "nul"],
    ],
    ids=" ".join,
)
def test_no_command_takes_a_name_that_leads_elsewhere(
    project: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    if words[0] != "init":
        main(["init", "--local"])
    before = sorted(project.parent.rglob("*"))
    assert main([*words, "--no-input"] if words[0] != "plugin" else words) == 2
    assert sorted(project.parent.rglob("*")) == before
    assert "Traceback" not in capsys.readouterr().err


# Writing


def test_a_read_only_file_is_not_replaced(root: Path) -> None:
    path = root / CLUSTER
    path.chmod(0o444)
    before = files(root)
    with pytest.raises(ConfigError, match="could not be written: It is read-only") as caught:
        conf.load(root).add_app(APP)
    assert caught.value.hint == "Nothing in conf/ was changed."
    assert files(root) == before


@pytest.mark.parametrize("call", ["write", "fsync"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(
    root: Path, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    project = conf.load(root)
    before = files(root)
    if call == "fsync":
        monkeypatch.setattr(os, "fsync", full)
    else:
        monkeypatch.setattr(os, "fdopen", lambda handle, _: _Full(handle))
    with pytest.raises(ConfigError, match="No space left on device"):
        project.add_app(APP)
    assert files(root) == before


class _Full:
    """A file on a disk that is full."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)

    def write(self, _: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.skipif(sys.platform == "win32", reason="the limit of a file's size is of POSIX")
def test_a_real_write_that_the_system_refuses_leaves_the_old_file(root: Path) -> None:
    (root / CLUSTER).write_text(json.dumps({"others": "x" * 100_000}))
    before = files(root)
    script = f"""
import resource, signal
from pathlib import Path
from streamalert_apps.config import conf
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
app = conf.AppConf("prod", {FUNCTION!r}, "collector", "duo_auth", "rate(2 hours)")
conf.load(Path({str(root)!r})).add_app(app)
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "ConfigError: conf/clusters/prod.json could not be written: File too large." in ran.stderr
    assert files(root) == before


# Files of credentials


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{"secret_key": "s3cr3t-s3cr3t", "secret_key": "s3cr3t-s3cr3t"}', "stands twice"),
        ('{"secret_key": "s3cr3t-s3cr3t"', "line 1, column 31"),
        ("[" * 100_000, "nested too deeply"),
        ('{"secret_key": "s3cr3t-s3cr3t' + "x" * (1 << 20) + '"}', "is larger than 1 MiB"),
    ],
    ids=["a key twice", "cut", "deep", "huge"],
)
def test_a_broken_file_of_credentials_is_told_without_its_content(
    project: Path, text: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["init", "--local"])
    auth = project.parent / "auth.json"
    auth.write_text(text)
    auth.chmod(0o600)
    capsys.readouterr()
    assert main(["new", "duo_auth", "-c", "prod", "--auth-file", str(auth)]) == 2
    said = capsys.readouterr().err
    assert complaint in said
    assert "s3cr3t" not in said
    assert "Traceback" not in said
