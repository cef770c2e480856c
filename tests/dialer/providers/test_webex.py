"""Webex Connect: what we send it, and what its codes, statuses and receipts mean."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from dialer.calls import CallRequest, Outcome, Progress
from dialer.http import HttpReply
from dialer.phone import PhoneNumber
from dialer.providers.registry import account_settings
from dialer.providers.webex.provider import Webex
from dialer.providers.webex.words import CODES
from dialer.receipts import summarize_receipts
from dialer.scripts import Recording, Speech
from dialer.verdicts import Ruling, Verdict

ATTEMPT = UUID("6a8f7c34-0c5e-4b8e-9f0e-1f6f1f3f8a11")


@pytest.fixture
def webex() -> Webex:
    account = {"provider": "imiconnect", "base_url": "http://127.0.0.1:9/", "service_key": "key-1"}
    return Webex(account_settings(**account))


def call(**changes: Any) -> CallRequest:
    facts = {
        "correlation_id": ATTEMPT,
        "to": PhoneNumber("+14155550100"),
        "caller_id": PhoneNumber("+14155550199"),
        "script": Speech(text="Time for lunch"),
    }
    return CallRequest(**{**facts, **changes})


def replied(status: int, body: Any = None, **headers: str) -> HttpReply:
    content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    return HttpReply(status=status, headers={name.replace("_", "-"): v for name, v in headers.items()}, body=content)


def refused(webex: Webex, code: str | None, message: str = "said in passing", status: int = 400) -> Ruling:
    return webex.read_placing(replied(status, {"code": code, "message": message}))


# Placing


def test_a_spoken_call_is_one_recipient_with_every_field_of_the_voice(webex):
    url = "https://dialer.example/receipts/s3cret"
    request = webex.placing(call(notify_url=url, priority=2))
    assert (request.method, request.url, request.places) == ("POST", "http://127.0.0.1:9/v2/messages", True)
    assert request.headers["key"] == "key-1"
    assert json.loads(request.body) == {
        "channel": "voice",
        "from": "+14155550199",
        "to": [{"msisdn": ["+14155550100"], "correlationId": str(ATTEMPT)}],
        "requestedReceipts": ["offered", "accepted", "answered", "released", "rejected", "disconnected", "dropped"],
        "notifyUrl": url,
        "priority": 2,
        "content": {
            "type": "TTS",
            "ttsProcessor": "Azure",
            "language": "en-US",
            "voice": "GuyNeural",
            "voiceType": "Neural",
            "gender": "male",
            "region": "Canada",
            "text": "Time for lunch",
        },
    }


def test_a_recording_is_named_by_its_id_and_nothing_is_sent_that_was_not_given(webex):
    body = json.loads(webex.placing(call(script=Recording(media_id="1561"))).body)
    assert body["content"] == {"type": "media", "mediaId": "1561"}
    assert not {"notifyUrl", "priority", "callbackData"} & set(body)


def test_a_voice_is_what_the_campaign_says_in_whatever_spelling(webex):
    voice = {"language": "en-IN", "voice": "NeerjaNeural", "Gender": "female", "voice_type": "Standard"}
    content = json.loads(webex.placing(call(script=Speech(text="Hi", voice=voice))).body)["content"]
    assert (content["language"], content["voice"], content["gender"]) == ("en-IN", "NeerjaNeural", "female")
    assert (content["voiceType"], content["ttsProcessor"], content["text"]) == ("Standard", "Azure", "Hi")


@pytest.mark.parametrize("status", [200, 201])
def test_a_message_id_is_a_placed_call(webex, status):
    body = {"requestTimestamp": "2026-03-02T12:00:00Z", "messageId": "a770f205", "status": "queued"}
    ruling = webex.read_placing(replied(status, body))
    assert (ruling.verdict, ruling.provider_call_id, ruling.charged) == (Verdict.PLACED, "a770f205", None)


@pytest.mark.parametrize(
    "body", [None, b"<html>", {}, [], {"status": "queued"}, {"messageId": ""}, {"messageId": {"a": 1}}]
)
def test_a_success_without_a_message_id_is_unconfirmed(webex, body):
    ruling = webex.read_placing(replied(201, body))
    assert (ruling.verdict, ruling.mnemonic) == (Verdict.UNCONFIRMED, None)


def test_a_rejected_message_is_ruled_by_its_code(webex):
    told = webex.read_placing(replied(201, {"messageId": "m-1", "status": "Rejected", "code": "7102"}))
    assert (told.verdict, told.provider_call_id) == (Verdict.REFUSE_CONTACT, "m-1")


@pytest.mark.parametrize("word", ["Rejected", "REJECTED", " rejected "])
@pytest.mark.parametrize("more", [{}, {"code": "7998"}, {"code": None}, {"messageId": None}])
def test_a_rejected_call_without_a_code_was_not_placed(webex, word, more):
    ruling = webex.read_placing(replied(200, {"messageId": "m-1", "status": word, "message": "Quota", **more}))
    assert (ruling.verdict, ruling.mnemonic, ruling.code) == (Verdict.NOT_PLACED, "rejected", "200")
    assert ruling.detail == "the provider rejected the call and did not say why (HTTP 200): Quota"


@pytest.mark.parametrize(
    ("status", "word"),
    [(206, "queued"), (206, None), (200, "partial"), (201, "Partial Content"), (200, "Failed"), (200, "Expired")],
)
def test_a_success_that_is_partial_or_over_is_unconfirmed_though_it_names_a_call(webex, status, word):
    ruling = webex.read_placing(replied(status, {"messageId": "m-1", "status": word}))
    assert (ruling.verdict, ruling.mnemonic, ruling.provider_call_id) == (Verdict.UNCONFIRMED, None, "m-1")
    assert (ruling.code, f"HTTP {status}" in ruling.detail) == (str(status), True)


DESIGNED = [
    ("7003", Verdict.HALT_CAMPAIGN),
    ("7004", Verdict.HALT_CAMPAIGN),
    ("7101", Verdict.HALT_CAMPAIGN),
    ("7108", Verdict.HALT_CAMPAIGN),
    ("7102", Verdict.REFUSE_CONTACT),
    ("7107", Verdict.REFUSE_CONTACT),
    ("7104", Verdict.HALT_ACCOUNT),
    ("7127", Verdict.HALT_ACCOUNT),
    ("7020", Verdict.THROTTLED),
    ("9002", Verdict.SUPPRESS),
    ("9006", Verdict.SUPPRESS),
    ("9004", Verdict.NOT_PLACED),
    ("9009", Verdict.REFUSE_CONTACT),
]


@pytest.mark.parametrize(("code", "verdict"), DESIGNED)
@pytest.mark.parametrize("status", [200, 400, 500])
def test_the_code_decides_whatever_the_http_status_is(webex, code, verdict, status):
    if status == 200 and code not in CODES:
        return
    ruling = refused(webex, code, status=status)
    assert (ruling.verdict, ruling.code) == (verdict, code)
    assert ruling.detail


def test_a_code_written_as_a_number_is_the_same_code(webex):
    assert webex.read_placing(replied(400, {"code": 7102})).verdict is Verdict.REFUSE_CONTACT


@pytest.mark.parametrize(
    ("message", "verdict", "field"),
    [
        ("Invalid parameter - msisdn", Verdict.REFUSE_CONTACT, "msisdn"),
        ("Invalid parameter: to.msisdn", Verdict.REFUSE_CONTACT, "to.msisdn"),
        ("Invalid parameter: to[0].msisdn[0].", Verdict.REFUSE_CONTACT, "to[0].msisdn[0]"),
        ("Invalid parameter - to", Verdict.REFUSE_CONTACT, "to"),
        ("Invalid parameter - sendAt", Verdict.HALT_CAMPAIGN, "sendAt"),
        ("Invalid parameter: to.correlationId", Verdict.HALT_CAMPAIGN, "to.correlationId"),
        ("Invalid parameter - notifyUrl", Verdict.HALT_CAMPAIGN, "notifyUrl"),
        ("Invalid parameters/Values", Verdict.HALT_CAMPAIGN, None),
        ("Invalid parameter: x14155550100", Verdict.HALT_CAMPAIGN, None),
        ("", Verdict.HALT_CAMPAIGN, None),
    ],
)
def test_a_bad_parameter_is_the_contacts_fault_only_where_it_is_the_destination(webex, message, verdict, field):
    ruling = refused(webex, "7004", message)
    assert (ruling.verdict, ruling.field) == (verdict, field)


@pytest.mark.parametrize("code", [None, "7999"])
def test_a_400_naming_the_destination_refuses_the_contact_without_a_known_code_too(webex, code):
    assert refused(webex, code, "Destination address is not valid").verdict is Verdict.REFUSE_CONTACT
    assert refused(webex, code, "Something else is not valid").verdict is Verdict.HALT_CAMPAIGN


def test_a_text_that_is_too_long_blames_the_script(webex):
    assert refused(webex, "7107").blames_script
    assert not refused(webex, "7102").blames_script


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (301, Verdict.HALT_ACCOUNT),
        (307, Verdict.HALT_ACCOUNT),
        (308, Verdict.HALT_ACCOUNT),
        (302, Verdict.UNCONFIRMED),
        (400, Verdict.HALT_CAMPAIGN),
        (401, Verdict.HALT_ACCOUNT),
        (403, Verdict.HALT_ACCOUNT),
        (404, Verdict.HALT_ACCOUNT),
        (405, Verdict.HALT_ACCOUNT),
        (408, Verdict.UNCONFIRMED),
        (409, Verdict.UNCONFIRMED),
        (429, Verdict.THROTTLED),
        (500, Verdict.UNCONFIRMED),
        (502, Verdict.UNCONFIRMED),
        (503, Verdict.NOT_PLACED),
        (504, Verdict.UNCONFIRMED),
        (599, Verdict.UNCONFIRMED),
    ],
)
def test_a_reply_without_a_word_is_ruled_by_its_http_status(webex, status, verdict):
    for body in (None, b"<html>Sorry</html>", {"detail": "who knows"}):
        ruling = webex.read_placing(replied(status, body))
        assert (ruling.verdict, ruling.code) == (verdict, str(status))
        assert (ruling.mnemonic is None) is (verdict is Verdict.UNCONFIRMED)


def test_a_500_in_which_the_provider_speaks_is_asked_again_as_its_document_says(webex):
    assert refused(webex, None, "Servers are not working as expected", status=500).verdict is Verdict.NOT_PLACED
    assert refused(webex, "7016", "Unknown exception", status=500).verdict is Verdict.NOT_PLACED
    assert refused(webex, None, "Gateway trouble", status=502).verdict is Verdict.UNCONFIRMED


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": " 0.5 "}, 0.5),
        ({"retry_after": "-5"}, 0.0),
        (
            {"retry_after": "Mon, 02 Mar 2026 12:00:30 GMT", "date": "Mon, 02 Mar 2026 12:00:00 GMT"},
            30.0,
        ),
        ({"retry_after": "Mon, 02 Mar 2026 12:00:30 GMT"}, 1.0),
        ({"retry_after": "later"}, 1.0),
        ({"retry_after": "inf"}, 3600.0),
        ({}, 1.0),
    ],
)
def test_too_many_requests_are_waited_out_as_told(webex, headers, wait):
    for body in (None, {"code": "7020", "message": "You have reached maximum transaction limit"}):
        ruling = webex.read_placing(replied(429, body, **headers))
        assert (ruling.verdict, ruling.retry_after) == (Verdict.THROTTLED, wait)


def test_an_unknown_message_shows_no_number(webex):
    ruling = refused(webex, "7998", "Cannot reach +14155550100 or 1 (415) 555-0199 today")
    assert ruling.detail.startswith("the provider refuses the request")
    assert "today" in ruling.detail
    assert "5550100" not in ruling.detail
    assert "555-0199" not in ruling.detail


# One call, and the account


def test_one_call_is_asked_for_by_its_id_and_nothing_in_an_id_can_change_the_address(webex):
    assert webex.asking("c6f14a41-3358").url == "http://127.0.0.1:9/v2/messages/c6f14a41-3358"
    assert webex.asking("../a b?c#d").url == "http://127.0.0.1:9/v2/messages/..%2Fa%20b%3Fc%23d"
    assert webex.asking("x").places is False


ANSWERED_AT, ENDED_AT = "2026-03-02T17:44:50.842+05:30", "2026-03-02T17:44:54.512+05:30"


@pytest.mark.parametrize(
    ("body", "progress", "outcome"),
    [
        ({"status": "ANSWERED", "answeredAt": ANSWERED_AT, "endedAt": ENDED_AT}, Progress.ENDED, Outcome.ANSWERED),
        ({"status": "ANSWERED", "answeredAt": ANSWERED_AT}, Progress.ANSWERED, None),
        ({"status": "In-progress"}, Progress.ANSWERED, None),
        ({"status": "Failed", "answeredAt": ANSWERED_AT, "endedAt": ENDED_AT}, Progress.ENDED, Outcome.ANSWERED),
        ({"status": "Completed"}, Progress.ENDED, Outcome.ANSWERED),
        ({"status": "RELEASED", "endedAt": ENDED_AT}, Progress.ENDED, Outcome.UNKNOWN),
        ({"status": "Busy"}, Progress.ENDED, Outcome.BUSY),
        ({"status": "No-answer"}, Progress.ENDED, Outcome.NO_ANSWER),
        ({"status": "Canceled"}, Progress.ENDED, Outcome.REJECTED),
        ({"status": "Failed"}, Progress.ENDED, Outcome.FAILED),
        ({"status": "DROPPED"}, Progress.ENDED, Outcome.UNKNOWN),
        ({"status": "Message Expired"}, Progress.ENDED, Outcome.EXPIRED),
        ({"status": "DISCONNECTED"}, Progress.ENDED, None),
        ({"status": "Initiated"}, Progress.PLACED, None),
        ({"status": "Ringing"}, Progress.RINGING, None),
        ({"status": "Pondering"}, None, None),
    ],
)
def test_the_status_of_a_call_is_read_with_its_times(webex, body, progress, outcome):
    status = webex.read_asking(replied(200, {"messageId": "m-1", **body}), "m-1")
    assert (status.progress, status.outcome) == (progress, outcome)


@pytest.mark.parametrize("call_id", ["m-2", 1, "9e400", 5e300, [], "m-11"])
def test_a_status_of_another_call_says_nothing_about_the_one_that_was_asked_about(webex, call_id):
    status = webex.read_asking(replied(200, {"messageId": call_id, "status": "ANSWERED", "endedAt": ENDED_AT}), "m-1")
    assert (status.progress, status.outcome) == (None, None)
    assert (status.ruling.verdict, status.ruling.mnemonic) == (Verdict.NOT_PLACED, "about_another")


def test_the_times_of_a_call_are_utc(webex):
    body = {"status": "ANSWERED", "answeredAt": ANSWERED_AT, "endedAt": ENDED_AT, "callDuration": 4}
    status = webex.read_asking(replied(200, body), "m-1")
    assert status.answered_at == datetime(2026, 3, 2, 12, 14, 50, 842000, tzinfo=UTC)
    assert status.talk_seconds == 4


@pytest.mark.parametrize("reply", [replied(404), replied(500), replied(401), replied(200, b"<html>"), replied(200, {})])
def test_a_question_without_an_answer_says_nothing_about_the_call(webex, reply):
    status = webex.read_asking(reply, "m-1")
    assert (status.progress, status.outcome) == (None, None)
    assert status.ruling.verdict not in (Verdict.PLACED, Verdict.UNCONFIRMED)


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        (replied(404), Verdict.PLACED),
        (replied(404, {"code": "7013"}), Verdict.PLACED),
        (replied(404, b"<html>Not Found</html>"), Verdict.HALT_ACCOUNT),
        (replied(200, b"<html>Sign in</html>"), Verdict.NOT_PLACED),
        (replied(401), Verdict.HALT_ACCOUNT),
        (replied(400, {"code": "7104", "message": "Invalid app id"}), Verdict.HALT_ACCOUNT),
        (replied(502), Verdict.NOT_PLACED),
    ],
)
def test_an_account_is_checked_by_asking_for_a_message_that_nobody_has(webex, reply, verdict):
    assert webex.checking().url.endswith("/v2/messages/00000000-0000-0000-0000-000000000000")
    assert webex.read_checking(reply).verdict is verdict


# Receipts


def notice(status: str | None, code: str | None, *, correlation: str | None = str(ATTEMPT), **extra: Any) -> bytes:
    info = {"timeStamp": "2026-03-02T12:00:30.470Z", "Description": "…", "code": code, "deliveryStatus": status}
    content = {"deliveryInfo": info, "transid": "m-1", "correlationid": correlation, **extra}
    return json.dumps({"deliveryInfoNotification": content}).encode()


@pytest.mark.parametrize(
    ("status", "code", "progress", "outcome"),
    [
        ("OFFERED", "7407", Progress.PLACED, None),
        ("ACCEPTED", "7408", Progress.RINGING, None),
        ("ANSWERED", "7519", Progress.ANSWERED, None),
        ("REJECTED", "7402", Progress.ENDED, Outcome.BUSY),
        ("REJECTED", "7401", Progress.ENDED, Outcome.NO_ANSWER),
        ("REJECTED", "7406", Progress.ENDED, Outcome.REJECTED),
        ("REJECTED", "7404", Progress.ENDED, Outcome.FAILED),
        ("DROPPED", "7404", Progress.ENDED, Outcome.UNKNOWN),
        (None, "7404", Progress.ENDED, Outcome.UNKNOWN),
        ("REJECTED", None, Progress.ENDED, Outcome.REJECTED),
        ("Released", "7405", Progress.ENDED, Outcome.UNKNOWN),
        ("DISCONNECTED", "7410", Progress.ENDED, None),
        ("TROMBONE_CONNECTED", "7411", Progress.ANSWERED, None),
        ("TROMBONE_RELEASED", "7412", Progress.ANSWERED, None),
        ("Failed", "7005", Progress.ENDED, Outcome.EXPIRED),
        ("Message Expired", "7208", Progress.ENDED, Outcome.EXPIRED),
        ("Failed", "7102", Progress.ENDED, Outcome.INVALID_NUMBER),
        ("Failed", "7777", Progress.ENDED, Outcome.FAILED),
        (None, "7402", Progress.ENDED, Outcome.BUSY),
        ("MACHINE_GREETED", "7599", None, None),
    ],
)
def test_a_receipt_is_read_by_its_code_then_by_its_word(webex, status, code, progress, outcome):
    (receipt,) = webex.read_receipts(notice(status, code), {})
    assert (receipt.progress, receipt.outcome) == (progress, outcome)
    assert (receipt.word, receipt.code) == (status or "", code)
    assert (receipt.provider_call_id, receipt.correlation_id) == ("m-1", ATTEMPT)
    assert receipt.occurred_at == datetime(2026, 3, 2, 12, 0, 30, 470000, tzinfo=UTC)


@pytest.mark.parametrize(("word", "code"), [("DROPPED", "7409"), ("Released", "7405"), ("DISCONNECTED", "7410")])
def test_an_end_that_comes_with_good_and_bad_calls_does_not_say_how_it_ended(webex, word, code):
    for given in (code, None):
        told = summarize_receipts(webex.read_receipts(notice(word, given), {}))
        assert (told.progress, told.outcome, told.tells_all) == (Progress.ENDED, Outcome.UNKNOWN, False)


def test_the_same_notice_has_the_same_name_and_another_has_another(webex):
    names = {
        webex.read_receipts(body, {})[0].event_id
        for body in (
            notice("OFFERED", "7407"),
            notice("OFFERED", "7407"),
            notice("OFFERED", "7407", correlation=None),
            notice("ACCEPTED", "7408"),
            notice("OFFERED", "7407", transid="m-2"),
        )
    }
    assert len(names) == 3


def test_calls_whose_receipts_lost_their_message_id_are_told_apart(webex):
    one = webex.read_receipts(notice("OFFERED", "7407", transid=None), {})[0]
    other = webex.read_receipts(notice("OFFERED", "7407", transid=None, correlation=str(UUID(int=1))), {})[0]
    assert one.event_id != other.event_id


@pytest.mark.parametrize("correlation", [None, "", "camp1-42", 42, {"a": 1}])
def test_a_correlation_id_that_is_not_ours_is_none(webex, correlation):
    (receipt,) = webex.read_receipts(notice("OFFERED", "7407", correlation=correlation), {})
    assert receipt.correlation_id is None


@pytest.mark.parametrize("stamp", ["2016-07-28T08:07:38.481", "2016-07-28T09:07:38.481+01:00"])
def test_a_time_is_utc_with_or_without_its_zone(webex, stamp):
    body = notice("ANSWERED", "7519").replace(b"2026-03-02T12:00:30.470Z", stamp.encode())
    assert webex.read_receipts(body, {})[0].occurred_at == datetime(2016, 7, 28, 8, 7, 38, 481000, tzinfo=UTC)


def test_names_are_read_in_any_case(webex):
    body = notice("ANSWERED", "7519").replace(b"correlationid", b"correlationId").replace(b"delivery", b"Delivery")
    assert webex.read_receipts(body, {})[0].correlation_id == ATTEMPT


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"7",
        b'"text"',
        b"{}",
        b"[]",
        b"[1, null]",
        b"\xff\xfe",
        b"<xml/>",
        b'{"deliveryInfoNotification": null}',
        b'{"deliveryInfoNotification": {"deliveryInfo": []}}',
        b'{"deliveryInfoNotification": {"deliveryInfo": {"deliveryStatus": {}, "code": []}}}',
        b"[" * 200_000,
        b'{"a":' * 200_000,
        b"1" * 10_000,
    ],
)
def test_junk_gives_no_receipts_and_no_error(webex, body):
    assert list(webex.read_receipts(body, {})) == []


# Scripts


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (Speech(text="x" * 2000), None),
        (Speech(text="x" * 2001), "text_too_long"),
        (Speech(text=" "), "characters"),
        (Speech(text="\udc00"), "characters"),
        (Speech(text="Hi", voice={"gender": "FEMALE"}), None),
        (Speech(text="Hi", voice={"gender": "robot"}), "voice"),
        (Speech(text="Hi", voice={"ttsProcessor": "Polly"}), "voice"),
        (Speech(text="Hi", voice={"voice": ""}), "voice"),
        (Speech(text="Hi", voice={"speed": "2"}), "voice"),
        (Recording(media_id="1561"), None),
        (Recording(media_id=" "), "media"),
    ],
)
def test_a_script_that_cannot_be_spoken_is_found_before_launch(webex, script, code):
    fault = webex.check_script(script)
    assert (fault.code if fault else None) == code


def test_the_policy_shows_every_code(webex):
    assert {row.code for row in webex.policy()} >= {*CODES, "401", "429", "503", "90xx"}
