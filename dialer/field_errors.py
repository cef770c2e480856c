"""How a value that somebody wrote is refused: in our words, with what to write instead."""

from __future__ import annotations

from pydantic_core import PydanticCustomError


def field_error(reason: str, suggestion: str = "") -> PydanticCustomError:
    """A fault of the value at hand, in our words."""
    return PydanticCustomError("said", "{reason}", {"reason": reason, "suggestion": suggestion})
