"""uv, which fetches and locks packages: of the user's settings only those count that lead to an index.

What a lock says is laid out, whatever else uv is told to do elsewhere: to compile, to leave newer packages
out, to take other ones, to work in another folder.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from streamalert_apps.errors import PackageError

LONGEST_SECONDS: Final = 300

# Of the environment: what a process needs to run, the way to an index, TLS, caches, proxies.
_PASSED: Final = re.compile(
    r"PATH|HOME|USER|LOGNAME|LANG|LC_ALL|TMPDIR|TEMP|TMP|NETRC|XDG_(?:CACHE|DATA)_HOME"
    r"|APPDATA|LOCALAPPDATA|PROGRAMDATA|USERPROFILE|SYSTEMDRIVE|SYSTEMROOT|WINDIR|COMSPEC|PATHEXT"
    r"|SSL_CERT_(?:FILE|DIR)|SSL_CLIENT_CERT|(?:HTTP|HTTPS|ALL|NO)_PROXY"
    r"|UV_(?:CACHE_DIR|CREDENTIALS_DIR|DEFAULT_INDEX|EXTRA_INDEX_URL|FIND_LINKS|HTTP_\w+|INDEX|INDEX_\w+"
    r"|INSECURE_HOST|KEYRING_PROVIDER|NATIVE_TLS|OFFLINE|REQUEST_TIMEOUT|SYSTEM_CERTS)",
    re.IGNORECASE,
)
# The same of uv.toml. https://docs.astral.sh/uv/reference/settings/
_KEPT: Final = {
    *("allow-insecure-host", "cache-dir", "extra-index-url", "find-links", "http-proxy", "https-proxy"),
    *("index", "index-strategy", "index-url", "keyring-provider", "native-tls", "no-proxy", "offline"),
    "system-certs",
}


@contextmanager
def workplace() -> Iterator[Path]:
    """Yield an empty folder that is gone afterwards; raise PackageError where there is no room for one."""
    try:
        made = TemporaryDirectory(prefix="sa-apps-")
    except OSError as error:
        raise PackageError(
            f"There is no folder for temporary files: {error.strerror or error}.",
            hint="Name one that can be written in TMPDIR.",
        ) from None
    with made as name:
        yield Path(name)


def run(words: Sequence[str], folder: Path) -> str:
    """Run uv in a folder; return what it says went wrong, on one line, or nothing."""
    (folder / "uv.toml").write_text(_configuration(), "utf-8")
    try:
        ran = subprocess.run(  # noqa: S603 (every word is ours, or one that a plugin's author wrote)
            [_binary(), *words, "--config-file", "uv.toml", "--quiet", "--color", "never"],
            cwd=folder,
            env={name: value for name, value in os.environ.items() if _PASSED.fullmatch(name)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=LONGEST_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"Failed to fetch: no end after {LONGEST_SECONDS} seconds"
    except OSError as error:
        return f"uv can't be run: {error.strerror}"
    said = re.sub(r"[^\w\s.,:;`'\"=<>()/\[\]@~!*+-]", "", ran.stderr)  # the frames that some versions draw
    return " ".join(said.split()) or f"exit code {ran.returncode}" if ran.returncode else ""


def last_cause(said: str) -> str:
    """Return the part of what uv said that tells most."""
    return re.split(r"\s*\bhint: ", said)[0].rpartition("cause: ")[2].rstrip(".")


def _configuration() -> str:
    """Return what counts of the user's uv.toml and of the system's as one; lists are joined, as uv does."""
    whole: dict[str, Any] = {}
    for path in _configurations():
        try:
            told = tomllib.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise PackageError(f"uv's settings in {path} can't be read: {error}.") from None
        pip = told.get("pip", {})
        for key, value in [*pip.items(), *told.items()] if isinstance(pip, dict) else told.items():
            if key not in _KEPT:
                continue
            if isinstance(value, list) and isinstance(whole.get(key), list):
                whole[key] += [each for each in value if each not in whole[key]]
            else:
                whole.setdefault(key, value)
    return "".join(f"{key} = {_toml(value)}\n" for key, value in whole.items())


def _configurations() -> Iterator[Path]:
    """Yield the files of settings that uv would read, the one that goes first first."""
    environ = os.environ
    if environ.get("UV_NO_CONFIG", "").lower() not in {"", "0", "false"}:
        return
    if named := environ.get("UV_CONFIG_FILE"):
        yield Path(named)
        return
    if sys.platform == "win32":
        roots = [environ.get("APPDATA", ""), environ.get("PROGRAMDATA", "")]
    else:
        home = environ.get("HOME", "")
        roots = [environ.get("XDG_CONFIG_HOME") or (f"{home}/.config" if home else "")]
        roots += [*environ.get("XDG_CONFIG_DIRS", "").split(":"), "/etc"]
    there = [Path(root) / "uv" / "uv.toml" for root in roots if root]
    yield from (path for path in there if path.is_file())


def _toml(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {_toml(inside)}" for key, inside in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)


def _binary() -> str:
    try:
        from uv import find_uv_bin  # noqa: PLC0415 (a build that finds all in the cache does without)

        return find_uv_bin()
    except (ImportError, FileNotFoundError):
        raise PackageError(
            "uv is missing, which fetches the packages of a function.",
            hint="Install it beside sa-apps: `pip install uv`.",
        ) from None
