"""No command shows a secret, whatever goes wrong: each is run with marked ones, as a process."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import boto3
import pytest

from streamalert_apps.cli import app as root
from streamalert_apps.runtime import names
from tests import proxy
from tests.destinations.http import TOKEN
from tests.lambda_rig import ACCOUNT, REGION
from tests.proxy import Refuse
from tests.security.canary import Canary, forms
from tests.security.world import APPS, NOWHERE, World

Case = Callable[[World, str], None]

AWS = ["--prefix", "acme", "--account-id", ACCOUNT, "--region", REGION]


def _asks(world: World, service: str, command: str, *words: str) -> None:
    """Run a command that asks the service: fine, and with a crash inside."""
    whole = [command, *words, "--simulator", world.urls[service]]
    good = world.credentials(service)
    assert world.run(*whole, stdin=good) == 0
    assert world.run(*whole, stdin=good, crash=True) != 0
    assert world.run(*whole, "--json", stdin=good, crash=True, SA_APPS_DEBUG="1") != 0


def _init(world: World, _: str) -> None:
    assert world.run("init", *AWS) == 0
    assert world.run("init", *AWS, "--json") == 0


def _new(world: World, service: str) -> None:
    words = ["new", APPS[service], "-c", "prod", "-n", service, "--auth-file", "-"]
    whole = [*words, "--simulator", world.urls[service]]
    good, wrong = world.credentials(service), world.credentials(service, wrong=True)
    assert world.run(*whole, stdin=wrong, SA_APPS_DEBUG="1") == 4
    assert world.run(*whole, "--json", stdin=good[:-1]) == 2
    assert world.run(*whole, stdin="[" + good + "]") == 2
    assert world.run(*whole, stdin=good, AWS_ENDPOINT_URL=NOWHERE) != 0
    assert world.run(*whole, stdin=good, crash=True) != 0
    assert world.run(*whole, "--json", stdin=good) == 0


def _update_auth(world: World, service: str) -> None:
    _asks(world, service, "update-auth", service, "--auth-file", "-")
    wrong = world.credentials(service, wrong=True)
    update = ["update-auth", service, "--auth-file", "-"]
    assert world.run(*update, "--simulator", world.urls[service], stdin=wrong) == 4
    odd = world.credentials(service).replace('": "', '": "\u00e9 ')
    assert world.run(*update, "--no-check", stdin=odd) == 2


def _check(world: World, service: str) -> None:
    _asks(world, service, "check", service)
    _spoiled(world, service, "check", service, "--simulator", world.urls[service])


def _run(world: World, service: str) -> None:
    whole = ["run", service, "--simulator", world.urls[service]]
    assert world.run(*whole) == 1  # there is no bucket yet
    boto3.client("s3").create_bucket(Bucket=names.bucket("acme", ACCOUNT, REGION))
    _spoiled(world, service, *whole)
    assert world.run(*whole, crash=True, SA_APPS_DEBUG="1") == 1
    assert world.run(*whole, "--json", "--keep-state") == 0
    assert world.run(*whole, "--to", "logs.jsonl") == 0


def _spoiled(world: World, service: str, *words: str) -> None:
    """Run a command with stored credentials that are refused, broken, incomplete, and good again."""
    ssm = boto3.client("ssm")
    function = names.function_name("acme", "prod", APPS[service], service)
    good = world.credentials(service)
    for text in (world.credentials(service, wrong=True), good[:-1], "{}", good):
        ssm.put_parameter(
            Name=names.auth_parameter(function), Value=text, Type="SecureString", Overwrite=True
        )
        if text != good:
            assert world.run(*words, "--json") != 0


def _deploy(world: World, _: str) -> None:
    assert world.run("deploy", "--dry-run", "--json") == 0
    assert world.run("deploy", "--yes", "--json") == 0


def _destination_add(world: World, _: str) -> None:
    settings = ["--type", "http", "--set", f"url={world.sink_url}/in"]
    words = ["destination", "add", "soc", "--auth-file", "-"]
    good = json.dumps({"token": TOKEN})
    assert world.run(*words, *settings, "--json", stdin=good[:-1]) == 2
    assert world.run(*words, *settings, stdin=good.replace(TOKEN, f"{TOKEN} \u00e9")) == 2
    assert world.run(*words, *settings, stdin=good, AWS_ENDPOINT_URL=NOWHERE) != 0
    assert world.run(*words, *settings, "--json", stdin=good) == 0
    assert world.run(*words, "--update-auth", stdin=good) == 0


def _destination_test(world: World, service: str) -> None:
    """Send one event, and then an app's, each fine and with all that can go wrong."""
    good, ssm = json.dumps({"token": TOKEN}), boto3.client("ssm")
    run = ["run", service, "--simulator", world.urls[service], "--to", "soc"]
    for text in (good[:-1], "{}", json.dumps({"token": f"{TOKEN}x"}), good):
        ssm.put_parameter(Name="acme_destination_soc_auth", Value=text, Type="SecureString", Overwrite=True)
        for words in (["destination", "test", "soc"], run):
            assert (world.run(*words, "--json") == 0) is (text == good), words
    assert world.run("destination", "test", "soc", crash=True, SA_APPS_DEBUG="1") == 1
    assert world.sink.arrived


