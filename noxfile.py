"""What CI runs: `nox`. One part of it: `nox -s lint`. On another Python: `nox -s tests-3.13`."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import nox
from nox.command import CommandFailed

PROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PROJECT)
DOCUMENTS = "tests/test_documents.py"
DIST = Path("dist")
SITE = "site"
SBOM = Path("sbom")
SDKS = Path("tests/sdks")
LOCKS = Path("src/streamalert_apps/deploy/locks")
VERSION = re.findall(
    r'^__version__ = "(.+)"$', Path("src/streamalert_apps/__init__.py").read_text("utf-8"), re.MULTILINE
)[0]

# What a function needs beside our own code, by lock: the packages, and what they name but no app uses.
# Apps call httpx without async; of cffi, cryptography runs on the compiled part alone.
PACKED = {
    "base": (["httpx", "msgspec"], ["anyio", "typing-extensions"]),
    "cryptography": (["cryptography"], ["pycparser"]),
}

WORKERS = str(1 + (os.cpu_count() or 1))  # one more than there are cores: many a test waits for a process

# A site that is read offline asks nobody else for a script, a style, a font or a picture.
FROM_ELSEWHERE = r"<(script|link|img)[^>]*(src|href)=.(https?:)?//|(@import |url\().?(https?:)?//"

# Nobody else's machine has these folders, and nobody else may reach these hosts.
NOT_FOR_A_COMMIT = (
    r"(^|[^[:alnum:]_.~-])/(root|work|home/[a-z]+|Users/[A-Za-z]+|tmp/dev)/"
    r"|(pypi|pythonhosted|npmjs|debian)\.(org|com)"
)

# Tests start the command hundreds of times: what Python compiles is compiled once.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

nox.needs_version = ">=2025.5"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False  # skip them, in CI too
nox.options.reuse_venv = "yes"
nox.options.sessions = [
    "lint",
    "types",
    f"tests-{sys.version_info.major}.{sys.version_info.minor}",
    "simulation",
    "sdks",
    "examples",
    "docs",
    "wheel",
]


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, the import contract, and that no path or host of one machine was committed."""
    session.install("--no-deps", "-e", ".")
    session.install(*_group("lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("lint-imports")
    session.run("zizmor", "--offline", "--persona", "pedantic", "--quiet", ".github")
    session.run("git", "grep", "-nIE", NOT_FOR_A_COMMIT, external=True, success_codes=[1])


@nox.session
def types(session: nox.Session) -> None:
    """Check the types of the package and of its tests."""
    session.install("-e", ".", *_group("types"))
    session.run("mypy")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests. Words after `--` go to pytest."""
    session.install("-e", ".", *_group("test"))
    session.run("pytest", "-n", WORKERS, "--ignore", DOCUMENTS, *session.posargs)


@nox.session
def simulation(session: nox.Session) -> None:
    """Run the collector through thousands of seeds of bad luck. Words after `--`: see docs/simulation.md."""
    session.install("-e", ".", *_group("test"))
    for words in [session.posargs] if session.posargs else (["--seeds", "300"], ["--mutations"]):
        session.run("python", "-m", "tests.simulation", *words)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Give the parsers far more odd input than the tests do. A word after `--`: examples for each."""
    session.install("-e", ".", *_group("test"))
    count = session.posargs[0] if session.posargs else "20000"
    session.run("pytest", "-n", "auto", "tests/fuzz", env={"SA_APPS_FUZZ_EXAMPLES": count})


@nox.session
def kills(session: nox.Session) -> None:
    """Kill `sa-apps serve` far more often than the tests do. A word after `--`: how often."""
    session.install("-e", ".", *_group("test"))
    count = session.posargs[0] if session.posargs else "50"
    session.run("pytest", "-k", "killed", "tests/serve/test_serve.py", env={"SA_APPS_KILLS": count})


@nox.session
def sdks(session: nox.Session) -> None:
    """Use each simulator with the vendor's own SDK; skipped where the package index can't be reached."""
    try:
        session.install("-e", ".", *_group("test"), "-r", str(SDKS / "requirements.txt"))
    except CommandFailed:
        session.skip("The vendors' SDKs could not be installed: the package index can't be reached.")
    session.run("pytest", "-n", "2", "-W", "ignore", str(SDKS), *session.posargs, env={"SA_APPS_SDKS": "1"})


@nox.session
def examples(session: nox.Session) -> None:
    """Run every command of README.md and docs/."""
    session.install("-e", ".", *_group("test"))
    session.run("pytest", "-n", WORKERS, DOCUMENTS, *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Make the site of docs/ in site/; a link that leads nowhere is an error."""
    session.install("-e", ".", *_group("docs"))
    session.run("sphinx-build", "--nitpicky", "--fail-on-warning", "--keep-going", "-q", "-E", "docs", SITE)
    session.run(
        *("git", "grep", "--no-index", "-nIE", FROM_ELSEWHERE, "--", f"{SITE}/*.html", f"{SITE}/*.css"),
        external=True,
        success_codes=[1],
    )


@nox.session
def reference(session: nox.Session) -> None:
    """Write docs/commands.md anew, after a change of a command, an option or an answer."""
    session.install("-e", ".")
    session.run("python", "-m", "docs.reference")


@nox.session
def table(session: nox.Session) -> None:
    """Write the table of the built-in app types anew, after a change of one."""
    session.install("-e", ".")
    session.run("python", "-m", "tools.table")


@nox.session
def pictures(session: nox.Session) -> None:
    """Record the pictures of README.md anew, in docs/pictures/."""
    session.install("-e", ".", *_group("test"))
    session.run("python", "-m", "tests.pictures")


@nox.session
def build(session: nox.Session) -> None:
    """Build the wheel and the source distribution, and check what an index would say of them."""
    session.install("build", "twine")
    for old in DIST.glob("*"):
        old.unlink()
    session.run("python", "-m", "build", "--outdir", str(DIST))
    session.run("twine", "check", "--strict", *map(str, DIST.iterdir()))


@nox.session(requires=["build"], reuse_venv=False)
def wheel(session: nox.Session) -> None:
    """Install the wheel, alone, where nothing else is, and use it."""
    session.install(*map(str, DIST.glob("*.whl")))
    session.chdir(session.create_tmp())
    session.run("sa-apps", "--version")
    session.run("sa-apps", "demo", "--json")


@nox.session
def audit(session: nox.Session) -> None:
    """Ask whether a dependency is known to be vulnerable. `-- --strict`: no answer is a failure, too."""
    session.install("pip-audit", *_dependencies("uv"))
    folder = Path(session.create_tmp())
    lists = {"runtime.txt": [], "dev.txt": ["--group", "dev", "--group", "docs"]}
    for name, groups in lists.items():
        session.run("uv", "pip", "compile", "-q", "pyproject.toml", *groups, "-o", str(folder / name))
    session.run(
        *("python", "tools/audit.py", *session.posargs),
        *(str(folder / name) for name in lists),
        *map(str, sorted(LOCKS.glob("*.txt"))),
    )


@nox.session
def sbom(session: nox.Session) -> None:
    """Write what the command line and each zip for Lambda are made of, as CycloneDX, to sbom/."""
    session.install("cyclonedx-bom", *_dependencies("uv"))
    SBOM.mkdir(exist_ok=True)
    for old in SBOM.glob("*.cdx.json"):
        old.unlink()
    options = ["--output-reproducible", "--short-PURLs", "--spec-version", "1.6"]
    place = Path(session.create_tmp()) / "installed"
    session.run("uv", "venv", "-q", "--clear", str(place))
    session.run("uv", "pip", "install", "-q", "--python", str(place), "-r", "pyproject.toml")
    _bill(session, "streamalert-apps", "environment", "--pyproject", "pyproject.toml", *options, str(place))
    for path in sorted(LOCKS.glob("*.txt")):
        _bill(session, f"streamalert-apps-lambda-{path.stem}", "requirements", *options, str(path))


def _bill(session: nox.Session, name: str, *words: str) -> None:
    path = str(SBOM / f"{name}-{VERSION}.cdx.json")
    session.run("cyclonedx-py", *words, "--output-file", path)
    session.run("python", "tools/sbom.py", path, name, VERSION)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure the collector beside a bare loop that only fetches, slices and delivers."""
    session.install("-e", ".", *_group("test"))
    session.run("python", "-m", "tests.bench", *session.posargs)


@nox.session
def lock(session: nox.Session) -> None:
    """Lock the newest versions of what is packed for Lambda."""
    session.install(*_dependencies("uv"))
    wanted = Path(session.create_tmp()) / "wanted.txt"
    for name, (packages, unused) in PACKED.items():
        wanted.write_text("\n".join(_dependencies(*packages)))
        options = ["--universal", "--python-version", PYTHONS[0], "--only-binary", ":all:", "--upgrade"]
        options += [word for package in unused for word in ("--no-emit-package", package)]
        options += ["--generate-hashes", "--no-annotate", "--no-emit-index-url", "--quiet"]
        session.run(
            *("uv", "pip", "compile", *options, str(wanted), "--output-file", str(LOCKS / f"{name}.txt")),
            env={"UV_CUSTOM_COMPILE_COMMAND": "nox -s lock"},
        )
    options = ["--universal", "--python-version", PYTHONS[0], "--upgrade", "--no-annotate"]
    options += ["--no-emit-index-url", "--quiet", "--output-file", str(SDKS / "requirements.txt")]
    session.run(
        *("uv", "pip", "compile", *options, str(SDKS / "requirements.in")),
        env={"UV_CUSTOM_COMPILE_COMMAND": "nox -s lock"},
    )


def _dependencies(*names: str) -> list[str]:
    """Return what pyproject.toml says of these packages."""
    every = {re.split(r"[^\w-]", line)[0]: line for line in PROJECT["project"]["dependencies"]}
    return [every[name] for name in names]


def _group(name: str) -> list[str]:
    return list(nox.project.dependency_groups(PROJECT, name))
