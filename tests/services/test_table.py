"""What there is to say of every app type is in a file, so that a list of them loads no service."""

from __future__ import annotations

import subprocess
import sys

from streamalert_apps import services
from streamalert_apps.services import table

LOADED = "print(*(name for name in sys.modules if '.services.' in name), file=sys.stderr)"


def loaded_by(code: str) -> set[str]:
    script = f"import sys\n{code}\n{LOADED}"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    named = {word for word in ran.stderr.split() if ".services." in word}
    return named - {"streamalert_apps.services.table"}


def test_the_table_says_what_the_services_say() -> None:
    written = table.FILE.read_text("utf-8")

    assert table.text(services.every()) == written, "table.json is out of date; `nox -s table` writes it anew"


def test_what_is_read_of_the_table_is_what_was_written() -> None:
    kinds = services.every()

    assert services.described() == {kind.type: table.describe(kind) for kind in kinds}
    assert services.names() == tuple(kind.type for kind in kinds)


def test_names_and_what_they_mean_are_known_without_loading_a_service() -> None:
    code = (
        "from streamalert_apps import services; services.names(); services.services(); services.described()"
    )

    assert loaded_by(code) == set()


def test_a_name_is_completed_without_loading_a_service() -> None:
    code = """
from types import SimpleNamespace
from streamalert_apps.cli.terminal.options import complete_type
assert 'duo_auth' in complete_type(SimpleNamespace(params={}), 'duo')
"""

    assert loaded_by(code) == set()


def test_a_slip_in_a_name_is_answered_without_loading_another_service() -> None:
    code = """
from streamalert_apps.errors import UsageError
from streamalert_apps.plugins.registry import Registry
try:
    Registry().find('duo_auht')
except UsageError as error:
    assert error.hint == "Did you mean 'duo_auth'?"
"""

    assert loaded_by(code) == {"streamalert_apps.services.duo", "streamalert_apps.services.duo.app"}


def test_the_app_types_are_listed_without_loading_a_service() -> None:
    for words in ([], ["--json"]):
        assert loaded_by(f"from streamalert_apps.cli.app import main\nmain(['types', *{words!r}])") == set()
