"""The root of the command line: which commands there are, and how every error ends."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from inspect import signature
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.models import CommandInfo

from streamalert_apps import __version__
from streamalert_apps.cli.commands import (
    backfill,
    check,
    config,
    dead,
    demo,
    deploy,
    destination,
    disable,
    doctor,
    enable,
    export,
    init,
    invoke,
    journal,
    logs,
    new,
    package,
    plugin,
    remove,
    replay,
    rollback,
    run,
    serve,
    simulate,
    state,
    status,
    types,
    update_auth,
    verify,
)
from streamalert_apps.cli.commands import list as list_command
from streamalert_apps.cli.explained import explained
from streamalert_apps.cli.project import forget_session
from streamalert_apps.cli.terminal import narrow, options, output
from streamalert_apps.errors import AppError, Cancelled, UsageError

EXAMPLES = """Examples:

\b
  sa-apps demo                             see the whole job, no account needed
  sa-apps init                             start a project
  sa-apps new duo_auth --cluster prod      add an app
  sa-apps list                             show the apps

\b
Before or after any command:
  --project-dir DIR     the folder that holds conf/
  --no-input            never prompt
  --json                answer with one JSON object
  -q, --quiet           show only results, warnings and errors
  -v, --verbose         show each request, wait and retry

\b
Environment:
  SA_APPS_PROJECT_DIR   the folder that holds conf/
  SA_APPS_NO_INPUT=1    never prompt
  SA_APPS_REGION        AWS region, instead of the project's
  SA_APPS_PROFILE       AWS profile; AWS_PROFILE and the other AWS_* variables work too
  SA_APPS_DEBUG=1       show a traceback when something unexpected happens
  NO_COLOR, FORCE_COLOR

