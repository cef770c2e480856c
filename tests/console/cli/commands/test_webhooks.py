"""`dialer webhooks` as people type it."""

from __future__ import annotations

import pytest
from standardwebhooks import Webhook

from tests.support.shell import SETTINGS, Shell
from tests.support.webhook_receiver import receiving

INTERNAL = '[webhooks]\ninternal_networks = ["127.0.0.1"]\n'


@pytest.fixture(scope="module")
def receiver():
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def shell(tmp_path):
    shell = Shell.prepared(tmp_path)
    shell.write("dialer.toml", SETTINGS + INTERNAL)
    return shell


def test_a_webhook_is_added_tested_listed_rotated_paused_and_removed(shell, receiver):
    added = shell.run("webhooks", "add", "crm", receiver.url, "--event", "contact.finished", "--json").json
    assert (added["events"], added["include"]) == (["contact.finished"], [])
    assert shell.run("webhooks", "test", "crm").out == "crm answered 204: it takes events.\n"
    event = receiver.came[-1]
    assert Webhook(added["secret"]).verify(event.body, event.headers)["type"] == "webhook.test"
    (listed,) = shell.run("webhooks", "list", "--json").json
    assert (listed["state"], listed["waiting"], listed["url"]) == ("active", 0, receiver.url)
    assert added["secret"] not in shell.run("webhooks", "list").out
    rotated = shell.run("webhooks", "rotate", "crm", "--json").json
    assert rotated["secret"] != added["secret"]
    shell.run("webhooks", "test", "crm")
    event = receiver.came[-1]
    for secret in (rotated["secret"], added["secret"]):
        Webhook(secret).verify(event.body, event.headers)
    assert shell.run("webhooks", "pause", "crm").out == "crm is paused.\n"
    assert "webhook crm is paused since" in shell.run("webhooks", "list").err
    assert "webhook crm is paused since" in shell.run("status").err
    assert shell.run("webhooks", "pause", "crm").code == 1
    assert shell.run("webhooks", "resume", "crm", "--json").json == {"webhook": "crm", "state": "active"}
    assert shell.run("webhooks", "deliveries", "crm").out == "There are none.\n"
    assert shell.run("webhooks", "replay", "crm", "--failed").out == "0 events will be sent again to crm.\n"
    assert shell.run("webhooks", "remove", "crm").code == 0
    assert "Nobody is told what happens" in shell.run("webhooks", "list").out


def test_the_secret_of_questions_is_the_same_for_all_addresses_of_a_server(shell):
    secrets = {
        shell.run("webhooks", "secret", f"https://{host}/{path}").out
        for host in ("crm.example.org", "CRM.example.org")
        for path in ("ask", "other?key=1")
    }
    (secret,) = secrets
    assert secret.startswith("whsec_")
    assert shell.run("webhooks", "secret", "https://other.example.org/").out != secret
    assert shell.run("webhooks", "secret", "crm").code == 1


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["add", "crm", "example.org"], "that is no address"),
        (["add", "crm", "https://10.0.0.1/hook"], "10.0.0.1 is inside our own network"),
        (["add", "crm", "https://example.org/", "--event", "call.ended"], "there is no event 'call.ended'"),
        (["add", "c r m", "https://example.org/"], "is no name for a webhook"),
        (["test", "nobody"], "no webhook 'nobody'"),
        (["deliveries", "nobody"], "no webhook 'nobody'"),
        (["remove", "nobody"], "no webhook 'nobody'"),
        (["rotate", "nobody"], "no webhook 'nobody'"),
        (["replay", "nobody", "--failed"], "no webhook 'nobody'"),
        (["replay", "nobody"], "it is not said which events to send again"),
        (["replay", "nobody", "--since", "soon"], "--since"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_is_refused_with_its_remedy(shell, arguments, what):
    refused = shell.run("webhooks", *arguments)
    assert refused.code == 1
    assert what in refused.err
    assert "Do:" in refused.err


def test_an_address_that_does_not_answer_is_named_without_its_path(shell, receiver):
    shell.run("webhooks", "add", "gone", "http://127.0.0.1:9/secret-path")
    failed = shell.run("webhooks", "test", "gone")
    assert failed.code == 1
    assert "no connection to 127.0.0.1:9" in failed.err
    assert "secret-path" not in failed.err
    receiver.answer = lambda _event: (500, {}, b"")
    shell.run("webhooks", "add", "ill", receiver.url)
    assert shell.run("webhooks", "test", "ill").code == 1
