"""The whole examination: settings that cannot be read, checks that raise or never end, secrets that servers repeat."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.support.dialers import callgear
from tests.support.patience import PATIENCE
from workers.doctor import examination
from workers.doctor.examination import _examined, examine
from workers.doctor.findings import Level, fail, ok, secrets_of
from workers.settings import Settings
from workers.settings_sections import ConsoleSettings, LedgerSettings

WRONG = """\
[accounts.main]
provider = "callgear"
access_token = "a-secret-key"
pase = 5

[worker]
threads = "many"
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DIALER_CONFIG", raising=False)
    return tmp_path


def test_each_wrong_key_is_told_with_its_line_and_the_machine_is_examined_all_the_same(folder):
    (folder / "dialer.toml").write_text(WRONG)
    findings = examine()
    wrong = [finding for finding in findings if finding.subject == "settings"]
    assert [finding.says.partition(": ")[0] for finding in wrong] == ["dialer.toml:4", "dialer.toml:7"]
    assert all(finding.level is Level.FAIL and finding.remedy for finding in wrong)
    assert {"versions", "disk", "files", "open files", "time zones"} <= {finding.subject for finding in findings}
    assert "a-secret-key" not in str(findings)


def test_a_file_that_is_no_toml_is_told_with_its_line(folder):
    (folder / "dialer.toml").write_text('[accounts.main]\nprovider = "callgear\n')
    finding = examine()[0]
    assert (finding.level, "line 2" in finding.says) == ("fail", True)


def test_a_check_that_raises_is_a_finding_and_the_others_go_on():
    def broken(_settings):
        raise RuntimeError("no good")

    findings = _examined([("first", broken), ("second", lambda _: [ok("second", "well")])], Settings())
    assert [(finding.subject, finding.level) for finding in findings] == [("first", "fail"), ("second", "ok")]
    assert "RuntimeError: no good" in findings[0].says


def test_a_check_that_never_ends_is_a_finding(monkeypatch):
    monkeypatch.setattr(examination, "LIMIT_SECONDS", 0.2)
    ends = threading.Event()
    findings = _examined([("slow", lambda _: [ok("slow", str(ends.wait(PATIENCE)))])], Settings())
    ends.set()
    assert [(finding.subject, finding.level, finding.says) for finding in findings] == [
        ("slow", "fail", "no answer within 0.2 s")
    ]


def test_what_a_server_repeats_of_a_secret_is_not_shown():
    settings = Settings(
        accounts={"main": callgear(access_token="the-access-token")},
        ledger=LedgerSettings(url=SecretStr("postgresql://dialer:the-password@db/dialer")),
        console=ConsoleSettings(password=SecretStr("the-log-in")),
    )
    words = "no the-access-token, the-password or the-log-in here"
    assert {"the-access-token", "the-password", "the-log-in"} <= secrets_of(settings)
    (finding,) = _examined([("x", lambda _: [fail("x", words, words)])], settings)
    assert (finding.says, finding.remedy) == ("no ****, **** or **** here",) * 2


def test_no_sentence_is_longer_than_a_screen():
    (finding,) = _examined([("x", lambda _: [fail("x", "word " * 1000, "")])], Settings())
    assert len(finding.says) < 320
