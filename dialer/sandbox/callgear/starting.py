"""The five methods that start a call: what each refuses, and the call that comes of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dialer.sandbox.callgear.config import NUMBER_MANAGEMENT
from dialer.sandbox.callgear.conversation import Conversation, Leg
from dialer.sandbox.callgear.errors import DIRECTION_FORBIDDEN, Refusal
from dialer.sandbox.callgear.office import Employee, is_telephone
from dialer.sandbox.callgear.visit import Done, Visit, dialed, whole
from dialer.sandbox.log import PlacedCall
from dialer.sandbox.numbers import ReservedBehaviour
from dialer.sandbox.replies import break_down, manner_for

DEFAULT_DIALING_TIMEOUT = 30.0
WITH_SCENARIO = frozenset({"start.scenario_call", "start.vnumber_call"})
"""Methods whose calls a scenario handles: only such a one asks for keys, and tags the call by them."""
TOLD_AS = {
    ReservedBehaviour.FAILS: ReservedBehaviour.NO_ANSWER,
    ReservedBehaviour.EXPIRES: ReservedBehaviour.NO_ANSWER,
}
"""What the vendor has no word for, as what it tells instead."""


def start_informer_call(visit: Visit) -> Done:
    return _start(visit, ours=None)


def start_simple_call(visit: Visit) -> Done:
    _check_combination(visit)
    _check_media_file(visit)
    return _start(visit, ours=_leg(visit, visit.params["operator"]))


def start_employee_call(visit: Visit) -> Done:
    _check_combination(visit)
    _check_media_file(visit)
    return _start(visit, ours=_employee_leg(visit))


def start_scenario_call(visit: Visit) -> Done:
    scenario = visit.params["scenario_id"]
    if scenario not in visit.office.scenarios and not visit.knows_all:
        raise Refusal("scenario_not_found", "scenario_id", scenario, {"scenario_id": scenario})
    return _start(visit, ours=_leg(visit, "101"))


def start_vnumber_call(visit: Visit) -> Done:
    _check_caller(visit)
    caller = visit.params["virtual_phone_number"]
    if caller in visit.office.without_scenario:
        raise Refusal("scenario_not_found", "virtual_phone_number", caller)
    return _start(visit, ours=_leg(visit, "101"))


def check_message(visit: Visit, name: str) -> int | None:
    """The length of a message's text, None for a media file. Raises Refusal where it cannot be played."""
    kind, value = visit.params[name]["type"], visit.params[name]["value"]
    limit = visit.world.config.tts_limit
    if kind == "tts" and len(value) > limit:
        lengths = {"tts_message_max_length": limit, "sent_tts_message_length": len(value)}
        raise Refusal("tts_text_exceeded", f"{name}.value", value, lengths)
    if kind == "media" and not (visit.office.has_media(value) or visit.knows_all):
        raise Refusal("media_file_not_found", f"{name}.value", value, {"media_file_id": value})
    return len(value) if kind == "tts" else None


def check_direction(visit: Visit, name: str) -> None:
    """Raise Refusal where the security rules prohibit a call to the number in this parameter."""
    if visit.office.forbids(visit.params[name]):
        raise Refusal(None, name, visit.params[name], kind=DIRECTION_FORBIDDEN)


def limit_exceeded(limit: str, value: int) -> Refusal:
    """The refusal for a limit that is used up; the reply's figures say that nothing remains of it."""
    return Refusal(
        "limit_exceeded",
        params={"limit_type": limit, "limit_max_value": value},
        limits={f"{limit}_remaining": 0},
    )


def _start(visit: Visit, ours: Leg | None) -> Done:
    _check_caller(visit)
    if visit.office.owns(visit.params["contact"]):
        raise Refusal("own_virtual_phone_number_not_allowed", "contact", visit.params["contact"])
    _check_contact(visit)
    lengths = {
        name: check_message(visit, name)
        for name in ("contact_message", "operator_message", "employee_message")
        if name in visit.params
    }
    behaviour = visit.world.next_behaviour("callgear", dialed(visit.params["contact"]))
    _refuse_for(behaviour, visit)
    break_down(behaviour)
    call = _place(visit, behaviour, lengths, ours)
    return Done({"call_session_id": int(call.call_id)}, manner_for(behaviour))


def _check_contact(visit: Visit) -> None:
    """A telephone in a direction that is allowed, or an employee's SIP number."""
    contact = visit.params["contact"]
    if not (is_telephone(contact) or visit.office.has_sip(contact) or visit.knows_all):
        raise Refusal("invalid_parameter_value", "contact", contact)
    for name in ("contact", "operator"):
        if name in visit.params:
            check_direction(visit, name)


