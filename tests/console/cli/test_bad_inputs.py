"""Whatever is wrong, the command names it and the remedy, exits non-zero and leaves nothing half done."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import running
from tests.support.shell import CAMPAIGN, CONTACTS, Shell
from workers.stack.lock import StackLock


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell.prepared(tmp_path)


def assert_nothing_started(shell: Shell) -> None:
    assert "No campaign yet" in shell.run("status").out


@pytest.mark.parametrize(
    ("file", "text", "named"),
    [
        ("first.yaml", None, ["first.yaml", "no such file"]),
        ("first.yaml", "", ["first.yaml", "empty"]),
        ("first.yaml", CAMPAIGN.replace("caller_id", "caler_id"), ["first.yaml:7:1", "caler_id", "caller_id"]),
        ("first.yaml", CAMPAIGN.replace("message:\n", "message: [\n"), ["first.yaml:"]),
        ("first.yaml", CAMPAIGN.replace("main", "mian"), ["first.yaml:2:", "mian", "main"]),
        ("first.yaml", CAMPAIGN.replace("{{ name }}", "{{ nmae }}"), ["first.yaml:6:", "nmae", "name"]),
        ("first.yaml", CAMPAIGN.replace('"+18005550100"', "18005550100"), ["first.yaml:7:", '"+18005550100"']),
        ("first.csv", None, ["first.csv", "no such file"]),
        ("first.csv", "", ["first.csv", "empty"]),
        ("first.csv", CONTACTS.replace("phone", "telephone"), ["telephone", "phone"]),
        ("first.csv", CONTACTS + "+1415555,Dan\n", ["5", "too short", "--skip-rejects"]),
        ("first.csv", CONTACTS + "4.15556E+09,Dan\n", ["powers of ten", "text"]),
        ("dialer.toml", '[accounts.main]\nprovider = "calgear"\n', ["dialer.toml", "accounts.main.provider"]),
        ("dialer.toml", "[accounts.main]\n", ["dialer.toml", "accounts.main", "provider is missing"]),
        ("dialer.toml", "[accounts.main\n", ["dialer.toml"]),
        ("dialer.toml", '[accounts.main]\nprovider = "callgear"\n', ["main has no access_token"]),
    ],
    ids=[
        "no campaign file",
        "empty campaign file",
        "misspelt key",
        "broken YAML",
        "unknown account",
        "unknown variable",
        "caller id without quotes",
        "no list",
        "empty list",
        "no phone column",
        "short number",
        "rounded number",
        "unknown provider",
        "no provider",
        "broken TOML",
        "no key",
    ],
)
def test_a_file_that_is_wrong_is_named_with_the_remedy(shell, file, text, named):
    (shell.folder / file).unlink() if text is None else shell.write(file, text)
    ran = shell.run("start", "first.yaml")
    assert ran.code == 1
    said = " ".join((ran.out + ran.err).split())
    assert all(name in said for name in named), said
    assert "Traceback" not in said
    if file != "dialer.toml":
        assert_nothing_started(shell)


def test_a_wrong_key_is_refused_before_anything_starts(shell):
    with running(SandboxConfig()) as sandbox:
        environ = {
            "DIALER_ACCOUNTS__MAIN__BASE_URL": sandbox.base_url("callgear"),
            "DIALER_ACCOUNTS__MAIN__ACCESS_TOKEN": "not-the-key",
        }
        ran = shell.run("start", "first.yaml", **environ)
    assert ran.code == 1
    assert "refuses account main: access_token_invalid" in ran.err
    assert "correct its key" in ran.err
    assert "not-the-key" not in ran.out + ran.err
    assert_nothing_started(shell)


def test_a_vendor_that_is_down_is_named(shell):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        ran = shell.run("start", "first.yaml", DIALER_ACCOUNTS__MAIN__BASE_URL=f"http://127.0.0.1:{port}")
    assert ran.code == 1
    assert f"127.0.0.1:{port}" in ran.err
    assert "Do: see that the address is right" in ran.err
    assert_nothing_started(shell)


def test_machines_get_errors_as_json(shell):
    shell.write("first.csv", CONTACTS + "+1415555,Dan\n")
    ran = shell.run("run", "first.yaml", "--json")
    assert ran.code == 1
    error = json.loads(ran.out.splitlines()[0] if ran.out.startswith('{"') else ran.out)
    assert error["rejected"] == 1
    assert Path(error["rejects"]).is_file()
    assert "Dan" in Path(error["rejects"]).read_text(encoding="utf-8-sig")


def test_a_ledger_that_cannot_be_reached_is_named_without_its_password(shell):
    url = "postgresql://dialer:pg-secret@127.0.0.1:1/nowhere"
    ran = shell.run("status", DIALER_LEDGER__URL=url)
    assert ran.code == 1
    assert "127.0.0.1:1" in ran.err
    assert "pg-secret" not in ran.err + ran.out


def test_a_campaign_that_does_not_exist_is_named_with_those_that_do(shell):
    ran = shell.run("pause", "nothing-1")
    assert (ran.code, "no campaign 'nothing-1'" in ran.err) == (1, True)


def test_wrong_use_is_told_apart_from_problems(shell):
    assert shell.run("start").code == 2
    assert shell.run("paws", "first").code == 2


def test_a_redis_that_is_configured_and_away_is_named(shell):
    ran = shell.run("up", DIALER_REDIS__URL="redis://:redis-secret@127.0.0.1:1/0")
    assert ran.code == 1
    assert "127.0.0.1:1" in ran.err
    assert "redis-secret" not in ran.out + ran.err


def test_a_second_stack_on_the_same_data_is_refused(shell):
    first = shell.begin("up", "--sandbox")
    try:
        for line in first.stdout:
            if "Stop with Ctrl-C" in line:
                break
        second = shell.run("up", "--sandbox")
        assert second.code == 1
        assert str(first.pid) in second.err
    finally:
        shell.end(first)


def test_what_a_provider_cannot_do_is_refused_and_not_ignored(shell):
    shell.write("dialer.toml", '[accounts.main]\nprovider = "webex"\nservice_key = "sandbox-key"\n')
    shell.write("first.yaml", CAMPAIGN + 'ring_timeout: 20\ndtmf: "1"\n')
    ran = shell.run("check", "first.yaml")
    assert ran.code == 1
    said = " ".join(ran.err.split())
    assert "first.yaml:8:" in said
    assert "webex has no ring_timeout" in said
    assert "webex has no dtmf" in said
    shell.write("dialer.toml", '[accounts.main]\nprovider = "callgear"\naccess_token = "sandbox-key"\n')
    shell.write("first.yaml", CAMPAIGN + "priority: 3\ncallback_data: x\n")
    ran = shell.run("check", "first.yaml")
    said = " ".join(ran.err.split())
    assert (ran.code, "first.yaml:8:11" in said, "first.yaml:9:16" in said) == (1, True, True), said
    assert "callgear has no priority" in said
    assert "callgear has no callback_data" in said


def test_a_demo_empties_no_folder_but_a_demos(shell):
    ran = shell.run("demo", "--data", ".")
    assert ran.code == 1
    assert "--data" in ran.err
    assert (shell.folder / "first.csv").read_text() == CONTACTS


def test_a_demo_leaves_the_data_of_one_that_is_running_alone(shell):
    data = shell.folder / "demo"
    lock = StackLock(data)
    lock.take()
    try:
        (data / "dialer.toml").write_text("# Accounts of the demo. Under a sandbox they lead nowhere else.\n")
        ran = shell.run("demo", "--data", "demo")
        assert ran.code == 1
        assert "already running" in ran.err
        assert (data / "dialer.toml").exists()
    finally:
        lock.release()


def test_a_sandbox_whose_port_is_taken_says_so(shell):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ran = shell.run("sandbox", "--port", port)
    assert ran.code == 1
    assert f"port {port} on 127.0.0.1" in ran.err
    assert "--port" in ran.err
    assert "Traceback" not in ran.err


def test_a_sandbox_whose_address_is_not_this_machines_says_so(shell):
    ran = shell.run("sandbox", "--host", "192.0.2.1")
    assert ran.code == 1
    assert "port 8900 on 192.0.2.1" in ran.err
    assert "--host" in ran.err
    assert "Traceback" not in ran.err


def test_a_data_folder_that_cannot_be_made_is_named(shell):
    shell.write("occupied", "")
    ran = shell.run("status", DIALER_DATA_DIR="occupied/data")
    assert ran.code == 1
    assert "occupied/data" in ran.err
    assert "DIALER_DATA_DIR" in ran.err
    assert "Traceback" not in ran.err
