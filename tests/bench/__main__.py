"""`nox -s bench`: run every benchmark of this folder, or those that are named."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path


def main(names: list[str]) -> None:
    """Run the benchmarks; each prints a table."""
    here = Path(__file__).parent
    known = sorted(path.stem for path in here.glob("*.py") if not path.stem.startswith("_"))
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # or each start would compile anew
    for name in names or known:
        if name not in known:
            raise SystemExit(f"There is no benchmark '{name}'; there are {', '.join(known)}.")
        import_module(f"tests.bench.{name}").main()


main(sys.argv[1:])
