"""Settings: from `dialer.toml` and from variables, which win; what is wrong is named by its place, not its value."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from workers.settings import BadSettings, Settings, load
from workers.toml_lines import line_of

FILE = """\
[accounts.main]
provider = "callgear"
access_token = "key-in-the-file"

[worker]
threads = 7
horizon_seconds = 3
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DIALER_CONFIG", raising=False)
    return tmp_path


def test_variables_win_over_the_file_key_by_key(folder, monkeypatch):
    (folder / "dialer.toml").write_text(FILE)
    monkeypatch.setenv("DIALER_ACCOUNTS__MAIN__BASE_URL", "http://127.0.0.1:9/v4.0")
    monkeypatch.setenv("DIALER_WORKER__THREADS", "9")
    settings = load()
    main = settings.accounts["main"]
    assert (main.url, main.access_token.get_secret_value()) == ("http://127.0.0.1:9/v4.0", "key-in-the-file")
    assert (settings.worker.threads, settings.worker.horizon_seconds, settings.worker.lease_seconds) == (9, 3.0, 30.0)


def test_variables_of_an_account_are_read_as_its_providers_settings(monkeypatch):
    key, more = "123456", '["message_expired"]'
    for name, value in {"PROVIDER": "webex", "SERVICE_KEY": key, "MORE_RECEIPTS": more, "PACE": "7"}.items():
        monkeypatch.setenv(f"DIALER_ACCOUNTS__BULK__{name}", value)
    bulk = load().accounts["bulk"]
    assert (bulk.service_key.get_secret_value(), bulk.more_receipts, bulk.pace) == (key, ("message_expired",), 7)


def test_a_secret_may_stand_in_a_file_that_a_variable_names(folder, monkeypatch):
    """As Docker and Kubernetes mount secrets. The plain variable wins over it, and it wins over dialer.toml."""
    (folder / "dialer.toml").write_text(FILE)
    values = {"token": "key-in-a-secret\n", "password": "pass word\r\n", "url": "\ufeffpostgresql://u:p@db/dialer\n"}
    for name, text in values.items():
        (folder / name).write_text(text)
    for name, file in {
        "ACCOUNTS__MAIN__ACCESS_TOKEN": "token",
        "CONSOLE__PASSWORD": "password",
        "LEDGER__URL": "url",
    }.items():
        monkeypatch.setenv(f"DIALER_{name}__FILE", str(folder / file))
    settings = load()
    assert settings.accounts["main"].access_token.get_secret_value() == "key-in-a-secret"
    assert settings.console.password.get_secret_value() == "pass word"
    assert settings.ledger_url == "postgresql+psycopg://u:p@db/dialer"
    monkeypatch.setenv("DIALER_CONSOLE__PASSWORD", "in the variable")
    assert load().console.password.get_secret_value() == "in the variable"


def test_a_wrong_value_in_a_file_is_named_by_its_variable_and_not_shown(folder, monkeypatch):
    (folder / "url").write_text("mysql://u:a-secret@db")
    monkeypatch.setenv("DIALER_LEDGER__URL__FILE", str(folder / "url"))
    with pytest.raises(BadSettings, match=r"DIALER_LEDGER__URL__FILE: ledger\.url: write postgresql://") as wrong:
        load()
    assert "a-secret" not in wrong.value.message


def test_no_secret_is_in_their_repr(monkeypatch):
    for name in ("ACCOUNTS__MAIN__ACCESS_TOKEN", "CONSOLE__PASSWORD"):
        monkeypatch.setenv(f"DIALER_{name}", "a-secret")
    monkeypatch.setenv("DIALER_ACCOUNTS__MAIN__PROVIDER", "callgear")
    monkeypatch.setenv("DIALER_LEDGER__URL", "postgresql://dialer:a-secret@127.0.0.1/dialer")
    monkeypatch.setenv("DIALER_REDIS__URL", "redis://:a-secret@127.0.0.1/0")
    assert "a-secret" not in repr(load())


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("postgresql://u:p@db/dialer", "postgresql+psycopg://u:p@db/dialer"),
        ("postgres://u:p@db/dialer", "postgresql+psycopg://u:p@db/dialer"),
        ("postgresql+psycopg://u:p@db/dialer", "postgresql+psycopg://u:p@db/dialer"),
        ("sqlite:////data/ledger.sqlite3", "sqlite:////data/ledger.sqlite3"),
    ],
)
def test_a_ledgers_url_gets_its_driver(monkeypatch, given, used):
    monkeypatch.setenv("DIALER_LEDGER__URL", given)
    assert load().ledger_url == used


