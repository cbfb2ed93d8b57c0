"""`sa-apps export`: what `deploy` would make, as a file for CloudFormation or Terraform."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streamalert_apps.cli.terminal import options, output
from streamalert_apps.errors import UsageError
from streamalert_apps.sdk.count import counted

if TYPE_CHECKING:
    from streamalert_apps.config.conf import AppConf, Project
    from streamalert_apps.deploy.exported import Exported

EXAMPLES = """Examples:

\b
  sa-apps export cloudformation > template.json
  sa-apps export terraform --output sa-apps.tf.json --packages packages
  sa-apps export terraform duo_prod_collector

It doesn't call AWS. No file has credentials: `sa-apps new` and `update-auth` store them. With names, what
all apps share (bucket, dashboard) is left out. Don't manage the same apps with both `sa-apps deploy` and
another tool."""


class Form(Enum):
    """Whose file."""

    CLOUDFORMATION = "cloudformation"
    TERRAFORM = "terraform"


def command(
    *,
    form: Annotated[
        Form, typer.Argument(help="cloudformation or terraform (its JSON form).", metavar="FORMAT")
    ],
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Names of apps. Default: all.",
            metavar="[NAME]...",
            show_default=False,
            autocompletion=options.complete_name,
        ),
    ] = None,
    clusters: options.Clusters = None,
    to: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="The file to write. Default: standard output.",
            metavar="FILE",
            dir_okay=False,
            show_default=False,
        ),
    ] = None,
    packages: Annotated[
        Path | None,
        typer.Option(
            "--packages",
            help="Also build the functions' zips, into this folder.",
            metavar="DIR",
            file_okay=False,
            show_default=False,
        ),
    ] = None,
    project_dir: options.ProjectDir = None,
    as_json: options.Json = False,
) -> None:
    """Write the deployment for CloudFormation or Terraform.

    For CloudFormation, the functions' zips are in a bucket and prefix (parameters of the
    stack), for Terraform in a folder (a variable).
    """
    from streamalert_apps.cli.project import need_aws, open_project
    from streamalert_apps.cli.selection import several_apps
    from streamalert_apps.deploy import cloudformation, limits, terraform

    project = open_project(project_dir)
    need_aws(project)
    apps = several_apps(project, clusters or (), names or ())
    if not apps:
        raise UsageError("No Apps configured.", hint="`sa-apps new` adds one.")
    for app in apps:
        limits.check(app)
    exported = _exported(project, apps, shared=not names)
    make = cloudformation.template if form is Form.CLOUDFORMATION else terraform.configuration
    made = make(exported)
    written = _build(exported, packages) if packages else []
    _tell(made, form, to, written, as_json=as_json)


def _exported(project: Project, apps: Sequence[AppConf], *, shared: bool) -> Exported:
    from streamalert_apps.cli.fleet import Packages
    from streamalert_apps.cli.selection import known_types
    from streamalert_apps.deploy.exported import export
    from streamalert_apps.deploy.package import DEFAULT_ARCHITECTURE
    from streamalert_apps.deploy.place import Place
    from streamalert_apps.plugins.sinks import Sinks

    build = Packages(known_types(project.root), Sinks(project.root)).build
    packed = [(app, build(app, app.extra.get("architecture") or DEFAULT_ARCHITECTURE)) for app in apps]
    return export(Place.of(project.account), packed, shared=shared)


def _build(exported: Exported, folder: Path) -> list[Path]:
    """Write the packages; return where they are."""
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder} can't be created: {error.strerror}.") from None
    with output.working("Packing"):
        for name, package in exported.packages.items():
            written.append(folder / name)
            output.write_file(written[-1], package.archive)
    return written


def _tell(
    made: dict[str, Any], form: Form, to: Path | None, packages: Sequence[Path], *, as_json: bool
) -> None:
    text = json.dumps(made, indent=2)
    if to:
        output.write_file(to, f"{text}\n".encode())
        output.say(f"Wrote {to}.")
    if as_json:
        content = {"format": form.value, "content": made, "packages": [str(path) for path in packages]}
        output.envelope("export", content)
    elif not to:
        output.data(text)
    if packages:
        output.say(f"Built {counted(len(packages), 'zip')} in {packages[0].parent}.")
