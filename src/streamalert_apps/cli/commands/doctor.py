"""`sa-apps doctor`: checks of the project, the credentials and AWS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from streamalert_apps.cli.terminal import options, output
from streamalert_apps.errors import AppError
from streamalert_apps.sdk.count import counted

if TYPE_CHECKING:
    from pathlib import Path

    from streamalert_apps.checks.doctor import Examined
    from streamalert_apps.config.conf import Project
    from streamalert_apps.plugins.registry import Registry

EXAMPLES = """Examples:

\b
  sa-apps doctor
  sa-apps doctor --json

It changes nothing, and asks each app's service once, like `sa-apps check`. Exit codes: 0 if nothing was
found, 1 otherwise."""


def command(
    *,
    simulator: options.Simulator = "",
    project_dir: options.ProjectDir = None,
    as_json: options.Json = False,
) -> int:
    """Find what is wrong with the project, credentials and AWS.

    Each finding says what is wrong, why it matters, and how to fix it.
    """
    from streamalert_apps.config.conf import root_of

    root = root_of(project_dir)
    with output.working("Examining the project"):
        examined = _examined(root, simulator)
    findings = [finding for one in examined for finding in one.findings]
    skipped = [one for one in examined if one.skipped]
    if as_json:
        content = {
            "findings": [asdict(finding) for finding in findings],
            "checks": [one.check for one in examined],
            "skipped": [{"check": one.check, "why": one.skipped} for one in skipped],
        }
        output.envelope("doctor", content, failed=bool(findings))
    else:
        _show(examined)
    for why in dict.fromkeys(one.skipped for one in skipped):
        output.warn(f"Not checked: {', '.join(one.check for one in skipped if one.skipped == why)}: {why}")
    output.say(_summary(examined))
    return 1 if findings else 0


def _show(examined: Sequence[Examined]) -> None:
    findings = [finding for one in examined for finding in one.findings]
    for finding in sorted(findings, key=lambda finding: not finding.pressing):
        output.data(f"{'✗' if finding.pressing else '!'} {finding.check}: {finding.what}")
        output.data(f"    {finding.why}")
        if finding.fix:
            output.data(f"    Fix: {finding.fix}")


def _summary(examined: Sequence[Examined]) -> str:
    findings = [finding for one in examined for finding in one.findings]
    problems = sum(finding.pressing for finding in findings)
    told = [
        counted(count, word)
        for count, word in ((problems, "problem"), (len(findings) - problems, "warning"))
        if count
    ]
    return f"{counted(len(examined), 'check')}: {', '.join(told) or 'no problems found'}."


def _examined(root: Path, simulator: str) -> list[Examined]:
    from streamalert_apps.checks import conf, doctor
    from streamalert_apps.cli.project import know_plugins
    from streamalert_apps.plugins.registry import Registry

    know_plugins(root)
    types = Registry(root)
    judged = conf.judge(root)
    examined = [doctor.made(conf.CHECK, lambda: conf.look(judged, types)), *doctor.of_the_machine()]
    if judged.project:
        examined += _of_project(judged.project, types, simulator)
    return examined


def _of_project(project: Project, types: Registry, simulator: str) -> list[Examined]:
    from streamalert_apps.checks import doctor, identity
    from streamalert_apps.cli.examining import subject_of
    from streamalert_apps.cli.project import aws_session

    without_aws = subject_of(project, None, types, simulator)
    if project.account.local:
        return doctor.of_the_project(without_aws)
    region = doctor.made(identity.CHECK, lambda: identity.regions(project.account))
    try:
        session = aws_session(project.account)
    except AppError as error:
        refused = doctor.Examined(identity.CHECK, (*region.findings, identity.refused(error)))
        return [refused, *doctor.of_the_project(without_aws, "nobody is signed in to AWS")]
    return [region, *doctor.of_the_project(subject_of(project, session, types, simulator))]
