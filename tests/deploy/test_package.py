"""What is in the zip that a function runs, and that it is the same wherever it is built."""

from __future__ import annotations

import ast
import io
import os
import re
import shutil
import subprocess
import sys
from base64 import b64decode
from dataclasses import replace
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

import streamalert_apps
from streamalert_apps import services
from streamalert_apps.deploy.package import ARCHITECTURES, RUNTIMES, Package, build
from streamalert_apps.errors import PackageError, PluginError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(streamalert_apps.__file__).parent
ELF_MACHINES = {"arm64": 183, "x86_64": 62}
BUILD = """
import sys
from streamalert_apps.deploy import package
print(package.__file__, file=sys.stderr)
sys.stdout.buffer.write(package.build("duo_auth").archive)
"""


@pytest.fixture
def acme(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return the file of another service; its apps are of the type acme_audit."""
    monkeypatch.setattr(services, "__path__", [*services.__path__, str(tmp_path)])
    room = tmp_path / "acme"
    room.mkdir()
    (room / "__init__.py").touch()
    return room / "app.py"


def ours(package: Package) -> set[str]:
    return {name for name in package.files if name.startswith("streamalert_apps/")}


def test_our_own_part_is_errors_sdk_runtime_and_one_service(acme: Path) -> None:
    acme.write_text("")
    inside = {str(PurePosixPath(name).relative_to("streamalert_apps")) for name in ours(build("duo_auth"))}

    assert {name for name in inside if "/" not in name} == {"__init__.py", "errors.py"}
    assert {name.partition("/")[0] for name in inside if "/" in name} == {"runtime", "sdk", "services"}
    assert {name for name in inside if name.startswith("services")} == {
        "services/__init__.py",
        "services/table.py",
        "services/duo/__init__.py",
        "services/duo/app.py",
    }
    assert {name for name in inside if name.startswith("sdk")} == {
        path.relative_to(ROOT).as_posix() for path in ROOT.glob("sdk/**/*.py")
    }


def test_of_a_room_there_is_the_app_and_what_it_imports(acme: Path) -> None:
    acme.write_text("from streamalert_apps.services.acme import query\n")
    for name in ("query.py", "twin.py", "schemas.json", "setup.md", "page.md", "__pycache__/app.pyc"):
        (acme.parent / name).parent.mkdir(exist_ok=True)
        (acme.parent / name).write_text("")

    room = {name for name in ours(build("acme_audit")) if "/acme/" in name}

    assert room == {f"streamalert_apps/services/acme/{name}.py" for name in ("__init__", "app", "query")}


@pytest.mark.parametrize("service", services.services())
def test_of_a_service_no_twin_schema_or_page_is_shipped(service: str) -> None:
    rooms = {name for name in ours(build(f"{service}_any")) if re.search(r"/services/.*/", name)}

    assert rooms == {f"streamalert_apps/services/{service}/{name}.py" for name in ("__init__", "app")}


def test_of_the_runtime_there_is_what_the_handler_and_the_destinations_load() -> None:
    code = (
        "import sys, streamalert_apps.runtime.handler; from streamalert_apps.runtime import kinds;"
        "[kinds.find(name) for name in kinds.names() if name != 'file']; print(*sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {name for name in ran.stdout.split() if name.startswith("streamalert_apps.runtime")}

    shipped = {module_of(name) for name in ours(build("duo_auth"))}
    late = {
        "streamalert_apps.runtime.aws",  # by the destinations in AWS, once they send
        "streamalert_apps.runtime.cron",  # by schedules that are such expressions
    }
    assert {name for name in shipped if name.startswith("streamalert_apps.runtime")} == loaded | late


@pytest.mark.parametrize("service", services.services())
def test_nothing_is_imported_that_the_package_lacks(service: str) -> None:
    package = build(f"{service}_any")
    there = {PurePosixPath(name).parts[0].partition(".")[0] for name in package.files}
    there |= {module_of(name) for name in ours(package)}
    there |= {"boto3", "botocore", "jmespath", *sys.stdlib_module_names}  # Lambda brings them along
    optional = {"streamalert_apps/sdk/oauth.py: cryptography"}  # for services that sign: see below

    wanted = {(name, module) for name in ours(package) for module in imported(package.contents[name])}
    assert {f"{name}: {module}" for name, module in wanted if module not in there} - optional == set()


@pytest.mark.parametrize("service", services.services())
def test_cryptography_is_carried_by_the_services_that_sign_and_no_other(service: str) -> None:
    package = build(f"{service}_any")
    source = package.contents[f"streamalert_apps/services/{service}/app.py"].decode()
    signs = re.search(r"\b(signed_jwt|load_private_key|(from|import) cryptography)\b", source)

    assert ("cryptography" in package.requirements) == bool(signs)


def module_of(name: str) -> str:
    return name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def imported(source: bytes) -> Iterator[str]:
    """Yield what a file imports: our modules by their whole name, others by their first."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        else:
            continue
        yield from (n if n.startswith("streamalert_apps.") else n.partition(".")[0] for n in names)


def test_one_service_alone_is_found_and_works(tmp_path: Path) -> None:
    unpack(build("duo_auth", *here()), tmp_path)
    code = "from streamalert_apps import services as s; print(*s.services(), *s.names(), s.schemas('duo'))"
    service, *app_types, schemas = run_sealed(code, tmp_path).split()

    assert (service, schemas) == ("duo", "{}")
    assert "duo_auth" in app_types
    assert {name.partition("_")[0] for name in app_types} == {"duo"}


def test_packages_are_there_without_what_nobody_runs() -> None:
    files = build("duo_auth").files
    tops = {PurePosixPath(name).parts[0] for name in files}

    assert {name for name in tops if not name.endswith(".dist-info")} == {
        *("certifi", "h11", "httpcore", "httpx", "idna", "msgspec", "streamalert_apps")
    }
    assert [name for name in files if name.endswith((".pyc", ".pyi", "py.typed", "RECORD", ".lock"))] == []
    assert [name for name in files if "/tests/" in name or "__pycache__" in name] == []


def test_licences_and_what_vulnerability_scanners_read_stay() -> None:
    files = build("duo_auth").files

    for package in ("certifi", "h11", "httpcore", "httpx", "idna", "msgspec"):
        (metadata,) = (
            name for name in files if name.startswith(f"{package}-") and name.endswith("/METADATA")
        )
        assert any(name.startswith(f"{PurePosixPath(metadata).parent}/licenses/") for name in files), package


@pytest.mark.parametrize("service", services.services())
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_without_requirements_a_zip_has_at_most_1_mb(service: str, architecture: str) -> None:
    package = build(f"{service}_any", architecture=architecture)

    assert len(package.archive) <= (6_000_000 if package.requirements else 1_000_000)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_compiled_parts_are_for_the_functions_processor_and_python(
    acme: Path, runtime: str, architecture: str
) -> None:
    acme.write_text('requirements = ("cryptography",)')
    contents = build("acme_audit", runtime, architecture).contents
    compiled = {PurePosixPath(name).name: data for name, data in contents.items() if name.endswith(".so")}

    assert {name.partition(".")[0] for name in compiled} == {"_core", "_rust", "_cffi_backend"}
    assert {data[:4] for data in compiled.values()} == {b"\x7fELF"}
    assert {int.from_bytes(data[18:20], "little") for data in compiled.values()} == {
        ELF_MACHINES[architecture]
    }
    tags = {name.split(".")[1].partition("-linux")[0] for name in compiled}
    assert {tag.rpartition("-")[0] or tag for tag in tags} == {
        f"cpython-{runtime[6:].replace('.', '')}",
        "abi3",
    }


def test_a_service_gets_the_packages_that_it_requires_and_not_more(acme: Path) -> None:
    acme.write_text('requirements = ("cryptography",)')
    package = build("acme_audit")
    more = {
        name
        for name in set(package.files) - set(build("duo_auth").files)
        if not name.startswith("streamalert_apps/services/acme/")
    }

    assert package.requirements == ("cryptography",)
    assert {name.partition("/")[0].partition("-")[0].partition(".")[0] for name in more} == {
        *("cryptography", "cffi", "_cffi_backend")
    }
    assert [name for name in more if name.startswith("cffi/")] == []


def test_what_is_left_of_cryptography_signs_with_rsa(acme: Path, tmp_path: Path) -> None:
    acme.write_text('requirements = ("cryptography",)')
    unpack(build("acme_audit", *here()), tmp_path / "task")
    code = """
from cryptography.hazmat.primitives import hashes, serialization as s
from cryptography.hazmat.primitives.asymmetric import padding, rsa
made = rsa.generate_private_key(65537, 2048)
pem = made.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.BestAvailableEncryption(b"any"))
key = s.load_pem_private_key(pem, b"any")
terms = padding.PKCS1v15(), hashes.SHA256()
key.public_key().verify(key.sign(b"text", *terms), b"text", *terms)
print(key.key_size)
"""
    assert run_sealed(code, tmp_path / "task") == "2048"


def test_a_services_requirements_are_read_without_running_it(acme: Path) -> None:
    acme.write_text("import not_installed\nfrom typing import Final\nrequirements: Final = ('cryptography',)")

    assert build("acme_audit").requirements == ("cryptography",)


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ("requirements = ('leftpad',)", PackageError, "There is no lock for the requirement 'leftpad'."),
        (
            "requirements = [name for name in x]",
            PluginError,
            "services/acme/app.py, line 1: `requirements` has to be a tuple of names.",
        ),
    ],
)
def test_requirements_that_can_t_be_met_are_named(
    acme: Path, source: str, error: type[Exception], message: str
) -> None:
    acme.write_text(source)

    with pytest.raises(error, match=message):
        build("acme_audit")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("duo_auth", "python3.9"), "'python3.9' is not a supported runtime."),
        (("duo_auth", "python3.13", "arm"), "'arm' is not a supported architecture."),
        (("dou_auth",), "There is no app type 'dou_auth'."),
    ],
)
def test_what_can_t_be_packed_is_said(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        build(*arguments)

    assert caught.value.message == message
    assert caught.value.hint


def test_two_builds_give_the_same_bytes() -> None:
    assert build("duo_auth").archive == build("duo_auth").archive


def test_folder_day_umask_line_ends_and_cache_make_no_difference(tmp_path: Path) -> None:
    copy = tmp_path / "another checkout" / "streamalert_apps"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for path in [*copy.rglob("*.py"), *copy.rglob("*.txt")]:
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
        path.chmod(0o600)
        os.utime(path, (1_000_000_000, 1_000_000_000))
    elsewhere = {
        "PYTHONHASHSEED": "7",
        "PYTHONPATH": str(copy.parent),
        "SA_APPS_CACHE_DIR": str(tmp_path / "cache"),
        "TZ": "Asia/Tokyo",
    }

    ran = subprocess.run(
        [sys.executable, "-c", BUILD],
        cwd=tmp_path,
        env=os.environ | elsewhere,
        umask=0o077,
        capture_output=True,
        check=True,
    )

    assert ran.stderr.decode().startswith(str(copy))
    assert ran.stdout == build("duo_auth").archive


def test_every_entry_has_the_same_time_mode_and_origin() -> None:
    package = build("duo_auth")
    with ZipFile(io.BytesIO(package.archive)) as archive:
        entries = archive.infolist()

    assert tuple(entry.filename for entry in entries) == package.files == tuple(sorted(package.files))
    assert {(e.date_time, e.external_attr >> 16, e.create_system, e.compress_type) for e in entries} == {
        ((1980, 1, 1, 0, 0, 0), 0o100644, 3, ZIP_DEFLATED)
    }


def test_the_digest_is_of_the_contents_and_changes_with_each_of_them() -> None:
    package = build("duo_auth")
    file = "streamalert_apps/errors.py"
    changed = [
        replace(package, own={**package.own, file: b"#"}),
        replace(package, own={k: v for k, v in package.own.items() if k != file}),
        replace(package, own={"x.py" if k == file else k: v for k, v in package.own.items()}),
        replace(package, architecture="x86_64"),
        replace(package, runtime="python3.14"),
    ]
    reordered = replace(package, own=dict(sorted(package.own.items(), reverse=True)))

    assert len({package.digest, *(other.digest for other in changed)}) == 1 + len(changed)
    assert reordered.digest == package.digest


def test_sha256_base64_is_lambdas_code_sha256() -> None:
    package = build("duo_auth")

    assert b64decode(package.sha256_base64) == sha256(package.archive).digest()


def here() -> tuple[str, str]:
    """Return the runtime and the architecture of this machine."""
    architecture = {"aarch64": "arm64", "AMD64": "x86_64"}.get(machine := os.uname().machine, machine)
    return f"python3.{sys.version_info.minor}", architecture


def unpack(package: Package, folder: Path) -> None:
    with ZipFile(io.BytesIO(package.archive)) as archive:
        archive.extractall(folder)


def run_sealed(code: str, folder: Path) -> str:
    """Run code where nothing can be imported but the standard library and what is in a folder."""
    return subprocess.run(
        [sys.executable, "-S", "-P", "-c", code],
        env={"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
