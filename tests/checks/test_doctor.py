"""`sa-apps doctor` finds what is planted, and nothing in a healthy project."""

from __future__ import annotations

import base64
import json
import shutil
import socket
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from streamalert_apps.checks import conf, credentials, expiry
from streamalert_apps.checks.doctor import of_the_machine
from streamalert_apps.checks.told import Told
from streamalert_apps.cli.app import main
from streamalert_apps.cli.examining import subject_of
from streamalert_apps.config import conf as project
from streamalert_apps.plugins.registry import Registry
from streamalert_apps.services.github.twin.api import Github
from streamalert_apps.simulator.server import serve
from tests.checks.conftest import CLASSIFIER, FUNCTION, topic
from tests.cli.test_json import check
from tests.deploy.test_classifier import ZIP, packed
from tests.proxy import Answer, Refuse

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.checks.conftest import World
    from tests.proxy import Call, Fault

    Plant = Callable[[World, pytest.MonkeyPatch], None]

NOW = datetime.now(UTC)
KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


@dataclass(frozen=True)
class Planted:
    """A fault, the check that has to find it, and words of what it says."""

    check: str
    says: str
    plant: Plant
    fix: str = ""


def jwt(ends: datetime) -> str:
    parts = ({"alg": "ES256"}, {"exp": int(ends.timestamp())})
    head, body = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    return f"{head}.{body}.c2lnbmF0dXJl"


def settings(**changed: Any) -> Plant:
    return lambda world, _: world.setting(**changed)


def ours(**changed: Any) -> Plant:
    return lambda world, _: world.ours(**changed)


def text(file: str, content: str) -> Plant:
    def plant(world: World, _: pytest.MonkeyPatch) -> None:
        (world.root / file).parent.mkdir(parents=True, exist_ok=True)
        (world.root / file).write_text(content)

    return plant


def edited(file: str, change: Callable[[Any], None]) -> Plant:
    return lambda world, _: world.edit(file, change)


def keys(**changed: Any) -> Plant:
    return lambda world, _: world.store({**world.duo, **changed})


def answered(name: str, fault: Fault) -> Plant:
    return lambda world, _: world.answers(name, fault)


def environment(name: str, value: str) -> Plant:
    return lambda world, patch: patch.setenv(name, value.format(root=world.root))


def both(*plants: Plant) -> Plant:
    def plant(world: World, patch: pytest.MonkeyPatch) -> None:
        for one in plants:
            one(world, patch)

    return plant


def described_key(state: str, **more: str) -> Answer:
    metadata = {"KeyId": KEY.rpartition("/")[2], "Arn": KEY, "KeyState": state, **more}
    return Answer(200, json.dumps({"KeyMetadata": metadata}).encode())


def rules(*names: str) -> Plant:
    return answered(
        "events.ListRules", Answer(200, json.dumps({"Rules": [{"Name": n} for n in names]}).encode())
    )


def concurrency(total: int, unreserved: int) -> Plant:
    limit = {"ConcurrentExecutions": total, "UnreservedConcurrentExecutions": unreserved}
    answer = Answer(200, json.dumps({"AccountLimit": limit}).encode())
    return answered("lambda.GetAccountSettings", answer)


def late(world: World, _: pytest.MonkeyPatch) -> None:
    """Let AWS's clock be ten minutes ahead."""
    body = (
        "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/x</Arn>"
        "<Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
    )
    date = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
    world.answers("sts.GetCallerIdentity", Answer(200, body.encode(), {"Date": date}))


def classifier(answer: Fault) -> Plant:
    def hook(call: Call) -> Fault | None:
        return answer if call.name == "lambda.GetFunction" and CLASSIFIER in call.path else None

    return lambda world, _: world.planted.append(hook)


def code_of_the_classifier(files: dict[str, str]) -> Plant:
    """Let the classifier have other code; what AWS says of it is what AWS says of such code."""

    def plant(world: World, _: pytest.MonkeyPatch) -> None:
        from streamalert_apps.deploy.classifier import digest

        archive = packed(files)
        there: Any = boto3.client("lambda").get_function(FunctionName=CLASSIFIER, Qualifier="production")
        there["Configuration"]["CodeSha256"] = digest(archive)
        there["Code"] = {"Location": f"{world.aws.url}/other.zip"}
        there["Configuration"].pop("DeadLetterConfig")
        there.pop("ResponseMetadata")
        classifier(Answer(200, json.dumps(there, default=str).encode()))(world, _)
        world.planted.append(lambda call: Answer(200, archive) if call.path == "/other.zip" else None)

    return plant


