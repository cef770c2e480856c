"""CallGear's 22 methods as one table: component, parameters, and the errors that are a method's own.

Source: Call API v4.0, "Method list", "Components" and each method's page. `virtual_phone_usage_rule` came with a newer
edition; `show_virtual_phone_number` of `start.vnumber_call` stands in that method's example only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dialer.providers.callgear.params import (
    BY_RULE,
    CALLER,
    CONTACT,
    CONTACT_OR_SIP,
    DIRECTION,
    DTMF_STRING,
    E164,
    EARLY_SWITCHING,
    EXTERNAL_ID,
    ID,
    KEY_OR_ANY,
    LINE,
    MEDIA_FILE,
    NOT_EMPTY,
    ONE_KEY,
    RING,
    SESSION,
    SHOW_CALLER,
    SWITCH_AT_ONCE,
    TOKEN,
    Param,
    message,
    one_of,
)

BASIC = "Call API Basic set"
MANAGEMENT = "Call API Call management"
INFORMER = "Call API Informer calls"
SCENARIO = "Call API Call scenario"

_TEXT = ("tts_text_exceeded", "media_file_not_found", "character_encoding_not_allowed")
_STARTS = (*_TEXT, "virtual_phone_number_not_found", "own_virtual_phone_number_not_allowed", "contact_in_blacklist")


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One method: `places` says that a telephone may ring because of it; `own_errors` are listed on its page."""

    name: str
    component: str
    params: tuple[Param, ...] = ()
    places: bool = False
    own_errors: tuple[str, ...] = ()


def _first(side: str) -> Param:
    return Param(name="first_call", required=True, limit=one_of("contact", side))


def _manages(name: str, *params: Param, errors: tuple[str, ...] = (), places: bool = False) -> Method:
    known = (TOKEN, SESSION, *params)
    return Method(name=name, component=MANAGEMENT, params=known, places=places, own_errors=errors)


def _starts(
    name: str, component: str, *params: Param, contact: Param = CONTACT_OR_SIP, errors: tuple[str, ...] = ()
) -> Method:
    known = (TOKEN, CALLER, contact, *params, EXTERNAL_ID, DTMF_STRING, DIRECTION, BY_RULE)
    return Method(name=name, component=component, params=known, places=True, own_errors=(*_STARTS, *errors))


_EMPLOYEE = Param(
    name="employee",
    kind="object",
    required=True,
    members=(
        Param(name="id", kind="number", required=True, limit=ID),
        Param(name="phone_number", limit=LINE),
    ),
)
_CREDENTIALS = (Param(name="login", required=True), Param(name="password", required=True))
_TO_CONTACT, _TO_EMPLOYEE, _TO_OPERATOR = (message(f"{who}_message") for who in ("contact", "employee", "operator"))

_METHODS = (
    Method(name="login.user", component=BASIC, params=_CREDENTIALS),
    Method(name="logout.user", component=BASIC, params=(TOKEN,)),
    _starts(
        "start.employee_call",
        BASIC,
        _first("employee"),
        _EMPLOYEE,
        SWITCH_AT_ONCE,
        EARLY_SWITCHING,
        MEDIA_FILE,
        SHOW_CALLER,
        _TO_CONTACT,
        _TO_EMPLOYEE,
        errors=("employee_not_found", "no_active_phone_number", "invalid_parameters_combination"),
    ),
    _starts(
        "start.scenario_call",
        SCENARIO,
        _first("employee"),
        Param(name="scenario_id", kind="number", required=True, limit=ID),
        SWITCH_AT_ONCE,
        _TO_CONTACT,
        _TO_EMPLOYEE,
        errors=("scenario_not_found",),
    ),
    _starts(
        "start.vnumber_call",
        BASIC,
        _first("employee"),
        SWITCH_AT_ONCE,
        SHOW_CALLER,
        _TO_CONTACT,
        errors=("scenario_not_found",),
    ),
    _starts(
        "start.informer_call",
        INFORMER,
        message("contact_message", required=True),
        Param(name="dialing_timeout", kind="number", default=30, limit=RING),
        contact=CONTACT,
    ),
    _starts(
        "start.simple_call",
        BASIC,
        _first("operator"),
        Param(name="operator", required=True, limit=E164),
        SWITCH_AT_ONCE,
        EARLY_SWITCHING,
        MEDIA_FILE,
        SHOW_CALLER,
        Param(name="operator_confirmation", limit=KEY_OR_ANY),
        _TO_CONTACT,
        _TO_OPERATOR,
        errors=("invalid_parameters_combination",),
    ),
    _manages(
        "make.call",
        Param(name="to", required=True, limit=LINE),
        message("to_message"),
        errors=("invalid_state", "character_encoding_not_allowed", "no_active_phone_number"),
        places=True,
    ),
    _manages("transfer.talk", errors=("invalid_state",)),
    _manages("restore.talk", errors=("invalid_state",)),
    _manages("hold.call", message("contact_message", required=True), errors=("invalid_state", *_TEXT)),
    _manages("unhold.call", errors=("invalid_state",)),
    _manages("add.coach", Param(name="phone_number", limit=LINE), errors=("coach_not_found", "no_active_phone_number")),
    _manages(
        "tag.call",
        Param(name="tag_id", kind="number", required=True, limit=ID),
        errors=("tag_not_found", "duplicate_tag"),
    ),
    _manages(
        "record.call",
        Param(name="action", required=True, limit=one_of("on", "off")),
        errors=("forbidden", "record_already_started", "record_already_stopped"),
    ),
    _manages(
        "disconnect.leg",
        Param(name="leg_id", kind="number", required=True, limit=ID),
        errors=("leg_not_found",),
    ),
    _manages("send.dtmf", Param(name="dtmf_string", required=True, limit=ONE_KEY)),
    _manages("block.contact", errors=("duplicate_contact",)),
    Method(
        name="list.calls",
        component=MANAGEMENT,
        params=(
            TOKEN,
            Param(name="direction", limit=one_of("in", "out")),
            Param(name="virtual_phone_number", limit=E164),
        ),
    ),
    Method(name="list.talk_options", component=MANAGEMENT, params=(TOKEN,)),
    _manages(
        "call.talk_option",
        Param(name="button", required=True, limit=NOT_EMPTY),
        errors=("invalid_state", "internal_error", "forbidden", "call_session_not_found", "talk_option_not_found"),
    ),
    Method(name="release.call", component=BASIC, params=(TOKEN, SESSION)),
)
METHODS: Mapping[str, Method] = {method.name: method for method in _METHODS}
