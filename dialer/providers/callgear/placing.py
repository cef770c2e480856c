"""A call request of ours as one of CallGear's starting operations."""

from __future__ import annotations

from typing import Any

from dialer.call_kinds import INFORMER, Employee, Informer, Prompt, Scenario, Simple, VNumber
from dialer.calls import CallRequest
from dialer.providers.callgear import starting
from dialer.providers.callgear.operation import Operation
from dialer.providers.callgear.params import LONGEST_RING
from dialer.providers.callgear.replies import Placed
from dialer.scripts import Script, Speech


def start(call: CallRequest) -> Operation[Placed]:
    """The operation that places a call. Raises BadParameter for what the document does not allow."""
    common: dict[str, Any] = {
        "virtual_phone_number": call.caller_id,
        "contact": call.to,
        "external_id": str(call.correlation_id),
        "dtmf_string": call.dtmf,
        "direction": call.direction,
    }
    kind = call.kind or INFORMER
    if isinstance(kind, Informer):
        ring = min(call.ring_timeout, LONGEST_RING)
        return starting.start_informer_call(**common, contact_message=call.script, dialing_timeout=ring)
    common |= {
        "contact_message": _said(call.script),
        "first_call": kind.first_call,
        "switch_at_once": kind.switch_at_once,
    }
    match kind:
        case Simple():
            return starting.start_simple_call(
                **common,
                **_between(kind),
                operator=kind.operator.removeprefix("+"),
                operator_confirmation=kind.operator_confirmation,
                operator_message=_prompt(kind.operator_message),
            )
        case Employee():
            employee = starting.Employee(id=kind.employee_id, phone_number=kind.phone_number)
            return starting.start_employee_call(
                **common, **_between(kind), employee=employee, employee_message=_prompt(kind.employee_message)
            )
        case Scenario():
            return starting.start_scenario_call(
                **common, scenario_id=kind.scenario_id, employee_message=_prompt(kind.employee_message)
            )
        case VNumber():
            return starting.start_vnumber_call(**common, show_virtual_phone_number=kind.show_caller_id)


def _between(kind: Simple | Employee) -> dict[str, Any]:
    return {
        "early_switching": kind.early_switching,
        "media_file_id": kind.media_file_id,
        "show_virtual_phone_number": kind.show_caller_id,
    }


def _said(script: Script) -> Script | None:
    """What the contact hears first; nothing where the campaign has no message."""
    return None if isinstance(script, Speech) and not script.text else script


def _prompt(prompt: Prompt | None) -> Script | None:
    return prompt.script if prompt else None
