"""What the check of one app type in one scenario found."""

from __future__ import annotations

from dataclasses import dataclass

from streamalert_apps.sdk.count import counted


@dataclass(frozen=True, slots=True)
class Report:
    """How an app type came through a scenario; `messages` say in words what is wrong."""

    app_type: str
    scenario: str
    seed: int
    lost: int = 0
    repeated: int = 0
    stuck: bool = False
    messages: tuple[str, ...] = ()
    worlds: int = 0
    runs: int = 0
    requests: int = 0

    @property
    def ok(self) -> bool:
        """Tell whether nothing is wrong."""
        return not self.messages

    def __str__(self) -> str:
        head = f"{self.app_type}, {self.scenario} (seed {self.seed})"
        if self.ok:
            return f"{head}: fine after {counted(self.runs, 'run')} and {counted(self.requests, 'request')}"
        return "\n".join([f"{head}:", *(f"- {message}" for message in self.messages)])
