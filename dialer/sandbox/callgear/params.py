"""Parameters of a method, as a table, and their examination: no unknown ones, none missing, right type, right value."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from dialer.sandbox.callgear.errors import Refusal

TYPES: Mapping[str, type | tuple[type, ...]] = {"string": str, "number": (int, float), "object": dict}


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """One parameter: `good` says whether a value of the right type will do; an object has `members`."""

    name: str
    type: Literal["string", "number", "object"] = "string"
    required: bool = False
    good: Callable[[Any], bool] = lambda value: True
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
    if not isinstance(value, TYPES[param.type]) or isinstance(value, bool):
        raise Refusal("data_type_error", field, value)
    if isinstance(value, dict):
        examine(value, param.members, field + ".")
    if not param.good(value):
        raise Refusal("invalid_parameter_value", field, value)


def one_of(*words: str) -> Callable[[Any], bool]:
    """One of these words."""
    return lambda value: value in words


def matching(pattern: str) -> Callable[[Any], bool]:
    """A text that this regular expression matches whole."""
    compiled = re.compile(pattern)
    return lambda value: compiled.fullmatch(value) is not None


E164_DIGITS = matching(r"[1-9]\d{6,14}")
NOT_EMPTY = matching(r"(?s).*\S.*")

ACCESS_TOKEN = Param(name="access_token", required=True)
MESSAGE = (
    Param(name="type", required=True, good=one_of("media", "tts")),
    Param(name="value", required=True, good=NOT_EMPTY),
)

# https://callgear.github.io/call_api/, with virtual_phone_usage_rule, which came after our copy of the document
LOGIN = (Param(name="login", required=True), Param(name="password", required=True))
LOGOUT = (ACCESS_TOKEN,)
START_INFORMER_CALL = (
    ACCESS_TOKEN,
    Param(name="virtual_phone_number", required=True, good=E164_DIGITS),
    Param(
        name="virtual_phone_usage_rule",
        good=one_of("fixed", "fixed_for_numa", "random", "regional_random", "regional_fixed_for_numa"),
    ),
    Param(name="external_id"),
    Param(name="dtmf_string", good=matching(r"[0-9*#.]*")),
    Param(name="direction", good=one_of("in", "out")),
    Param(name="contact", required=True, good=E164_DIGITS),
    Param(name="dialing_timeout", type="number", good=lambda seconds: 0 < seconds <= 120),
    Param(name="contact_message", type="object", required=True, members=MESSAGE),
)
LIST_CALLS = (
    ACCESS_TOKEN,
    Param(name="direction", good=one_of("in", "out")),
    Param(name="virtual_phone_number", good=E164_DIGITS),
)
RELEASE_CALL = (ACCESS_TOKEN, Param(name="call_session_id", type="number", required=True))