def no_index(world: World, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("SA_APPS_CACHE_DIR", str(world.root / "empty"))
    patch.setenv("UV_CACHE_DIR", str(world.root / "empty-too"))
    patch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    patch.setenv("UV_HTTP_RETRIES", "0")


def in_a_vpc(world: World, _: pytest.MonkeyPatch) -> None:
    world.setting(vpc_config={"subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"]})
    subnet = "<item><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId></item>"
    world.answers("ec2.DescribeSubnets", Answer(200, f"<r><subnetSet>{subnet}</subnetSet></r>".encode()))
    world.answers("ec2.DescribeVpcEndpoints", Answer(200, b"<r><vpcEndpointSet/></r>"))
    world.answers("ec2.DescribeRouteTables", Answer(200, b"<r><routeTableSet/></r>"))


def a_destination(world: World, _: pytest.MonkeyPatch) -> None:
    defined = {"destinations": {"soc": {"type": "http", "url": "https://logs.example.com/in"}}}
    (world.root / "conf/destinations.json").write_text(json.dumps(defined))
    world.setting(destinations=["classifier", "soc"])


def open_to_others(world: World, _: pytest.MonkeyPatch) -> None:
    (world.root / ".sa-apps/any").mkdir(parents=True, exist_ok=True)
    (world.root / ".sa-apps/any/auth.json").write_text("{}")
    (world.root / ".sa-apps/any/auth.json").chmod(0o644)


