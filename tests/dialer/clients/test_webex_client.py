"""The client as a library, against the sandbox over HTTP: sync and async, by key and by token."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from dialer.account_settings import AccountSettings
from dialer.calls import Outcome, Progress
from dialer.clients.webex import AsyncWebexConnect, WebexConnect
from dialer.errors import NotPlaced, ProviderError, Refused, Throttled, Unconfirmed, Unreachable
from dialer.providers.registry import account_settings
from dialer.providers.webex.messages import InvalidMessage, Recipient, VoiceMessage
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import SandboxHandle, running
from dialer.sandbox.webex.auth import JWT_SECRET
from dialer.scripts import Recording, Speech

KEY = {"service_key": "sandbox-key"}
TOKEN = {"jwt_issuer": "sandbox", "jwt_secret": JWT_SECRET}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxHandle]:
    with running(SandboxConfig(speed=2000, late_seconds=30)) as handle:
        yield handle


def account(sandbox: SandboxHandle, **changes: Any) -> AccountSettings:
    given = {"provider": "imiconnect", "base_url": sandbox.base_url("webex"), "timeout": 5, **(changes or KEY)}
    return account_settings(**given)


def message(ending: str = "01", **changes: Any) -> VoiceMessage:
    facts = {"caller": "+18005550100", "to": f"+141555501{ending}", "content": Speech(text="Hello")}
    return VoiceMessage(**{**facts, **changes})


@pytest.mark.parametrize("credentials", [KEY, TOKEN, KEY | TOKEN], ids=["key", "token", "both"])
def test_a_call_is_asked_for_and_its_status_read(sandbox, credentials):
    with WebexConnect(account(sandbox, **credentials)) as webex:
        message_id = webex.call(message(correlation_id="mine", content=Recording(media_id="1561")))
        status = webex.status(message_id)
        while status.progress is not Progress.ENDED:
            status = webex.status(message_id)
    assert status.outcome is Outcome.ANSWERED
    placed = next(call for call in sandbox.calls() if call["call_id"] == message_id)
    assert (placed["correlation_id"], placed["script"]) == ("mine", "media")


def test_many_calls_at_once_on_one_event_loop(sandbox):
    async def main() -> list[str]:
        async with AsyncWebexConnect(account(sandbox)) as webex:
            return await asyncio.gather(*(webex.call(message(f"{n:02}")) for n in range(10)))

    assert len(set(asyncio.run(main()))) == 10


def test_several_are_called_with_one_request(sandbox):
    several = ["+14155550145", Recipient("+14155550146", "his")]
    with WebexConnect(account(sandbox)) as webex:
        message_id = webex.call(message(to=several, correlation_id="hers"))
    placed = [call for call in sandbox.calls() if call["call_id"].startswith(message_id)]
    assert [(call["to"], call["correlation_id"]) for call in placed] == [
        ("+14155550145", "hers"),
        ("+14155550146", "his"),
    ]


def test_of_several_that_were_not_all_taken_any_may_be_ringing(sandbox):
    with WebexConnect(account(sandbox)) as webex, pytest.raises(Unconfirmed) as caught:
        webex.call(message(to=["+14155550101", "+14155550118"]))
    assert "a part of what was asked" in caught.value.ruling.detail


REFUSED = [
    ("16", Refused, "9002"),
    ("17", Unconfirmed, "500"),  # without a word: nobody knows
    ("18", Refused, "7102"),
    ("19", Unconfirmed, None),
    ("20", Unconfirmed, None),
    ("22", NotPlaced, "503"),
    ("23", Throttled, "7020"),
]


@pytest.mark.parametrize(("ending", "kind", "code"), REFUSED, ids=[ending for ending, _, _ in REFUSED])
def test_what_went_wrong_says_what_may_be_done_next(sandbox, ending, kind, code):
    with WebexConnect(account(sandbox)) as webex, pytest.raises(kind) as caught:
        webex.call(message(ending))
    assert type(caught.value) is kind
    assert caught.value.ruling.code == code


def test_an_answer_that_does_not_come_in_time_is_unconfirmed(sandbox):
    impatient = account(sandbox, **KEY, timeout=0.5)
    with WebexConnect(impatient) as webex, pytest.raises(Unconfirmed):
        webex.call(message("21"))


def test_nobody_there_means_nothing_was_sent():
    nowhere = account_settings(**{"provider": "webex", "base_url": "http://127.0.0.1:9", **KEY})
    with WebexConnect(nowhere) as webex, pytest.raises(Unreachable):
        webex.call(message())


@pytest.mark.parametrize(
    "credentials",
    [
        {"service_key": "wrong"},
        {"jwt_issuer": "somebody", "jwt_secret": JWT_SECRET},
        {"jwt_issuer": "sandbox", "jwt_secret": base64.b64encode(b"another").decode()},
    ],
    ids=["key", "issuer", "secret"],
)
def test_wrong_credentials_are_refused(sandbox, credentials):
    with WebexConnect(account(sandbox, **credentials)) as webex, pytest.raises(Refused) as caught:
        webex.call(message())
    assert caught.value.ruling.mnemonic == "http_401"


def test_a_message_that_is_not_allowed_is_never_sent(sandbox):
    before = sandbox.requests()
    with WebexConnect(account(sandbox)) as webex, pytest.raises(InvalidMessage):
        webex.call(message(priority=9))
    assert sandbox.requests() == before


def test_a_secret_that_is_not_base64_is_told_of_at_once_and_not_shown():
    with pytest.raises(ValidationError, match="jwt_secret is not base64") as caught:
        account_settings(**{"provider": "webex", "jwt_issuer": "s", "jwt_secret": "not base64!"})
    assert "not base64!" not in str(caught.value.errors(include_input=False))


def test_no_secret_shows(sandbox):
    with WebexConnect(account(sandbox, **TOKEN)) as webex, pytest.raises(ProviderError) as caught:
        webex.call(message("18"))
    shown = repr(caught.value.ruling) + str(caught.value) + repr(message()) + repr(account(sandbox, **TOKEN))
    assert JWT_SECRET not in shown
    assert "5550101" not in shown