def _denied(world: World, *words: str) -> None:
    """Run a command where AWS denies everything."""
    with proxy.serve(os.environ["AWS_ENDPOINT_URL"]) as aws:
        aws.before = lambda _: Refuse(400, "AccessDeniedException")
        assert world.run(*words, "--json", AWS_ENDPOINT_URL=aws.url, SA_APPS_DEBUG="1") != 0


def _lives(*words: str, fine: int | None = 0) -> Case:
    """Return the case of a command that asks AWS about an app, or changes it there."""

    def case(world: World, _: str) -> None:
        _denied(world, *words)
        code = world.run(*words, "--json")
        assert fine is None or code == fine, words

    return case


def _plugin(world: World, _: str) -> None:
    assert world.run("plugin", "new", "acme_audit", "--json") == 0
    assert world.run("plugin", "new", "acme_audit") == 2


def _plugin_check(world: World, _: str) -> None:
    assert world.run("plugin", "check", "apps/acme", "--only", "resume", "--json") in {0, 2}


def _plugin_lock(world: World, _: str) -> None:
    assert world.run("plugin", "lock", "apps/acme", "--json") == 2


def _simulate(world: World, _: str) -> None:
    taken = world.urls["duo"].rpartition(":")[2]
    assert world.run("simulate", "duo", "--port", taken, "--json") == 2
    assert world.run("simulate", "none") == 2


def _only(*words: str, fine: int = 0) -> Case:
    def case(world: World, _: str) -> None:
        assert world.run(*words, "--json") == fine
        assert world.run(*words) == fine
        assert world.run(*words, "--nonsense") == 2

    return case


EACH_SERVICE: dict[str, Case] = {
    "init": _init,
    "new": _new,
    "update-auth": _update_auth,
    "check": _check,
    "run": _run,
}
DEPLOYED: dict[str, Case] = {
    "types": _only("types"),
    "demo": _only("demo", "--events", "100"),
    "simulate": _simulate,
    "list": _only("list"),
    "doctor": _lives("doctor", fine=None),
    "serve": _only("serve", "--print-unit"),
    "export": _only("export", "terraform"),
    "package": _only("package", "gsuite", "-o", "gsuite.zip"),
    "deploy": _deploy,
    "destination add": _destination_add,
    "destination list": _only("destination", "list"),
    "destination test": _destination_test,
    "status": _lives("status", fine=None),
    "logs": _lives("logs", "gsuite", fine=None),
    "invoke": _lives("invoke", "gsuite", "--wait"),
    "config validate": _only("config", "validate"),
    "config get": _only("config", "get", "account.prefix"),
    "config set": _only("config", "set", "account.prefix", "acme"),
    "state show": _lives("state", "show", "gsuite"),
    "state export": _lives("state", "export", "gsuite", fine=None),
    "journal purge": _lives(
        "journal", "purge", "gsuite", "--since", "2d", "--until", "1h", "--yes", fine=None
    ),
    "verify": _lives("verify", "gsuite", "--since", "1h", fine=None),
    "replay": _lives("replay", "gsuite", "--since", "1d", "--to", "soc", fine=None),
    "backfill": _lives("backfill", "gsuite", "--since", "3d", "--yes", fine=None),
    "dead list": _lives("dead", "list", "gsuite"),
    "dead show": _lives("dead", "show", "gsuite", "soc/1", fine=2),
    "dead replay": _lives("dead", "replay", "gsuite"),
    "dead drop": _lives("dead", "drop", "gsuite", "--yes"),
    "rollback": _lives("rollback", "gsuite", fine=None),
    "disable": _lives("disable", "gsuite"),
    "enable": _lives("enable", "gsuite"),
    "plugin new": _plugin,
    "plugin check": _plugin_check,
    "plugin lock": _plugin_lock,
    "destination remove": _lives("destination", "remove", "soc", "--yes"),
    "remove": _lives("remove", "gsuite", "--yes"),
}