def a_silent_proxy(_: World, patch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    patch.setenv("HTTPS_PROXY", f"http://user:hunter2hunter2@127.0.0.1:{port}")
    patch.setenv("NO_PROXY", "127.0.0.1")


def no_simulator(world: World, patch: pytest.MonkeyPatch) -> None:
    patch.setattr("streamalert_apps.cli.credentials.CHECK_SECONDS", 1.5)
    patch.setattr(world, "simulator", "http://127.0.0.1:9")


PUBLIC = Answer(200, b"<PublicAccessBlockConfiguration/>")
BROKEN_PLUGIN = "from streamalert_apps.sdk import nothing_of_the_kind\n"
OTHER = "acme_prod_duo_auth_gone_app_schedule"
TYPES = "modules.streamalert_apps"

OF_CONF = {
    "a file that is no JSON": Planted("conf", "is not valid JSON", text("conf/clusters/prod.json", "{")),
    "a value that the schema refuses": Planted("conf", "timeout must be", settings(timeout=5)),
    "a key that nobody knows": Planted(
        "conf", "memori is not a known key", settings(memori=256), "sa-apps config"
    ),
    "a type that there is not": Planted(
        "conf", "no app type 'duo_ath'", settings(type="duo_ath"), "duo_auth"
    ),
    "a destination that is not defined": Planted(
        "conf", "no destination 'lake'", settings(destinations=["lake"]), "destinations.json"
    ),
    "half a VPC": Planted("conf", "vpc_config needs", settings(vpc_config={"subnet_ids": ["subnet-1"]})),
}
OF_IDENTITY = {
    "a region that there is not": Planted(
        "identity",
        "knows no region 'us-east-9'",
        edited("global.json", lambda c: c["account"].update(region="us-east-9")),
        "sa-apps config set account.region",
    ),
    "nobody signed in": Planted(
        "identity",
        "There are no AWS credentials",
        both(*(lambda _, p, n=n: p.delenv(n) for n in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))),
        "aws sso login",
    ),
    "another account": Planted(
        "identity",
        "conf/global.json names 111122223333",
        both(
            edited("global.json", lambda c: c["account"].update(aws_account_id="111122223333")),
            answered(
                "sts.GetCallerIdentity",
                Answer(
                    200,
                    b"<GetCallerIdentityResponse><GetCallerIdentityResult><Account>999988887777</Account>"
                    b"</GetCallerIdentityResult></GetCallerIdentityResponse>",
                ),
            ),
        ),
        "AWS_PROFILE",
    ),
    "a session that has expired": Planted(
        "identity", "session has expired", answered("sts.GetCallerIdentity", Refuse(403, "ExpiredToken"))
    ),
}
OF_THE_MACHINE = {
    "a proxy that does not answer": Planted(
        "proxies", "The proxy that HTTPS_PROXY names does not answer", a_silent_proxy, "unset HTTPS_PROXY"
    ),
    "a proxy that is none": Planted(
        "proxies",
        "HTTPS_PROXY is not the address of a proxy",
        both(environment("HTTPS_PROXY", "http://:x"), environment("NO_PROXY", "127.0.0.1")),
    ),
    "certificates that are not there": Planted(
        "certificates",
        "SSL_CERT_FILE does not name certificates",
        environment("SSL_CERT_FILE", "{root}/none"),
    ),
    "certificates in another form": Planted(
        "certificates",
        "REQUESTS_CA_BUNDLE does not name certificates",
        environment("REQUESTS_CA_BUNDLE", "{root}/duo.json"),
        "unset REQUESTS_CA_BUNDLE",
    ),
}
IN_THE_PROJECT = {
    "a plugin that can't be loaded": Planted(
        "plugins", "apps/acme.py", text("apps/acme.py", BROKEN_PLUGIN), "sa-apps plugin check"
    ),
    "credentials that others can read": Planted(
        "private", ".sa-apps/any/auth.json", open_to_others, "chmod -R go="
    ),
    "a folder that git would take": Planted(
        "private", "has no .gitignore", lambda w, _: (w.root / ".sa-apps/.gitignore").unlink()
    ),
    "a destination without credentials": Planted(
        "destinations", "soc has no credentials", a_destination, "sa-apps destination add soc --update-auth"
    ),
    "no credentials": Planted(
        "credentials", "no credentials", lambda w, _: w.store(None), "sa-apps update-auth collector"
    ),
    "credentials that are no JSON": Planted(
        "credentials", "does not hold a JSON object", lambda w, _: w.store("{"), "sa-apps update-auth"
    ),
    "a value that is missing": Planted(
        "credentials", "lack integration_key, secret_key", lambda w, _: w.store({"api_hostname": "x"})
    ),
    "credentials that are refused": Planted(
        "credentials",
        "Duo refused",
        keys(secret_key="b" * 40),
        "sa-apps update-auth collector --cluster prod",
    ),
    "a service that does not answer": Planted("credentials", "collector (prod): ", no_simulator, "proxy"),
    "credentials that end soon": Planted(
        "expiry", "in 3 days", keys(note=jwt(NOW + timedelta(days=4, minutes=-1))), "sa-apps update-auth"
    ),
    "credentials that have ended": Planted("expiry", "ended on", keys(note=jwt(NOW - timedelta(days=1)))),
    "a clock that is wrong": Planted("clock", "s behind that of AWS", late, "timedatectl"),
    "a permission that is missing": Planted(
        "permissions", "may not", answered("logs.DescribeLogGroups", Refuse(400, "AccessDeniedException"))
    ),
    "another permission that is missing": Planted(
        "permissions", "may not", answered("iam.GetRole", Refuse(403, "AccessDenied")), "docs/security.md"
    ),
    "a bucket that is gone": Planted(
        "bucket",
        "There is no bucket acme-sa-apps-123456789012-us-east-1",
        answered("s3.HeadBucket", Answer(404, b"")),
        "sa-apps deploy",
    ),
    "a named bucket that there is not": Planted(
        "bucket", "There is no bucket acme-records", ours(bucket="acme-records"), "sa-apps deploy"
    ),
    "a bucket of somebody else": Planted(
        "bucket", "belongs to another AWS account", answered("s3.HeadBucket", Answer(403, b""))
    ),
    "a bucket elsewhere": Planted(
        "bucket",
        "is in eu-west-1",
        answered("s3.HeadBucket", Answer(200, b"", {"x-amz-bucket-region": "eu-west-1"})),
    ),
    "a bucket that can become public": Planted(
        "bucket", "public access blocked", answered("s3.GetPublicAccessBlock", PUBLIC), "sa-apps deploy"
    ),
    "a bucket with versions": Planted(
        "bucket",
        "versioning",
        answered(
            "s3.GetBucketVersioning",
            Answer(200, b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"),
        ),
    ),
    "a key that is disabled": Planted(
        "key",
        "is disabled",
        both(ours(kms_key=KEY), answered("kms.DescribeKey", described_key("Disabled"))),
        "aws kms enable-key",
    ),
    "a key that is going to be deleted": Planted(
        "key",
        "going to be deleted",
        both(ours(kms_key=KEY), answered("kms.DescribeKey", described_key("PendingDeletion"))),
        "aws kms cancel-key-deletion",
    ),
    "a key that there is not": Planted(
        "key",
        "There is no KMS key",
        both(ours(kms_key=KEY), answered("kms.DescribeKey", Refuse(400, "NotFoundException"))),
    ),
    "a key elsewhere": Planted(
        "bucket", "The KMS key is in eu-west-1", ours(kms_key=KEY.replace("us-east-1", "eu-west-1"))
    ),
    "no classifier": Planted(
        "classifier",
        "There is no classifier",
        classifier(Refuse(404, "ResourceNotFoundException")),
        "destination add",
    ),
    "a classifier that does not know the app": Planted(
        "classifier",
        "does not know what conf/ has",
        code_of_the_classifier(ZIP),
        "sa-apps deploy --with-classifier",
    ),
    "a classifier without a dead-letter queue": Planted(
        "classifier", "no dead-letter queue", code_of_the_classifier(ZIP), "dead-letter queue"
    ),
    "a classifier that is none": Planted(
        "classifier", "conf/logs.json", code_of_the_classifier({**ZIP, "conf/logs.json": "{}"})
    ),
    "a schema that is missing": Planted(
        "schemas",
        "lacks duo:authentication_v2",
        edited("schemas/duo.json", lambda s: s.pop("duo:authentication_v2")),
        "--update-settings",
    ),
    "a schema that says something else": Planted(
        "schemas",
        "another duo:authentication_v2",
        edited("schemas/duo.json", lambda s: s["duo:authentication_v2"].update(schema={})),
    ),
    "schemas that are no JSON": Planted("schemas", "is not valid JSON", text("conf/schemas/duo.json", "{")),
    "too many rules": Planted(
        "quotas",
        "room for 0 more",
        rules(*(f"other-{n}" for n in range(300))),
        "request-service-quota-increase",
    ),
    "too little concurrency": Planted(
        "quotas", "has 0 left to reserve", both(rules(), concurrency(10, 10)), "concurrency_limit"
    ),
    "no topic": Planted(
        "alarms",
        "no SNS topic",
        answered("sns.GetTopicAttributes", Refuse(404, "NotFound")),
        "aws sns create-topic",
    ),
    "nobody who hears": Planted(
        "alarms",
        "has no subscriber",
        answered("sns.GetTopicAttributes", topic(SubscriptionsConfirmed="0")),
        "aws sns subscribe",
    ),
    "an app that conf/ does not have": Planted(
        "orphans",
        "acme_prod_duo_auth_gone_app",
        rules(f"{FUNCTION}_schedule", OTHER),
        "sa-apps deploy --prune",
    ),
    "a VPC without a way to the bucket": Planted(
        "endpoints", "no gateway endpoint for S3", in_a_vpc, "aws ec2 create-vpc-endpoint"
    ),
    "no index": Planted("packaging", "the index can't be reached", no_index, "UV_DEFAULT_INDEX"),
    "a cache that can't be written": Planted(
        "packaging",
        "can't be kept in the cache",
        environment("SA_APPS_CACHE_DIR", "{root}/duo.json"),
        "SA_APPS_CACHE_DIR",
    ),
    "no uv": Planted(
        "packaging",
        "uv can't be run",
        both(no_index, lambda _, p: p.setattr("streamalert_apps.deploy.uv._binary", lambda: "/nowhere/uv")),
    ),
}


ALL = (OF_CONF, OF_IDENTITY, OF_THE_MACHINE, IN_THE_PROJECT)


def doctor(world: World, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = main(["doctor", "--simulator", world.simulator, "--json"])
    return code, check(capsys.readouterr().out, "doctor")


def test_a_healthy_project_is_passed_over_in_silence(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    code, answer = doctor(world, capsys)

    assert answer["findings"] == []
    assert answer["skipped"] == []
    assert code == 0
    planted = {fault.check for faults in ALL for fault in faults.values()}
    assert {*answer["checks"]} == planted - {"expiry"}
    assert main(["doctor", "--simulator", world.simulator]) == 0
    assert capsys.readouterr().out == ""


def test_a_healthy_project_without_aws_asks_aws_for_nothing(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    shutil.rmtree(world.root / "conf")
    main(["init", "--local"])
    main(["new", "duo_auth", "-c", "prod", "--auth-file", "duo.json", "--no-check"])

    code, answer = doctor(world, capsys)

    assert (code, answer["findings"], answer["skipped"]) == (0, [], [])
    assert "bucket" not in answer["checks"]


@pytest.mark.parametrize("fault", OF_CONF.values(), ids=OF_CONF)
def test_its_check_of_conf_finds(fault: Planted, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    fault.plant(world, monkeypatch)

    found = list(conf.look(conf.judge(world.root), Registry(world.root)))

    assert [one.check for one in found] == [fault.check]
    assert fault.says in found[0].what
    assert found[0].why
    assert fault.fix in found[0].fix


BY_THE_COMMAND = OF_IDENTITY | {"a file that is no JSON": OF_CONF["a file that is no JSON"]}


@pytest.mark.parametrize("fault", BY_THE_COMMAND.values(), ids=BY_THE_COMMAND)
def test_doctor_finds(
    fault: Planted, world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fault.plant(world, monkeypatch)

    code, answer = doctor(world, capsys)

    assert code == 1
    found = [one for one in answer["findings"] if one["check"] == fault.check and fault.says in one["what"]]
    assert found, answer["findings"]
    assert all(one["why"] and fault.fix in one["fix"] for one in found), found


@pytest.mark.parametrize("fault", OF_THE_MACHINE.values(), ids=OF_THE_MACHINE)
def test_its_checks_of_the_machine_find(
    fault: Planted, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault.plant(world, monkeypatch)

    found = [one for examined in of_the_machine() for one in examined.findings]

    assert [one.check for one in found] == [fault.check]
    assert fault.says in found[0].what
    assert found[0].why
    assert fault.fix in found[0].fix
    assert "hunter2" not in found[0].text()


@pytest.mark.parametrize("fault", IN_THE_PROJECT.values(), ids=IN_THE_PROJECT)
def test_its_checks_find(fault: Planted, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    fault.plant(world, monkeypatch)

    findings = world.findings("credentials" if fault.check == "expiry" else fault.check)

    found = [one for one in findings if one.check == fault.check and fault.says in one.what]
    assert found, findings
    assert all(one.why and one.fix and fault.fix in one.fix for one in found), found


def test_thirty_faults_and_more_are_planted() -> None:
    assert sum(map(len, ALL)) >= 30


def test_what_is_found_is_shown_with_its_reason_and_its_remedy(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.store(None)

    assert main(["doctor", "--simulator", world.simulator]) == 1

    said = capsys.readouterr()
    assert said.out.splitlines() == [
        "✗ credentials: collector (prod): there are no credentials in Parameter Store.",
        "    Nothing is collected.",
        "    Fix: `sa-apps update-auth collector --cluster prod`",
    ]
    assert "1 problem." in said.err


def test_a_check_that_can_not_be_made_keeps_no_other_from_being_made(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.answers("sns.GetTopicAttributes", Refuse(400, "Whatever"))

    code, answer = doctor(world, capsys)

    assert (code, answer["findings"]) == (0, [])
    assert [one["check"] for one in answer["skipped"]] == ["alarms"]


def test_a_clock_that_differs_from_a_services_is_told(world: World) -> None:
    subject = subject_of(project.load(world.root), world.session)
    wrong = replace(subject, ask=lambda *_: Told(ahead=timedelta(minutes=-10)))

    (found,) = credentials.look(wrong)

    assert (found.check, found.pressing) == ("clock", True)
    assert "600 s behind that of the service of collector (prod)" in found.what


def test_what_conf_says_of_an_end_counts_where_the_credentials_say_nothing(world: World) -> None:
    world.setting(credentials_expire=f"{NOW + timedelta(days=5):%Y-%m-%d}")

    (found,) = world.findings("credentials")

    assert found.check == "expiry"


def test_credentials_to_which_conf_refers_are_read_there(world: World) -> None:
    (world.root / "mine.json").write_text(json.dumps(dict(world.duo)))
    world.setting(auth={"from": "file:mine.json"})
    assert world.findings("credentials") == []

    (world.root / "mine.json").unlink()
    (found,) = world.findings("credentials")
    assert "file:mine.json" in found.fix


def test_a_token_tells_when_it_ends_by_the_services_answer(world: World) -> None:
    ends = datetime.now(UTC) + timedelta(days=2, hours=1)
    twin = Github(rate=None, token_ends=ends)
    with serve(twin) as server:
        world.simulator, before = server.url, world.simulator
        world.setting(type="github_audit")
        world.store(dict(twin.credentials))
        findings = world.findings("credentials")
        world.simulator = before

    (told,) = [one for one in findings if one.check == "expiry"]
    assert "in 2 days" in told.what
    assert not told.pressing


@pytest.mark.parametrize(("days", "told"), [(13, 1), (15, 0)])
def test_an_end_is_told_fourteen_days_ahead(days: int, told: int) -> None:
    assert len(list(expiry.judged(NOW + timedelta(days=days), NOW, "collector", ""))) == told


def test_a_certificate_among_the_credentials_tells_when_it_ends() -> None:
    assert expiry.stated({"a": {"pem": certificate(NOW + timedelta(days=3))}}) is not None
    assert expiry.stated({"a": "eyJ.b.c", "d": "-----BEGIN CERTIFICATE-----", "e": None}) is None


def certificate(ends: datetime) -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding

    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    built = built.serial_number(1).not_valid_before(NOW - timedelta(days=1)).not_valid_after(ends)
    return built.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()
