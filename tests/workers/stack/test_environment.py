import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from dialer.sandbox.vendor import SANDBOX_KEY
from workers.settings import Settings, load
from workers.stack.environment import (
    environment,
    inherited,
    without_settings,
)
from workers.stack.info import StackInfo

SANDBOX = "http://127.0.0.1:8901"
TOML = """
[accounts.main]
provider = "callgear"
access_token = "real-token"
pace = 12
concurrency = 7

[accounts.by_login]
provider = "callgear"
login = "real-login"
password = "real-password"

[accounts.Loud]
provider = "webex"
base_url = "https://api.example.com"
service_key = "real-service-key"
receipt_secret = "of-the-receipts"

[accounts.odd__name]
provider = "imiconnect"
service_key = "real-other-key"
"""


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """Reads settings from a file and variables, both real, as every process does."""
    for name in [name for name in os.environ if name.upper().startswith("DIALER_")]:
        monkeypatch.delenv(name)
    file = tmp_path / "dialer.toml"
    file.write_text("")
    monkeypatch.setenv("DIALER_CONFIG", str(file))
    monkeypatch.setenv("DIALER_DATA_DIR", str(tmp_path / "data"))

    def read(toml: str = "", **variables: str) -> Settings:
        file.write_text(toml)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return load()

    return read


def info(tmp_path: Path, *, sandbox: bool, speed: float = 10.0) -> StackInfo:
    return StackInfo(
        pid=1,
        data_dir=tmp_path / "data",
        started_at="",
        sandbox=sandbox,
        speed=speed,
        urls={"console": "http://127.0.0.1:8081", "redis": "redis://127.0.0.1:6391/0", "sandbox": SANDBOX},
        ports={"console": 8081, "flower": 5556, "redis": 6391, "sandbox": 8901},
    )


def under(monkeypatch, variables: dict[str, str]) -> Settings:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return load()


def test_children_and_command_line_read_the_places_that_were_found(settings, tmp_path, monkeypatch):
    seen = under(monkeypatch, environment(settings(), info(tmp_path, sandbox=False)))
    password = (tmp_path / "data" / "redis-password").read_text()
    assert seen.redis.url.get_secret_value() == f"redis://:{password}@127.0.0.1:6391/0"
    assert (seen.console.port, seen.flower.port) == (8081, 5556)
    assert seen.console.public_url == "http://127.0.0.1:8081"
    assert seen.data_dir == tmp_path / "data"
    assert seen.data_dir.is_absolute()


def test_the_password_is_made_once_and_read_by_its_owner_only(settings, tmp_path):
    first = environment(settings(), info(tmp_path, sandbox=False))["DIALER_CONSOLE__PASSWORD"]
    assert environment(settings(), info(tmp_path, sandbox=False))["DIALER_CONSOLE__PASSWORD"] == first
    assert len(first) >= 16
    assert (tmp_path / "data" / "password").stat().st_mode & 0o777 == 0o600


def test_a_configured_redis_is_handed_on_as_it_is(settings, tmp_path):
    configured = settings(DIALER_REDIS__URL="redis://:pw@redis.example.com/0")
    told = info(tmp_path, sandbox=False)
    del told.ports["redis"]
    assert environment(configured, told)["DIALER_REDIS__URL"] == "redis://:pw@redis.example.com/0"


def test_without_a_sandbox_no_account_is_touched(settings, tmp_path):
    variables = environment(settings(TOML), info(tmp_path, sandbox=False))
    assert not [name for name in variables if "ACCOUNTS" in name]


def test_with_a_sandbox_every_account_of_the_file_leads_there_and_no_real_key_is_left(settings, tmp_path, monkeypatch):
    seen = under(monkeypatch, environment(settings(TOML), info(tmp_path, sandbox=True)))
    assert {name: account.url for name, account in seen.accounts.items()} == {
        "main": f"{SANDBOX}/v4.0",
        "by_login": f"{SANDBOX}/v4.0",
        "Loud": SANDBOX,
        "odd__name": SANDBOX,
    }
    assert all(account.credentials_missing is None for account in seen.accounts.values())
    for account in seen.accounts.values():
        secrets = {value.get_secret_value() for _, value in account if isinstance(value, SecretStr)}
        assert secrets - {"of-the-receipts", ""} == {SANDBOX_KEY}
        assert not getattr(account, "login", None)


