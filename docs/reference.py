"""Generate commands.md from the command line itself, and the page of conf/'s keys: `nox -s reference`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import typer.main

from docs import settings
from streamalert_apps.cli import app as root

PAGE: Final = Path(__file__).parent / "commands.md"
SCHEMA: Final = json.loads((Path(__file__).parent / "output.schema.json").read_text("utf-8"))["$defs"]
SHARED: Final = {"schema", "command", "status", "errors"}
HEAD: Final = """# Commands

Generated from the program by `nox -s reference`; `sa-apps COMMAND --help` shows the same on the terminal.
Messages for people go to standard error, results to standard output. [json.md](json.md) describes what all
`--json` answers have in common, and the error codes. `sa-apps --version` shows the version; `sa-apps
--install-completion` makes the shell complete commands, app types, clusters and names.

| exit code | meaning |
|---|---|
"""
MEANINGS: Final = {
    0: "success, also if there was nothing to do",
    1: "failed",
    2: "wrong usage",
    3: "changes pending",
    4: "credentials refused, by the service or by AWS",
    5: "some of several apps failed, or are unhealthy",
    130: "interrupted, or a question answered with no",
}
ALWAYS: Final = (0, 1, 2, 130)
NO_CREDENTIALS: Final = ("demo", "destination list", "export", "init", "types", "list", "package", "simulate")
SEVERAL_APPS: Final = (
    "check",
    "deploy",
    "disable",
    "enable",
    "invoke",
    "new",
    "remove",
    "rollback",
    "run",
    "status",
    "verify",
)


def page() -> str:
    """Return the whole page."""
    head = HEAD + "".join(f"| {code} | {meaning} |\n" for code, meaning in MEANINGS.items())
    environment = next(block for block in _epilog(root.EXAMPLES) if "Environment:" in block)
    return "\n".join([head, f"{environment}\n", *(_section(*one) for one in _commands())])


def _commands() -> Iterator[tuple[str, Any]]:
    """Yield every command with the words that call it."""
    for name in root.commands():
        command: Any = typer.main.get_group(root.app)
        for word in name.split():
            command = command.commands[word]
        yield name, command


def _section(name: str, command: Any) -> str:
    usage = " ".join(["sa-apps", name, "[OPTIONS]", *map(_argument, _arguments(command))])
    blocks = [f"## {name}", *command.help.split("\n\n"), f"```text\n{usage}\n```", _parameters(command)]
    blocks += [*_epilog(command.epilog), f"Exit codes: {_codes(name, command)}.", *_json(name)]
    return "\n\n".join(blocks) + "\n"


def _arguments(command: Any) -> list[Any]:
    return [parameter for parameter in command.params if parameter.param_type_name == "argument"]


def _argument(argument: Any) -> str:
    name = re.sub(r"[][.]", "", argument.metavar)
    several = "..." if argument.nargs == -1 else ""
    return f"{name}{several}" if argument.required else f"[{name}]{several}"


def _parameters(command: Any) -> str:
    rows = "".join(map(_row, command.params))
    return f"| option | description |\n|---|---|\n{rows}| `--help`, `-h` | Show the command's help. |"


def _row(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"| `{_argument(parameter)}` | {_cell(parameter.help)} |\n"
    value = "" if parameter.is_flag else f" {parameter.metavar or parameter.name.upper()}"
    words = ", ".join(f"`{word}{value if word == parameter.opts[0] else ''}`" for word in parameter.opts)
    notes = [parameter.help]
    if parameter.show_default and parameter.default not in (None, False, ""):
        notes.append(f"Default: `{parameter.default}`.")
    if parameter.envvar:
        notes.append(f"Or the variable `{parameter.envvar}`.")
    return f"| {words} | {_cell(' '.join(notes))} |\n"


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|").replace("<", "&lt;")


def _epilog(text: str) -> Iterator[str]:
    """Yield the blocks of an epilog; what begins with a backspace, Click's mark, stays in form."""
    for block in text.split("\n\n"):
        if block.startswith("\b"):
            yield "```text\n" + re.sub(r"^  ", "", block.removeprefix("\b\n"), flags=re.MULTILINE) + "\n```"
        else:
            yield _cell(block)


def _codes(name: str, command: Any) -> str:
    codes = set(ALWAYS)
    if any("--exit-code" in parameter.opts for parameter in command.params):
        codes.add(3)
    if name not in NO_CREDENTIALS and not name.startswith(("config", "plugin")):
        codes.add(4)
    if name in SEVERAL_APPS:
        codes.add(5)
    return ", ".join(map(str, sorted(codes)))


def _json(name: str) -> Iterator[str]:
    """Yield a table of the keys that the answer has of its own."""
    keys = {key: form for key, form in SCHEMA[name]["properties"].items() if key not in SHARED}
    rows = "".join(f"| `{key}` | {_kind(form)} | {_cell(_meaning(form))}|\n" for key, form in keys.items())
    yield f"With `--json`:\n\n| key | is | meaning |\n|---|---|---|\n{rows}".rstrip()


def _kind(form: dict[str, Any]) -> str:
    """Return what a value may be, in words."""
    if "$ref" in form:
        return f"{form['$ref'].rpartition('/')[2]}"
    if "const" in form:
        return f"`{json.dumps(form['const'])}`"
    if "enum" in form:
        return ", ".join(f"`{json.dumps(value)}`" for value in form["enum"])
    if "anyOf" in form:
        return " or ".join(map(_kind, form["anyOf"]))
    if form.get("type") == "array":
        return f"list of {_kind(form.get('items', {}))}"
    kinds = form.get("type", "any")
    return " or ".join(kinds) if isinstance(kinds, list) else kinds


def _meaning(form: dict[str, Any]) -> str:
    """Return what the schema says of a value; of an object, which keys it has."""
    inner = form.get("items", form)
    if "anyOf" in inner:
        inner = next((one for one in inner["anyOf"] if "properties" in one), {})
    within = ", ".join(f"`{key}`" for key in inner.get("properties", {}))
    return "".join(f"{part} " for part in (form.get("description"), within and f"Has {within}.") if part)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8", newline="\n")
    settings.write()
