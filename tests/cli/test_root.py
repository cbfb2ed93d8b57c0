"""The root: help, versions, errors in words and as JSON, exit codes, and what start-up may load."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import typer.main

from streamalert_apps import __version__
from streamalert_apps.cli import app as root
from streamalert_apps.cli.commands import init
from tests.terminal import ENTER, Terminal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Ran

    Command = Callable[..., Ran]

HEAVY = {
    "boto3",
    "botocore",
    "httpx",
    "pydantic",
    "pydantic_settings",
    "questionary",
    "rich",
    "prompt_toolkit",
}
COMMANDS = list(root.commands())


def loaded_by(*arguments: str) -> set[str]:
    """Return the packages that a command has loaded at its end."""
    code = (
        "import sys; from streamalert_apps.cli.app import main; code = main(sys.argv[1:]);"
        "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr); sys.exit(code)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return set(ran.stderr.split())


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["--version"], ["new", "--help"], []])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    assert not loaded_by(*arguments) & HEAVY


@pytest.mark.parametrize("arguments", [["list", "--json"], ["list"]])
def test_list_loads_nothing_heavy(
    local: Path, auth_file: Path, sa_apps: Command, arguments: list[str]
) -> None:
    sa_apps("new", "duo_auth", "-c", "prod", "--auth-file", str(auth_file), "--no-check")
    assert not loaded_by(*arguments) & HEAVY


@pytest.mark.parametrize("arguments", [["deploy", "--yes", "--json"], ["status", "--json"]])
def test_what_asks_aws_alone_loads_no_http_client_of_the_services(
    aws_project: Path, arguments: list[str]
) -> None:
    heavy = {"httpx", "msgspec", "pydantic", "questionary", "rich"}
    if arguments[0] == "status":
        heavy.remove("msgspec")  # which reads an app's record
    assert not loaded_by(*arguments) & heavy


def test_without_arguments_the_help_is_shown(sa_apps: Command) -> None:
    ran = sa_apps()
    assert ran.code == 0
    assert all(f"  {name.split()[0]} " in ran.out for name in COMMANDS)


@pytest.mark.parametrize("columns", [40, 80])
def test_each_command_is_described_whole_in_a_narrow_terminal(
    sa_apps: Command, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    described = sa_apps().out.partition("Commands:")[2].partition("Examples:")[0]
    assert "..." not in described
    assert described.endswith("built in.\n\n  ")


def test_the_version_is_one_line(sa_apps: Command) -> None:
    assert sa_apps("--version").out == f"sa-apps {__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_every_command_has_help_with_examples(sa_apps: Command, command: str, flag: str) -> None:
    ran = sa_apps(*command.split(), flag)
    assert ran.code == 0
    assert f"\n    sa-apps {command}" in ran.out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_takes_json(sa_apps: Command, command: str) -> None:
    assert " --json " in sa_apps(*command.split(), "--help").out


def examples() -> list[str]:
    """Return every example of every command's help."""
    texts = [command.epilog or "" for command in root.commands().values()]
    return re.findall(r"^  (sa-apps .*?)(?:   .*)?$", "\n".join([*texts, root.EXAMPLES]), re.MULTILINE)


@pytest.mark.parametrize("example", examples())
def test_every_example_is_understood_by_the_parser(example: str) -> None:
    words = shlex.split(re.split(r" [<>|] ", example)[0])[1:]
    command: Any = typer.main.get_group(root.app)
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    assert command.make_context("", words).params


@pytest.mark.parametrize(("short", "long"), root.ALIASES.items())
def test_an_alias_is_the_command(sa_apps: Command, short: str, long: str) -> None:
    assert sa_apps(short, "--help").out == sa_apps(long, "--help").out


def test_help_is_a_word_too(sa_apps: Command) -> None:
    assert sa_apps("help").out == sa_apps("--help").out
    assert sa_apps("help", "config", "get").out == sa_apps("config", "get", "--help").out


@pytest.mark.parametrize("words", [["version"], ["-V"]])
def test_the_version_has_short_forms(sa_apps: Command, words: list[str]) -> None:
    assert sa_apps(*words).out == sa_apps("--version").out


@pytest.mark.parametrize(("word", "meant"), root.MEANT.items())
def test_a_word_from_elsewhere_leads_to_what_it_means(sa_apps: Command, word: str, meant: str) -> None:
    ran = sa_apps(word, "duo_prod")
    assert (ran.code, ran.out) == (2, "")
    assert f"Did you mean '{meant}'?" in ran.err


def test_a_mistyped_command_gets_a_suggestion(sa_apps: Command) -> None:
    ran = sa_apps("lsit")
    assert (ran.code, ran.out) == (2, "")
    assert "Did you mean 'list'?" in ran.err


