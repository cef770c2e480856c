"""`dialer policy` prints the verdict tables, whole."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from console.cli.app import app
from dialer.verdicts import Verdict

RUNNER = CliRunner()


@pytest.mark.parametrize(
    ("provider", "word", "verdict"),
    [
        ("callgear", "limit_exceeded", "throttled"),
        ("callgear", "contact_in_blacklist", "suppress"),
        ("callgear", "media_file_not_found", "halt_campaign"),
        ("callgear", "auth_error", "halt_account"),
        ("webex", "7020", "throttled"),
        ("imiconnect", "7102", "refuse_contact"),
    ],
)
def test_a_providers_answers_are_listed_with_their_verdicts(provider, word, verdict):
    printed = RUNNER.invoke(app, ["policy", provider, "--json"])
    assert printed.exit_code == 0
    rows = json.loads(printed.output)
    assert next(row["verdict"] for row in rows if word in (row["mnemonic"], row["code"])) == verdict
    assert {row["verdict"] for row in rows} <= {one.value for one in Verdict}


def test_a_provider_that_does_not_exist_is_wrong_use():
    assert RUNNER.invoke(app, ["policy", "nobody"]).exit_code == 2


@pytest.mark.slow
@pytest.mark.parametrize("provider", ["callgear", "webex"])
def test_every_word_can_be_read_whole_in_80_columns(provider, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    printed = RUNNER.invoke(app, ["policy", provider]).output
    words = [row["mnemonic"] for row in json.loads(RUNNER.invoke(app, ["policy", provider, "--json"]).output)]
    assert [word for word in words if word not in printed] == []
    assert max(map(len, printed.splitlines())) <= 80