Exit codes: 0 success, 1 failed, 2 wrong usage, 3 changes pending, 4 credentials refused, 5 some failed,
130 interrupted."""

SHARED: Final = ("--json", "--no-input", "--project-dir", "--quiet", "-q", "--verbose", "-v")

ALIASES: Final = {"ls": "list", "rm": "remove"}

# What people type for a command that has another name: the closest by its letters may do the opposite.
MEANT: Final = {
    "add": "new",
    "create": "new",
    "delete": "remove",
    "destroy": "remove",
    "undeploy": "remove",
    "uninstall": "remove",
    "pause": "disable",
    "stop": "disable",
    "resume": "enable",
    "start": "enable",
    "daemon": "serve",
    "schedule": "serve",
    "tail": "logs",
    "test": "check",
    "validate": "config validate",
}


class Fitting:
    """Help that fits the terminal."""

    epilog: str | None

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the whole of it."""
        narrow.fit(formatter)
        super().format_help(ctx, formatter)  # type: ignore[misc] # of the class beside it

    def format_epilog(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 (what Typer calls gives it)
        """Write the epilog."""
        narrow.write_epilog(self.epilog, formatter)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Return what the word may become."""
        # Typer wraps remarks at the terminal's edge, and shells take each line for a word.
        os.environ["COLUMNS"] = str(narrow.REMARK + 1)
        items: list[Any] = super().shell_complete(ctx, incomplete)  # type: ignore[misc] # of the class beside it
        for item in items:
            item.help = narrow.remark(item.help or "")
        return items


class Group(Fitting, TyperGroup):
    """A group of commands, whose help fits the terminal."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command; Typer cuts what a list says of it, unless that is stated."""
        command = super().get_command(ctx, cmd_name)
        if command and command.help:
            command.short_help = command.help.partition("\n\n")[0].replace("\n", " ")
        return command


class Commands(Group):
    """The commands. One of another name is suggested by what it means."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words, and what the shell has of them so far, however they are spelled."""
        return super().parse_args(ctx, _spelled_out(args))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that is meant; raise UsageError where there is none."""
        word = args[0]
        if word in MEANT and word not in self.commands:
            raise UsageError(
                f"No such command '{word}'. Did you mean '{MEANT[word]}'?",
                hint="`sa-apps --help` shows all commands.",
            )
        return super().resolve_command(ctx, args)


class Command(Fitting, TyperCommand):
    """A command with the options that all have, whose help fits the terminal."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return its own parameters, and those."""
        *own, of_help = super().get_params(ctx)
        return [*own, *options.OF_ALL, of_help]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words; an empty value, of a variable that is not set, must not pass for none given."""
        rest: list[str] = super().parse_args(ctx, args)
        for param in self.get_params(ctx):
            is_empty = param.param_type_name == "option" and ctx.params.get(param.name) == ""
            if is_empty and ctx.get_parameter_source(param.name).name == "COMMANDLINE":
                raise UsageError(f"{param.opts[0]} is empty.", hint="Give it a value, or leave it out.")
        return rest


app = typer.Typer(
    cls=Commands,
    name="sa-apps",
    help="Collect the audit logs of SaaS products, and lose none of them.",
    epilog=EXAMPLES,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    invoke_without_command=True,
)
for name, module in {
    "demo": demo,
    "init": init,
    "types": types,
    "new": new,
    "list": list_command,
    "update-auth": update_auth,
    "run": run,
    "serve": serve,
    "deploy": deploy,
    "status": status,
    "logs": logs,
    "invoke": invoke,
    "check": check,
    "doctor": doctor,
    "verify": verify,
    "replay": replay,
    "backfill": backfill,
    "rollback": rollback,
    "disable": disable,
    "enable": enable,
    "remove": remove,
    "package": package,
    "export": export,
    "simulate": simulate,
}.items():
    app.command(name, epilog=module.EXAMPLES)(module.command)
for group in (config, destination, dead, state, journal, plugin):
    app.add_typer(group.group, cls=Group)


def commands() -> dict[str, CommandInfo]:
    """Return every command by the words that call it."""
    found = {str(command.name): command for command in app.registered_commands}
    for group in app.registered_groups:
        inside = group.typer_instance.registered_commands if group.typer_instance else []
        name = group.typer_instance.info.name if group.typer_instance else ""
        found |= {f"{name} {command.name}": command for command in inside}
    return found


for command in commands().values():
    command.cls = Command


@app.callback()
def root(
    context: typer.Context,
    *,
    version: Annotated[bool, typer.Option("--version", "-V", help="Show the version.")] = False,
) -> None:
    """Collect the audit logs of SaaS products, and lose none of them."""
    if version:
        output.data(f"sa-apps {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        output.data(context.get_help())


def start() -> None:
    """Run the command line and leave with its exit code."""
    output.open_streams()
    code = main(sys.argv[1:])
    output.close_streams()
    sys.exit(code)


def main(arguments: list[str]) -> int:
    """Run one command and return its exit code; every error ends here, as words or as JSON."""
    try:
        code = _invoke(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        output.nobody_reads()
        return 1
    except OSError as error:  # what was to be written: all else is explained below
        output.nobody_reads()
        with suppress(OSError):
            output.error(AppError(f"The output can't be written: {error.strerror or error}."))
        return 1
    return code


def _spelled_out(arguments: list[str]) -> list[str]:
    """Return the arguments with the usual short forms written out: `ls`, `rm`, `help new`, `version`.

    Options that commands share may stand before the command.
    """
    shared, rest = _before_the_command(arguments)
    match rest:
        case ["help", *words]:
            rest = [*words, "--help"]
        case ["version"]:
            return ["--version"]
        case [word, *others] if word in ALIASES:
            rest = [ALIASES[word], *others]
        case []:
            return arguments
    name = _command(rest)
    info = commands().get(name)
    if info and info.callback and "no_input" not in signature(info.callback).parameters:
        shared = [word for word in shared if word != "--no-input"]  # it asks nothing anyway
    behind = len(name.split())  # not at the end, where the last option may wait for its value
    return [*rest[:behind], *shared, *rest[behind:]]


def _before_the_command(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Return the shared options that stand before the command, and the rest."""
    shared, rest = [], [*arguments]
    while rest and (name := rest[0].partition("=")[0]) in SHARED:
        has_value = name == "--project-dir" and rest[0] == name
        shared += rest[: 1 + has_value]
        del rest[: 1 + has_value]
    return shared, rest


def _invoke(arguments: list[str]) -> int:
    forget_session()
    try:
        code = app(arguments, prog_name="sa-apps", standalone_mode=False, terminal_width=narrow.width())
    except BrokenPipeError:
        raise
    except SystemExit as leaving:  # Typer's own way out when a pipe breaks, or after completion
        return leaving.code if isinstance(leaving.code, int) else 1
    except (KeyboardInterrupt, typer.Abort):
        code = Cancelled.exit_code
    except Exception as error:  # noqa: BLE001 (nobody shall see a traceback)
        return _report(explained(error), arguments)
    if code == Cancelled.exit_code:  # this is what Typer makes of Ctrl-C
        return _report(Cancelled("Interrupted."), arguments)
    return code if isinstance(code, int) else 0


def _report(error: AppError, arguments: list[str]) -> int:
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    if "--json" in options:
        output.envelope(_command(_spelled_out(arguments)), {}, errors=[error])
    output.error(error)
    return error.exit_code


def _command(arguments: list[str]) -> str:
    """Return the command that was meant, for the envelope."""
    words = [word for word in arguments if not word.startswith("-")]
    known = {name.split()[0] for name in commands()}
    first = next((number for number, word in enumerate(words) if word in known), len(words))
    two = " ".join(words[first : first + 2])
    return two if two in commands() else next(iter(words[first:]), "sa-apps")
