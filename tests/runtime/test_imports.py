"""What ships to Lambda loads no library of the command line; the package itself loads nothing heavy."""

from __future__ import annotations

import subprocess
import sys

COMMAND_LINE = {"filelock", "pydantic", "pydantic_settings", "questionary", "rich", "typer"}
HEAVY = COMMAND_LINE | {"boto3", "botocore", "cryptography", "httpx", "msgspec", "uv"}


def loaded_by(code: str) -> set[str]:
    """Return the packages that a new process has loaded.

    Where Click is, httpx loads its own command line, and Rich with it; in Lambda it is not.
    """
    script = f"import sys; sys.modules['click'] = None\n{code}\nprint(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in result.stdout.split()}


def test_the_function_loads_no_library_of_the_command_line() -> None:
    loaded = loaded_by(
        "import streamalert_apps.runtime.handler\n"
        "from streamalert_apps import services\n"
        "services.find('duo_auth')"
    )

    assert {"botocore", "httpx"} <= loaded
    assert "boto3" not in loaded
    assert not loaded & COMMAND_LINE


def test_the_store_in_s3_loads_nothing_of_the_one_in_a_folder() -> None:
    script = (
        "import streamalert_apps.runtime.store.s3\n"
        "assert 'streamalert_apps.runtime.store.local' not in sys.modules"
    )

    assert "sqlite3" not in loaded_by(script)


def test_the_kinds_of_destinations_load_no_library_before_something_is_sent() -> None:
    script = (
        "from streamalert_apps.runtime import kinds\nassert len([kinds.find(n) for n in kinds.names()]) >= 11"
    )

    assert not loaded_by(script) & {"boto3", "botocore", "httpx", "jmespath"}


def test_an_app_type_is_found_without_loading_other_services() -> None:
    script = (
        "from streamalert_apps import services\nservices.find('duo_auth')\n"
        "assert not [n for n in sys.modules if n.endswith(('.app', '.twin')) and '.services.' in n"
        " and n != 'streamalert_apps.services.duo.app']"
    )

    assert "cryptography" not in loaded_by(script)


def test_the_package_loads_nothing_heavy() -> None:
    assert not loaded_by("import streamalert_apps") & HEAVY


def test_what_a_plugin_imports_is_there_by_name() -> None:
    loaded_by("from streamalert_apps import *\nApp, Page, AuthField, AppIntegration, StreamAlertApp, LOGGER")
