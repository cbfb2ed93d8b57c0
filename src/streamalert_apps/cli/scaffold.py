"""A new plugin's files: the made-up service of template/, under another name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from streamalert_apps import services
from streamalert_apps.config import rules
from streamalert_apps.errors import ConfigError, UsageError
from streamalert_apps.plugins.layout import FOLDER, can_be_service
from streamalert_apps.sdk.app import service_of

TEMPLATE: Final = Path(__file__).with_name("template")
FILES: Final = {
    "{}/app.py": "acme.py",
    "{}/twin.py": "simulator/acme.py",
    "{}/schemas.json": "schemas/acme.json",
    "{}/setup.md": "setup/acme.md",
    "tests/test_{}.py": "tests/test_acme.py",
}

_APP_TYPE: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)+")
_SERVICE, _LOG = "acme", "audit"


def written(app_type: str) -> dict[str, str]:
    """Return the text of each file, by its path in the project; raise UsageError for a wrong app type."""
    if not _APP_TYPE.fullmatch(app_type):
        raise UsageError(
            f"'{app_type}' is not a valid app type.",
            hint="It is <service>_<log> in lower-case letters and digits, as acme_events.",
        )
    service = service_of(app_type)
    if rules.is_device(service):
        raise UsageError(
            f"'{service}' can't be the name of a service.", hint="Windows has a device of that name."
        )
    if not can_be_service(service):
        raise UsageError(
            f"'{service}' can't be the name of a service.", hint="Plugins share a folder of that name."
        )
    if app_type in services.apps(service):
        raise UsageError(
            f"There is a built-in app type '{app_type}', which goes before a plugin's.",
            hint="Give yours another name, or use that one: `sa-apps types` shows what it needs.",
        )
    return {
        f"{FOLDER}/{name.format(service)}": _renamed(template, service, app_type)
        for name, template in FILES.items()
    }


def create(root: Path, texts: dict[str, str]) -> None:
    """Write files that are not there yet; all or none."""
    taken = (*texts, f"{Path(next(iter(texts))).parent.as_posix()}.py")  # the service's one file, as of 0.1.0
    if there := [name for name in taken if (root / name).exists()]:
        raise UsageError(
            f"{there[0]} already exists; nothing was written.",
            hint="Another app type of the same service is another class in the same file.",
        )
    made: list[Path] = []
    try:
        for name, text in texts.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", newline="\n") as file:
                made.append(path)
                file.write(text)
    except OSError as error:
        for path in made:
            path.unlink()
        raise ConfigError(f"{name} can't be written: {error.strerror}.", hint="Nothing was left.") from None


def _renamed(name: str, service: str, app_type: str) -> str:
    log = app_type.removeprefix(f"{service}_")
    names = {
        f"{_LOG} log": f"{log.replace('_', ' ')} log",
        f"{_SERVICE.title()}{_LOG.title()}": app_type.title().replace("_", ""),
        _SERVICE.upper(): service.upper(),
        _SERVICE.title(): service.title(),
        _SERVICE: service,
        _LOG: log,
    }
    text = (TEMPLATE / name).read_text("utf-8")
    return re.sub("|".join(names), lambda found: names[found[0]], text)
