"""`responses`: what people mean who press a key during a call, or whose call gets a tag."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from dialer.field_errors import field_error

STOP = "stop"  # never call this number again
ENDS_REMINDERS = frozenset({"confirmed", "cancel", STOP})  # whoever has said that is not reminded again
NO_RESPONSE = "none"  # in reports and redials: was reached, and pressed nothing
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
MOST, LONGEST = 50, 120


def folded(pressed: str) -> str:
    """A key or the name of a tag as it is compared: without regard to case and to blanks around it."""
    return pressed.strip().casefold()


def _name(text: str) -> str:
    if text == NO_RESPONSE:
        raise field_error(f'"{NO_RESPONSE}" stands for those who press nothing', "write another word")
    if not NAME.fullmatch(text):
        raise field_error(
            f'"{text[:40]}" is no name of a response', "write confirmed, cancel, stop or a word like them"
        )
    return text


def _checked(responses: dict[str, str]) -> dict[str, str]:
    seen: dict[str, str] = {}
    for pressed in responses:
        if not pressed.strip() or len(pressed) > LONGEST:
            raise field_error(f"a key has 1 to {LONGEST} characters", "write the key that is pressed, or a tag's name")
        if first := seen.get(folded(pressed)):
            raise field_error(f'"{first}" and "{pressed}" are the same key or tag', "keep one of them")
        seen[folded(pressed)] = pressed
    return responses


ResponseName = Annotated[str, AfterValidator(_name), Field(json_schema_extra={"pattern": f"^{NAME.pattern}$"})]
Responses = Annotated[dict[str, ResponseName], Field(max_length=MOST), AfterValidator(_checked)]
