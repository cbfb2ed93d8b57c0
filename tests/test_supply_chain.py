"""The audit says plainly what it found and what it could not ask; a bill of materials names the whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tools import audit, sbom

SOUND = {"name": "httpx", "version": "0.28.1", "vulns": []}
SICK = {"name": "h11", "version": "0.1", "vulns": [{"id": "CVE-2027-1", "fix_versions": ["0.2"]}]}
UNKNOWN = {"name": "idna", "skip_reason": "Dependency not found"}


@pytest.mark.parametrize(
    ("answers", "loose", "strict"),
    [
        ([SOUND], 0, 0),
        ([SOUND, SICK], 1, 1),
        ([SOUND, UNKNOWN], 0, 1),
        ([UNKNOWN], 0, 1),
        ([], 0, 1),
    ],
    ids=["sound", "vulnerable", "one without an answer", "no answer", "no report"],
)
def test_only_a_vulnerability_fails_an_audit_and_where_it_is_strict_silence_too(
    answers: list[dict[str, Any]], loose: int, strict: int
) -> None:
    assert audit.judge("base.txt", answers, strict=False) == loose
    assert audit.judge("base.txt", answers, strict=True) == strict


def test_a_vulnerability_is_told_with_what_mends_it(capsys: pytest.CaptureFixture[str]) -> None:
    audit.judge("base.txt", [SICK], strict=False)
    assert "base.txt: h11 0.1: CVE-2027-1, fixed by 0.2" in capsys.readouterr().out


@pytest.mark.parametrize("answers", [[], [UNKNOWN]], ids=["no report", "no answer"])
def test_an_audit_without_answers_says_that_it_was_none(
    answers: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    audit.judge("base.txt", answers, strict=False)
    assert "NOT AUDITED" in capsys.readouterr().out


def test_the_worst_list_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "ask", lambda path: {"a.txt": [SOUND], "b.txt": [SICK]}[path.name])
    assert audit.main(["a.txt", "b.txt"]) == 1
    assert audit.main(["--strict", "a.txt"]) == 0


def test_to_audit_nothing_is_no_audit() -> None:
    assert audit.main([]) == 1


def test_a_bill_of_materials_names_the_whole_and_what_it_needs_itself() -> None:
    parts = [{"bom-ref": name, "name": name} for name in ("httpx", "h11")]
    needs = [{"ref": "root-component"}, {"ref": "httpx", "dependsOn": ["h11"]}, {"ref": "h11"}]
    bom = {
        "metadata": {"component": {"bom-ref": "root-component"}},
        "components": parts,
        "dependencies": needs,
    }

    made = sbom.complete(bom, "streamalert-apps", "1.0.0")

    whole = made["metadata"]["component"]
    assert (whole["name"], whole["version"]) == ("streamalert-apps", "1.0.0")
    assert made["dependencies"] == [{"ref": whole["bom-ref"], "dependsOn": ["httpx"]}, *needs[1:]]


def test_a_bill_of_materials_is_the_same_twice(tmp_path: Path) -> None:
    file = tmp_path / "bom.json"
    file.write_text('{"metadata": {}, "components": [{"bom-ref": "b"}, {"bom-ref": "a"}]}')

    sbom.main(file, "streamalert-apps", "1.0.0")
    once = file.read_bytes()
    sbom.main(file, "streamalert-apps", "1.0.0")

    assert file.read_bytes() == once
