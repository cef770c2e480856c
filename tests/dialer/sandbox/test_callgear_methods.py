"""CallGear's methods: the document's examples get the document's replies, and each fault its own error."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from tests.support.sandbox_clients import FAST, KEY, LONG, Clients, until

DOCUMENT_KEY = "2fRN4g217ca0b4224a67988aff3e584f91964a692045415f36fa66146f5a3c1ae1f6093d"
LIMITS = {"day_limit", "day_remaining", "day_reset", "minute_limit", "minute_remaining", "minute_reset"}


def test_the_documents_informer_call_is_placed(vendor: Clients) -> None:
    reply = vendor.raw(
        {
            "jsonrpc": "2.0",
            "method": "start.informer_call",
            "id": "req1",
            "params": {
                "access_token": DOCUMENT_KEY,
                "virtual_phone_number": "74993720692",
                "external_id": "34rty567",
                "dtmf_string": "..1.2.3",
                "direction": "in",
                "dialing_timeout": 25,
                "contact": "79260000000",
                "contact_message": {"type": "tts", "value": "Test message"},
            },
        }
    )

    assert reply.keys() == {"jsonrpc", "id", "result"}
    assert reply["id"] == "req1"
    assert reply["result"]["data"].keys() == {"call_session_id"}
    assert isinstance(reply["result"]["data"]["call_session_id"], int)
    assert reply["result"]["metadata"]["limits"].keys() == LIMITS
    call = vendor.sandbox.calls()[-1]
    assert call["call_id"] == str(reply["result"]["data"]["call_session_id"])
    assert (call["vendor"], call["account"]) == ("callgear", "document")
    assert (call["from"], call["to"]) == ("+74993720692", "+79260000000")
    assert (call["correlation_id"], call["script"], call["text_length"]) == ("34rty567", "tts", 12)


def test_login_gives_a_token_that_works_and_says_when_it_ends(vendor: Clients) -> None:
    data = vendor.rpc("login.user", login="sandbox", password="sandbox")["result"]["data"]

    assert data.keys() == {"access_token", "expire_at"}
    assert data["expire_at"] == pytest.approx(time.time() + 3600, abs=30)
    assert "result" in vendor.rpc("list.calls", access_token=data["access_token"])


def test_a_wrong_password_is_an_auth_error(vendor: Clients) -> None:
    reply = vendor.rpc("login.user", login="sandbox", password="wrong")

    assert reply["error"] == {
        "code": -32001,
        "message": "Login or password is wrong",
        "data": {
            "mnemonic": "auth_error",
            "field": None,
            "value": None,
            "params": {"object": None},
            "extended_helper": None,
        },
    }


def test_logout_ends_the_session(vendor: Clients) -> None:
    token = vendor.rpc("login.user", login="sandbox", password="sandbox")["result"]["data"]["access_token"]

    reply = vendor.rpc("logout.user", access_token=token)

    assert reply["result"]["data"] == {"success": True}
    assert vendor.rpc("list.calls", access_token=token)["error"]["data"]["mnemonic"] == "access_token_invalid"


def test_logout_leaves_a_permanent_key_as_it_is(vendor: Clients) -> None:
    assert vendor.rpc("logout.user")["result"]["data"] == {"success": True}
    assert "result" in vendor.rpc("list.calls")


def test_a_session_lasts_one_hour_of_the_sandboxs_time(start: Callable[..., Clients]) -> None:
    vendor = start()
    data = vendor.rpc("login.user", login="sandbox", password="sandbox")["result"]["data"]
    assert "result" in vendor.rpc("list.calls", access_token=data["access_token"])

    vendor.sandbox.configure(speed=100_000)
    until(lambda: "error" in vendor.rpc("list.calls", access_token=data["access_token"]))

    refused = vendor.rpc("list.calls", access_token=data["access_token"])
    assert refused["error"]["data"]["mnemonic"] == "access_token_invalid"
    assert "metadata" not in refused["error"]["data"]


def test_the_end_of_a_session_is_told_in_real_time(start: Callable[..., Clients]) -> None:
    vendor = start(speed=36)

    data = vendor.rpc("login.user", login="sandbox", password="sandbox")["result"]["data"]

    assert data["expire_at"] == pytest.approx(time.time() + 100, abs=30)


@pytest.mark.parametrize(
    ("token", "mnemonic", "text"),
    [
        ("no-such-key", "access_token_invalid", "Access token is invalid"),
        ("", "access_token_invalid", "Access token is invalid"),
        ("SANDBOX-KEY", "access_token_invalid", "Access token is invalid"),
        ("expired-key", "access_token_expired", "Access token has been expired"),
        ("blocked-key", "access_token_blocked", "Access token has been blocked"),
    ],
)
def test_a_token_that_opens_nothing_is_refused_without_limits(
    vendor: Clients, token: str, mnemonic: str, text: str
) -> None:
    error = vendor.informer(access_token=token)["error"]

    assert (error["code"], error["message"]) == (-32001, text)
    assert error["data"]["mnemonic"] == mnemonic
    assert "metadata" not in error["data"]


MESSAGE = {"type": "tts", "value": "Hello"}

# what is changed in a good request, mnemonic, field, value as it comes back
BAD_PARAMETERS: list[Any] = [
    pytest.param({"access_token": None}, "required_parameter_missed", "access_token", None, id="no token"),
    pytest.param({"access_token": 5}, "data_type_error", "access_token", "5", id="token a number"),
    pytest.param({"contact": None}, "required_parameter_missed", "contact", None, id="no contact"),
    pytest.param({"contact": 79260000000}, "data_type_error", "contact", "79260000000", id="contact a number"),
    pytest.param({"contact": "+79260000000"}, "invalid_parameter_value", "contact", "+79260000000", id="plus"),
    pytest.param({"contact": "89"}, "invalid_parameter_value", "contact", "89", id="contact too short"),
    pytest.param({"contact": "sip100"}, "invalid_parameter_value", "contact", "sip100", id="contact not a number"),
    pytest.param({"virtual_phone_number": None}, "required_parameter_missed", "virtual_phone_number", None),
    pytest.param({"virtual_phone_number": ""}, "invalid_parameter_value", "virtual_phone_number", ""),
    pytest.param({"external_id": 5}, "data_type_error", "external_id", "5", id="external_id a number"),
    pytest.param({"dtmf_string": "1,2"}, "invalid_parameter_value", "dtmf_string", "1,2", id="dtmf with a comma"),
    pytest.param({"direction": "sideways"}, "invalid_parameter_value", "direction", "sideways"),
    pytest.param({"dialing_timeout": 121}, "invalid_parameter_value", "dialing_timeout", "121", id="rings too long"),
    pytest.param({"dialing_timeout": 0}, "invalid_parameter_value", "dialing_timeout", "0", id="rings not at all"),
    pytest.param({"dialing_timeout": "25"}, "data_type_error", "dialing_timeout", "25", id="timeout a text"),
    pytest.param({"dialing_timeout": True}, "data_type_error", "dialing_timeout", "true", id="timeout true"),
    pytest.param({"virtual_phone_usage_rule": "any"}, "invalid_parameter_value", "virtual_phone_usage_rule", "any"),
    pytest.param({"contact_message": None}, "required_parameter_missed", "contact_message", None),
    pytest.param({"contact_message": "Hello"}, "data_type_error", "contact_message", "Hello"),
    pytest.param({"contact_message": {"value": "x"}}, "required_parameter_missed", "contact_message.type", None),
    pytest.param({"contact_message": {"type": "tts"}}, "required_parameter_missed", "contact_message.value", None),
    pytest.param({"contact_message": MESSAGE | {"value": 1}}, "data_type_error", "contact_message.value", "1"),
    pytest.param(
        {"contact_message": MESSAGE | {"value": " "}}, "invalid_parameter_value", "contact_message.value", " "
    ),
    pytest.param(
        {"contact_message": MESSAGE | {"type": "TTS"}}, "invalid_parameter_value", "contact_message.type", "TTS"
    ),
    pytest.param({"contact_message": MESSAGE | {"lang": "en"}}, "unexpected_parameters", "contact_message.lang", "en"),
    pytest.param({"priority": 1}, "unexpected_parameters", "priority", "1", id="a parameter of the other vendor"),
]


@pytest.mark.parametrize(("changed", "mnemonic", "field", "value"), BAD_PARAMETERS)
def test_a_bad_parameter_is_named(
    vendor: Clients, changed: dict[str, Any], mnemonic: str, field: str, value: str | None
) -> None:
    placed = len(vendor.sandbox.calls())

    error = vendor.informer(**changed)["error"]

    assert error["code"] == -32602
    assert error["data"]["mnemonic"] == mnemonic
    assert error["data"]["field"] == field
    assert error["data"]["value"] == value
    assert error["data"]["extended_helper"] is None
    assert len(vendor.sandbox.calls()) == placed


def test_an_error_about_parameters_carries_the_limits(vendor: Clients) -> None:
    assert vendor.informer(contact="x")["error"]["data"]["metadata"]["limits"].keys() == LIMITS


# what is changed in a good request, code, mnemonic, text, params
REFUSED: list[Any] = [
    pytest.param(
        {"contact_message": {"type": "tts", "value": "x" * 1001}},
        -32602,
        "tts_text_exceeded",
        "The maximum length of Text-to-Speech message is 1000. The length of your message is 1001",
        {"tts_message_max_length": 1000, "sent_tts_message_length": 1001},
    ),
    pytest.param(
        {"contact_message": {"type": "media", "value": "99999"}},
        -32602,
        "media_file_not_found",
        "The media file with id 99999 not found",
        {"media_file_id": "99999"},
    ),
    pytest.param(
        {"virtual_phone_number": "74990000000"},
        -32007,
        "virtual_phone_number_not_found",
        "Virtual phone number 74990000000 not found. It is not your virtual phone number.",
        {"virtual_phone_number": "74990000000"},
    ),
    pytest.param(
        {"contact": "74951045771"},
        -32602,
        "own_virtual_phone_number_not_allowed",
        "Parameter contact can not contain own virtual phone number",
        {"object": None},
    ),
    pytest.param(
        {"contact": "14155550116"},
        -32602,
        "contact_in_blacklist",
        "The contact 14155550116 has been found in the blacklist",
        {"contact": "14155550116"},
    ),
]


@pytest.mark.parametrize(("changed", "code", "mnemonic", "text", "params"), REFUSED)
def test_a_call_that_cannot_be_is_refused_in_the_documents_words(
    vendor: Clients, changed: dict[str, Any], code: int, mnemonic: str, text: str, params: dict[str, Any]
) -> None:
    error = vendor.informer(**changed)["error"]

    assert (error["code"], error["message"]) == (code, text)
    assert error["data"]["mnemonic"] == mnemonic
    assert error["data"]["params"] == params
    assert error["data"]["metadata"]["limits"].keys() == LIMITS


def test_a_text_of_exactly_the_limit_is_spoken(vendor: Clients) -> None:
    assert "result" in vendor.informer(contact_message={"type": "tts", "value": "ж" * 1000})


@pytest.mark.parametrize("number", ["74993720692", "74951045771", "18005550100", "18005550109"])
def test_every_own_number_may_be_the_caller(vendor: Clients, number: str) -> None:
    assert "result" in vendor.informer(virtual_phone_number=number)


@pytest.mark.parametrize(
    "accepted",
    [
        {"dialing_timeout": 120},
        {"dialing_timeout": 0.5},
        {"direction": "out", "dialing_timeout": 25},
        {"dtmf_string": "12*#..3"},
        {"dtmf_string": ""},
        {"virtual_phone_usage_rule": "regional_fixed_for_numa"},
        {"contact_message": {"type": "media", "value": "2561"}},
    ],
)
def test_every_documented_parameter_is_taken(vendor: Clients, accepted: dict[str, Any]) -> None:
    assert "result" in vendor.informer(**accepted)


def test_a_live_call_is_listed_in_the_documents_shape_and_vanishes_with_its_end(start: Callable[..., Clients]) -> None:
    vendor = start()
    text = {"type": "tts", "value": LONG}
    session = vendor.informer(external_id="34rty567", dtmf_string="..1", contact_message=text)["result"]["data"]

    (listed,) = vendor.rpc("list.calls")["result"]["data"]

    assert listed["call_session_id"] == session["call_session_id"]
    assert listed["external_id"] == "34rty567"
    assert (listed["direction"], listed["tags"]) == ("in", [])
    assert (listed["virtual_phone_number"], listed["contact_phone_number"]) == ("74993720692", "79260000000")
    assert datetime.strptime(listed["start_time"], "%Y-%m-%dT%H:%M:%S.%f")  # noqa: DTZ007 - the sample has no zone
    (leg,) = listed["legs"]
    assert (leg["calling_phone_number"], leg["called_phone_number"]) == ("74993720692", "79260000000..1")
    assert (leg["is_operator"], leg["employee_id"], leg["state"]) == (False, None, "Redial")
    vendor.sandbox.configure(speed=10)
    until(lambda: vendor.rpc("list.calls")["result"]["data"][0]["legs"][0]["state"] == "Talk")
    vendor.sandbox.configure(speed=FAST)
    until(lambda: vendor.rpc("list.calls")["result"]["data"] == [])


def test_live_calls_are_filtered_by_direction_and_caller(start: Callable[..., Clients]) -> None:
    vendor = start()
    vendor.informer(direction="out", external_id="a")
    vendor.informer(virtual_phone_number="74951045771", external_id="b")

    def listed(**params: str) -> list[str]:
        return [call["external_id"] for call in vendor.rpc("list.calls", **params)["result"]["data"]]

    assert listed() == ["a", "b"]
    assert listed(direction="out") == ["a"]
    assert listed(direction="in") == ["b"]
    assert listed(virtual_phone_number="74951045771") == ["b"]
    assert listed(direction="out", virtual_phone_number="74951045771") == []


def test_a_released_call_ends_at_once(start: Callable[..., Clients]) -> None:
    vendor = start()
    session_id = vendor.informer()["result"]["data"]["call_session_id"]

    reply = vendor.rpc("release.call", call_session_id=session_id)

    assert reply["result"]["data"] == {"success": "true"}
    assert vendor.rpc("list.calls")["result"]["data"] == []
    (call,) = vendor.sandbox.calls()
    assert (call["released"], call["outcome"], call["answered_at"]) == (True, "no_answer", None)
    assert call["ended_at"] is not None
    again = vendor.rpc("release.call", call_session_id=session_id)["error"]
    assert (again["code"], again["message"]) == (-32602, "Call session not found")
    assert again["data"]["mnemonic"] == "call_session_not_found"
    assert (again["data"]["field"], again["data"]["value"]) == ("call_session_id", str(session_id))


def test_a_session_id_must_be_a_number(vendor: Clients) -> None:
    assert vendor.rpc("release.call", call_session_id="1238694")["error"]["data"]["mnemonic"] == "data_type_error"


def test_accounts_do_not_see_each_others_calls_nor_spend_each_others_points(start: Callable[..., Clients]) -> None:
    vendor = start(points_per_minute=2)
    session_id = vendor.informer()["result"]["data"]["call_session_id"]

    other = vendor.rpc("list.calls", access_token=f"{KEY}-second")["result"]
    stolen = vendor.rpc("release.call", access_token=f"{KEY}-second", call_session_id=session_id)

    assert other["data"] == []
    assert other["metadata"]["limits"]["minute_remaining"] == 1
    assert stolen["error"]["data"]["mnemonic"] == "call_session_not_found"
    assert vendor.rpc("list.calls")["result"]["metadata"]["limits"]["minute_remaining"] == 0
