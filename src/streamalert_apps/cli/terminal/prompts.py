"""Questions to a person; without a terminal each is an error that names the flag to use instead."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from streamalert_apps.cli.terminal import output
from streamalert_apps.errors import AppError, Cancelled, UsageError
from streamalert_apps.serve.plain import plain


@dataclass(frozen=True, slots=True)
class Prompts:
    """Asks on standard error; `refusal` says why there is nobody to ask, if so."""

    refusal: str = ""

    @classmethod
    def on_terminal(cls, *, no_input: bool) -> Prompts:
        """Ask where a person is: a terminal on both sides, no --no-input, no CI."""
        if no_input:
            return cls("--no-input is given")
        if os.environ.get("CI", "").lower() not in {"", "0", "false"}:
            return cls("the variable CI is set")
        if not (output.is_terminal(sys.stdin) and output.is_terminal(sys.stderr)):
            return cls("there is no terminal")
        return cls()

    @property
    def allowed(self) -> bool:
        """Whether somebody can be asked."""
        return not self.refusal

    def need(self, what: str, flag: str) -> None:
        """Raise UsageError where nobody can be asked for `what`."""
        if self.refusal:
            raise UsageError(f"Can't ask for {what}: {self.refusal}.", hint=f"Pass {flag}.")

    def text(
        self, question: str, *, what: str, flag: str, parse: Callable[[str], Any], default: str = ""
    ) -> Any:
        """Ask for a line until `parse` takes it; return what `parse` returned.

        A key that is pasted where its path is asked for shows as stars.
        """
        self.need(what, flag)

        def ask(typed: str) -> str:
            with _asked() as (questionary, streams):
                shown = "" if _is_key(typed) else typed
                return str(
                    questionary.text(
                        plain(question),
                        default=shown,
                        input_processors=[_stars_for_keys()],
                        key_bindings=_lines_of_keys(),
                        **streams,
                    ).unsafe_ask()
                )

        return _until_taken(ask, parse, default)

    def secret(self, question: str, *, what: str, flag: str, parse: Callable[[str], Any]) -> Any:
        """As `text`, but what is typed shows as stars."""
        self.need(what, flag)

        def ask(_: str) -> str:
            with _asked() as (questionary, streams):
                return str(questionary.password(plain(question), **streams).unsafe_ask())

        return _until_taken(ask, parse)

    def choice(self, question: str, *, what: str, flag: str, choices: Mapping[str, str]) -> str:
        """Let one of `choices` (value → what is shown) be picked; typing narrows the list."""
        self.need(what, flag)
        with _asked() as (questionary, streams):
            answer = questionary.select(
                plain(question),
                choices=[questionary.Choice(plain(shown), value) for value, shown in choices.items()],
                use_search_filter=True,
                use_jk_keys=False,
                **streams,
            ).unsafe_ask()
        return str(answer)

    def confirm(self, question: str, *, flag: str, default: bool = False, deletes: bool = False) -> bool:
        """Ask yes or no; where something `deletes`, a letter alone is no answer until Enter follows."""
        self.need("confirmation", flag)
        with _asked() as (questionary, streams):
            asked = questionary.confirm(plain(question), default=default, auto_enter=not deletes, **streams)
            return bool(asked.unsafe_ask())


def _stars_for_keys() -> Any:
    """Return what shows a line as stars once it is no longer a path or a plain value, but a key."""
    from prompt_toolkit.application import get_app
    from prompt_toolkit.filters import Condition
    from prompt_toolkit.layout.processors import ConditionalProcessor, PasswordProcessor

    def holds_a_key() -> bool:
        return _is_key(get_app().current_buffer.text)

    return ConditionalProcessor(PasswordProcessor(), Condition(holds_a_key))


def _lines_of_keys() -> Any:
    """Return what takes each line of a key that is pasted for one more, where the terminal sends Enter."""
    from prompt_toolkit.application import get_app
    from prompt_toolkit.filters import Condition
    from prompt_toolkit.key_binding import KeyBindings

    bindings = KeyBindings()

    @bindings.add("enter", filter=Condition(lambda: _is_half_a_key(get_app().current_buffer.text)))
    def _(event: Any) -> None:
        event.current_buffer.insert_text("\n")

    return bindings


def _is_key(text: str) -> bool:
    return text.lstrip().startswith(("{", "-----BEGIN"))


def _is_half_a_key(text: str) -> bool:
    if not _is_key(text):
        return False
    return text.count("{") > text.count("}") or ("-----BEGIN" in text and "-----END" not in text)


def _until_taken(ask: Callable[[str], str], parse: Callable[[str], Any], typed: str = "") -> Any:
    """Ask until `parse` takes the answer; say each time what is wrong, and let what was typed be changed."""
    while True:
        typed = ask(typed).strip()
        try:
            return parse(typed)
        except AppError as error:
            output.error(error)


@contextmanager
def _asked() -> Iterator[tuple[Any, dict[str, Any]]]:
    """Give questionary with its output on standard error; Ctrl-C and Ctrl-D are a plain no."""
    import questionary
    from prompt_toolkit.output import create_output

    output.say_all()
    try:
        yield questionary, {"output": create_output(stdout=sys.stderr)}
    except (KeyboardInterrupt, EOFError):
        raise Cancelled("Cancelled; nothing was changed.") from None
