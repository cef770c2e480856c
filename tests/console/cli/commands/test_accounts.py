"""`dialer accounts` says of each account what it is, and what is missing to call with it."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner

from console.cli.app import app
from console.cli.stack_session import environment_variables
from console.preflight import CannotLogIn, check_login
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import running
from workers.settings import load
from workers.stack.info import StackInfo
from workers.stack.lock import StackLock

ACCOUNTS = """\
[accounts.bare]
provider = "callgear"

[accounts.token]
provider = "webex"
jwt_issuer = "service-7"
jwt_secret = "c2VjcmV0LWluLWJhc2U2NA=="

[accounts.user]
provider = "callgear"
login = "ann"
password = "not-to-be-shown"

[accounts.key]
provider = "webex"
service_key = "0123456789-not-to-be-shown-WXYZ"
"""


@pytest.fixture
def accounts(tmp_path, monkeypatch):
    """The command in a folder with these accounts, all of which lead to a sandbox that does not know their keys."""
    (tmp_path / "dialer.toml").touch(mode=0o600)
    (tmp_path / "dialer.toml").write_text(ACCOUNTS)
    monkeypatch.chdir(tmp_path)
    with environment_variables({}), running(SandboxConfig()) as sandbox:
        for name, url in (("BARE", sandbox.base_url("callgear")), ("USER", sandbox.base_url("callgear"))):
            monkeypatch.setenv(f"DIALER_ACCOUNTS__{name}__BASE_URL", url)
        for name in ("TOKEN", "KEY"):
            monkeypatch.setenv(f"DIALER_ACCOUNTS__{name}__BASE_URL", sandbox.url)
        yield lambda *options: CliRunner().invoke(app, ["accounts", *options], catch_exceptions=False)


def test_keys_are_masked_and_what_is_missing_is_named(accounts):
    told = accounts("--json")
    facts = {line["name"]: line for line in json.loads(told.output)}
    assert told.exit_code == 1
    assert {name: line["credentials"] for name, line in facts.items()} == {
        "bare": "missing",
        "token": "service-7 / ****",
        "user": "ann / ****",
        "key": "****WXYZ",
    }
    assert [name for name, line in facts.items() if line["missing"]] == ["bare"]
    assert not facts["bare"]["can_log_in"]
    assert "not-to-be-shown" not in told.output
    assert "under [accounts.bare] in dialer.toml: access_token, or login and password" in accounts().output


def test_why_an_account_cannot_be_reached_is_told(accounts, monkeypatch):
    told = {}
    for url in ("http://127.0.0.1:1", "http://nowhere.invalid"):
        monkeypatch.setenv("DIALER_ACCOUNTS__KEY__BASE_URL", url)
        told[url] = {line["name"]: line["says"] for line in json.loads(accounts("--json").output)}["key"]
        with pytest.raises(CannotLogIn) as caught:
            check_login("key", load())
        assert told[url] in caught.value.message
    refused, unknown = told.values()
    assert refused == "unreachable: no connection to 127.0.0.1:1: refused"
    assert "no connection to nowhere.invalid:80: its name was not found (DNS" in unknown


def test_a_sandbox_that_stands_in_does_not_hide_what_is_missing(accounts, tmp_path):
    """As under `dialer up --sandbox`: the stack that is up gives every account a key of the sandbox's."""
    up = StackLock(tmp_path / ".dialer")
    up.take()
    try:
        with running(SandboxConfig()) as sandbox:
            ports = {"console": 1, "flower": 2, "redis": 3, "sandbox": urlsplit(sandbox.url).port}
            urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()} | {"redis": "redis://127.0.0.1:3"}
            StackInfo(
                pid=1, data_dir=tmp_path / ".dialer", started_at="", sandbox=True, speed=1.0, urls=urls, ports=ports
            ).write()
            told = accounts()
    finally:
        up.release()
    assert told.exit_code == 0
    assert told.output.count("yes (on the sandbox)") == 4
    assert told.output.count("to call in earnest, add under") == 1
    assert "bare: to call in earnest" in told.output
    assert "sandbox-key" not in told.output
