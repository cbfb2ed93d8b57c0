"""A real browser without a window: opens a page at several widths, and runs a script that looks at it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from pathlib import Path

NAMES: Final = ("chromium", "chromium-headless-shell", "google-chrome")
PATIENCE_SECONDS: Final = 60
_FLAGS: Final = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
    *("--disable-background-networking", "--window-size=1500,1000", "--virtual-time-budget=3000"),
)
# A frame has any width; a window has not.
_AROUND: Final = """<!doctype html><meta charset="utf-8"><pre id="seen"></pre><script>
const page = %s, widths = %s, look = %s, seen = {};
for (const width of widths) {
  const frame = document.createElement("iframe");
  frame.width = width; frame.height = 800; frame.srcdoc = page;
  frame.onload = () => {
    seen[width] = look(frame.contentDocument, frame.contentWindow);
    document.getElementById("seen").textContent = JSON.stringify(seen);
  };
  document.body.append(frame);
}
</script>"""


def look(page: str, script: str, folder: Path, widths: tuple[int, ...]) -> dict[str, Any]:
    """Return what `script`, a function of document and window, returns of the page at each width."""
    around = folder / "around.html"
    told = json.dumps(page).replace("</", r"<\/").replace("<!--", r"<\!--")
    around.write_text(_AROUND % (told, json.dumps(widths), script), "utf-8")
    printed = _run("--dump-dom", around.as_uri(), folder=folder)
    found = re.search(r'<pre id="seen">(.*?)</pre>', printed, re.DOTALL)
    assert found, printed[:500]
    seen: dict[str, Any] = json.loads(unescape(found[1]))
    assert len(seen) == len(widths)
    return seen


def picture(page: Path, to: Path, width: int, height: int, folder: Path) -> None:
    """Take a picture of a page."""
    _run(f"--screenshot={to}", f"--window-size={width},{height}", page.as_uri(), folder=folder)


def _run(*words: str, folder: Path) -> str:
    browser = next(filter(None, map(shutil.which, NAMES)), None)
    if browser is None:
        pytest.skip("there is no Chromium on this machine")
    command = [browser, *_FLAGS, f"--user-data-dir={folder / 'browser'}", *words]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=True, encoding="utf-8"
    )
    return done.stdout