def test_without_a_url_the_ledger_is_a_file_in_the_data_folder(folder):
    assert Settings(data_dir=Path("here")).ledger_url == f"sqlite:///{folder / 'here' / 'ledger.sqlite3'}"


@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("DIALER_WORKER__THREADS", "none", "DIALER_WORKER__THREADS: worker.threads"),
        (
            "DIALER_WORKER__THREDS",
            "4",
            "worker.threds: there is no such key; did you mean threads?",
        ),
        ("DIALER_CONSOLE__PASSWORD__FILE", "away", "DIALER_CONSOLE__PASSWORD__FILE: away: No such file"),
        ("DIALER_LEDGER__URL", "mysql://u:a-secret@db/dialer", "DIALER_LEDGER__URL: ledger.url: write postgresql://"),
        ("DIALER_LEDGER__URL", "a-secret", "DIALER_LEDGER__URL: ledger.url: write postgresql://"),
        ("DIALER_LEDGER__URL", "postgresql://u:a-secret@db:port/dialer", "DIALER_LEDGER__URL: ledger.url"),
        ("DIALER_REDIS__URL", "a-secret", "DIALER_REDIS__URL: redis: write redis://"),
        ("DIALER_REDIS__URL", "localhost:6379", "redis: write redis://"),
        ("DIALER_REDIS__URL", "redis://:a-secret#x@redis.example/0", "redis: in the user and the password write %23"),
        ("DIALER_REDIS__URL", "sentinel://redis.example/0", "redis: with sentinel:// set redis.master"),
        ("DIALER_REDIS__CA_FILE", "away.pem", "DIALER_REDIS__CA_FILE: redis.ca_file: away.pem: no such file"),
        ("DIALER_ACCOUNTS", '{"main": "a-secret', 'the environment: error parsing value for field "accounts"'),
        ("DIALER_CONFIG", "elsewhere.toml", "elsewhere.toml: no such file"),
    ],
)
def test_a_wrong_variable_is_named_and_its_value_is_not(monkeypatch, variable, value, named):
    monkeypatch.setenv(variable, value)
    with pytest.raises(BadSettings) as wrong:
        load()
    assert named in wrong.value.message
    assert wrong.value.remedy
    assert "a-secret" not in wrong.value.message + wrong.value.remedy


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_file_is_the_same_with_the_mark_that_some_editors_put_first(folder, encoding):
    (folder / "dialer.toml").write_text(FILE, encoding)
    assert load().worker.threads == 7


