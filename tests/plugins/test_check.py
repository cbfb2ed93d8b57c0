"""`sa-apps plugin check`: what is wrong with a plugin is said in words."""

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

NORMAL = "listing = self.api.get(with_params(URL, query), headers=headers).json(Listing)"
MOVES_TOO_SOON = """
    def walk(self, checkpoint, memory):
        for page in super().walk(checkpoint, memory):
            yield replace(page, checkpoint={"floor": self.api.clock.now().isoformat()})
"""


def change(root: Path, old: str, new: str, file: str = "apps/box/app.py") -> None:
    text = (root / file).read_text()
    assert old in text
    (root / file).write_text(text.replace(old, new))


def failing(answer: dict[str, Any]) -> dict[str, str]:
    return {s["name"]: "\n".join(s["messages"]) for s in answer["scenarios"] if not s["ok"]}


def checked(sa_apps: Command, only: str) -> dict[str, Any]:
    """Check a plugin in one scenario; what is said has the documented form even where something fails."""
    ran = sa_apps("plugin", "check", "apps/box/app.py", "--only", only, "--json")
    answer: dict[str, Any] = json.loads(ran.out)
    form = {"$ref": "#/$defs/plugin%20check", "$defs": SCHEMA["$defs"]}
    Draft202012Validator(form).validate(answer)
    assert ran.code == (answer["status"] == "failed")
    return answer


def test_a_cursor_that_moves_too_soon_is_said_in_words(box: Path, sa_apps: Command) -> None:
    change(box, "import msgspec\n", "import msgspec\nfrom dataclasses import replace\n")
    (box / "apps/box/app.py").write_text((box / "apps/box/app.py").read_text() + MOVES_TOO_SOON)
    ran = sa_apps("plugin", "check", "apps/box/app.py", "--only", "resume")

    assert ran.code == 1
    assert "FAILED  box_events  resume: A run cut short after each page." in ran.out
    assert "the checkpoint moved before page 2 was returned" in ran.out
    assert "apps/box: 1 of 1 scenarios failed." in ran.err


def test_what_a_lag_that_is_too_short_loses_is_counted(box: Path, sa_apps: Command) -> None:
    change(box, "lag = timedelta(minutes=2)", "lag = timedelta(seconds=1)")
    (late,) = checked(sa_apps, "late")["scenarios"]

    assert late["lost"] > 0
    assert "lost" in late["messages"][0]


def test_a_plugin_that_breaks_is_named_with_the_place(box: Path, sa_apps: Command) -> None:
    change(box, NORMAL, "listing = None")
    change(box, "listing.entries", "listing.entries[0].no")

    assert "AttributeError" in failing(checked(sa_apps, "wrong_credentials"))["wrong_credentials"]


def test_a_feed_that_states_no_lag_is_told(box: Path, sa_apps: Command) -> None:
    change(box, "    lag = timedelta(minutes=2)", "    # lag =")

    assert "it does not state a `lag`: how late the service may" in failing(checked(sa_apps, "form"))["form"]


def test_a_poll_that_nobody_would_call_is_refused_with_its_place(box: Path, sa_apps: Command) -> None:
    path = box / "apps/box/app.py"
    path.write_text(path.read_text() + "\n    def poll(self, checkpoint):\n        yield from ()\n")
    ran = sa_apps("plugin", "check", "apps/box/app.py")

    assert ran.code == 1
    assert "apps/box/app.py, line 34: BoxEvents has a `poll`, which Feed never calls" in ran.err


def test_a_library_that_lambda_lacks_is_named(box: Path, sa_apps: Command) -> None:
    change(box, "import msgspec\n", "import msgspec\nimport filelock\n")

    assert "imports filelock, which is not there in Lambda" in failing(checked(sa_apps, "form"))["form"]


def test_a_library_that_is_required_is_there(box: Path, sa_apps: Command) -> None:
    change(box, "import msgspec\n", 'import msgspec\nimport filelock\n\nrequirements = ("FileLock>=3",)\n')

    assert failing(checked(sa_apps, "form")) == {}


def test_a_schema_that_is_missing_is_named(box: Path, sa_apps: Command) -> None:
    (box / "apps/box/schemas.json").unlink()

    assert "there is no schema 'box:events'" in failing(checked(sa_apps, "form"))["form"]


@pytest.mark.parametrize(
    ("break_it", "code", "message"),
    [
        (
            lambda root: (root / "apps/box/app.py").write_text("x ="),
            1,
            "apps/box/app.py, line 1: invalid syntax.",
        ),
        (
            lambda root: (root / "apps/box/twin.py").unlink(),
            1,
            "apps/box/app.py has no twin: there is no apps/box/twin.py.",
        ),
        (
            lambda root: change(root, "TWIN = Box", "", "apps/box/twin.py"),
            1,
            "apps/box/twin.py, line 1: it does not say which class is the TWIN.",
        ),
        (lambda root: (root / "apps/box/app.py").unlink(), 2, "There is no apps/box/app.py."),
    ],
)
def test_what_can_t_be_checked_is_said(
    box: Path, sa_apps: Command, break_it: Callable[[Path], object], code: int, message: str
) -> None:
    break_it(box)
    ran = sa_apps("plugin", "check", "apps/box/app.py")

    assert (ran.code, message in ran.err) == (code, True), ran.err


def test_a_file_that_is_not_named_as_a_service_is_refused(box: Path, sa_apps: Command) -> None:
    (box / "apps/box/app.py").rename(box / "apps/my_box.py")
    ran = sa_apps("plugin", "check", "apps/my_box.py")

    assert ran.code == 2
    assert "is not named as a plugin" in ran.err


def test_a_service_is_enough_where_there_is_a_plugin_of_it(box: Path, sa_apps: Command) -> None:
    ran = sa_apps("plugin", "check", "box", "--only", "form", "--json")

    assert check(ran.out, "plugin check")["status"] == "ok"
    assert "There is no plugin 'acme'." in sa_apps("plugin", "check", "acme").err


def test_a_scenario_that_is_none_is_answered_with_those_that_are(box: Path, sa_apps: Command) -> None:
    ran = sa_apps("plugin", "check", "apps/box/app.py", "--only", "lte")

    assert ran.code == 2
    assert "There is no scenario 'lte'." in ran.err
    assert "late" in ran.err
