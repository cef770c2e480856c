"""Parameters of CallGear's methods: their kinds, defaults and limits, and the check before anything is sent."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from dialer.errors import Refused
from dialer.verdicts import Ruling, Verdict

NAME = "callgear"
LONGEST_RING = 120
Kind = Literal["string", "number", "boolean", "object"]
TYPES: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "number": (int, float),
    "boolean": bool,
    "object": dict,
}


class BadParameter(Refused):
    """A request that the document does not allow; it was not sent. `ruling.field` names the parameter."""

    def __init__(self, method: str, field: str, wrong: str, remedy: str) -> None:
        detail = f"{method}: {field} {wrong}"
        verdict = Verdict.REFUSE_CONTACT if field == "contact" else Verdict.HALT_CAMPAIGN
        text = f"{detail}: {remedy}"
        super().__init__(
            NAME, detail, Ruling(verdict=verdict, mnemonic="bad_parameter", detail=text, field=field), remedy
        )


@dataclass(frozen=True, slots=True)
class Limit:
    """What a value may be, in words and as a question."""

    words: str
    allows: Callable[[Any], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """One parameter as the document lists it; an object has `members`. `default` is what its absence means."""

    name: str
    kind: Kind = "string"
    required: bool = False
    default: object = None
    limit: Limit | None = None
    members: tuple[Param, ...] = ()


def check(method: str, given: Mapping[str, Any], known: tuple[Param, ...], inside: str = "") -> None:
    """Raise BadParameter for the first value that the document does not allow."""
    for param in known:
        field = inside + param.name
        if param.name in given:
            _check_value(method, param, given[param.name], field)
        elif param.required:
            raise BadParameter(method, field, "is missing", "it is required")


def _check_value(method: str, param: Param, value: Any, field: str) -> None:
    right = isinstance(value, TYPES[param.kind]) and (param.kind == "boolean" or not isinstance(value, bool))
    if not right or (isinstance(value, float) and not math.isfinite(value)):
        raise BadParameter(method, field, f"is not a {param.kind}", f"write a {param.kind}")
    if isinstance(value, dict):
        check(method, value, param.members, f"{field}.")
    if param.limit and not param.limit.allows(value):
        raise BadParameter(method, field, "has a value that is not allowed", f"write {param.limit.words}")


def texts(params: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The texts to be spoken among a request's parameters, each with the name of its field."""
    for name, value in params.items():
        if isinstance(value, dict) and value.get("type") == "tts":
            yield f"{name}.value", str(value["value"])


def one_of(*words: str) -> Limit:
    """One of these words."""
    return Limit(" or ".join(words), lambda value: value in words)


def _matching(words: str, pattern: str) -> Limit:
    compiled = re.compile(pattern)
    return Limit(words, lambda value: compiled.fullmatch(value) is not None)


E164 = _matching("7 to 15 digits, country code first, without a plus (E.164)", r"[1-9]\d{6,14}")
LINE = _matching("an extension, a SIP number or an E.164 number without a plus", r"[0-9A-Za-z._-]{1,64}")
NUMBER_OR_SIP = _matching(
    "an E.164 number without a plus, or an employee's SIP number, and no extension",
    r"(?!\d{1,6}$|\d{16})[0-9A-Za-z._-]{1,64}",
)
DTMF = _matching("digits, * and #, with . for a pause of one second", r"[0-9*#.]+")
ONE_KEY = _matching("one key: a digit, * or #", r"[0-9*#]")
KEY_OR_ANY = _matching("one key (a digit, * or #), or any", r"[0-9*#]|any")
NOT_EMPTY = _matching("something", r"(?s).*\S.*")
ID = Limit("the number of an id, a whole one above zero", lambda value: value == int(value) and value > 0)
RING = Limit(f"seconds, above 0 and up to {LONGEST_RING}", lambda value: 0 < value <= LONGEST_RING)
USAGE_RULE = one_of("fixed", "fixed_for_numa", "random", "regional_random", "regional_fixed_for_numa")


def message(name: str, *, required: bool = False) -> Param:
    """A message to play: a media file by its id, or a text to speak."""
    members = (
        Param(name="type", required=True, limit=one_of("media", "tts")),
        Param(name="value", required=True, limit=NOT_EMPTY),
    )
    return Param(name=name, kind="object", required=required, members=members)


TOKEN = Param(name="access_token", required=True)
SESSION = Param(name="call_session_id", kind="number", required=True, limit=ID)
CALLER = Param(name="virtual_phone_number", required=True, limit=E164)
CONTACT = Param(name="contact", required=True, limit=E164)
CONTACT_OR_SIP = Param(name="contact", required=True, limit=NUMBER_OR_SIP)
EXTERNAL_ID = Param(name="external_id")
DTMF_STRING = Param(name="dtmf_string", limit=DTMF)
DIRECTION = Param(name="direction", default="in", limit=one_of("in", "out"))
SWITCH_AT_ONCE = Param(name="switch_at_once", kind="boolean", default=False)
EARLY_SWITCHING = Param(name="early_switching", kind="boolean", default=False)
MEDIA_FILE = Param(name="media_file_id", kind="number", limit=ID)
SHOW_CALLER = Param(name="show_virtual_phone_number", kind="boolean", default=True)
BY_RULE = Param(name="virtual_phone_usage_rule", default="fixed", limit=USAGE_RULE)
