"""The call state machine of the sandbox, held against the diagram by sequences of methods that nobody thought of."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.sandbox.callgear.accounts import Accounts
from dialer.sandbox.callgear.service import CallGear
from dialer.sandbox.clock import Clock
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.vendor import Incoming
from dialer.sandbox.world import World

# The diagram: from each state, by each method, to where. C answers or fails by itself.
DIAGRAM = {
    ("talk", "hold.call"): "hold",
    ("hold", "unhold.call"): "talk",
    ("hold", "make.call"): "dialing",
    ("dialing", "restore.talk"): "talk",
    ("dialing", "transfer.talk"): "transferring",
    ("operators", "restore.talk"): "talk",
    ("operators", "transfer.talk"): "talk",
    ("talk", "add.coach"): "talk",
    ("talk", "tag.call"): "talk",
    ("talk", "record.call"): "talk",
    ("talk", "call.talk_option"): "talk",
}
BY_ITSELF = {
    "ringing": {"talk"},
    "dialing": {"operators", "hold"},
    "transferring": {"talk", "over"},
    "talk": {"over"},
    "hold": {"over"},
    "operators": {"over"},
}
ANYWHERE = {"send.dtmf", "block.contact"}
ENDS = {"release.call", "disconnect.leg"}
ANSWERS, BUSY = "14155550101", "14155550111"
PARAMS: dict[str, dict[str, Any]] = {
    "hold.call": {"contact_message": {"type": "media", "value": "2034"}},
    "add.coach": {},
    "tag.call": {"tag_id": 36},
    "record.call": {"action": "on"},
    "call.talk_option": {"button": "6"},
    "send.dtmf": {"dtmf_string": "*"},
}
REFUSALS = {"tag.call": "duplicate_tag", "record.call": "record_already_started", "block.contact": "duplicate_contact"}
"""Once more on the same call, these say so, and move nothing."""

METHODS = sorted({method for _, method in DIAGRAM} | ANYWHERE | ENDS)
STEPS = st.lists(
    st.one_of(
        st.sampled_from(METHODS).map(lambda method: (method, ANSWERS)),
        st.sampled_from([("make.call", BUSY), ("make.call", ANSWERS), ("hold.call", ""), ("transfer.talk", "")]),
        st.sampled_from([0.5, 3.0, 8.0, 40.0]),
    ),
    max_size=25,
)


class Vendor:
    """A sandbox's CallGear, its clock in our hands."""

    def __init__(self, **given: Any) -> None:
        self.seconds = 0.0
        world = World(SandboxConfig(seed=3, office={"talk_seconds": 1e6}))
        world.clock = Clock(1.0, monotonic=lambda: self.seconds)
        self._callgear = CallGear(world, Accounts(0.0))
        self.session = self.ask(
            "start.simple_call",
            virtual_phone_number="74993720692",
            contact="79260000000",
            first_call="contact",
            operator="79262444491",
            **given,
        )["result"]["data"]["call_session_id"]

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        given = {"access_token": "sandbox-key", **params}
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": given}).encode()
        headers = {"content-type": "application/json"}
        incoming = Incoming(body=body, headers=headers, charset=None, ip="127.0.0.1", path={})
        reply = self._callgear.answer(incoming).body
        assert isinstance(reply, dict)
        return reply

    def manage(self, method: str, to: str) -> str:
        """What the vendor says to a management method: success, or its mnemonic."""
        params = {"to": to} if method == "make.call" else PARAMS.get(method, {})
        if method == "disconnect.leg":
            params = {"leg_id": self.session * 10 + 1}
        reply = self.ask(method, call_session_id=self.session, **params)
        return "success" if "result" in reply else reply["error"]["data"]["mnemonic"]

    def state(self) -> str:
        """The state as list.calls lets it be seen."""
        listed = self.ask("list.calls")["result"]["data"]
        if not listed:
            return "over"
        words = [leg["state"] for leg in listed[0]["legs"] if leg["called_phone_number"] != "102"]  # not the coach
        match words:
            case ["Redial", *_]:
                return "ringing"
            case ["Talk", *_]:
                return "talk"
            case ["Transferring call", *_]:
                return "transferring"
            case [_, _, "Redial"]:
                return "dialing"
            case [_, _, "Operators' conversation"]:
                return "operators"
        return "hold"


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(STEPS)
def test_any_sequence_of_methods_moves_as_the_diagram_says_or_is_an_invalid_state(steps):
    vendor = Vendor()
    for step in steps:
        before = vendor.state()
        if isinstance(step, float):
            vendor.seconds += step
            after = vendor.state()
            assert after == before or after in BY_ITSELF[before] | BY_ITSELF.get(before, set()), (before, after)
            continue
        method, to = step
        said, after = vendor.manage(method, to), vendor.state()
        if before == "over":
            assert (said, after) == ("call_session_not_found", "over")
        elif method in ENDS:
            assert (said, after) == ("success", "over")
        elif method in ANYWHERE:
            assert said in {"success", REFUSALS.get(method)}
            assert after == before
        elif (before, method) in DIAGRAM:
            assert said in {"success", REFUSALS.get(method)}
            assert after == (DIAGRAM[before, method] if said == "success" else before)
        else:
            assert (said, after) == ("invalid_state", before)


def test_a_transfer_to_somebody_who_does_not_answer_ends_the_call():
    vendor = Vendor()
    vendor.seconds = 10
    assert [vendor.manage(*step) for step in [("hold.call", ""), ("make.call", BUSY), ("transfer.talk", "")]] == [
        "success"
    ] * 3
    assert vendor.state() == "transferring"
    vendor.seconds += 5
    assert vendor.state() == "over"


def test_who_is_consulted_and_does_not_answer_leaves_the_contact_on_hold():
    vendor = Vendor()
    vendor.seconds = 10
    vendor.manage("hold.call", "")
    vendor.manage("make.call", BUSY)
    vendor.seconds += 5
    assert vendor.state() == "hold"
    assert vendor.manage("unhold.call", "") == "success"
    assert vendor.state() == "talk"


def test_time_on_hold_is_not_taken_from_the_talk():
    vendor = Vendor()
    vendor.seconds = 10
    vendor.manage("hold.call", "")
    vendor.seconds += 3000
    vendor.manage("unhold.call", "")
    vendor.seconds += 900_000
    assert vendor.state() == "talk"


@pytest.mark.parametrize(
    ("direction", "seconds", "tags"),
    [
        pytest.param("out", 10, ["Relevant"], id="an outgoing call"),
        pytest.param("in", 10, [], id="an incoming call"),
        pytest.param("in", 40, ["Relevant"], id="an incoming call, half a minute after its answer"),
    ],
)
def test_a_key_of_send_dtmf_calls_its_talk_option(direction, seconds, tags):
    vendor = Vendor(direction=direction)
    vendor.seconds = seconds
    for _ in range(2):  # a tag that is there already is no error of this method
        reply = vendor.ask("send.dtmf", call_session_id=vendor.session, dtmf_string="1")
        assert reply["result"]["data"] == {"success": "true"}
    (call,) = vendor.ask("list.calls")["result"]["data"]
    assert [tag["tag_name"] for tag in call["tags"]] == tags


def test_a_key_of_send_dtmf_may_end_the_call_and_one_without_an_option_goes_to_the_contact():
    vendor = Vendor(direction="out")
    vendor.seconds = 10
    assert "result" in vendor.ask("send.dtmf", call_session_id=vendor.session, dtmf_string="9")
    assert vendor.state() == "talk"
    assert "result" in vendor.ask("send.dtmf", call_session_id=vendor.session, dtmf_string="0")
    assert vendor.state() == "over"