@pytest.fixture
def world(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with ExitStack() as stack:
        cache = tmp_path_factory.getbasetemp() / "kept-packages"
        yield World(project, stack, {"SA_APPS_CACHE_DIR": str(cache)})


def test_every_command_has_a_case() -> None:
    assert EACH_SERVICE.keys() | DEPLOYED.keys() == set(root.commands())


@pytest.mark.parametrize("service", APPS)
def test_no_command_that_has_credentials_shows_them(world: World, aws_env: str, service: str) -> None:
    for case in EACH_SERVICE.values():
        case(world, service)
    world.look_at_files()
    world.look_at_aws()
    assert world.leaks == []


def test_no_command_shows_the_credentials_that_are_stored(world: World, aws_env: str) -> None:
    _init(world, "gsuite")
    new = ["new", "gsuite_login", "-c", "prod", "-n", "gsuite", "--auth-file", "-", "--no-check"]
    assert world.run(*new, stdin=world.credentials("gsuite")) == 0
    for command, case in DEPLOYED.items():
        case(world, "gsuite")
        if command == "enable":
            world.look_at_aws()
    world.look_at_files()
    assert world.leaks == []


@pytest.mark.skipif(sys.platform == "win32", reason="modes are of POSIX")
def test_a_local_project_has_them_in_files_for_their_owner_alone(world: World) -> None:
    assert world.run("init", "--local") == 0
    for service, app_type in APPS.items():
        asked = ["--simulator", world.urls[service]]
        words = ["new", app_type, "-c", "prod", "-n", service, "--auth-file", "-", *asked]
        assert world.run(*words, stdin=world.credentials(service)) == 0
        assert world.run("run", service, *asked, "--to", "logs.jsonl", "--json") == 0
        assert world.run("run", service, *asked, crash=True) == 1
    world.look_at_files()
    assert world.leaks == []
    kept = sorted((world.folder / ".sa-apps").glob("*/auth.json"))
    assert len(kept) == len(APPS)
    for path in kept:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


# The test can fail


MUTATION = """
import sys
from streamalert_apps.runtime import local
SLEEP = "import time; time.sleep(1)"
load = local.FileCredentials.load
def careless(self):
    credentials = load(self)
    secret = credentials["secret_key"]
    print({show}, file=sys.stderr)
    return credentials
local.FileCredentials.load = careless
from streamalert_apps.__main__ import main
main()
"""
SHOWN = {
    "as it is": "f'loaded {secret}'",
    "reversed": "secret[::-1]",
    "hex": "secret.encode().hex()",
    "base64": "__import__('base64').b64encode(b'x:' + secret.encode()).decode()",
    "URL-encoded": "'?key=' + __import__('urllib.parse').parse.quote(secret)",
    "in an argument": "__import__('subprocess').run([sys.executable, '-c', SLEEP, secret]).returncode",
    "in a file": "open('debug.log', 'w').write(secret)",
}


@pytest.mark.parametrize("show", SHOWN.values(), ids=SHOWN)
def test_a_careless_command_is_noticed(world: World, show: str) -> None:
    world.run("init", "--local")
    new = ["new", "duo_auth", "-c", "prod", "--auth-file", "-", "--no-check"]
    world.run(*new, stdin=world.credentials("duo"))
    assert world.leaks == []
    code = MUTATION.replace("{show}", show)
    world.look_at([sys.executable, "-c", code, "check", "collector", "--simulator", NOWHERE], "", {}, "check")
    world.look_at_files()
    assert world.leaks


@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
def test_a_secret_is_found_wherever_it_stands(before: str) -> None:
    canary = Canary()
    secret = "s3cr3t/with+signs=and\u00e9"
    canary.guard("it", secret)
    for _, form in forms(f"{before}{secret}{before}"):
        assert canary.seen(f"text {form} text")
    assert not canary.seen("text")


def test_each_line_of_a_private_key_is_a_secret() -> None:
    canary = Canary()
    canary.guard(
        "it", {"private_key": "-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END KEY-----\n"}
    )
    assert canary.seen("-----BEGIN KEY-----\\nMIIEvQIBADANBg\\n")
    assert canary.seen("kqhkiG9w0BAQEF")
