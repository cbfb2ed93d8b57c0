"""Write the table of the built-in app types anew: `nox -s table`."""

from __future__ import annotations

from streamalert_apps import services
from streamalert_apps.services import table


def main() -> None:
    """Write it."""
    table.FILE.write_text(table.text(services.every()), "utf-8", newline="\n")


if __name__ == "__main__":
    main()
