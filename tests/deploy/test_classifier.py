"""The classifier's zip gets the new conf/ files and keeps all the rest; what is no classifier is refused."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import pytest

from streamalert_apps.deploy import classifier
from streamalert_apps.deploy.job import Job
from streamalert_apps.errors import ConfigError, Unavailable
from tests.deploy.cloud import PLACE, client
from tests.proxy import Call, Fault, Refuse, Rewrite

if TYPE_CHECKING:
    from pathlib import Path

    from streamalert_apps.deploy.classifier import ClassifierPlan
    from tests.deploy.cloud import Cloud

NAME = "acme_prod_streamalert_classifier"
CLUSTER = {"id": "prod", "modules": {"streamalert_apps": {"acme_prod_duo_auth_collector_app": {}}}}
SCHEMAS = {"duo:authentication_v2": {"parser": "json", "schema": {"txid": "string", "user": {}}}}
ZIP = {
    "streamalert/classifier/main.py": "def handler(event, context): ...",
    "conf/global.json": "{}",
    "conf/clusters/prod.json": json.dumps({"id": "prod", "modules": {}}),
    "conf/clusters/corp.json": json.dumps({"id": "corp"}),
    "conf/schemas/box.json": json.dumps({"box:events": {}}),
}


def packed(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(ZipInfo(name, (2022, 5, 6, 7, 8, 10)), text)
    return buffer.getvalue()


def unpacked(archive: bytes) -> dict[str, str]:
    with ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name).decode() for name in opened.namelist()}


class Classifier:
    """A classifier in the account, whose code can be downloaded as AWS has it."""

    def __init__(self, cloud: Cloud, files: dict[str, str], handler: str = classifier.HANDLER) -> None:
        self.cloud = cloud
        self.archives = {self._sha(packed(files), handler): packed(files)}
        cloud.proxy.after = self._located

    def _sha(self, archive: bytes, handler: str) -> str:
        role = client("iam").create_role(RoleName="classifier", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        functions = client("lambda")
        made = functions.create_function(
            FunctionName=NAME,
            Role=role,
            Runtime="python3.9",
            Handler=handler,
            Code={"ZipFile": archive},
            MemorySize=256,
            Publish=True,
        )
        functions.create_alias(FunctionName=NAME, Name="production", FunctionVersion="1")
        return str(made["CodeSha256"])

    def _located(self, call: Call) -> Fault | None:
        def add(answer: Any) -> Any:
            return {**answer, "Code": {"Location": answer["Configuration"]["CodeSha256"]}}

        return Rewrite(add) if call.name == "lambda.GetFunction" else None

    def look(self, root: Path) -> ClassifierPlan:
        job = Job(self.cloud.aws, PLACE, NAME, clock=self.cloud.clock)
        return classifier.look(job, "prod", root, ["duo"], self.archives.__getitem__)

    def deploy(self, root: Path) -> ClassifierPlan:
        plan = self.look(root)
        if plan.files:
            classifier.apply(plan)
            sha = client("lambda").get_function(FunctionName=NAME)["Configuration"]["CodeSha256"]
            self.archives[sha] = plan.archive
        return plan


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, value in (("clusters/prod.json", CLUSTER), ("schemas/duo.json", SCHEMAS)):
        path = tmp_path / "conf" / name
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(value, indent=2))
    return tmp_path


def live() -> Any:
    return client("lambda").get_function(FunctionName=NAME, Qualifier="production")["Configuration"]


def test_the_apps_and_their_schemas_are_merged_in_and_nothing_else_changes(cloud: Cloud, root: Path) -> None:
    plan = Classifier(cloud, ZIP).deploy(root)

    assert plan.files == ("conf/clusters/prod.json", "conf/schemas/duo.json")
    files = unpacked(plan.archive)
    assert json.loads(files.pop("conf/clusters/prod.json")) == CLUSTER
    assert json.loads(files.pop("conf/schemas/duo.json")) == SCHEMAS
    assert files == {name: text for name, text in ZIP.items() if name != "conf/clusters/prod.json"}


def test_a_new_version_is_published_and_runs(cloud: Cloud, root: Path) -> None:
    there = Classifier(cloud, ZIP)
    cloud.writes()

    there.deploy(root)

    assert cloud.writes() == ["lambda.UpdateFunctionCode", "lambda.PublishVersion", "lambda.UpdateAlias"]
    assert (live()["Version"], live()["MemorySize"]) == ("2", 256)


def test_a_classifier_that_knows_all_is_left(cloud: Cloud, root: Path) -> None:
    there = Classifier(cloud, ZIP)
    there.deploy(root)
    cloud.writes()

    assert there.deploy(root).files == ()
    assert cloud.writes() == []


def known(schemas: Any) -> dict[str, str]:
    """Return what a zip that knows all has, on one line each."""
    return {"conf/clusters/prod.json": json.dumps(CLUSTER), "conf/schemas/duo.json": json.dumps(schemas)}


def test_another_layout_of_the_same_json_is_no_change(cloud: Cloud, root: Path) -> None:
    assert Classifier(cloud, {**ZIP, **known(SCHEMAS)}).look(root).files == ()


def test_the_order_of_a_schemas_keys_is_a_change(cloud: Cloud, root: Path) -> None:
    turned = {"duo:authentication_v2": {"parser": "json", "schema": {"user": {}, "txid": "string"}}}
    assert Classifier(cloud, {**ZIP, **known(turned)}).look(root).files == ("conf/schemas/duo.json",)


def test_the_same_files_make_the_same_zip(cloud: Cloud, root: Path) -> None:
    there = Classifier(cloud, ZIP)
    assert there.look(root).archive == there.look(root).archive


@pytest.mark.parametrize("writes", [1, 2])
def test_a_deploy_that_is_killed_is_completed(cloud: Cloud, root: Path, writes: int) -> None:
    there = Classifier(cloud, ZIP)
    with cloud.killed_after(writes):
        classifier.apply(there.look(root))
    assert live()["Version"] == "1"
    cloud.writes()

    plan = there.look(root)
    classifier.apply(plan)

    assert live()["Version"] == "2"
    assert "lambda.UpdateFunctionCode" not in cloud.writes()


def test_without_a_classifier_it_says_so(cloud: Cloud, root: Path) -> None:
    job = Job(cloud.aws, PLACE, NAME, clock=cloud.clock)
    with pytest.raises(ConfigError, match="There is no classifier acme_prod_streamalert_classifier"):
        classifier.look(job, "prod", root, ["duo"], lambda _: b"")


def test_a_function_of_that_name_that_is_no_classifier_is_refused(cloud: Cloud, root: Path) -> None:
    with pytest.raises(ConfigError, match=r"its handler is index\.handler"):
        Classifier(cloud, ZIP, "index.handler").look(root)


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"streamalert/classifier/main.py": ""}, "has no conf/global.json"),
        ({**ZIP, "conf/logs.json": "{}"}, "StreamAlert then ignores conf/schemas/"),
    ],
)
def test_a_zip_that_could_not_serve_is_refused(
    cloud: Cloud, root: Path, files: dict[str, str], told: str
) -> None:
    with pytest.raises(ConfigError, match=told):
        Classifier(cloud, files).look(root)


def test_what_somebody_has_not_published_is_not_published_along(cloud: Cloud, root: Path) -> None:
    there = Classifier(cloud, ZIP)
    client("lambda").update_function_configuration(FunctionName=NAME, MemorySize=512)

    with pytest.raises(ConfigError, match=r"changes that are not published \(MemorySize\)"):
        there.look(root)
    assert live()["Version"] == "1"


def test_an_update_under_way_is_waited_for(cloud: Cloud, root: Path) -> None:
    there = Classifier(cloud, ZIP)
    plan = there.look(root)
    refused = iter([Refuse(409, "ResourceConflictException")] * 2)
    cloud.proxy.before = lambda call: (
        next(refused, None) if call.name == "lambda.UpdateFunctionCode" else None
    )

    classifier.apply(plan)

    assert live()["Version"] == "2"


def conf(root: Path, name: str, value: Any) -> None:
    (root / "conf" / name).write_text(value if isinstance(value, str) else json.dumps(value))


def test_what_a_checkout_does_not_have_stays_in_the_classifier(cloud: Cloud, root: Path) -> None:
    kinesis = {"stream": ["cloudtrail:events"]}
    other = {"acme_prod_box_admin_events_old_app": ["box"]}
    live = {
        "id": "prod",
        "data_sources": {"kinesis": kinesis, "streamalert_app": other},
        "modules": {"kinesis": {}},
    }
    duo = {"duo:own": {"parser": "json", "schema": {"a": "string"}}}
    files = {**ZIP, "conf/clusters/prod.json": json.dumps(live), "conf/schemas/duo.json": json.dumps(duo)}

    plan = Classifier(cloud, files).deploy(root)

    merged = unpacked(plan.archive)
    cluster = json.loads(merged["conf/clusters/prod.json"])
    assert cluster["data_sources"] == live["data_sources"]
    assert {*cluster["modules"]} == {"kinesis", "streamalert_apps"}
    assert {*json.loads(merged["conf/schemas/duo.json"])} == {"duo:own", "duo:authentication_v2"}


def test_each_addition_and_each_change_is_shown(cloud: Cloud, root: Path) -> None:
    live = {"duo:authentication_v2": {"parser": "json", "schema": {"txid": "integer"}}}
    plan = Classifier(cloud, {**ZIP, "conf/schemas/duo.json": json.dumps(live)}).look(root)

    assert [str(difference) for difference in plan.differences] == [
        "+ conf/clusters/prod.json: modules.streamalert_apps.acme_prod_duo_auth_collector_app",
        '~ conf/schemas/duo.json: duo:authentication_v2.schema.txid: "integer" → "string"',
        "+ conf/schemas/duo.json: duo:authentication_v2.schema.user",
    ]


@pytest.mark.parametrize(
    ("file", "live", "told"),
    [
        (
            "conf/schemas/duo.json",
            {
                "duo:authentication_v2": {
                    "parser": "json",
                    "schema": {"txid": "string", "user": {}, "own": "string"},
                }
            },
            "conf/schemas/duo.json: duo:authentication_v2.schema.own",
        ),
        (
            "conf/schemas/duo.json",
            {"duo:authentication_v2": {**SCHEMAS["duo:authentication_v2"], "configuration": {"priority": 1}}},
            "duo:authentication_v2.configuration",
        ),
        (
            "conf/clusters/prod.json",
            {"data_sources": {"streamalert_app": {"acme_prod_duo_auth_collector_app": ["duo", "own"]}}},
            'data_sources.streamalert_app.acme_prod_duo_auth_collector_app: "own"',
        ),
    ],
)
def test_nothing_is_taken_away_from_it(cloud: Cloud, root: Path, file: str, live: Any, told: str) -> None:
    sources = {"streamalert_app": {"acme_prod_duo_auth_collector_app": ["duo"]}}
    conf(root, "clusters/prod.json", {**CLUSTER, "data_sources": sources})
    there = Classifier(cloud, {**ZIP, file: json.dumps(live)})
    cloud.writes()

    with pytest.raises(ConfigError) as raised:
        there.look(root)

    assert told in raised.value.message
    assert cloud.writes() == []


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("schemas/duo.json", '{"duo:a": {', "conf/schemas/duo.json is not valid JSON"),
        ("schemas/duo.json", "[]", "conf/schemas/duo.json must hold a JSON object"),
        ("schemas/duo.json", '{"duo:a": {"schema": {}}}', "duo:a has no parser"),
        ("schemas/duo.json", '{"duo:a": []}', "duo:a has no parser"),
        ("clusters/prod.json", "{'id': 1}", "conf/clusters/prod.json is not valid JSON"),
    ],
)
def test_what_would_break_it_is_refused(cloud: Cloud, root: Path, name: str, text: str, told: str) -> None:
    conf(root, name, text)
    with pytest.raises(ConfigError, match=told):
        Classifier(cloud, ZIP).look(root)


def test_a_file_that_is_broken_already_is_told(cloud: Cloud, root: Path) -> None:
    with pytest.raises(ConfigError, match=r"conf/schemas/box\.json in the zip of .* is not valid JSON"):
        Classifier(cloud, {**ZIP, "conf/schemas/box.json": "{"}).look(root)


def test_a_download_that_is_not_what_runs_is_refused(cloud: Cloud, root: Path) -> None:
    there = Classifier(cloud, ZIP)
    there.archives = dict.fromkeys(there.archives, packed({**ZIP, "conf/rules.json": "{}"}))
    with pytest.raises(Unavailable, match="its digest differs"):
        there.look(root)


def test_an_alias_with_two_versions_is_refused(cloud: Cloud, root: Path) -> None:
    there = Classifier(cloud, ZIP)
    there.deploy(root)
    weights = {"AdditionalVersionWeights": {"1": 0.5}}
    client("lambda").update_alias(FunctionName=NAME, Name="production", RoutingConfig=weights)
    with pytest.raises(ConfigError, match="also invokes version 1"):
        there.look(root)
