"""The methods that manage a call in progress."""

from __future__ import annotations

from contextlib import suppress

from dialer.sandbox.callgear.conversation import Conversation, Leg, Second, State
from dialer.sandbox.callgear.errors import Refusal
from dialer.sandbox.callgear.office import TalkOption
from dialer.sandbox.callgear.starting import DEFAULT_DIALING_TIMEOUT, check_direction, check_message
from dialer.sandbox.callgear.visit import SUCCESS, Done, Visit, conversation, dialed, whole, written
from dialer.sandbox.course import plan
from dialer.sandbox.log import PlacedCall

OPTIONS_AFTER = 30.0
"""Seconds of an incoming call after which keys call talk options."""


def hold_call(visit: Visit) -> Done:
    call = visit.call()
    check_message(visit, "contact_message")
    visit.run(call, conversation(call).hold(call.course, visit.now))
    return SUCCESS


def unhold_call(visit: Visit) -> Done:
    call = visit.call()
    visit.run(call, conversation(call).resume(call.course, visit.now))
    return SUCCESS


def make_call(visit: Visit) -> Done:
    call, to = visit.call(), visit.params["to"]
    if "to_message" in visit.params:
        check_message(visit, "to_message")
    if not visit.office.is_active(to):
        raise Refusal("no_active_phone_number", "to", to)
    check_direction(visit, "to")
    conversation(call).second = _second(visit, call, to)
    return SUCCESS


def _second(visit: Visit, call: PlacedCall, to: str) -> Second:
    """Who is called besides: the reserved numbers decide about them as about contacts."""
    course = plan(
        visit.world.next_behaviour("callgear", dialed(to)),
        placed=visit.now,
        message=0.0,
        ring_timeout=DEFAULT_DIALING_TIMEOUT,
        rng=visit.world.chance("second", call.call_id, to),
    )
    leg = Leg(leg_id=_leg_id(call, 3), calling=written(call.caller), called=to, is_operator=True)
    return Second(leg=leg, answers=course.answered, stops=course.ended)


def restore_talk(visit: Visit) -> Done:
    call = visit.call()
    visit.run(call, conversation(call).resume(call.course, visit.now))
    return SUCCESS


def transfer_talk(visit: Visit) -> Done:
    call = visit.call()
    visit.run(call, conversation(call).transfer(call.course, visit.now))
    return SUCCESS


def add_coach(visit: Visit) -> Done:
    call, number = visit.call(), visit.params.get("phone_number")
    if number is not None and not visit.office.is_active(number):
        raise Refusal("no_active_phone_number", "phone_number", number)
    _add_coach(visit, call, number)
    return SUCCESS


def _add_coach(visit: Visit, call: PlacedCall, number: str | None) -> None:
    coach = number or visit.office.coach
    if coach is None:
        raise Refusal("coach_not_found")
    leg = Leg(leg_id=_leg_id(call, 4), calling=written(call.caller), called=coach, is_operator=True)
    conversation(call).coach = leg


def tag_call(visit: Visit) -> Done:
    _tag(visit, conversation(visit.call()), visit.params["tag_id"])
    return SUCCESS


def _tag(visit: Visit, talk: Conversation, given: float) -> None:
    tag = whole(given)
    if tag is None or tag not in visit.office.tags:
        raise Refusal("tag_not_found", "tag_id", given, {"tag_id": given})
    if tag in talk.tags:
        raise Refusal("duplicate_tag", "tag_id", given)
    talk.tags.append(tag)


def record_call(visit: Visit) -> Done:
    _record(visit, conversation(visit.call()), on=visit.params["action"] == "on")
    return SUCCESS


def _record(visit: Visit, talk: Conversation, *, on: bool) -> None:
    if on and talk.recording:
        raise Refusal("record_already_started")
    if not on and visit.office.record_all:
        raise Refusal("forbidden")
    if not on and not talk.recording:
        raise Refusal("record_already_stopped")
    talk.recording = on


def disconnect_leg(visit: Visit) -> Done:
    """Without the coach the talk continues; without C the contact is on hold; without A or B the call ends."""
    call, leg_id = visit.call(), visit.params["leg_id"]
    talk = conversation(call)
    leg = next((leg for leg in talk.legs if leg.leg_id == leg_id), None)
    if leg is None:
        raise Refusal("leg_not_found", "leg_id", leg_id)
    if leg is talk.coach:
        talk.coach = None
    elif talk.second and leg is talk.second.leg and visit.state(call) is not State.TRANSFERRING:
        talk.second = None
    else:
        visit.world.log.release(call, visit.now)
    return SUCCESS


def send_dtmf(visit: Visit) -> Done:
    """A key that calls a talk option does so where one can be called; every other goes to the contact.

    On hold, `*` leads from WAITING_INPUT to HOLD, which waits for input again at once. What an option cannot do then is
    told to nobody: the document lists no errors of its own for this method.
    """
    call = visit.call()
    option = visit.office.option_at(visit.params["dtmf_string"])
    if option and conversation(call).ours and visit.state(call) is State.TALK and _options_open(visit, call):
        with suppress(Refusal):
            _carry_out(visit, call, option)
    return SUCCESS


def _options_open(visit: Visit, call: PlacedCall) -> bool:
    """Of an incoming call talk options are called by keys from half a minute on."""
    since = visit.now - (call.course.answered or visit.now)
    return conversation(call).direction == "out" or since >= OPTIONS_AFTER


def block_contact(visit: Visit) -> Done:
    call = visit.call()
    contact, blacklist = written(call.to), visit.account.blacklist
    if contact in blacklist:
        raise Refusal("duplicate_contact", params={"contact_phone_number": contact})
    if visit.world.log.find(call.call_id) is call:  # the calls of the document's examples stay as they are
        blacklist.add(contact)
    return SUCCESS


def call_talk_option(visit: Visit) -> Done:
    """Do what the client area says of a key. What it does a second time, it undoes: recording, coach."""
    call, button = visit.call(), visit.params["button"]
    option = visit.office.option_at(button)
    if option is None:
        raise Refusal("talk_option_not_found", "button", button)
    _carry_out(visit, call, option)
    return SUCCESS


def _carry_out(visit: Visit, call: PlacedCall, option: TalkOption) -> None:
    talk = conversation(call)
    match option.mnemonic:
        case "tag_call" if option.id is not None and option.id not in talk.tags:
            talk.tags.append(option.id)
        case "record_talk":
            _record(visit, talk, on=not talk.recording)
        case "call_coach" if talk.coach is None:
            _add_coach(visit, call, None)
        case "call_coach":
            talk.coach = None
        case "transfer_call":
            visit.run(call, talk.hold(call.course, visit.now))
        case "finish_conversation":
            visit.world.log.release(call, visit.now)


def release_call(visit: Visit) -> Done:
    visit.world.log.release(visit.call(), visit.now)
    return SUCCESS


def _leg_id(call: PlacedCall, nth: int) -> int:
    return int(call.call_id) * 10 + nth
