"""Webex Connect's messages: the documented shapes, and a code for each thing that is wrong."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from dialer.sandbox.webex.auth import JWT_SECRET
from tests.support.sandbox_clients import FAST, LONG, SPEECH, Clients, until

MEDIA = {"type": "media", "mediaId": "1561"}


def token(issuer: object = "sandbox", secret: str = JWT_SECRET, algorithm: str = "HS256", **claims: object) -> str:
    def part(document: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")

    head = f"{part({'alg': algorithm, 'typ': 'JWT'})}.{part({'iss': issuer, 'iat': int(time.time())} | claims)}"
    signature = hmac.new(base64.b64decode(secret), head.encode(), hashlib.sha256).digest()
    return f"{head}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def test_a_message_is_queued_in_the_documented_shape(vendor: Clients) -> None:
    reply = vendor.message("+14155550101")

    assert reply.status_code == 201
    told = reply.json()
    assert told.keys() == {"requestTimestamp", "messageId", "correlationId", "status", "code", "message"}
    assert told["correlationId"] == "camp1-42"
    assert (told["status"], told["code"], told["message"]) == ("Queued", "201", "Created")
    assert datetime.fromisoformat(reply.json()["requestTimestamp"]).tzinfo
    call = vendor.sandbox.calls()[-1]
    assert call["call_id"] == str(UUID(reply.json()["messageId"]))
    assert (call["vendor"], call["account"], call["correlation_id"]) == ("webex", "sandbox", "camp1-42")
    assert (call["from"], call["to"]) == ("+18005550100", "+14155550101")
    assert (call["script"], call["text_length"]) == ("tts", 14)


@pytest.mark.parametrize(
    "accepted",
    [
        pytest.param({"content": MEDIA}, id="the document's media"),
        pytest.param({"content": SPEECH | {"type": "TtS", "language": "EN-US"}}, id="the document's spelling of TTS"),
        pytest.param({"content": SPEECH | {"text": "x" * 2000}}, id="as long as may be"),
        pytest.param({"from": "18005550109"}, id="a sender without plus"),
        pytest.param({"to": [{"msisdn": ["14155550101"]}], "correlationId": "top"}, id="a number without plus"),
        pytest.param({"correlationid": "x", "notifyurl": "http://127.0.0.1:9/"}, id="the TTS sample's lower case"),
        pytest.param({"requestedReceipts": ["Offered", "ANSWERED", "Trombone Connected"]}, id="capitals"),
        pytest.param({"priority": "1"}, id="priority as in the status sample"),
        pytest.param({"priority": 3}, id="priority as a number"),
        pytest.param({"sendAt": (datetime.now(UTC) + timedelta(days=6)).isoformat()}, id="sendAt in ISO 8601"),
        pytest.param({"sendAt": int(time.time())}, id="sendAt as Unix time"),
        pytest.param({"callbackData": "x" * 2000, "notifyUrlAuthId": "TNPXXXT09U"}, id="all of callbackData"),
        pytest.param({"contactPolicy": {"contactPolicyGroup": "g", "channelCheckConsent": True}}, id="contact policy"),
        pytest.param({"validity": 60}, id="validity"),
        pytest.param({"requestedReceipts": [], "notifyUrl": ""}, id="empty options"),
    ],
)
def test_what_the_documents_allow_is_taken(vendor: Clients, accepted: dict[str, Any]) -> None:
    reply = vendor.message("+14155550101", **accepted)

    assert (reply.status_code, reply.json()["status"]) == (201, "Queued")


def test_the_destinations_own_correlation_id_comes_before_the_messages(vendor: Clients) -> None:
    both = vendor.message("+14155550101", correlationId="top").json()
    top = vendor.message("", to=[{"msisdn": ["+14155550101"]}], correlationId="top").json()

    assert (both["correlationId"], top["correlationId"]) == ("camp1-42", "top")


def test_several_destinations_are_called_each_by_a_name_of_its_own(vendor: Clients) -> None:
    to = [{"msisdn": ["+14155550141", "+14155550142"], "correlationId": "both"}, {"msisdn": ["+14155550143"]}]
    told = vendor.message("", to=to, correlationId="other").json()

    first = told["messageId"]
    assert (told["status"], told["message"], told["correlationId"]) == ("Queued", "Created", "both")
    placed = [(call["call_id"], call["to"], call["correlation_id"]) for call in vendor.sandbox.calls()[-3:]]
    assert placed == [
        (first, "+14155550141", "both"),
        (f"{first}_1", "+14155550142", "both"),
        (f"{first}_2", "+14155550143", "other"),
    ]
    url = f"{vendor.sandbox.url}/v2/messages/{first}_2"
    standing = vendor.http.get(url, headers={"key": "sandbox-key"}).json()
    assert (standing["to"], standing["correlationId"]) == ("+14155550143", "other")


def test_destinations_that_cannot_be_called_are_left_out_and_the_answer_says_partial(vendor: Clients) -> None:
    to = [{"msisdn": ["anonymous", "+14155550118", "+14155550144"], "correlationId": "c"}]
    told = vendor.message("", to=to)

    assert (told.status_code, told.json()["message"]) == (201, "Partial Content")
    assert vendor.sandbox.calls()[-1]["to"] == "+14155550144"


def test_each_destination_is_one_of_the_calls_a_second(start: Callable[..., Clients]) -> None:
    vendor = start(webex_tps=3)
    four = vendor.message("", to=[{"msisdn": ["+14155550101"] * 4}])
    assert (four.status_code, four.json()["code"]) == (400, "7009")
    three = vendor.message("", to=[{"msisdn": ["+14155550101"] * 3}])
    assert (three.status_code, three.json()["code"]) == (429, "7020")  # one was spent on asking for four


TO = [{"msisdn": ["+14155550101"]}]

# what is changed in a good request, code, text
FAULTS: list[Any] = [
    pytest.param({"channel": None}, "7003", "Mandatory parameter missing: channel"),
    pytest.param({"from": None}, "7003", "Mandatory parameter missing: from"),
    pytest.param({"to": None}, "7003", "Mandatory parameter missing: to"),
    pytest.param({"content": None}, "7003", "Mandatory parameter missing: content"),
    pytest.param({"to": [{}]}, "7003", "Mandatory parameter missing: to.msisdn"),
    pytest.param({"content": {}}, "7003", "Mandatory parameter missing: content.type"),
    pytest.param({"content": {"type": "media"}}, "7003", "Mandatory parameter missing: content.mediaId"),
    pytest.param({"content": {"type": "TTS"}}, "7003", "Mandatory parameter missing: content.ttsProcessor"),
    *(
        pytest.param(
            {"content": {k: v for k, v in SPEECH.items() if k != name}},
            "7003",
            f"Mandatory parameter missing: content.{name}",
            id=f"speech without {name}",
        )
        for name in SPEECH
    ),
    pytest.param({"channel": "sms"}, "7004", "Invalid parameter: channel"),
    pytest.param({"content": "Hello"}, "7004", "Invalid parameter: content"),
    pytest.param({"content": {"type": "URL"}}, "7004", "Invalid parameter: content.type"),
    pytest.param({"content": MEDIA | {"mediaId": 1561}}, "7004", "Invalid parameter: content.mediaId"),
    pytest.param({"content": MEDIA | {"text": "x"}}, "7004", "Invalid parameter: content.text"),
    pytest.param({"content": SPEECH | {"text": ""}}, "7004", "Invalid parameter: content.text"),
    pytest.param({"content": SPEECH | {"ttsProcessor": "Acme"}}, "7004", "Invalid parameter: content.ttsProcessor"),
    pytest.param({"content": SPEECH | {"voiceType": "robot"}}, "7004", "Invalid parameter: content.voiceType"),
    pytest.param({"content": SPEECH | {"gender": "?"}}, "7004", "Invalid parameter: content.gender"),
    pytest.param({"priority": 4}, "7004", "Invalid parameter: priority"),
    pytest.param({"priority": True}, "7004", "Invalid parameter: priority"),
    pytest.param({"sendAt": "tomorrow"}, "7004", "Invalid parameter: sendAt"),
    pytest.param(
        {"sendAt": (datetime.now(UTC) + timedelta(days=8)).isoformat()},
        "7004",
        "Invalid parameter: sendAt",
        id="sendAt more than a week ahead",
    ),
    pytest.param({"validity": 0}, "7004", "Invalid parameter: validity"),
    pytest.param(
        {"validity": 5, "expireAt": "2030-01-01T00:00:00Z"}, "7004", "Invalid parameter: validity", id="two expiries"
    ),
    pytest.param({"notifyUrl": "nowhere"}, "7004", "Invalid parameter: notifyUrl"),
    pytest.param({"notifyUrl": 5}, "7004", "Invalid parameter: notifyUrl"),
    pytest.param({"requestedReceipts": "answered"}, "7004", "Invalid parameter: requestedReceipts"),
    pytest.param({"requestedReceipts": ["anwsered"]}, "7004", "Invalid parameter: requestedReceipts"),
    pytest.param({"contactPolicy": "x"}, "7004", "Invalid parameter: contactPolicy"),
    pytest.param({"ringTimeout": 5}, "7004", "Invalid parameter: ringTimeout", id="a field nobody knows"),
    pytest.param({"to": "+14155550101"}, "7004", "Invalid parameter: to"),
    pytest.param({"to": []}, "7004", "Invalid parameter: to"),
    pytest.param({"to": [{"msisdn": "+14155550101"}]}, "7004", "Invalid parameter: to.msisdn", id="msisdn a text"),
    pytest.param({"to": TO * 1001}, "7009", "Maximum number of destinations reached", id="1001 destinations"),
    pytest.param({"from": "+14155550100"}, "7101", "Invalid sender ID", id="a sender that is not ours"),
    pytest.param({"to": [{"msisdn": ["12"]}]}, "7102", "Invalid destination address"),
    pytest.param({"to": [{"msisdn": ["anonymous"]}]}, "7102", "Invalid destination address"),
    pytest.param({"to": [{"msisdn": ["+14155550118"]}]}, "7102", "Invalid destination address", id="reserved"),
    pytest.param({"content": SPEECH | {"text": "x" * 2001}}, "7107", "Message length exceeded", id="2001 characters"),
    pytest.param({"callbackData": "x" * 2001}, "7107", "Message length exceeded", id="callbackData too long"),
]


@pytest.mark.parametrize(("changed", "code", "text"), FAULTS)
def test_what_is_wrong_is_told_by_code(vendor: Clients, changed: dict[str, Any], code: str, text: str) -> None:
    placed = len(vendor.sandbox.calls())

    reply = vendor.message("+14155550101", **changed)

    assert reply.status_code == 400
    assert reply.json() == {"code": code, "message": text}
    assert len(vendor.sandbox.calls()) == placed


@pytest.mark.parametrize(
    ("body", "declared"),
    [(body, "application/json") for body in (b"{", b"", b"[]", b"\xff")]
    + [(b'{"channel": "voice"}', declared) for declared in ("text/plain", "application/x-www-form-urlencoded", "")],
)
def test_what_is_not_a_json_object_or_not_declared_to_be_one_is_7000(
    vendor: Clients, body: bytes, declared: str
) -> None:
    headers = {"key": "sandbox-key", "content-type": declared}
    reply = vendor.http.post(f"{vendor.sandbox.url}/v2/messages", content=body, headers=headers)

    assert (reply.status_code, reply.json()) == (400, {"code": "7000", "message": "Invalid JSON"})


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"key": "wrong"},
        {"key": ""},
        {"Authorization": "sandbox-key"},
        {"Authorization": "Bearer sandbox-key"},
        {"Authorization": "Bearer a.b.c"},
        {"Authorization": f"Bearer {token(issuer='stranger')}"},
        {"Authorization": f"Bearer {token(secret=base64.b64encode(b'guessed').decode())}"},
        {"Authorization": f"Bearer {token(algorithm='none')}"},
        {"Authorization": f"Bearer {token(iat=None)}"},
        {"Authorization": f"Bearer {token(exp=1)}"},
        {"Authorization": f"Bearer {token(issuer='stranger')}", "key": "sandbox-key"},
    ],
)
def test_a_stranger_gets_401_without_a_body(vendor: Clients, headers: dict[str, str]) -> None:
    posted = vendor.http.post(f"{vendor.sandbox.url}/v2/messages", json={}, headers=headers)
    asked = vendor.http.get(f"{vendor.sandbox.url}/v2/messages/x", headers=headers)

    assert (posted.status_code, posted.content) == (401, b"")
    assert (asked.status_code, asked.content) == (401, b"")


@pytest.mark.parametrize(
    "headers",
    [
        {"KEY": "sandbox-key"},
        {"Authorization": f"Bearer {token()}"},
        {"authorization": f"bearer {token(exp=time.time() + 86400)}"},
        {"Authorization": f"Bearer {token()}", "key": "wrong"},
    ],
)
def test_a_service_key_or_a_signed_token_opens_the_account(vendor: Clients, headers: dict[str, str]) -> None:
    reply = vendor.http.post(f"{vendor.sandbox.url}/v2/messages", json={}, headers=headers)

    assert reply.json()["code"] == "7003"


def test_another_verb_is_405_and_another_path_404(vendor: Clients) -> None:
    assert vendor.http.put(f"{vendor.sandbox.url}/v2/messages", json={}).status_code == 405
    assert vendor.http.get(f"{vendor.sandbox.url}/v2/messages").status_code == 405
    assert vendor.http.post(f"{vendor.sandbox.url}/v3/messages", json={}).status_code == 404


def test_more_requests_than_the_seconds_limit_are_429(start: Callable[..., Clients]) -> None:
    vendor = start(webex_tps=3)

    replies = [vendor.message("+14155550101") for _ in range(5)]

    assert [reply.status_code for reply in replies] == [201, 201, 201, 429, 429]
    assert replies[-1].json() == {"code": "7020", "message": "You have reached maximum transaction limit"}
    assert len(vendor.sandbox.calls()) == 3
    vendor.sandbox.configure(speed=10)
    until(lambda: vendor.message("+14155550101").status_code == 201)


def test_a_messages_status_follows_its_call(start: Callable[..., Clients]) -> None:
    vendor = start()
    message_id = vendor.message("+14155550101", callbackData="x", content=SPEECH | {"text": LONG}).json()["messageId"]

    def standing() -> dict[str, Any]:
        url = f"{vendor.sandbox.url}/v2/messages/{message_id}"
        return vendor.http.get(url, headers={"key": "sandbox-key"}).json()

    ringing = standing()
    assert (ringing["status"], ringing["callDuration"]) == ("Ringing", 0)
    assert "answeredAt" not in ringing
    vendor.sandbox.configure(speed=10)
    until(lambda: standing()["status"] == "In-progress")
    assert "answeredAt" in standing()
    vendor.sandbox.configure(speed=FAST)
    until(lambda: standing()["status"] == "ANSWERED")
    ended = standing()
    assert (ended["messageId"], ended["channel"], ended["version"]) == (message_id, "voice", "2.0")
    assert (ended["callDuration"], ended["toType"], ended["direction"]) == (71, "msisdn", "outbound")
    assert (ended["from"], ended["to"]) == ("+18005550100", "+14155550101")
    assert (ended["correlationId"], ended["callbackData"]) == ("camp1-42", "x")
    assert ended["content"]["type"] == "TTS"
    assert {"answeredAt", "endedAt", "requestTimestamp", "requestedReceipts"} <= ended.keys()


@pytest.mark.parametrize(
    ("to", "status"), [("+14155550111", "Busy"), ("+14155550112", "No-answer"), ("+14155550113", "Canceled")]
)
def test_the_status_of_a_call_that_reached_nobody_says_why(start: Callable[..., Clients], to: str, status: str) -> None:
    vendor = start(speed=FAST)
    url = f"{vendor.sandbox.url}/v2/messages/{vendor.message(to).json()['messageId']}"

    until(lambda: vendor.http.get(url, headers={"key": "sandbox-key"}).json()["status"] == status)


def test_a_message_nobody_sent_is_404_and_so_is_anothers(vendor: Clients) -> None:
    message_id = vendor.message("+14155550101").json()["messageId"]
    url = f"{vendor.sandbox.url}/v2/messages"

    assert vendor.http.get(f"{url}/nothing", headers={"key": "sandbox-key"}).status_code == 404
    assert vendor.http.get(f"{url}/{message_id}", headers={"key": "sandbox-key-second"}).status_code == 404
    assert vendor.http.get(f"{url}/{message_id}", headers={"key": "sandbox-key"}).status_code == 200


def test_a_message_for_later_is_called_later(start: Callable[..., Clients]) -> None:
    vendor = start()

    reply = vendor.message("+14155550101", sendAt=(datetime.now(UTC) + timedelta(hours=1)).isoformat())

    url = f"{vendor.sandbox.url}/v2/messages/{reply.json()['messageId']}"
    assert vendor.http.get(url, headers={"key": "sandbox-key"}).json()["status"] == "Initiated"
    assert vendor.sandbox.calls() == []
