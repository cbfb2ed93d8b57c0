"""`sa-apps package`: the zip that an app's function runs, as a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streamalert_apps.cli.terminal import options, output
from streamalert_apps.sdk.count import counted

if TYPE_CHECKING:
    from streamalert_apps.config.conf import AppConf
    from streamalert_apps.deploy.package import Package

EXAMPLES = """Examples:

\b
  sa-apps package duo_prod_collector
  sa-apps package duo_prod_collector --output duo.zip
  sa-apps package duo_prod_collector -o duo.zip --runtime python3.14 --architecture x86_64
  sa-apps package duo_prod_collector -o duo.zip --json | jq -r .code_sha256

`sa-apps deploy` builds the same zip; use this to inspect it, or in your own pipeline."""


def command(
    *,
    name: options.Name = None,
    name_option: options.NameOption = None,
    cluster: options.Cluster = None,
    to: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="The file to write. Default: NAME.zip here.",
            metavar="FILE",
            dir_okay=False,
            show_default=False,
        ),
    ] = None,
    runtime: Annotated[
        str,
        typer.Option(
            "--runtime",
            help="Lambda runtime, python3.11 to python3.14.",
            metavar="RUNTIME",
            autocompletion=options.complete_runtime,
        ),
    ] = "python3.13",
    architecture: Annotated[
        str,
        typer.Option(
            "--architecture",
            help="The function's processor, arm64 or x86_64.",
            metavar="NAME",
            autocompletion=options.complete_architecture,
        ),
    ] = "arm64",
    project_dir: options.ProjectDir = None,
    no_input: options.NoInput = False,
    as_json: options.Json = False,
) -> None:
    """Write the zip that an app's function runs.

    Its contents are the same on every machine.
    """
    from streamalert_apps.cli.selection import known_types, one_app
    from streamalert_apps.cli.terminal.prompts import Prompts
    from streamalert_apps.deploy.package import build
    from streamalert_apps.plugins.sinks import Sinks

    prompts = Prompts.on_terminal(no_input=no_input)
    project, app = one_app(project_dir, name, name_option, cluster, prompts)
    to = to or Path(f"{app.name}.zip")
    types = known_types(project.root)
    types.find(app.type)
    with output.working(f"Packing {app.type}"):
        sinks = Sinks(project.root).of(sink.kind for sink in app.sinks)
        package = build(app.type, runtime, architecture, types.plugin(app.type), sinks)
        output.write_file(to, package.archive)
    _tell(app, package, to, as_json=as_json)


def _tell(app: AppConf, package: Package, path: Path, *, as_json: bool) -> None:
    from streamalert_apps.cli.terminal.description import described
    from streamalert_apps.deploy.package import HANDLER

    size = len(package.archive)
    if as_json:
        content = {
            "app": described(app),
            "path": str(path.absolute()),
            "bytes": size,
            "digest": package.digest,
            "code_sha256": package.sha256_base64,
            "runtime": package.runtime,
            "architecture": package.architecture,
            "handler": HANDLER,
            "requirements": list(package.requirements),
            "files": list(package.files),
        }
        output.envelope("package", content)
        return
    made_for = f"{package.runtime} on {package.architecture}"
    output.say(f"{path}: {size:,} bytes, {counted(len(package.files), 'file')}, for {made_for}.")
    output.say(f"Handler: {HANDLER}")