def test_a_mistyped_option_gets_a_suggestion(sa_apps: Command) -> None:
    ran = sa_apps("list", "--clustr", "prod")
    assert ran.code == 2
    assert "--cluster" in ran.err


def test_a_usage_error_is_json_where_json_is_wanted(sa_apps: Command) -> None:
    ran = sa_apps("list", "--clustr", "prod", "--json")
    answer = json.loads(ran.out)
    assert ran.code == 2
    assert (answer["schema"], answer["command"], answer["status"]) == (1, "list", "failed")
    assert answer["errors"][0]["code"] == "usage_error"
    assert set(answer["errors"][0]) == {"code", "message", "hint"}


def test_json_behind_two_dashes_is_a_word_like_any_other(sa_apps: Command) -> None:
    assert sa_apps("update-auth", "--", "--json").out == ""


def test_outside_of_a_project_init_is_named(project: Path, sa_apps: Command) -> None:
    ran = sa_apps("list", "--json")
    assert ran.code == 1
    assert "sa-apps init" in json.loads(ran.out)["errors"][0]["hint"]


def crash(*_: object, **__: object) -> None:
    raise KeyError("a bug")


def test_a_bug_ends_in_one_line_and_a_report(
    project: Path, sa_apps: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("streamalert_apps.cli.commands.init.start_project", crash)
    ran = sa_apps("init", "--local")
    (report,) = tmp_path.glob("sa-apps-*.log")
    assert ran.code == 1
    assert "Traceback" not in ran.err
    assert str(report) in ran.err
    assert "KeyError: 'a bug'" in report.read_text()


def test_a_bug_shows_its_traceback_where_debugging_is_on(
    project: Path, sa_apps: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SA_APPS_DEBUG", "1")
    monkeypatch.setattr("streamalert_apps.cli.commands.init.start_project", crash)
    assert "Traceback" in sa_apps("init", "--local").err


def test_what_aws_raises_is_put_into_words(
    project: Path, sa_apps: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    from botocore.exceptions import NoCredentialsError

    def unsigned(*_: object, **__: object) -> None:
        raise NoCredentialsError

    monkeypatch.setattr("streamalert_apps.cli.commands.init.start_project", unsigned)
    ran = sa_apps("init", "--local")
    assert ran.code == 4
    assert "There are no AWS credentials." in ran.err


def test_ctrl_c_ends_with_130(project: Path, sa_apps: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("streamalert_apps.cli.commands.init.start_project", interrupted)
    ran = sa_apps("init", "--local", "--json")
    assert ran.code == 130
    assert json.loads(ran.out)["errors"][0]["code"] == "cancelled"


def test_a_closed_pipe_is_no_drama(local: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ran = subprocess.run(
        [sys.executable, "-m", "streamalert_apps", "types"],
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)
    assert ran.returncode == 1
    assert ran.stderr == b""


def test_words_go_to_standard_error_and_data_to_standard_output(project: Path, sa_apps: Command) -> None:
    made = sa_apps("init", "--local")
    listed = sa_apps("list")
    assert made.out == ""
    assert "No Apps configured" in listed.out
    assert listed.err == "Next: `sa-apps new` adds one.\n"


def test_colour_is_only_for_terminals(sa_apps: Command) -> None:
    assert "\x1b" not in sa_apps("lsit").err


def test_colour_can_be_forced_and_forbidden(sa_apps: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    coloured = sa_apps("lsit").err
    monkeypatch.setenv("NO_COLOR", "1")
    plain = sa_apps("lsit").err
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        (["list", "--cluster", ""], ["prod"]),
        (["update-auth", "du"], ["duo_prod"]),
        (["new", "duo_au"], ["duo_auth"]),
        (["simulate", "okt"], ["okta"]),
        (["demo", "--service", "okta"], ["okta", "okta_system_log"]),
        (["demo", "--service", "all"], ["all"]),
        (["package", "--runtime", "python3.14"], ["python3.14"]),
        (["package", "--architecture", "x"], ["x86_64"]),
        (["run", "--to", "class"], ["classifier"]),
        (["-q", "rm", "du"], ["duo_prod"]),
        (["help", "update"], ["update-auth"]),
        (["run", "duo_prod", "duo"], []),
        (["destination", "add", "soc", "--type", "ht"], ["http"]),
    ],
)
def test_the_shell_completes_what_conf_knows(
    local: Path, auth_file: Path, sa_apps: Command, words: list[str], completed: list[str]
) -> None:
    sa_apps("new", "duo_auth", "-c", "prod", "-n", "duo_prod", "--auth-file", str(auth_file), "--no-check")
    assert in_bash(*words) == completed


def test_the_shell_completes_what_a_project_elsewhere_knows(
    local: Path, auth_file: Path, sa_apps: Command, tmp_path: Path
) -> None:
    sa_apps("new", "duo_auth", "-c", "prod", "-n", "duo_prod", "--auth-file", str(auth_file), "--no-check")
    assert in_bash("run", "--project-dir", str(local), "du", folder=tmp_path) == ["duo_prod"]
    assert in_bash("--project-dir", str(local), "run", "--to", "cl", folder=tmp_path) == ["classifier"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_what_a_shell_shows_beside_a_completion_is_one_line_and_keeps_its_apostrophes(shell: str) -> None:
    shown = completed(shell, "sa-apps up") + completed(shell, "sa-apps new --auth-")
    assert "Replace an app\u2019s credentials." in shown
    assert all(option in shown for option in ("--auth-file", "--auth-from"))
    assert "\nsecretsmanager" not in shown


def in_bash(*words: str, folder: Path | None = None) -> list[str]:
    """Return what bash is offered for the last word."""
    line = shlex.join(["sa-apps", *words]) if words[-1] else " ".join(["sa-apps", *words])
    return completed("bash", line, folder, COMP_WORDS=line, COMP_CWORD=str(len(words))).split()


def completed(shell: str, line: str, folder: Path | None = None, **more: str) -> str:
    """Return what a shell is offered for the end of a line, in a narrow terminal."""
    asked = {
        "_SA_APPS_COMPLETE": f"complete_{shell}",
        "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "COLUMNS": "40",
    }
    ran = subprocess.run(
        [sys.executable, "-m", "streamalert_apps"],
        env=os.environ | asked | more,
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    return ran.stdout


def test_init_names_every_missing_flag(project: Path, sa_apps: Command) -> None:
    ran = sa_apps("init", "--prefix", "acme")
    assert ran.code == 2
    assert "--account-id, --region" in ran.err
    assert "--local" in ran.err
    assert not list(project.iterdir())
    assert init.CLUSTER == "prod"


@pytest.mark.parametrize(
    "words",
    [
        ["--json", "--no-input", "--project-dir", ".", "-q", "list"],
        ["--json", "--project-dir=.", "ls"],
        ["--json", "config", "get", "account.prefix", "--project-dir", "."],
    ],
)
def test_options_that_commands_share_may_stand_before_the_command(
    local: Path, sa_apps: Command, words: list[str]
) -> None:
    ran = sa_apps(*words)
    assert (ran.code, json.loads(ran.out)["status"]) == (0, "ok"), ran.err


def test_the_project_before_the_command_counts_more_than_the_environment(
    local: Path, sa_apps: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SA_APPS_PROJECT_DIR", str(local / "elsewhere"))
    assert sa_apps("--project-dir", str(local), "list").code == 0


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_can_be_quiet(sa_apps: Command, command: str) -> None:
    assert " -q, --quiet " in sa_apps(*command.split(), "--help").out


def test_a_quiet_command_says_nothing_but_what_is_wrong(project: Path, sa_apps: Command) -> None:
    assert "Created" in sa_apps("init", "--local").err
    assert sa_apps("init", "--local", "--quiet").err == ""
    assert "error: " in sa_apps("list", "--cluster", "none", "--quiet").err
    assert "already exists" in sa_apps("init", "--local").err


def test_a_quiet_command_shows_what_it_asks_about(local: Path, auth_file: Path, sa_apps: Command) -> None:
    sa_apps("new", "duo_auth", "-c", "prod", "--auth-file", str(auth_file), "--no-check")
    with Terminal("remove", "collector", "--quiet", folder=local) as terminal:
        terminal.see("This will delete collector (prod):").see("Delete collector (prod)?").type("n" + ENTER)
        assert terminal.ends() == 130


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_help_fits_the_terminal(sa_apps: Command, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    for command in ("", *COMMANDS):
        lines = sa_apps(*command.split(), "--help").out.splitlines()
        wide = [line for line in lines if len(line) > columns and " " in line.strip(" \\")]
        assert not wide, (command, wide)


def test_an_example_that_is_broken_can_still_be_copied(
    sa_apps: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    shown = sa_apps("simulate", "--help").out
    assert "\n    sa-apps run collector --simulator \\\n        http://127.0.0.1:8080\n" in shown


@pytest.mark.parametrize("words", [["check", "collector", "--simulator", ""], ["new", "duo_auth", "-c", ""]])
def test_an_empty_value_does_not_pass_for_none(words: list[str], local: Path, sa_apps: Command) -> None:
    ran = sa_apps(*words)

    assert ran.code == 2
    assert "is empty" in ran.err
