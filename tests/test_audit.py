"""What the audit makes of pip-audit's words."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from tests import audit

GOOD = {"name": "flask", "version": "3.1.3", "vulns": []}
HOLED = {"name": "jinja2", "version": "2.0", "vulns": [{"id": "CVE-1", "fix_versions": ["2.1", "3.0"]}]}
UNMENDED = {"name": "mako", "version": "1.0", "vulns": [{"id": "CVE-2", "fix_versions": []}]}
UNKNOWN = {"name": "mylib", "skip_reason": "Dependency not found on PyPI"}


def printed(*packages: dict[str, Any]) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


def test_no_hole_passes() -> None:
    assert audit.judged(printed(GOOD), "") == (0, "no known hole in 1 packages")


def test_a_hole_fails_and_says_what_mends_it() -> None:
    said = "jinja2 2.0: CVE-1, mended in: 2.1, 3.0\nmako 1.0: CVE-2, mended in: none"
    assert audit.judged(printed(GOOD, HOLED, UNMENDED), "") == (1, said)


def test_a_package_that_the_index_does_not_know_fails() -> None:
    assert audit.judged(printed(GOOD, UNKNOWN), "") == (1, "mylib: Dependency not found on PyPI")


def test_an_index_that_knows_none_of_them_is_not_the_index() -> None:
    assert audit.judged(printed(UNKNOWN, UNKNOWN), "") == (1, audit.NOT_PASSED)
    assert audit.judged(printed(UNKNOWN, UNKNOWN), "", may_be_offline=True) == (0, audit.PASSED_OVER)


@pytest.mark.parametrize(
    "errors",
    [
        "ERROR:pip_audit._cli:Tip: your network may be blocking this service. Try another",
        "Traceback (most recent call last):\nrequests.exceptions.ProxyError: HTTPSConnectionPool",
        "Traceback (most recent call last):\nrequests.exceptions.ConnectionError: Failed to resolve",
    ],
)
def test_without_a_connection_it_passes_only_where_that_is_allowed(errors: str) -> None:
    assert audit.judged("", errors) == (1, audit.NOT_PASSED)
    assert audit.judged("", errors, may_be_offline=True) == (0, audit.PASSED_OVER)


def test_being_offline_excuses_nothing_else() -> None:
    assert audit.judged(printed(HOLED), "", may_be_offline=True)[0] == 1
    assert audit.judged(printed(GOOD, UNKNOWN), "", may_be_offline=True)[0] == 1
    assert audit.judged("", "ERROR: invalid requirements input", may_be_offline=True)[0] == 1


@pytest.mark.parametrize(("setting", "code"), [(None, 1), ("", 1), ("1", 0)])
def test_it_ends_with_failure_when_it_looked_nothing_up_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], setting: str | None, code: int
) -> None:
    def run(command: list[str], **_options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 0, printed(UNKNOWN, UNKNOWN), "")

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.delenv("AUDIT_OFFLINE", raising=False)
    if setting is not None:
        monkeypatch.setenv("AUDIT_OFFLINE", setting)
    assert audit.main() == code
    assert "No package could be looked up" in capsys.readouterr().out


@pytest.mark.parametrize("errors", ["ERROR: invalid requirements input: requirements.txt", ""])
def test_any_other_end_fails(errors: str) -> None:
    assert audit.judged("", errors) == (1, errors or "pip-audit said nothing")


def test_both_requirement_files_are_audited(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[list[str]] = []

    def run(command: list[str], **_options: Any) -> subprocess.CompletedProcess[str]:
        ran.append(command)
        return subprocess.CompletedProcess(command, 1, printed(HOLED), "")

    monkeypatch.setattr(subprocess, "run", run)
    assert audit.main() == 1
    assert [word.rpartition("/")[2] for word in ran[0] if word.endswith(".txt")] == [
        "requirements.txt",
        "requirements-dev.txt",
    ]
    assert "CVE-1" in capsys.readouterr().out