def _place(visit: Visit, behaviour: ReservedBehaviour, lengths: dict[str, int | None], ours: Leg | None) -> PlacedCall:
    given = visit.params
    says = "contact_message" in lengths
    call = visit.world.place(
        TOLD_AS.get(behaviour, behaviour),
        vendor="callgear",
        call_id=str(visit.world.next_number()),
        account=visit.account.name,
        to=dialed(given["contact"]),
        caller="+" + given["virtual_phone_number"],
        correlation_id=given.get("external_id"),
        text_length=lengths["contact_message"] if says else 0,
        script=None if says else "none",
        ring_timeout=given.get("dialing_timeout", DEFAULT_DIALING_TIMEOUT),
        method=visit.method,
        talk=visit.office.talk_seconds if ours else 0.0,
    )
    call.request = _conversation(visit, int(call.call_id), ours, call.course.key)
    if visit.world.config.speed > 1:
        visit.account.to_show[call.call_id] = call
        while len(visit.account.to_show) > visit.world.config.log_size:
            del visit.account.to_show[next(iter(visit.account.to_show))]
    return call


def _conversation(visit: Visit, session_id: int, ours: Leg | None, key: str | None) -> Conversation:
    given = visit.params
    called = given["contact"] + given.get("dtmf_string", "")
    contact = Leg(leg_id=session_id * 10 + 1, calling=given["virtual_phone_number"], called=called, is_operator=False)
    return Conversation(
        direction=given.get("direction", "in"),
        contact=contact,
        ours=replace(ours, leg_id=session_id * 10 + 2) if ours else None,
        recording=visit.office.record_all,
        tag_of_key=visit.office.tags_of_keys.get(key or "") if visit.method in WITH_SCENARIO else None,
    )


def _leg(visit: Visit, called: str, employee: tuple[int, str] | None = None) -> Leg:
    shown = visit.params.get("show_virtual_phone_number", True)
    calling = visit.params["virtual_phone_number"] if shown else visit.params["contact"]
    return Leg(
        leg_id=0,
        calling=calling,
        called=called,
        is_operator=True,
        employee_id=employee[0] if employee else None,
        employee_name=employee[1] if employee else None,
    )


def _employee_leg(visit: Visit) -> Leg:
    given: dict[str, Any] = visit.params["employee"]
    employee_id = whole(given["id"])
    employee = visit.office.employees.get(employee_id) if employee_id is not None else None
    if visit.knows_all:
        employee = Employee(name="Employee", numbers=(given.get("phone_number", "101"),))
    if employee is None or employee_id is None:
        raise Refusal("employee_not_found", "employee.id", given["id"], {"employee_id": given["id"]})
    line = given.get("phone_number", employee.numbers[0] if employee.numbers else None)
    if line not in employee.numbers:
        raise Refusal("no_active_phone_number", "employee.phone_number", given.get("phone_number"))
    return _leg(visit, line, (employee_id, employee.name))


def _check_combination(visit: Visit) -> None:
    given = visit.params
    if given.get("early_switching") and not (given["first_call"] != "contact" and given.get("switch_at_once")):
        raise Refusal("invalid_parameters_combination", "early_switching", True)


def _check_media_file(visit: Visit) -> None:
    media = visit.params.get("media_file_id")
    if media is not None and not (visit.office.has_media(str(media)) or visit.knows_all):
        raise Refusal("media_file_not_found", "media_file_id", media, {"media_file_id": media})


def _check_caller(visit: Visit) -> None:
    caller = visit.params["virtual_phone_number"]
    if not (visit.office.owns(caller) or visit.knows_all):
        raise Refusal(
            "virtual_phone_number_not_found", "virtual_phone_number", caller, {"virtual_phone_number": caller}
        )
    rule = visit.params.get("virtual_phone_usage_rule", "fixed")
    if rule != "fixed" and NUMBER_MANAGEMENT not in visit.world.config.components:
        raise Refusal("component_disabled", "virtual_phone_usage_rule", rule, {"component_name": NUMBER_MANAGEMENT})


def _refuse_for(behaviour: ReservedBehaviour, visit: Visit) -> None:
    contact = visit.params["contact"]
    if behaviour is ReservedBehaviour.BLACKLISTED or contact in visit.account.blacklist:
        raise Refusal("contact_in_blacklist", "contact", contact, {"contact": contact})
    if behaviour is ReservedBehaviour.REFUSED:
        raise Refusal("invalid_parameter_value", "contact", contact)
    if behaviour is ReservedBehaviour.INTERNAL_ERROR:
        raise Refusal("internal_error")
    if behaviour is ReservedBehaviour.THROTTLED:
        raise limit_exceeded("minute", visit.world.config.points_per_minute)
