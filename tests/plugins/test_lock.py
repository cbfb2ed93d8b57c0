"""What a plugin requires is locked by its owner, and its zip holds that and nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from streamalert_apps.deploy import dependencies
from streamalert_apps.deploy.package import Package, build
from streamalert_apps.errors import PackageError
from streamalert_apps.testing import load_plugin
from tests.cli.test_json import check
from tests.deploy.test_package_dependencies import Index, index
from tests.plugins.conftest import an_app, write_plugin

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Ran

    Command = Callable[..., Ran]

__all__ = ["index"]


@pytest.fixture
def acme(local: Path, index: Index) -> Path:
    """Return apps/acme.py, which requires the package `tiny`."""
    index.add("tiny")
    return write_plugin(local, "acme", f"requirements = ('tiny>=1',)\n{an_app('acme_any')}")


def package(path: Path) -> Package:
    """Build without what every app has: the index knows nothing of it."""
    ours, files = dependencies.lock_of("base"), dependencies.files

    def without_ours(lock: str, runtime: str, architecture: str) -> dict[str, bytes]:
        return {} if lock == ours else files(lock, runtime, architecture)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dependencies, "files", without_ours)
        built = build("acme_any", plugin=load_plugin(path))
        assert built.contents
        return built


def test_a_lock_is_written_beside_the_plugin_and_holds_versions_and_hashes(
    acme: Path, sa_apps: Command
) -> None:
    answer = check(sa_apps("plugin", "lock", "apps/acme.py", "--json").out, "plugin lock")
    text = (acme.parent / "acme.lock.txt").read_text()

    assert (answer["lock"], answer["packages"]) == ("apps/acme.lock.txt", ["tiny==1.0"])
    assert re.search(r"^tiny==1\.0 \\\n    --hash=sha256:[0-9a-f]{64}$", text, re.MULTILINE)
    assert not re.search(r"https?:|file:|find-links|index-url", text)
    assert str(acme.parent) not in text


def test_the_lock_of_a_folder_lies_in_it(acme: Path, sa_apps: Command) -> None:
    (acme.parent / "acme").mkdir()
    app = acme.rename(acme.parent / "acme/app.py")
    answer = check(sa_apps("plugin", "lock", "apps/acme", "--json").out, "plugin lock")

    assert answer["lock"] == "apps/acme/lock.txt"
    assert (app.with_name("lock.txt")).is_file()
    assert "tiny/__init__.py" in package(app).files


def test_the_zip_holds_what_was_locked(acme: Path, sa_apps: Command) -> None:
    sa_apps("plugin", "lock", "apps/acme.py")
    built = package(acme)

    assert "tiny/__init__.py" in built.files
    assert built.requirements == ("tiny>=1",)
    assert built.contents["streamalert_apps/services/acme/app.py"] == acme.read_bytes()


def test_what_is_not_locked_is_an_error_that_names_the_command(acme: Path) -> None:
    with pytest.raises(PackageError) as caught:
        package(acme)

    assert "tiny>=1" in caught.value.message
    assert "`sa-apps plugin lock " in caught.value.hint


def test_a_lock_for_other_requirements_is_refused(acme: Path, sa_apps: Command) -> None:
    sa_apps("plugin", "lock", "apps/acme.py")
    acme.write_text(acme.read_text().replace("tiny>=1", "tiny>=0.5"))

    with pytest.raises(PackageError, match=r"acme\.lock\.txt was made for other requirements"):
        package(acme)


def test_a_package_that_is_not_there_is_named_and_no_lock_is_written(acme: Path, sa_apps: Command) -> None:
    acme.write_text(acme.read_text().replace("tiny>=1", "no-such-package"))
    ran = sa_apps("plugin", "lock", "apps/acme.py")

    assert ran.code == 1
    assert "no-such-package" in ran.err
    assert not (acme.parent / "acme.lock.txt").exists()


def test_where_nothing_is_required_there_is_nothing_to_lock(box: Path, sa_apps: Command) -> None:
    ran = sa_apps("plugin", "lock", "apps/box/app.py")

    assert ran.code == 2
    assert "requires nothing that has to be locked" in ran.err
