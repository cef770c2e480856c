"""Reserved numbers decide what happens to a call, in any area code, at either vendor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from dialer.phone import parse
from dialer.sandbox.numbers import OWN_NUMBERS, RESERVED_NUMBERS, ReservedBehaviour, behaviour_of, reserved
from dialer.sandbox.reserved_table import rows
from tests.support.sandbox_clients import FAST, Clients, until


def ask(vendor: Clients, name: str, ending: str) -> str:
    """Call a reserved number and say in a word how the request went."""
    try:
        if name == "callgear":
            reply = vendor.http.post(vendor.sandbox.base_url("callgear"), json=callgear_request(f"1415555{ending:0>4}"))
            if reply.status_code != 200:
                return str(reply.status_code)
            return reply.json()["error"]["data"]["mnemonic"] if "error" in reply.json() else "placed"
        reply = vendor.message(f"+1415555{ending:0>4}")
    except httpx.RemoteProtocolError:
        return "cut"
    except httpx.ReadTimeout:
        return "timeout"
    if reply.status_code == 201:
        return "placed"
    return f"{reply.status_code} {reply.json()['code']}" if reply.content else str(reply.status_code)


def callgear_request(contact: str) -> dict[str, Any]:
    params = {
        "access_token": "sandbox-key",
        "virtual_phone_number": "18005550100",
        "contact": contact,
        "contact_message": {"type": "tts", "value": "x" * 140},
    }
    return {"jsonrpc": "2.0", "id": 1, "method": "start.informer_call", "params": params}


# the number's ending, the replies to two requests, the outcomes of the calls that were placed
BOTH = ["callgear", "webex"]
FATES = [
    ("100", BOTH, ["placed", "placed"], ["answered", "answered"]),
    ("199", BOTH, ["placed", "placed"], ["answered", "answered"]),
    ("111", BOTH, ["placed", "placed"], ["busy", "busy"]),
    ("112", BOTH, ["placed", "placed"], ["no_answer", "no_answer"]),
    ("113", BOTH, ["placed", "placed"], ["rejected", "rejected"]),
    ("114", BOTH, ["placed", "placed"], ["busy", "answered"]),
    ("115", BOTH, ["placed", "placed"], ["no_answer", "answered"]),
    ("116", ["callgear"], ["contact_in_blacklist"] * 2, []),
    ("116", ["webex"], ["400 9002"] * 2, []),
    ("117", ["callgear"], ["internal_error", "placed"], ["answered"]),
    ("117", ["webex"], ["500", "placed"], ["answered"]),
    ("118", ["callgear"], ["invalid_parameter_value"] * 2, []),
    ("118", ["webex"], ["400 7102"] * 2, []),
    ("119", BOTH, ["cut", "cut"], ["answered", "answered"]),
    ("120", BOTH, ["cut", "cut"], []),
    ("122", BOTH, ["503", "placed"], ["answered"]),
    ("123", ["callgear"], ["limit_exceeded", "placed"], ["answered"]),
    ("123", ["webex"], ["429 7020", "placed"], ["answered"]),
    ("124", BOTH, ["placed", "placed"], ["answered", "answered"]),
]
CASES = [
    pytest.param(name, ending, replies, outcomes, id=f"{ending} {name}")
    for ending, names, replies, outcomes in FATES
    for name in names
]


@pytest.mark.parametrize(("name", "ending", "replies", "outcomes"), CASES)
def test_a_reserved_number_does_what_the_table_says(
    start: Callable[..., Clients], name: str, ending: str, replies: list[str], outcomes: list[str]
) -> None:
    vendor = start(speed=FAST)

    assert [ask(vendor, name, ending), ask(vendor, name, ending)] == replies

    until(lambda: all(call["ended_at"] for call in vendor.sandbox.calls()))
    assert [call["outcome"] for call in vendor.sandbox.calls()] == outcomes


@pytest.mark.parametrize("name", BOTH)
def test_a_late_reply_comes_after_the_call_was_placed(start: Callable[..., Clients], name: str) -> None:
    vendor = start(speed=FAST)
    vendor.http.timeout = httpx.Timeout(0.3)

    assert ask(vendor, name, "121") == "timeout"
    assert len(vendor.sandbox.calls()) == 1

    vendor.http.timeout = httpx.Timeout(10)
    vendor.sandbox.configure(late_seconds=0.1)
    assert ask(vendor, name, "121") == "placed"


def test_nothing_at_all_is_sent_on_a_connection_that_is_cut(start: Callable[..., Clients]) -> None:
    vendor = start()

    with vendor.http.stream("POST", vendor.sandbox.base_url("callgear"), json=callgear_request("14155550101")) as reply:
        assert reply.status_code == 200
        reply.read()
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        vendor.http.post(vendor.sandbox.base_url("callgear"), json=callgear_request("14155550120"))


@pytest.mark.parametrize("area", ["201", "415", "907", "989"])
def test_the_area_code_does_not_matter(area: str) -> None:
    assert behaviour_of(f"+1{area}5550111") is ReservedBehaviour.BUSY


@pytest.mark.parametrize(
    "number",
    [
        "+14155551111",  # 555 11NN is not reserved
        "+14155540111",
        "+11155550111",  # no such area code
        "+4415555501 11",
        "+79265550111",
        "+141555501111",
    ],
)
def test_every_other_number_simply_answers(number: str) -> None:
    assert reserved(number) is None
    assert behaviour_of(number) is ReservedBehaviour.ANSWERS


def test_the_vendors_count_a_numbers_calls_each_for_itself(start: Callable[..., Clients]) -> None:
    vendor = start(speed=FAST)

    assert [ask(vendor, name, "122") for name in ("callgear", "webex", "callgear", "webex")] == [
        "503",
        "503",
        "placed",
        "placed",
    ]


def test_a_request_that_fails_examination_does_not_spend_a_numbers_first_time(start: Callable[..., Clients]) -> None:
    vendor = start(speed=FAST)

    assert "error" in vendor.informer("14155550114", dialing_timeout=500)
    assert "result" in vendor.informer("14155550114")

    until(lambda: [call["outcome"] for call in vendor.sandbox.calls()] == ["busy"])


def test_no_points_are_taken_for_what_was_not_placed(start: Callable[..., Clients]) -> None:
    vendor = start(points_per_minute=100)
    for ending in ("116", "117", "118", "120", "122", "123"):
        ask(vendor, "callgear", ending)
    ask(vendor, "callgear", "119")

    reply = vendor.rpc("list.calls")

    assert reply["result"]["metadata"]["limits"]["minute_remaining"] == 98


def test_the_throttled_number_says_that_nothing_remains(start: Callable[..., Clients]) -> None:
    error = start().informer("14155550123")["error"]

    assert error["code"] == -32029
    assert error["data"]["metadata"]["limits"]["minute_remaining"] == 0
    assert error["data"]["metadata"]["limits"]["minute_limit"] == 3000


def test_a_callee_who_hangs_up_hears_only_a_part(start: Callable[..., Clients]) -> None:
    vendor = start(speed=FAST)
    text = {"type": "tts", "value": "x" * 1000}
    vendor.informer("14155550124", contact_message=text)
    vendor.informer("14155550125", contact_message=text)

    until(lambda: all(call["ended_at"] for call in vendor.sandbox.calls()))
    short, whole = vendor.sandbox.calls()

    assert whole["seconds_talked"] == pytest.approx(1000 / 14, abs=0.01)
    assert 0 < short["seconds_talked"] < 0.61 * whole["seconds_talked"]


def test_the_table_prints_itself() -> None:
    table = rows()

    assert len(table) == len(RESERVED_NUMBERS) + 1
    assert table[0] == ("+1 NXX 555 0111", "busy", ("call_session_id", "201"))
    assert [row.number[-2:] for row in table[:-1]] == [str(n) for n in (*range(11, 25), 31, 32, 39, *range(94, 98))]
    assert table[-1].number == "any other"
    assert {row.first for row in RESERVED_NUMBERS.values()} | {ReservedBehaviour.ANSWERS} == set(ReservedBehaviour)


def test_own_and_reserved_numbers_pass_as_phone_numbers() -> None:
    for number in [*OWN_NUMBERS, *(f"+141555501{ending}" for ending in RESERVED_NUMBERS)]:
        assert parse(number).e164 == number
