"""`redial`, `clone`, `test-call` as people run them."""

from __future__ import annotations

import pytest

from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import running
from tests.support.shell import SETTINGS, Shell


@pytest.fixture
def shell(tmp_path):
    return Shell.prepared(tmp_path, settings='test_numbers = ["+1 212 555 0199"]\n' + SETTINGS)


def test_a_cancelled_campaign_is_cloned_and_redialed(shell):
    with running(SandboxConfig()) as sandbox:
        there = {"DIALER_ACCOUNTS__MAIN__BASE_URL": f"{sandbox.url}/v4.0"}
        assert shell.run("start", "first.yaml", **there).code == 0
        again = shell.run("start", "first.yaml", **there)
        assert (again.code, "dialer start --again first.yaml" in again.err) == (1, True)
    early = shell.run("redial", "first")
    assert (early.code, "still calls" in early.err) == (1, True)
    assert shell.run("cancel", "first").code == 0
    assert shell.run("redial", "first", "--outcome", "cancelled", "--json").json["contacts"] == 3
    wrong = shell.run("redial", "first-1", "--outcome", "bsy")
    assert (wrong.code, "no_answer, busy" in wrong.err) == (1, True)
    assert "second.yaml is written" in shell.run("clone", "first-1", "second.yaml", "--name", "second").out
    assert shell.run("check", "second.yaml").code == 0
    over = shell.run("clone", "first-1", "second.yaml")
    assert (over.code, "there already" in over.err) == (1, True)


def test_a_test_call_is_started_to_a_listed_number_only(shell):
    stranger = shell.run("test-call", "first.yaml", "+12125550198")
    assert stranger.code == 1
    with running(SandboxConfig()) as sandbox:
        there = {"DIALER_ACCOUNTS__MAIN__BASE_URL": f"{sandbox.url}/v4.0"}
        stranger = shell.run("test-call", "first.yaml", "+12125550198", **there)
        assert (stranger.code, "test_numbers" in stranger.err) == (1, True)
        ran = shell.run("test-call", "first.yaml", "+1 (212) 555-0199", "--row", "3", "--json", **there)
    assert (ran.code, ran.json["campaign"], ran.json["contacts"]) == (0, "first-test-1", 1)
    unreadable = shell.run("test-call", "first.yaml", "12")
    assert (unreadable.code, "Do:" in unreadable.err) == (1, True)
