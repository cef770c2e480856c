"""Receipts: the documented sequences and shapes, only what was asked for, and every way in which they go wrong."""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from tests.support.sandbox_clients import FAST, SPEECH, Clients, Receiver, until

LONG_SPEECH = SPEECH | {"text": "x" * 2000}
"""Heard for 143 s: longer than it takes to try a receipt three times."""
ALL = ["offered", "accepted", "answered", "released", "rejected", "disconnected", "dropped"]

SEQUENCES = [
    pytest.param(
        "+14155550101", ["OFFERED", "ACCEPTED", "ANSWERED", "DROPPED", "Released"], None, id="heard to the end"
    ),
    pytest.param(
        "+14155550124",
        ["OFFERED", "ACCEPTED", "ANSWERED", "Released", "DISCONNECTED", "DROPPED"],
        None,
        id="hung up before the end",
    ),
    pytest.param("+14155550111", ["OFFERED", "ACCEPTED", "DROPPED", "REJECTED"], "7402", id="busy"),
    pytest.param("+14155550112", ["OFFERED", "ACCEPTED", "DROPPED", "REJECTED"], "7401", id="no answer"),
    pytest.param("+14155550113", ["OFFERED", "ACCEPTED", "DISCONNECTED", "DROPPED", "REJECTED"], "7402", id="declined"),
]


@pytest.mark.parametrize(("to", "words", "rejected_code"), SEQUENCES)
def test_receipts_come_in_the_documented_order(
    start: Callable[..., Clients], receiver: Receiver, to: str, words: list[str], rejected_code: str | None
) -> None:
    vendor = start(speed=FAST)

    vendor.message(to, notifyUrl=receiver.url, requestedReceipts=ALL)

    until(lambda: len(receiver.received) == len(words))
    assert receiver.words == words
    infos = [receipt["deliveryInfoNotification"]["deliveryInfo"] for receipt in receiver.received]
    codes = {info["deliveryStatus"]: info["code"] for info in infos}
    assert codes.get("REJECTED") == rejected_code
    until(lambda: vendor.sandbox.calls()[0]["receipts_sent"] == len(words))


def test_receipts_have_the_documented_shape_and_its_oddities(start: Callable[..., Clients], receiver: Receiver) -> None:
    vendor = start(speed=FAST)
    for to in ("+14155550124", "+14155550111"):
        vendor.message(to, notifyUrl=receiver.url, requestedReceipts=ALL, callbackData="opaque")

    until(lambda: len(receiver.received) == 10)
    message_ids = {call["call_id"] for call in vendor.sandbox.calls()}
    by_word = {}
    for receipt in receiver.received:
        notification = receipt["deliveryInfoNotification"]
        info = notification["deliveryInfo"]
        by_word[info["deliveryStatus"]] = (receipt, notification, info)
        assert notification["transid"] in message_ids
        assert (info["deliveryChannel"], info["destinationType"]) == ("voice", "msisdn")
        assert info["destination"] in {"+14155550124", "+14155550111"}
        assert isinstance(info["code"], str)
        assert datetime.fromisoformat(info["timeStamp"])
    receipt, notification, info = by_word["OFFERED"]
    assert (info["code"], info["Description"], info["additionalInfo"]) == ("7407", "Call offered", "")
    assert (notification["callbackData"], notification["correlationid"]) == ("opaque", "camp1-42")
    assert notification["subtid"] == ""
    assert isinstance(receipt["deliveryTransInfo"], str)
    _, notification, info = by_word["ANSWERED"]
    assert (info["code"], info["Description"]) == ("7519", "Answered")
    assert "additionalInfo" not in info
    assert "subtid" not in notification
    assert datetime.fromisoformat(info["timeStamp"]).tzinfo is None
    receipt, notification, info = by_word["REJECTED"]
    assert (info["code"], info["Description"]) == ("7402", "Customer busy")
    assert "deliveryTransInfo" not in receipt
    assert notification["correlationid"] == "camp1-42"
    _, notification, info = by_word["DISCONNECTED"]
    assert info["code"] == "7410"
    assert "callbackData" not in notification
    assert "correlationid" not in notification
    assert by_word["Released"][2]["code"] == "7405"
    assert by_word["DROPPED"][2]["code"] == "7409"
    assert by_word["Released"][2]["timeStamp"] == by_word["DISCONNECTED"][2]["timeStamp"]


def test_only_requested_receipts_are_sent(start: Callable[..., Clients], receiver: Receiver) -> None:
    vendor = start(speed=FAST)

    vendor.message("+14155550101", notifyUrl=receiver.url, requestedReceipts=["Answered", "RELEASED"])
    vendor.message("+14155550102", notifyUrl=receiver.url)

    until(lambda: len(receiver.received) == 2)
    until(lambda: all(call["ended_at"] for call in vendor.sandbox.calls()))
    assert receiver.words == ["ANSWERED", "Released"]
    assert [call["receipts_sent"] for call in vendor.sandbox.calls()] == [2, 0]


def test_a_cut_reply_does_not_stop_its_receipts(start: Callable[..., Clients], receiver: Receiver) -> None:
    vendor = start(speed=FAST)

    with pytest.raises(Exception, match="disconnected"):
        vendor.message("+14155550119", notifyUrl=receiver.url, requestedReceipts=ALL)

    until(lambda: receiver.words[-1:] == ["Released"])
    transids = {receipt["deliveryInfoNotification"]["transid"] for receipt in receiver.received}
    assert transids == {vendor.sandbox.calls()[0]["call_id"]}


def placed(vendor: Clients, receiver: Receiver, calls: int) -> None:
    for n in range(calls):
        sent: dict[str, Any] = {"notifyUrl": receiver.url, "requestedReceipts": ALL}
        assert vendor.message("", to=[{"msisdn": ["+14155550101"]}], correlationId=f"c{n}", **sent).status_code == 201


