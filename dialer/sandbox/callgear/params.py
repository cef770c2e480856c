"""Parameters of a method, as a table, and their examination: no unknown ones, none missing, right type, right value."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from dialer.sandbox.callgear.errors import Refusal

Kind = Literal["string", "number", "boolean", "object"]
TYPES: Mapping[str, type | tuple[type, ...]] = {"string": str, "number": (int, float), "boolean": bool, "object": dict}


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """One parameter: `good` says whether a value of the right type will do, `schema` says it in JSON Schema's words.

    An object has `members`.
    """

    name: str
    type: Kind = "string"
    required: bool = False
    good: Callable[[Any], bool] = lambda value: True
    schema: Mapping[str, Any] = field(default_factory=dict)
    members: tuple[Param, ...] = ()


def examine(given: Mapping[str, Any], known: tuple[Param, ...], inside: str = "") -> None:
    """Raise Refusal for the first fault: names first, then each value in the table's order, objects from within."""
    names = {param.name for param in known}
    for name in given:
        if name not in names:
            raise Refusal("unexpected_parameters", inside + name, given[name])
    for param in known:
        if param.required and param.name not in given:
            raise Refusal("required_parameter_missed", inside + param.name)
    for param in known:
        if param.name in given:
            _examine_value(param, given[param.name], inside + param.name)


def _examine_value(param: Param, value: Any, field: str) -> None:
    if not isinstance(value, TYPES[param.type]) or (isinstance(value, bool) and param.type != "boolean"):
        raise Refusal("data_type_error", field, value)
    if isinstance(value, dict):
        examine(value, param.members, field + ".")
    if not param.good(value):
        raise Refusal("invalid_parameter_value", field, value)


Limit = dict[str, Any]
"""`good` and `schema` of a Param, to be spread into one."""


def one_of(*words: str) -> Limit:
    """One of these words."""
    return {"good": lambda value: value in words, "schema": {"enum": list(words)}}


def matching(pattern: str) -> Limit:
    """A text that this regular expression matches whole."""
    compiled = re.compile(pattern)
    return {"good": lambda value: compiled.fullmatch(value) is not None, "schema": {"pattern": f"^(?:{pattern})$"}}


E164_DIGITS = matching(r"[1-9][0-9]{6,14}")
NUMBER_OR_SIP = matching(r"(?!\d{1,6}$|\d{16})[0-9A-Za-z._-]{1,64}")
LINE = matching(r"[0-9A-Za-z._-]{1,64}")
NOT_EMPTY = matching(r"[\s\S]*\S[\s\S]*")
DTMF = matching(r"[0-9*#.]*")
ONE_KEY = matching(r"[0-9*#]")
IN_OR_OUT = one_of("in", "out")
UP_TO_120: Limit = {"good": lambda seconds: 0 < seconds <= 120, "schema": {"exclusiveMinimum": 0, "maximum": 120}}


def _message(name: str, *, required: bool = False) -> Param:
    members = (
        Param(name="type", required=True, **one_of("media", "tts")),
        Param(name="value", required=True, **NOT_EMPTY),
    )
    return Param(name=name, type="object", required=required, members=members)


def _first(side: str) -> Param:
    return Param(name="first_call", required=True, **one_of("contact", side))


ACCESS_TOKEN = Param(name="access_token", required=True)
SESSION_ID = Param(name="call_session_id", type="number", required=True)
_SWITCH = Param(name="switch_at_once", type="boolean")
_EARLY = Param(name="early_switching", type="boolean")
_MEDIA = Param(name="media_file_id", type="number")
_SHOW = Param(name="show_virtual_phone_number", type="boolean")
_CONTACT_MESSAGE, _EMPLOYEE_MESSAGE = _message("contact_message"), _message("employee_message")

# https://callgear.github.io/call_api/, with virtual_phone_usage_rule, which came after our copy of the document
_ANY_START = (
    ACCESS_TOKEN,
    Param(name="virtual_phone_number", required=True, **E164_DIGITS),
    Param(
        name="virtual_phone_usage_rule",
        **one_of("fixed", "fixed_for_numa", "random", "regional_random", "regional_fixed_for_numa"),
    ),
    Param(name="external_id"),
    Param(name="dtmf_string", **DTMF),
    Param(name="direction", **IN_OR_OUT),
)
_CONNECTING_START = (*_ANY_START, Param(name="contact", required=True, **NUMBER_OR_SIP))
_EMPLOYEE = (Param(name="id", type="number", required=True), Param(name="phone_number", **LINE))

LOGIN = (Param(name="login", required=True), Param(name="password", required=True))
ONLY_TOKEN = (ACCESS_TOKEN,)
ONLY_SESSION = (ACCESS_TOKEN, SESSION_ID)
START_INFORMER_CALL = (
    *_ANY_START,
    Param(name="contact", required=True, **E164_DIGITS),
    Param(name="dialing_timeout", type="number", **UP_TO_120),
    _message("contact_message", required=True),
)
START_SIMPLE_CALL = (
    *_CONNECTING_START,
    _first("operator"),
    _SWITCH,
    _EARLY,
    _MEDIA,
    _SHOW,
    Param(name="operator", required=True, **E164_DIGITS),
    Param(name="operator_confirmation", **matching(r"[0-9*#]|any")),
    _CONTACT_MESSAGE,
    _message("operator_message"),
)
START_EMPLOYEE_CALL = (
    *_CONNECTING_START,
    _first("employee"),
    _SWITCH,
    _EARLY,
    _MEDIA,
    _SHOW,
    Param(name="employee", type="object", required=True, members=_EMPLOYEE),
    _CONTACT_MESSAGE,
    _EMPLOYEE_MESSAGE,
)
START_SCENARIO_CALL = (
    *_CONNECTING_START,
    _first("employee"),
    _SWITCH,
    Param(name="scenario_id", type="number", required=True),
    _CONTACT_MESSAGE,
    _EMPLOYEE_MESSAGE,
)
# show_virtual_phone_number stands in the document's example of this method, and not in its table
START_VNUMBER_CALL = (*_CONNECTING_START, _first("employee"), _SWITCH, _SHOW, _CONTACT_MESSAGE)
MAKE_CALL = (*ONLY_SESSION, Param(name="to", required=True, **LINE), _message("to_message"))
HOLD_CALL = (*ONLY_SESSION, _message("contact_message", required=True))
ADD_COACH = (*ONLY_SESSION, Param(name="phone_number", **LINE))
TAG_CALL = (*ONLY_SESSION, Param(name="tag_id", type="number", required=True))
RECORD_CALL = (*ONLY_SESSION, Param(name="action", required=True, **one_of("on", "off")))
DISCONNECT_LEG = (*ONLY_SESSION, Param(name="leg_id", type="number", required=True))
SEND_DTMF = (*ONLY_SESSION, Param(name="dtmf_string", required=True, **ONE_KEY))
CALL_TALK_OPTION = (*ONLY_SESSION, Param(name="button", required=True))
LIST_CALLS = (
    ACCESS_TOKEN,
    Param(name="direction", **IN_OR_OUT),
    Param(name="virtual_phone_number", **E164_DIGITS),
)
