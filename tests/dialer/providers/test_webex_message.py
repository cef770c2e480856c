"""A voice message is examined field by field before anything is sent, and says exactly what was given."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dialer.providers.registry import account_settings
from dialer.providers.webex.messages import FURTHEST_SEND_AT, InvalidMessage, Recipient, VoiceMessage
from dialer.providers.webex.provider import Webex
from dialer.scripts import Recording, Speech
from dialer.verdicts import Verdict

NOW = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)
ALL = [
    *("offered", "accepted", "answered", "released", "rejected", "disconnected", "dropped"),
    *("trombone_connected", "trombone_released", "message_expired"),
]


def webex(base_url: str = "http://127.0.0.1:9", **account: Any) -> Webex:
    given = {"provider": "webex", "base_url": base_url, "service_key": "k", **account}
    return Webex(account_settings(**given), lambda: NOW)


def message(**changes: Any) -> VoiceMessage:
    return VoiceMessage(
        **{"caller": "+18005550100", "to": "+14155550100", "content": Recording(media_id="7"), **changes}
    )


def sent(given: VoiceMessage) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(webex().sending(given).body)
    return body


def test_every_field_of_the_document_goes_out_as_it_was_given():
    whole = message(
        correlation_id="camp1-42",
        priority=3,
        callback_data="opaque",
        notify_url="https://dialer.example/r",
        notify_url_auth_id="TNPXXXT09U",
        requested_receipts=ALL,
        send_at=NOW + timedelta(hours=1),
    )
    assert sent(whole) == {
        "channel": "voice",
        "from": "+18005550100",
        "to": [{"msisdn": ["+14155550100"], "correlationId": "camp1-42"}],
        "requestedReceipts": ALL,
        "content": {"type": "media", "mediaId": "7"},
        "priority": 3,
        "callbackData": "opaque",
        "notifyUrl": "https://dialer.example/r",
        "notifyUrlAuthId": "TNPXXXT09U",
        "sendAt": "2026-12-01T16:00:00Z",
    }


def test_several_recipients_go_out_by_their_correlation_ids():
    several = ["+14155550101", Recipient("+14155550102", "hers"), "+14155550103"]
    assert sent(message(to=several, correlation_id="ours"))["to"] == [
        {"msisdn": ["+14155550101", "+14155550103"], "correlationId": "ours"},
        {"msisdn": ["+14155550102"], "correlationId": "hers"},
    ]


def test_what_was_not_given_is_not_sent():
    assert set(sent(message())) == {"channel", "from", "to", "requestedReceipts", "content"}
    assert set(sent(message())["to"][0]) == {"msisdn"}


@pytest.mark.parametrize("given", [1796140800, "1796140800", "2026-12-01T16:00:00Z", "2026-12-01T18:00:00+02:00"])
def test_a_moment_may_be_a_unix_time_or_iso_8601_and_goes_out_as_written(given):
    assert sent(message(send_at=given))["sendAt"] == given


VOICE = {"ttsProcessor": "Azure", "language": "en-GB", "voice": "RyanNeural", "region": "UK", "gender": "male"}
BAD = [
    ({"caller": "18005550100"}, "from"),
    ({"caller": ""}, "from"),
    ({"to": "+1415"}, "to.msisdn"),
    ({"to": "+141555501001234567"}, "to.msisdn"),
    ({"to": ["+14155550101", "14155550102"]}, "to.msisdn"),
    ({"to": []}, "to"),
    ({"to": ["+14155550101"] * 1001}, "to"),
    ({"to": [Recipient("+14155550101", "é" * 26)]}, "to.correlationId"),
    ({"correlation_id": "é" * 26}, "to.correlationId"),
    ({"priority": 0}, "priority"),
    ({"priority": 4}, "priority"),
    ({"priority": True}, "priority"),
    ({"callback_data": "x" * 2001}, "callbackData"),
    ({"notify_url": "dialer.example/r"}, "notifyUrl"),
    ({"notify_url": "ftp://dialer.example"}, "notifyUrl"),
    ({"notify_url": "https://"}, "notifyUrl"),
    ({"notify_url": "http://["}, "notifyUrl"),
    ({"notify_url_auth_id": ""}, "notifyUrlAuthId"),
    ({"notify_url_auth_id": "two words"}, "notifyUrlAuthId"),
    ({"requested_receipts": ["answered", "Answered"]}, "requestedReceipts"),
    ({"send_at": NOW.replace(tzinfo=None)}, "sendAt"),
    ({"send_at": "tomorrow"}, "sendAt"),
    ({"send_at": 10**18}, "sendAt"),
    ({"send_at": NOW - timedelta(minutes=2)}, "sendAt"),
    ({"send_at": NOW + FURTHEST_SEND_AT + timedelta(seconds=1)}, "sendAt"),
    ({"content": Recording(media_id=" ")}, "content.mediaId"),
    ({"content": Speech(text="  ")}, "content.text"),
    ({"content": Speech(text="x" * 2001)}, "content.text"),
    ({"content": Speech(text="Hi", voice={"pitch": "high"})}, "content.voice"),
    ({"content": Speech(text="Hi", voice={"voiceType": "robotic"})}, "content.voice"),
    ({"content": Speech(text="Hi", voice={"ttsProcessor": "Polly"})}, "content.voice"),
    ({"content": Speech(text="Hi", voice={"gender": "other"})}, "content.voice"),
    ({"content": Speech(text="Hi", voice={"region": ""})}, "content.voice"),
]


@pytest.mark.parametrize(("change", "name"), BAD, ids=[f"{name}-{n}" for n, (_, name) in enumerate(BAD)])
def test_what_the_document_does_not_allow_is_refused_before_it_is_sent(change, name):
    with pytest.raises(InvalidMessage) as caught:
        webex().sending(message(**change))
    ruling, contacts = caught.value.ruling, {"to.msisdn", "content.text"}
    assert (ruling.field, ruling.mnemonic) == (name, "invalid_message")
    assert ruling.verdict is (Verdict.REFUSE_CONTACT if name in contacts else Verdict.HALT_CAMPAIGN)
    assert caught.value.remedy
    assert "5550100" not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        {"correlation_id": "é" * 25},
        {"callback_data": "x" * 2000},
        {"send_at": NOW},
        {"send_at": NOW + FURTHEST_SEND_AT},
        {"content": Speech(text="x" * 2000, voice=VOICE)},
        {"notify_url": "http://127.0.0.1:8080/r"},
    ],
)
def test_the_limits_themselves_are_allowed(change):
    webex().sending(message(**change))


def test_receipts_of_the_real_api_go_over_https_only():
    for_real = webex("https://api.eu.webexconnect.io")
    for_real.sending(message(notify_url="https://dialer.example/r"))
    with pytest.raises(InvalidMessage, match="notifyUrl"):
        for_real.sending(message(notify_url="http://dialer.example/r"))


def test_an_account_may_ask_for_more_receipts_and_name_its_auth_profile():
    from tests.dialer.providers.test_webex import call

    account = webex(notify_auth_id="TNP1", more_receipts=["message_expired"])
    body = json.loads(account.placing(call(notify_url="https://dialer.example/r")).body)
    assert body["requestedReceipts"][-1] == "message_expired"
    assert body["notifyUrlAuthId"] == "TNP1"
