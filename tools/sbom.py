"""Makes a software bill of materials say what it is of: CycloneDX's tool knows the parts, not the whole.

`python tools/sbom.py FILE NAME VERSION`: name the whole, let it depend on the parts, write it in one order.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def complete(bom: dict[str, Any], name: str, version: str) -> dict[str, Any]:
    """Return the bill of materials of `name` at `version`, whose parts are those of `bom`."""
    whole = {"bom-ref": "whole", "type": "application", "name": name, "version": version}
    parts = sorted(part["bom-ref"] for part in bom["components"])
    given = [other for other in bom.get("dependencies", ()) if other["ref"] in parts]
    needed = {one for other in given for one in other.get("dependsOn", ())}
    first = {"ref": "whole", "dependsOn": [part for part in parts if part not in needed]}
    return bom | {
        "metadata": bom["metadata"] | {"component": bom["metadata"].get("component", {}) | whole},
        "dependencies": [first, *given],
    }


def main(path: Path, name: str, version: str) -> None:
    """Complete a file."""
    bom = complete(json.loads(path.read_text("utf-8")), name, version)
    path.write_text(json.dumps(bom, indent=2, sort_keys=True) + "\n", "utf-8", newline="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
