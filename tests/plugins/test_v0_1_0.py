"""A plugin that was written for 0.1.0 works as it did, with no byte of it changed."""

from __future__ import annotations

import shutil
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from streamalert_apps.deploy.package import build
from streamalert_apps.testing import load_plugin
from tests.cli.test_json import check
from tests.plugins.conftest import EVENTS, served

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Ran

    Command = Callable[..., Ran]

WRITTEN = Path(__file__).parent / "fixtures/v0_1_0/apps"
DIGESTS = {
    "acme.py": "43cc2016ccc0dc45565164dd861440a81d51d9275da41564922fde45fdf6ec70",
    "schemas/acme.json": "dad518373ffd038e4bffa3297a3e60ea9a34ccd1673f9a02eb051fb3c669e00a",
    "setup/acme.md": "413c4edd39b324c1f6b4adf46b7eb79bb2fbbfb7421aaabfee98c1ff39946b8b",
    "signed.lock.txt": "e31c1b980d97be42125f48fbe7589d08c45459222f7d64f0c343b9fbe2d8f328",
    "signed.py": "a34b7f84ee4c0cf690b4e311f8345a9234f44df99c99c7e0a1de35acf6d4cc27",
    "simulator/acme.py": "3c5892966c4e639e7201985a77d6137da7a677cc41cd03286fc38a03f4be541f",
    "tests/test_acme.py": "befd2bedaf4a8443a1a5d7f1c44b23587af8aebd85a2e232de3a4f491f884754",
}


@pytest.fixture
def project_of_0_1_0(local: Path) -> Path:
    shutil.copytree(WRITTEN, local / "apps", ignore=shutil.ignore_patterns("__pycache__"))
    return local


def test_the_files_are_as_they_were_written() -> None:
    found = {
        path.relative_to(WRITTEN).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in WRITTEN.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    assert found == DIGESTS


def test_it_passes_the_check(project_of_0_1_0: Path, sa_apps: Command) -> None:
    ran = sa_apps("plugin", "check", "apps/acme.py")

    assert ran.code == 0, ran.out
    assert " passed." in ran.err


def test_it_collects_from_its_simulator_and_gets_its_schema(project_of_0_1_0: Path, sa_apps: Command) -> None:
    with served(project_of_0_1_0 / "apps/acme.py", project_of_0_1_0) as service:
        where = ["--auth-file", str(service.auth), "--simulator", service.url]
        made = check(sa_apps("new", "acme_audit", "-c", "prod", *where, "--json").out, "new")
        ran = sa_apps("run", "collector", "--simulator", service.url, "--to", "logs.jsonl", "--json")

    assert made["schemas"] == ["acme:audit"]
    assert check(ran.out, "run")["outcome"] == "succeeded"
    assert len((project_of_0_1_0 / "logs.jsonl").read_bytes().splitlines()) == EVENTS


def test_its_types_are_known_with_what_to_set_up(project_of_0_1_0: Path, sa_apps: Command) -> None:
    ran = sa_apps("types", "--json")
    known = {kind["type"]: kind for kind in check(ran.out, "types")["types"]}

    assert ran.err == ""
    assert "signed_audit" in known
    assert "**Settings > API tokens**" in known["acme_audit"]["setup"]


def test_it_is_packaged(project_of_0_1_0: Path) -> None:
    package = build("acme_audit", plugin=load_plugin(project_of_0_1_0 / "apps/acme.py"))
    inside = {name: data for name, data in package.contents.items() if "services/acme" in name}

    assert inside == {
        "streamalert_apps/services/acme/__init__.py": b"",
        "streamalert_apps/services/acme/app.py": (WRITTEN / "acme.py").read_bytes(),
    }


def test_its_lock_is_read_where_it_lies(project_of_0_1_0: Path) -> None:
    package = build("signed_audit", plugin=load_plugin(project_of_0_1_0 / "apps/signed.py"))

    assert package.requirements == ("PyJWT>=2.8",)
    assert "jwt/__init__.py" in package.files