@pytest.mark.parametrize(
    "content",
    [FILE.encode("utf-8") + b"# caf\xe9", b"\xff\xfe" + FILE.encode("utf-16-le")[:-1], b"\x80"],
    ids=["latin-1", "cut UTF-16", "one byte"],
)
def test_a_file_that_is_not_unicode_is_named_with_a_remedy(folder, content):
    (folder / "dialer.toml").write_bytes(content)
    with pytest.raises(BadSettings, match=r"dialer\.toml:\d+: the file is not UTF-8 text") as wrong:
        load()
    assert wrong.value.remedy == "save it as UTF-8"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (
            FILE.replace("[accounts.main]", "[acounts.main]"),
            "acounts: there is no such key; did you mean accounts?",
        ),
        (
            FILE.replace("threads", "threds"),
            "dialer.toml:6: worker.threds: there is no such key; did you mean threads?",
        ),
        (FILE.replace('"callgear"', '"calgear"'), "dialer.toml:2: accounts.main.provider"),
        (FILE.replace("[worker]", "[worker"), "dialer.toml: "),
        (
            FILE.replace("access_token", "acess_token"),
            "acess_token: there is no such key; did you mean access_token?",
        ),
        (
            FILE.replace("access_token", "service_key"),
            "main.service_key: service_key is a key of another provider",
        ),
        (FILE.replace('provider = "callgear"', ""), "dialer.toml:1: accounts.main: provider is missing"),
        (
            f"{FILE}[accounts.main.prices]\ncurrency = 'EUR'\nper_minutes = 1\n",
            "accounts.main.prices.per_minutes: there is no such key; did you mean per_minute?",
        ),
        (
            f"{FILE}[accounts.main.prices]\ncurrency = 'EUR'\nby_country = {{MX = {{round_to = 6}}}}\n",
            "prices.by_country.MX.round_to: there is no such key; the keys here are per_call, per_minute",
        ),
        (f"{FILE}[ledger.more]\nurl = 1\n", "ledger.more: there is no such key; the keys here are url, hash_key"),
    ],
    ids=[
        "misspelt section",
        "misspelt key",
        "unknown provider",
        "broken TOML",
        "misspelt key of an account",
        "another provider's key",
        "no provider",
        "misspelt price",
        "key of no country",
        "section of no section",
    ],
)
def test_what_is_wrong_in_the_file_is_named_with_its_key(folder, text, named):
    (folder / "dialer.toml").write_text(text)
    with pytest.raises(BadSettings) as wrong:
        load()
    assert named in wrong.value.message
    assert "key-in-the-file" not in wrong.value.message


KEYS_OF_AN_ACCOUNT = '[accounts.main]\nprovider = "callgear"\n'


@pytest.mark.parametrize(
    ("text", "named"),
    [
        *((f"{KEYS_OF_AN_ACCOUNT}{key} = {value}", f"accounts.main.{key}") for key in
          ("poll_seconds", "settle_seconds", "speed", "pace", "caller_id_pace")
          for value in ("inf", "nan", "1e300", "1e-300")),
        *((f"{KEYS_OF_AN_ACCOUNT}{key} = 1{'0' * 20}", f"accounts.main.{key}") for key in
          ("concurrency", "minute_points", "day_points", "call_points")),
        ("[worker]\nlease_seconds = inf", "worker.lease_seconds"),
        ("[worker]\ntick_seconds = 1e-300", "worker.tick_seconds"),
        (f'{KEYS_OF_AN_ACCOUNT}base_url = "https://vendor.example/?v=4"', "base_url holds a ? or #"),
        *((f'{KEYS_OF_AN_ACCOUNT}receipt_secret = "{secret}"', "receipt_secret is a part of a URL") for secret in
          ("", "a/b", "..", "%2F", "a b", "é")),
        *((f'[console]\npublic_url = "{url}"', "console.public_url: an address") for url in
          ("", "dialer.example.com", "javascript:x", "https://", "https://u:p@dialer.example.com", "https://dialer.example.com/?x=1")),
        *((f'[ledger]\nurl = "{url}"', "a ledger in memory") for url in ("sqlite://", "sqlite:///", "sqlite:///:memory:")),
        *((f'[accounts."{name}"]\nprovider = "callgear"', "is no name of an account") for name in
          ("", " main", "a/b", "a?b", "a%2Fb", "..", r"a\nb", r"a\u0000", "a" * 65)),
        ('data_dir = ""', "data_dir: names no folder"),
        (r'data_dir = "a\u0000b"', "data_dir: names no folder"),
        (f"test_numbers = {'[' * 5000}", "brackets are nested too deep"),
    ],
)  # fmt: skip
def test_what_would_fail_or_mislead_later_is_refused_where_it_is_read(folder, text, named):
    (folder / "dialer.toml").write_text(text)
    with pytest.raises(BadSettings) as wrong:
        load()
    assert named in wrong.value.message


