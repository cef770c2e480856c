"""`dialer doctor`: one line a check, for people and for programs; it changes nothing."""

from __future__ import annotations

import pytest

from console.cli.commands.doctor import _grouped
from tests.support.shell import SETTINGS, Shell
from workers.doctor.findings import ok, warn

NOBODY = '\nbase_url = "http://127.0.0.1:1"\n'


@pytest.fixture
def shell(tmp_path) -> Shell:
    return Shell(tmp_path)


def test_a_folder_without_anything_is_looked_at_and_stays_empty(shell):
    ran = shell.run("doctor", "--json")
    levels = {finding["subject"]: finding["level"] for finding in ran.json["findings"]}
    assert (ran.code, ran.json["ok"]) == (0, True)
    assert {levels[subject] for subject in ("settings", "Redis", "ledger", "accounts", "beat, worker")} == {"warn"}
    assert list(shell.folder.iterdir()) == []


def test_what_fails_is_told_with_what_to_do_in_80_columns_and_the_exit_code_says_so(shell):
    shell.write("dialer.toml", SETTINGS + NOBODY + "[redis]\nurl = 'redis://:the-secret@127.0.0.1:1/0'\n")
    code, lines = shell.run_on_terminal("doctor")
    told = "\n".join(lines)
    assert (code, max(map(len, lines)) <= 80) == (1, True)
    assert "fail  account main  http://127.0.0.1:1/v4.0: TCP: 127.0.0.1 port 1: refused" in told
    assert "fail  Redis         redis://127.0.0.1:1/0: Redis does not answer" in told
    assert "Do: start Redis there, or correct redis.url" in told
    assert lines[-1].endswith("ok")
    assert "the-secret" not in told
    assert "sandbox-key" not in told


def test_wrong_settings_are_told_with_their_line(shell):
    shell.write("dialer.toml", SETTINGS.replace("access_token", "acess_token"))
    ran = shell.run("doctor", COLUMNS="")
    assert ran.code == 1
    assert "dialer.toml:3: accounts.main.acess_token: there is no such key; did you mean access_token?" in ran.out
    assert "sandbox-key" not in ran.out


def test_many_accounts_that_are_well_take_one_line_and_the_others_theirs():
    accounts = [ok(f"account a{n}", "answers") for n in range(6)]
    findings = [ok("ledger", "x"), *accounts[:3], warn("account b", "slow", "wait"), *accounts[3:], ok("console", "x")]
    grouped = _grouped(findings)
    assert [finding.subject for finding in grouped] == ["ledger", "accounts", "account b", "console"]
    assert grouped[1].says == "6 answer, logged in: a0, a1, a2, a3, a4, a5"
    assert _grouped(findings[:4]) == findings[:4]
