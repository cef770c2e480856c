"""CallGear's methods: what each asks for, which component it belongs to, and what it does."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dialer.sandbox.callgear import params
from dialer.sandbox.callgear.accounts import Account, Accounts
from dialer.sandbox.callgear.errors import Refusal
from dialer.sandbox.callgear.params import Param
from dialer.sandbox.config import BASIC_SET, CALL_MANAGEMENT, INFORMER_CALLS, NUMBER_MANAGEMENT
from dialer.sandbox.log import PlacedCall
from dialer.sandbox.numbers import OWN_NUMBERS, Fate
from dialer.sandbox.replies import Manner, break_down, manner_for
from dialer.sandbox.world import World

DEFAULT_DIALING_TIMEOUT = 30.0
MEDIA_ID = re.compile(r"[1-9]\d{0,3}")
"""The media files that the sandbox's accounts have: ids 1 to 9999."""

RINGING, TALKING = "Redial", "Talk"  # words of list.calls, from the document's list and from its sample


@dataclass(frozen=True, slots=True)
class Visit:
    """One request to a method, with everything it may look at."""

    world: World
    accounts: Accounts
    account: Account
    params: Mapping[str, Any]
    now: float


@dataclass(frozen=True, slots=True)
class Done:
    """What a method that succeeded says, and how the reply is given."""

    data: object
    manner: Manner = Manner.PROMPT


@dataclass(frozen=True, slots=True)
class Method:
    """A method as the document describes it; `any_encoding`: it has its own word for text that is not UTF-8."""

    component: str
    known: tuple[Param, ...]
    perform: Callable[[Visit], Done]
    any_encoding: bool = False


def log_in(visit: Visit) -> Done:
    token, end = visit.accounts.log_in(visit.now)
    return Done({"access_token": token, "expire_at": int(visit.world.clock.wall(end).timestamp())})


def log_out(visit: Visit) -> Done:
    visit.accounts.log_out(visit.params["access_token"])
    return Done({"success": True})


def start_informer_call(visit: Visit) -> Done:
    given = visit.params
    _check_numbers(visit)
    _check_message(visit)
    to = "+" + given["contact"]
    fate = visit.world.meet_fate("callgear", to)
    _refuse_for(fate, visit)
    break_down(fate)
    message = given["contact_message"]
    call = visit.world.place(
        fate,
        vendor="callgear",
        account=visit.account.name,
        to=to,
        caller="+" + given["virtual_phone_number"],
        correlation_id=given.get("external_id"),
        text_length=len(message["value"]) if message["type"] == "tts" else None,
        ring_timeout=given.get("dialing_timeout", DEFAULT_DIALING_TIMEOUT),
        request={"direction": given.get("direction", "in"), "dtmf": given.get("dtmf_string", "")},
    )
    return Done({"call_session_id": int(call.call_id)}, manner_for(fate))


def _check_numbers(visit: Visit) -> None:
    caller, contact = visit.params["virtual_phone_number"], visit.params["contact"]
    if "+" + caller not in OWN_NUMBERS:
        raise Refusal(
            "virtual_phone_number_not_found", "virtual_phone_number", caller, {"virtual_phone_number": caller}
        )
    rule = visit.params.get("virtual_phone_usage_rule", "fixed")
    if rule != "fixed" and NUMBER_MANAGEMENT not in visit.world.config.components:
        raise Refusal("component_disabled", "virtual_phone_usage_rule", rule, {"component_name": NUMBER_MANAGEMENT})
    if "+" + contact in OWN_NUMBERS:
        raise Refusal("own_virtual_phone_number_not_allowed", "contact", contact)


def _check_message(visit: Visit) -> None:
    kind, value = visit.params["contact_message"]["type"], visit.params["contact_message"]["value"]
    limit = visit.world.config.tts_limit
    if kind == "tts" and len(value) > limit:
        lengths = {"tts_message_max_length": limit, "sent_tts_message_length": len(value)}
        raise Refusal("tts_text_exceeded", "contact_message.value", value, lengths)
    if kind == "media" and not MEDIA_ID.fullmatch(value):
        raise Refusal("media_file_not_found", "contact_message.value", value, {"media_file_id": value})


def _refuse_for(fate: Fate, visit: Visit) -> None:
    contact = visit.params["contact"]
    if fate is Fate.BLACKLISTED:
        raise Refusal("contact_in_blacklist", "contact", contact, {"contact": contact})
    if fate is Fate.REFUSED:
        raise Refusal("invalid_parameter_value", "contact", contact)
    if fate is Fate.INTERNAL_ERROR:
        raise Refusal("internal_error")
    if fate is Fate.THROTTLED:
        raise limit_exceeded("minute", visit.world.config.points_per_minute)


def limit_exceeded(limit: str, value: int) -> Refusal:
    """The refusal for a limit used up, whoever used it: nothing of it remains in the reply's figures."""
    return Refusal(
        "limit_exceeded",
        params={"limit_type": limit, "limit_max_value": value},
        limits={f"{limit}_remaining": 0},
    )


def list_calls(visit: Visit) -> Done:
    direction, caller = visit.params.get("direction"), visit.params.get("virtual_phone_number")
    return Done(
        [
            _as_listed(call, visit)
            for call in visit.world.log.live(visit.now)
            if (call.vendor, call.account) == ("callgear", visit.account.name)
            and direction in (None, call.request["direction"])
            and caller in (None, call.caller[1:])
        ]
    )


def _as_listed(call: PlacedCall, visit: Visit) -> dict[str, Any]:
    session_id = int(call.call_id)
    return {
        "call_session_id": session_id,
        "direction": call.request["direction"],
        "start_time": visit.world.clock.wall(call.course.placed).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3],
        "virtual_phone_number": call.caller[1:],
        "contact_phone_number": call.to[1:],
        "external_id": call.correlation_id,
        "tags": [],
        "legs": [
            {
                "leg_id": session_id * 10 + 1,
                "calling_phone_number": call.caller[1:],
                "called_phone_number": call.to[1:] + call.request["dtmf"],
                "is_operator": False,
                "employee_id": None,
                "employee_full_name": None,
                "record_call_enabled": False,
                "state": TALKING if call.course.answered is not None and call.course.answered <= visit.now else RINGING,
            }
        ],
    }


def release_call(visit: Visit) -> Done:
    session_id = visit.params["call_session_id"]
    call = visit.world.log.live_one(str(session_id), visit.now)
    if call is None or (call.vendor, call.account) != ("callgear", visit.account.name):
        raise Refusal("call_session_not_found", "call_session_id", session_id)
    visit.world.log.release(call, visit.now)
    return Done({"success": "true"})  # a string, as in the document's sample


METHODS: Mapping[str, Method] = {
    "login.user": Method(BASIC_SET, params.LOGIN, log_in),
    "logout.user": Method(BASIC_SET, params.LOGOUT, log_out),
    "start.informer_call": Method(INFORMER_CALLS, params.START_INFORMER_CALL, start_informer_call, any_encoding=True),
    "list.calls": Method(CALL_MANAGEMENT, params.LIST_CALLS, list_calls),
    "release.call": Method(BASIC_SET, params.RELEASE_CALL, release_call),
}
