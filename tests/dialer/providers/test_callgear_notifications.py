"""CallGear's notifications are read however the template was filled in; the pasted templates are ours."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from dialer.calls import Outcome, Progress
from dialer.providers.callgear.notifications import EVENTS, VARIABLES, receipts_in, template
from dialer.sandbox.callgear.notifications import filled

ATTEMPT = UUID("6a8f7c34-0c5e-4b8e-9f0e-1f6f1f3f8a11")


def body(**changes: Any) -> bytes:
    facts = {"event": "finished", "call_session_id": 998677427, "external_id": str(ATTEMPT), **changes}
    return json.dumps(facts).encode()


@pytest.mark.parametrize("event", EVENTS)
def test_a_template_filled_in_by_the_vendor_is_read(event):
    values = {"call_session_id": 998677427, "external_id": str(ATTEMPT), "talk_time_duration": 3, "leg_id": None}
    (receipt,) = receipts_in(filled(template(event), values).encode())
    assert (receipt.word, receipt.progress) == (event, EVENTS[event][1])
    assert (receipt.provider_call_id, receipt.correlation_id) == ("998677427", ATTEMPT)


def test_a_template_has_every_variable_once_and_unquoted():
    text = template("finished")
    assert all(f'"{name}": {{{{{name}}}}}' in text for name in VARIABLES)
    assert text.count("{{") == len(VARIABLES)


ODD = [
    (b'{"event":"finished","call_session_id":7,"external_id":{{external_id}},"talk_time_duration":4}', "left over"),
    (b'{"event":"finished","call_session_id":"7","external_id":"{{external_id}}","talk_time_duration":"4"}', "quoted"),
    (b'{"event":""finished"","call_session_id":7,"external_id":null,"talk_time_duration":4}', "quoted twice"),
    (b'{"event":"finished","call_session_id":7.0,"external_id":"null","talk_time_duration":4.0}', "null as a text"),
    (b'\n{ "event" : "finished", "call_session_id": 7, "talk_time_duration": 4, "tag_names": {{ tags }} }', "spaces"),
]


@pytest.mark.parametrize("given", [given for given, _ in ODD], ids=[remark for _, remark in ODD])
def test_what_templates_do_to_json_is_made_good(given):
    (receipt,) = receipts_in(given)
    assert (receipt.word, receipt.provider_call_id) == ("finished", "7")
    assert (receipt.outcome, receipt.correlation_id) == (Outcome.ANSWERED, None)


@pytest.mark.parametrize(
    ("facts", "progress", "outcome"),
    [
        ({"event": "finished", "talk_time_duration": 12}, Progress.ENDED, Outcome.ANSWERED),
        ({"event": "finished", "talk_time_duration": 0}, Progress.ENDED, Outcome.UNKNOWN),
        ({"event": "finished", "talk_time_duration": None}, Progress.ENDED, Outcome.UNKNOWN),
        ({"event": "finished", "lost_reason": "subscriber_busy"}, Progress.ENDED, Outcome.BUSY),
        ({"event": "finished", "lost_reason": "subscriber_disconnects"}, Progress.ENDED, None),
        ({"event": "lost"}, Progress.ENDED, Outcome.UNKNOWN),
        ({"event": "lost", "lost_reason": "{{lost_reason}}"}, Progress.ENDED, Outcome.UNKNOWN),
        ({"event": "lost", "lost_reason": "caller_disconnects"}, Progress.ENDED, None),
        ({"event": "lost", "lost_reason": "internal_error", "talk_time_duration": 0}, Progress.ENDED, Outcome.UNKNOWN),
        ({"event": "lost", "lost_reason": "no_money"}, Progress.ENDED, Outcome.UNKNOWN),
        ({"event": "lost", "lost_reason": "timeout"}, Progress.ENDED, Outcome.NO_ANSWER),
        ({"event": "lost", "lost_reason": "caller_busy"}, Progress.ENDED, Outcome.BUSY),
        ({"event": "lost", "lost_reason": "subscriber_number_problems"}, Progress.ENDED, Outcome.INVALID_NUMBER),
        ({"event": "lost", "lost_reason": "numa_new_reason"}, Progress.ENDED, Outcome.UNKNOWN),
        ({"event": "talk_started"}, Progress.ANSWERED, None),
        ({"event": "talk_finished", "talk_time_duration": 3}, Progress.ANSWERED, None),
        ({"event": "dialing"}, Progress.RINGING, None),
        ({"event": None, "notification_mnemonic": "lost_call_session"}, Progress.ENDED, Outcome.UNKNOWN),
        ({"event": None, "notification_mnemonic": "set_mark"}, None, None),
        ({"event": "something_new"}, None, None),
    ],
)
def test_an_event_is_read_by_our_name_then_by_the_vendors(facts, progress, outcome):
    (receipt,) = receipts_in(body(**facts))
    assert (receipt.progress, receipt.outcome, receipt.occurred_at) == (progress, outcome, None)


def test_a_repeat_has_the_same_name_and_another_leg_or_event_has_not():
    names = [
        receipts_in(body(**facts))[0].event_id
        for facts in ({}, {"notification_time": "later"}, {"leg_id": 3}, {"event": "lost"}, {"call_session_id": 8})
    ]
    assert names[0] == names[1]
    assert len(set(names)) == 4


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"hello",
        b"[]",
        b"7",
        b"{}",
        b'{"event":"finished"}',
        b'{"call_session_id":7}',
        b"\xff",
        b"{{x}}",
        b"[" * 9999,
    ],
)
def test_what_is_no_notification_gives_no_receipt(given):
    assert receipts_in(given) == []
