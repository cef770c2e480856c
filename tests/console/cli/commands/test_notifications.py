"""`dialer notifications` prints what to paste at CallGear, and says what is missing."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from console.cli.app import app
from console.cli.commands.notifications import _address
from dialer.errors import DialerError
from dialer.providers.registry import PROVIDERS

TEMPLATES = PROVIDERS["callgear"].notification_templates
RUNNER = CliRunner()
SETTINGS = """
[accounts.main]
provider = "callgear"
access_token = "k"
receipt_secret = "s3cret"

[accounts.bulk]
provider = "webex"
service_key = "k"
"""
PUBLIC = '\n[console]\npublic_url = "https://dialer.example"\n'


@pytest.fixture
def configured(tmp_path, monkeypatch):
    def write(text: str) -> None:
        (tmp_path / "dialer.toml").touch(mode=0o600)
        (tmp_path / "dialer.toml").write_text(text)

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DIALER_CONFIG", raising=False)
    return write


def test_the_address_and_a_template_for_each_event_are_printed(configured):
    configured(SETTINGS + PUBLIC)
    printed = RUNNER.invoke(app, ["notifications", "main", "--json"])
    told = json.loads(printed.output)
    assert printed.exit_code == 0
    assert (told["method"], told["url"]) == ("POST", "https://dialer.example/notifications/main/s3cret")
    assert {one["event"]: (one["title"], one["template"]) for one in told["templates"]} == TEMPLATES
    shown = RUNNER.invoke(app, ["notifications", "main"]).output
    assert all(template in shown for _, template in TEMPLATES.values())
    assert "notifications = true" in shown
    assert "[accounts.main]" in shown


@pytest.mark.parametrize(
    ("account", "settings", "words"),
    [
        ("nobody", SETTINGS + PUBLIC, "there are: bulk, main"),
        ("bulk", SETTINGS + PUBLIC, "is told with each call"),
        ("main", SETTINGS, "console.public_url is not set"),
    ],
)
def test_what_is_missing_is_named_with_its_remedy(configured, account, settings, words):
    configured(settings)
    with pytest.raises(DialerError, match=words) as caught:
        _address(account)
    assert caught.value.remedy
