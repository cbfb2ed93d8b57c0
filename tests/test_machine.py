"""The files by which the collector runs elsewhere: what they say is right, and what they do is done."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.serve.stand import UNLIMITED, duo, write_project

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
FILES = ROOT / "docs/machine"
USER = 10001


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Containerfile: their words, and the rest of the line."""
    text = re.sub(r"^\s*#.*\n", "", (FILES / "Containerfile").read_text(), flags=re.MULTILINE)
    lines = [line.strip() for line in text.replace("\\\n", " ").splitlines() if line.strip()]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def documents(name: str) -> list[Any]:
    return list(yaml.safe_load_all((FILES / name).read_text()))


def final_stage() -> list[tuple[str, str]]:
    found = instructions()
    return found[max(at for at, (word, _) in enumerate(found) if word == "FROM") :]


def test_the_image_runs_as_nobody_in_particular_and_says_how_it_is() -> None:
    final = dict(final_stage())

    known = {"FROM", "ARG", "RUN", "COPY", "ENV", "USER", "WORKDIR", "STOPSIGNAL"}
    assert {word for word, _ in instructions()} <= known | {"HEALTHCHECK", "ENTRYPOINT", "CMD"}
    assert final["USER"] == f"{USER}:{USER}"
    assert final["STOPSIGNAL"] == "SIGTERM"
    assert json.loads(final["HEALTHCHECK"].partition("CMD ")[2]) == ["sa-apps", "serve", "--check"]
    assert json.loads(final["ENTRYPOINT"]) == ["sa-apps"]
    assert json.loads(final["CMD"]) == ["serve", "--log-format", "json"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clean environment, made by the steps of the Containerfile from this clone."""
    folder = tmp_path_factory.mktemp("image") / "sa-apps"
    uv = Path(sys.executable).with_name("uv")
    steps = [rest for word, rest in instructions() if word == "RUN" and "/opt/sa-apps" in rest]
    assert [step.split(" ")[1] for step in steps] == ["-m", "install", "uninstall"]
    pip = [str(uv), "pip"]
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, folder], check=True)
    python = ["--python", str(folder / "bin/python")]
    subprocess.run([*pip, "install", "-q", *python, str(ROOT)], check=True)
    subprocess.run([*pip, "uninstall", "-q", *python, "uv"], check=True)
    return folder


@pytest.mark.skipif(sys.platform == "win32", reason="no signals of POSIX")
def test_a_container_writes_only_where_its_volumes_are(installed: Path, project: Path) -> None:
    """No engine is needed: nothing else of the project changes, and there is no other folder to write to."""
    with duo() as service:
        write_project(project, ["a"], service)
        before = {path: path.stat().st_mtime_ns for path in everything(project)}
        environment = {
            "PATH": f"{installed}/bin",
            "HOME": "/nonexistent",
            "TMPDIR": "/nonexistent",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": str(UNLIMITED),
            "SA_APPS_NO_INPUT": "1",
            "SA_APPS_PROJECT_DIR": str(project),
        }
        options = ["--simulator", service.server.url, "--listen", "127.0.0.1:0", "--json"]
        command = [str(installed / "bin/sa-apps"), "serve", "--log-format", "json", *options]
        with subprocess.Popen(
            command, env=environment, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout
            url = json.loads(process.stdout.readline())["url"]
            service.emit(5, within=1)
            give_up = time.monotonic() + 60
            while not (project / "logs/a.jsonl").exists() and time.monotonic() < give_up:
                time.sleep(0.1)
            address = url.removeprefix("http://")
            probe = [*command[:2], "--check", "--listen", address]
            healthy = subprocess.run(probe, env=environment, cwd="/", check=False, capture_output=True)
            process.terminate()
            _, log = process.communicate(timeout=60)

    assert (process.returncode, healthy.returncode) == (0, 0), log
    changed = {path for path in everything(project) if before.get(path) != path.stat().st_mtime_ns}
    allowed = (project / ".sa-apps", project / "logs")
    assert [path for path in changed if not path.is_relative_to(allowed[0])] == [allowed[1] / "a.jsonl"]


def everything(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def test_compose_gives_the_container_no_rights_and_volumes_for_what_it_writes() -> None:
    (compose,) = documents("compose.yaml")
    service = compose["services"]["sa-apps"]

    assert service["read_only"] is True
    assert service["user"] == f"{USER}:{USER}"
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["volumes"] == [
        "./conf:/project/conf:ro",
        "records:/project/.sa-apps",
        "logs:/project/logs",
    ]
    assert set(compose["volumes"]) == {"records", "logs"}
    assert set(service["secrets"]) == set(compose["secrets"])
    assert int(service["stop_grace_period"].removesuffix("s")) > 30


def test_kubernetes_keeps_to_the_restricted_standard() -> None:
    claim, deployment = documents("kubernetes.yaml")
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]

    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == USER
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["automountServiceAccountToken"] is False
    assert pod["terminationGracePeriodSeconds"] > 30
    assert container["livenessProbe"]["exec"]["command"] == ["sa-apps", "serve", "--check"]
    assert {mount["name"] for mount in container["volumeMounts"]} == {v["name"] for v in pod["volumes"]}
    assert (
        deployment["spec"]["selector"]["matchLabels"] == deployment["spec"]["template"]["metadata"]["labels"]
    )
    claims = [v["persistentVolumeClaim"]["claimName"] for v in pod["volumes"] if "persistentVolumeClaim" in v]
    assert claims == [claim["metadata"]["name"]]


def test_kustomize_finds_all_that_the_manifest_names(project: Path) -> None:
    with duo() as service:
        write_project(project, ["a"], service)
    for name in ("kustomization.yaml", "kubernetes.yaml"):
        shutil.copy(FILES / name, project)
    (project / "duo.json").write_text("{}")
    (kustomization,) = documents("kustomization.yaml")
    named = [
        file.rpartition("=")[2]
        for generator in (*kustomization["configMapGenerator"], *kustomization["secretGenerator"])
        for file in generator["files"]
    ]
    assert [file for file in (*named, *kustomization["resources"]) if not (project / file).exists()] == []

    kubectl = shutil.which("kubectl")
    if kubectl is None:
        return
    built = subprocess.run([kubectl, "kustomize", str(project)], capture_output=True, text=True, check=True)
    found = {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(built.stdout)}
    ((_, deployment),) = [(key, one) for key, one in found.items() if key[0] == "Deployment"]
    volumes = {volume["name"]: volume for volume in deployment["spec"]["template"]["spec"]["volumes"]}
    conf = found["ConfigMap", volumes["conf"]["configMap"]["name"]]
    assert {item["key"] for item in volumes["conf"]["configMap"]["items"]} == set(conf["data"])
    assert ("Secret", volumes["credentials"]["secret"]["secretName"]) in found