def test_every_receipt_may_come_twice(start: Callable[..., Clients], receiver: Receiver) -> None:
    vendor = start(speed=FAST, duplicate=1.0)

    placed(vendor, receiver, 2)

    until(lambda: len(receiver.received) == 20)
    assert set(Counter(receiver.words).values()) == {4}


def test_receipts_may_be_lost(start: Callable[..., Clients], receiver: Receiver) -> None:
    vendor = start(speed=FAST, loss=0.5, webex_tps=1000)

    placed(vendor, receiver, 20)

    until(lambda: all(call["ended_at"] for call in vendor.sandbox.calls()))
    until(lambda: sum(call["receipts_sent"] for call in vendor.sandbox.calls()) == len(receiver.received))
    assert 20 < len(receiver.received) < 80


def test_receipts_may_overtake_each_other(start: Callable[..., Clients], receiver: Receiver) -> None:
    vendor = start(speed=FAST, shuffle=0.5, webex_tps=1000)

    placed(vendor, receiver, 20)

    until(lambda: len(receiver.received) == 100)
    by_call: dict[str, list[str]] = {}
    for receipt, word in zip(receiver.received, receiver.words, strict=True):
        by_call.setdefault(receipt["deliveryInfoNotification"]["transid"], []).append(word)
    in_order = ["OFFERED", "ACCEPTED", "ANSWERED", "DROPPED", "Released"]
    assert all(sorted(words) == sorted(in_order) for words in by_call.values())
    assert any(words != in_order for words in by_call.values())


@pytest.mark.parametrize(("answers", "posts"), [([500, 500, 500], 3), ([500], 2), ([503, 401], 3)])
def test_a_receipt_not_taken_is_tried_three_times(
    start: Callable[..., Clients], receiver: Receiver, answers: list[int], posts: int
) -> None:
    vendor = start(speed=1000)
    receiver.answers = answers

    vendor.message("+14155550101", notifyUrl=receiver.url, requestedReceipts=["offered"])
    until(lambda: len(receiver.received) == posts)
    vendor.message("+14155550102", notifyUrl=receiver.url, requestedReceipts=["released"], content=LONG_SPEECH)

    until(lambda: "Released" in receiver.words)
    assert receiver.words == ["OFFERED"] * posts + ["Released"]


@pytest.mark.parametrize("answer", [202, 204, 302, 400, 404, 410, 505])
def test_some_answers_are_final(start: Callable[..., Clients], receiver: Receiver, answer: int) -> None:
    vendor = start(speed=1000)
    receiver.answers = [answer]

    vendor.message(
        "+14155550101", notifyUrl=receiver.url, requestedReceipts=["offered", "released"], content=LONG_SPEECH
    )

    until(lambda: "Released" in receiver.words)
    assert receiver.words == ["OFFERED", "Released"]


def test_an_unreachable_notify_url_hears_of_it_when_it_is_back(start: Callable[..., Clients]) -> None:
    vendor = start()
    gone = Receiver()
    gone.close()
    vendor.message("+14155550101", notifyUrl=gone.url, requestedReceipts=["offered"])

    back = Receiver(gone.port)
    vendor.sandbox.configure(speed=1000)

    until(lambda: back.words == ["OFFERED"])
    back.close()
    assert gone.received == []


def test_a_notify_url_that_never_comes_back_is_given_up(start: Callable[..., Clients]) -> None:
    vendor = start(speed=10_000)
    gone = Receiver()
    gone.close()

    vendor.message("+14155550101", notifyUrl=gone.url, requestedReceipts=["offered"], content=LONG_SPEECH)

    until(lambda: vendor.sandbox.calls()[0]["ended_at"])
    assert vendor.sandbox.calls()[0]["receipts_sent"] == 0


def test_receipts_are_signed_where_there_is_a_hub_secret(start: Callable[..., Clients], receiver: Receiver) -> None:
    vendor = start(speed=FAST, hub_secret="shared")

    placed(vendor, receiver, 1)

    until(lambda: len(receiver.signed) == 5)
    assert all(told == hmac.new(b"shared", body, "sha256").hexdigest() for body, told in receiver.signed)


def test_receipts_may_lack_what_the_samples_do_not_always_have(
    start: Callable[..., Clients], receiver: Receiver
) -> None:
    vendor = start(speed=FAST, omit=1.0)

    placed(vendor, receiver, 1)

    until(lambda: len(receiver.received) == 5)
    for receipt in receiver.received:
        assert set(receipt) == {"deliveryInfoNotification"}
        assert set(receipt["deliveryInfoNotification"]) == {"deliveryInfo", "transid"}


ENDS = [
    ("94", ["7407", "7408", "7519", "7411", "7412", "7409", "7405"]),
    ("95", ["7407", "7408", "7409", "7406"]),
    ("96", ["7407", "7408", "7409", "7404"]),
    ("97", ["7208"]),
]


@pytest.mark.parametrize(("ending", "codes"), ENDS, ids=[ending for ending, _ in ENDS])
def test_the_numbers_of_webex_connect_alone_send_its_own_codes(
    start: Callable[..., Clients], receiver: Receiver, ending: str, codes: list[str]
) -> None:
    vendor = start(speed=1000)
    asked = [*ALL, "trombone_connected", "trombone_released", "message_expired"]
    vendor.message(f"+141555501{ending}", notifyUrl=receiver.url, requestedReceipts=asked, content=LONG_SPEECH)
    until(lambda: len(receiver.received) == len(codes))
    told = [one["deliveryInfoNotification"]["deliveryInfo"]["code"] for one in receiver.received]
    assert sorted(told) == sorted(codes)