def test_the_rest_of_an_account_stays_as_it_was(settings, tmp_path, monkeypatch):
    seen = under(monkeypatch, environment(settings(TOML), info(tmp_path, sandbox=True)))
    assert (seen.accounts["main"].pace, seen.accounts["main"].concurrency) == (12, 7)
    assert seen.accounts["Loud"].receipt_secret.get_secret_value() == "of-the-receipts"


def test_variables_of_a_real_account_are_replaced_in_our_own_process_and_kept_from_children(
    settings, tmp_path, monkeypatch
):
    real = {
        "DIALER_ACCOUNTS__MAIN__PROVIDER": "callgear",
        "DIALER_ACCOUNTS__MAIN__ACCESS_TOKEN": "real-token",
        "DIALER_ACCOUNTS__MAIN__BASE_URL": "https://callgear.example.com/v4.0",
        "DIALER_ACCOUNTS__MAIN__PACE": "3",
        "dialer_accounts__other__provider": "webex",
        "dialer_accounts__other__service_key": "real-key",
    }
    variables = environment(settings(**real), info(tmp_path, sandbox=True))
    childs = inherited(os.environ, sandbox=True) | variables
    for word in ("real-token", "real-key", "example.com"):
        assert word not in " ".join(childs.values())
    for name in set(os.environ) - set(childs):
        monkeypatch.delenv(name)
    main = under(monkeypatch, variables).accounts["main"]
    assert (main.url, main.pace) == (f"{SANDBOX}/v4.0", 3)


def test_the_command_line_may_simply_add_the_variables_to_its_own(settings, tmp_path, monkeypatch):
    real = {
        "DIALER_ACCOUNTS": '{"main": {"provider": "webex", "service_key": "real-key", "pace": 4}}',
        "DIALER_ACCOUNTS__MAIN__BASE_URL": "https://webex.example.com",
        "DIALER_ACCOUNTS__MAIN__SERVICE_KEY": "real-key-too",
    }
    main = under(monkeypatch, environment(settings(**real), info(tmp_path, sandbox=True))).accounts["main"]
    assert (main.url, main.service_key.get_secret_value(), main.pace) == (SANDBOX, SANDBOX_KEY, 4)


def test_a_sandbox_without_accounts_gives_some(settings, tmp_path, monkeypatch):
    seen = under(monkeypatch, environment(settings(), info(tmp_path, sandbox=True))).accounts
    assert {name: account.provider for name, account in seen.items()} == {
        "main": "callgear",
        "callgear": "callgear",
        "webex": "webex",
    }


@pytest.mark.parametrize(
    ("speed", "poll", "settle"),
    [(1, 3.0, 60.0), (10, 0.3, 20.0), (0.5, 6.0, 120.0), pytest.param(1000, 0.2, 20.0, id="as fast as we look")],
)
def test_accounts_follow_the_sandboxs_clock(settings, tmp_path, monkeypatch, speed, poll, settle):
    seen = under(monkeypatch, environment(settings(TOML), info(tmp_path, sandbox=True, speed=speed)))
    for account in seen.accounts.values():
        assert (account.speed, account.poll_seconds, account.settle_seconds) == (speed, poll, settle)


def test_receipts_of_a_sandbox_stay_on_this_machine(settings, tmp_path):
    public = settings(DIALER_CONSOLE__PUBLIC_URL="https://dialer.example.com")
    key = "DIALER_CONSOLE__PUBLIC_URL"
    assert environment(public, info(tmp_path, sandbox=True))[key] == "http://127.0.0.1:8081"
    assert environment(public, info(tmp_path, sandbox=False))[key] == "https://dialer.example.com"


def test_programs_that_are_not_ours_get_no_setting(settings, tmp_path):
    settings(TOML, DIALER_ACCOUNTS__MAIN__ACCESS_TOKEN="real-token", FLOWER_BASIC_AUTH="a:b")
    bare = without_settings(os.environ)
    assert not [name for name in bare if name.startswith(("DIALER_", "FLOWER_"))]
    assert bare["PATH"] == os.environ["PATH"]
