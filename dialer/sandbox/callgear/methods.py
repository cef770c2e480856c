"""CallGear's methods: what each asks for, which component it belongs to, and what does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dialer.sandbox.callgear import listing, managing, params, starting
from dialer.sandbox.callgear.config import BASIC_SET, CALL_MANAGEMENT, CALL_SCENARIO, INFORMER_CALLS
from dialer.sandbox.callgear.params import Param
from dialer.sandbox.callgear.visit import Done, Visit


@dataclass(frozen=True, slots=True)
class Method:
    """A method as the document describes it; `any_encoding`: it has its own word for text that is not UTF-8."""

    component: str
    known: tuple[Param, ...]
    perform: Callable[[Visit], Done]
    any_encoding: bool = False


def log_in(visit: Visit) -> Done:
    token, end = visit.accounts.log_in(visit.account, visit.now, visit.office.session_seconds)
    return Done({"access_token": token, "expire_at": int(visit.world.clock.wall(end).timestamp())})


def log_out(visit: Visit) -> Done:
    visit.accounts.log_out(visit.params["access_token"])
    return Done({"success": True})


METHODS: Mapping[str, Method] = {
    "login.user": Method(BASIC_SET, params.LOGIN, log_in),
    "logout.user": Method(BASIC_SET, params.ONLY_TOKEN, log_out),
    "start.employee_call": Method(BASIC_SET, params.START_EMPLOYEE_CALL, starting.start_employee_call, True),
    "start.scenario_call": Method(CALL_SCENARIO, params.START_SCENARIO_CALL, starting.start_scenario_call, True),
    "start.vnumber_call": Method(BASIC_SET, params.START_VNUMBER_CALL, starting.start_vnumber_call, True),
    "start.informer_call": Method(INFORMER_CALLS, params.START_INFORMER_CALL, starting.start_informer_call, True),
    "start.simple_call": Method(BASIC_SET, params.START_SIMPLE_CALL, starting.start_simple_call, True),
    "make.call": Method(CALL_MANAGEMENT, params.MAKE_CALL, managing.make_call, True),
    "transfer.talk": Method(CALL_MANAGEMENT, params.ONLY_SESSION, managing.transfer_talk),
    "restore.talk": Method(CALL_MANAGEMENT, params.ONLY_SESSION, managing.restore_talk),
    "hold.call": Method(CALL_MANAGEMENT, params.HOLD_CALL, managing.hold_call, True),
    "unhold.call": Method(CALL_MANAGEMENT, params.ONLY_SESSION, managing.unhold_call),
    "add.coach": Method(CALL_MANAGEMENT, params.ADD_COACH, managing.add_coach),
    "tag.call": Method(CALL_MANAGEMENT, params.TAG_CALL, managing.tag_call),
    "record.call": Method(CALL_MANAGEMENT, params.RECORD_CALL, managing.record_call),
    "disconnect.leg": Method(CALL_MANAGEMENT, params.DISCONNECT_LEG, managing.disconnect_leg),
    "send.dtmf": Method(CALL_MANAGEMENT, params.SEND_DTMF, managing.send_dtmf),
    "block.contact": Method(CALL_MANAGEMENT, params.ONLY_SESSION, managing.block_contact),
    "list.calls": Method(CALL_MANAGEMENT, params.LIST_CALLS, listing.list_calls),
    "list.talk_options": Method(CALL_MANAGEMENT, params.ONLY_TOKEN, listing.list_talk_options),
    "call.talk_option": Method(CALL_MANAGEMENT, params.CALL_TALK_OPTION, managing.call_talk_option),
    "release.call": Method(BASIC_SET, params.ONLY_SESSION, managing.release_call),
}
