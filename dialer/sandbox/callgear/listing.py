"""The methods that list: calls in progress, and talk options."""

from __future__ import annotations

from typing import Any

from dialer.sandbox.callgear.accounts import DOCUMENT
from dialer.sandbox.callgear.conversation import Conversation, Leg, State
from dialer.sandbox.callgear.document import listed_call
from dialer.sandbox.callgear.visit import Done, Visit, conversation, written
from dialer.sandbox.log import PlacedCall

RINGING, TALKING, HELD, OPERATORS, TRANSFER = (
    "Redial",
    "Talk",
    "On hold",
    "Operators' conversation",
    "Transferring call",
)
"""Words for the state of a leg, from the document's list and from its sample."""
CONTACTS_WORD = {State.RINGING: RINGING, State.TALK: TALKING, State.TRANSFERRING: TRANSFER}
OURS_WORD = {State.OPERATOR_TALK: OPERATORS}
SECONDS_WORD = {State.OPERATOR_TALK: OPERATORS}


def list_calls(visit: Visit) -> Done:
    direction, caller = visit.params.get("direction"), visit.params.get("virtual_phone_number")
    live = [*visit.live_calls(), *_over_and_still_shown(visit)]
    if visit.account.name == DOCUMENT:
        live = [listed_call(visit.now), *live]
    return Done(
        [
            _as_listed(call, visit)
            for call in live
            if direction in (None, conversation(call).direction) and caller in (None, written(call.caller))
        ]
    )


def _over_and_still_shown(visit: Visit) -> list[PlacedCall]:
    """Answered calls that ended by themselves, and that have not been shown talking often enough.

    Whoever asks for the list cannot ask as often as a fast clock runs, and would take them for unanswered. A call that
    somebody ended by an order is gone at once.
    """
    to_show, over = visit.account.to_show, []
    enough = visit.world.config.shown_talking
    for call in list(to_show.values()):
        if call.course.ended > visit.now:
            continue
        if call.course.answered is None or call.released or conversation(call).times_shown >= enough:
            del to_show[call.call_id]
        else:
            over.append(call)
    return over


def _as_listed(call: PlacedCall, visit: Visit) -> dict[str, Any]:
    talk, state = conversation(call), visit.state(call)
    if state is State.FINISHED:
        state = State.TALK
    talk.times_shown += state is not State.RINGING
    return {
        "call_session_id": int(call.call_id),
        "direction": talk.direction,
        "start_time": visit.world.clock.wall(call.course.placed).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3],
        "virtual_phone_number": written(call.caller),
        "contact_phone_number": written(call.to),
        "external_id": call.correlation_id,
        "tags": visit.office.named_tags(talk.tags_at(call.course, visit.now)),
        "legs": [_leg_as_listed(leg, talk, state) for leg in talk.legs],
    }


def _leg_as_listed(leg: Leg, talk: Conversation, state: State) -> dict[str, Any]:
    return {
        "leg_id": leg.leg_id,
        "calling_phone_number": leg.calling,
        "called_phone_number": leg.called,
        "is_operator": leg.is_operator,
        "employee_id": leg.employee_id,
        "employee_full_name": leg.employee_name,
        "record_call_enabled": talk.recording,
        "state": _word(leg, talk, state),
    }


def _word(leg: Leg, talk: Conversation, state: State) -> str:
    if leg is talk.contact:
        return CONTACTS_WORD.get(state, HELD)
    if talk.second and leg is talk.second.leg:
        return SECONDS_WORD.get(state, RINGING)
    return OURS_WORD.get(state, TALKING)


def list_talk_options(visit: Visit) -> Done:
    return Done(
        [
            {
                "button": option.button,
                "mnemonic": option.mnemonic,
                "name": option.name,
                "button_value": None if option.id is None else {"id": option.id, "value": option.value},
            }
            for option in visit.office.talk_options
        ]
    )
