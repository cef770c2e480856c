"""An operation: one method with its parameters, checked against the document, and how its reply is read.

Sans-IO: whoever carries it adds the session key and brings back the reply.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from dialer.phone import PhoneNumber
from dialer.providers.callgear.methods import METHODS, Method
from dialer.providers.callgear.params import TOKEN, BadParameter, check
from dialer.providers.callgear.replies import Reader
from dialer.scripts import Recording, Script

T = TypeVar("T")
Number = str | PhoneNumber
"""A telephone number: E.164 as digits without a plus, or ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(Generic[T]):
    """A request of one method. `params` hold people's numbers and texts, and no session key."""

    method: Method
    params: Mapping[str, Any] = field(repr=False)
    read: Reader[T] = field(repr=False)

    @property
    def needs_key(self) -> bool:
        """Whether a session key has to be added."""
        return TOKEN in self.method.params and TOKEN.name not in self.params


def operation(name: str, read: Reader[T], **params: Any) -> Operation[T]:
    """An operation with the parameters that are given (not None). Raises BadParameter for what is not allowed."""
    method = METHODS[name]
    sent = {key: _on_the_wire(value) for key, value in params.items() if value is not None}
    check(name, sent, tuple(param for param in method.params if param != TOKEN))
    _check_combination(name, sent)
    return Operation(method=method, params=sent, read=read)


def _on_the_wire(value: Any) -> Any:
    if isinstance(value, PhoneNumber):
        return value.digits
    if isinstance(value, Script):
        return _message(value)
    return value


def _message(script: Script) -> dict[str, str]:
    if isinstance(script, Recording):
        return {"type": "media", "value": script.media_id}
    return {"type": "tts", "value": script.text}


def _check_combination(name: str, sent: Mapping[str, Any]) -> None:
    """`early_switching` goes with calling our side first, and with switching at once."""
    if sent.get("early_switching") and (sent.get("first_call") == "contact" or not sent.get("switch_at_once")):
        ours = "operator" if name == "start.simple_call" else "employee"
        remedy = f"it needs first_call {ours} and switch_at_once true"
        raise BadParameter(name, "early_switching", "does not go with the other parameters", remedy)