def test_a_blank_data_folder_is_not_the_current_one(monkeypatch):
    """As a compose file gives it whose variable is not set; the current folder would be closed to everybody else."""
    monkeypatch.setenv("DIALER_DATA_DIR", "")
    with pytest.raises(BadSettings, match="DIALER_DATA_DIR: data_dir: names no folder"):
        load()


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("DIALER_LEDGER_URL", "DIALER_LEDGER__URL"),
        ("DIALER_REDIS_URL", "DIALER_REDIS__URL"),
        ("DIALER__REDIS__URL", "DIALER_REDIS__URL"),
        ("DIALER_CONSOL__PORT", "DIALER_CONSOLE__PORT"),
        ("DIALER_CONSOLE_PASSWORD__FILE", "DIALER_CONSOLE__PASSWORD"),
        ("dialer_ledger_url", "DIALER_LEDGER__URL"),
        ("DIALER_ACCOUNTS_MAIN_ACCESS_TOKEN", "DIALER_ACCOUNTS__MAIN__ACCESS_TOKEN"),
        ("DIALER_DATADIR", "DIALER_DATA_DIR"),
    ],
)
def test_a_variable_that_is_like_a_settings_is_refused_and_not_ignored(monkeypatch, given, meant):
    monkeypatch.setenv(given, "a-secret")
    with pytest.raises(BadSettings) as wrong:
        load()
    assert wrong.value.message == f"{given}: there is no such setting; did you mean {meant}?"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DIALER_CONSOLE_SERVICE_HOST", "10.0.0.1"),
        ("DIALER_CONSOLE_SERVICE_PORT_HTTP", "8080"),
        ("DIALER_CONSOLE_PORT", "tcp://10.0.0.1:8080"),
        ("DIALER_CONSOLE_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
        ("DIALER_CONSOLE_PORT_8080_TCP_ADDR", "10.0.0.1"),
        ("DIALER_FLOWER_PORT_5555_TCP_PORT", "5555"),
        ("DIALER_VERSION", "2"),
    ],
)
def test_what_kubernetes_and_images_set_is_no_setting(monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    assert load().console.port == 8080


TOML = """\
test_numbers = []
accounts = {spare = {pace = 1}}

# pace = 2, and [worker] in a remark
[accounts."my account"]
pace = 3
[ worker ]
threads = "many"
names.of = 1
text = '''
[console]
port = 1'''
[[list]]
key = 1
"""


@pytest.mark.parametrize(
    ("key", "line"),
    [
        (("test_numbers", 0), 1),
        (("accounts", "spare", "pace"), 2),
        (("accounts", "my account", "pace"), 6),
        (("accounts", "my account", "provider"), 5),
        (("worker", "threads"), 8),
        (("worker", "names", "of"), 9),
        (("list", "key"), 14),
        (("redis", "url"), None),
        ((), None),
    ],
)
def test_the_line_of_a_key_is_its_own_or_that_of_the_table_around_it(key, line):
    assert line_of(TOML, key) == line
    assert line_of("no TOML = = at all\n[", key) is None


@pytest.mark.parametrize("section", ["CONSOLE", "FLOWER"])
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "dialer.example"])  # noqa: S104
def test_a_short_password_where_other_machines_could_guess_it_is_refused(monkeypatch, section, host):
    monkeypatch.setenv(f"DIALER_{section}__HOST", host)
    monkeypatch.setenv("DIALER_CONSOLE__PASSWORD", "elevenchars")
    with pytest.raises(BadSettings, match="fewer than 12 characters") as refused:
        load()
    assert f"{section.lower()}.host is {host}" in refused.value.message
    assert "elevenchars" not in refused.value.message
    monkeypatch.setenv("DIALER_CONSOLE__PASSWORD", "twelve chars")
    assert load().console.password is not None


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "::1", "localhost"])
def test_on_this_machine_alone_any_password_will_do(monkeypatch, host):
    monkeypatch.setenv("DIALER_CONSOLE__HOST", host)
    monkeypatch.setenv("DIALER_CONSOLE__PASSWORD", "a")
    assert load().console.host == host


@pytest.mark.parametrize("kind", ["a named pipe", "a folder"])
def test_a_settings_file_that_is_no_file_is_named_and_not_waited_for(folder, kind):
    if kind == "a folder":
        (folder / "dialer.toml").mkdir()
    else:
        os.mkfifo(folder / "dialer.toml")
    with pytest.raises(BadSettings, match=f"this is {kind}"):
        load()


def test_a_settings_file_is_read_to_its_bound(folder):
    (folder / "dialer.toml").write_text("#" * 200_000)
    with pytest.raises(BadSettings, match="more than 131,072 bytes"):
        load()
