"""Validation errors of single fields, with our own message and a suggestion."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic_core import PydanticCustomError

FIELD_ERROR = "said"  # pydantic's error type, by which our own errors are recognised


def field_error(reason: str, suggestion: str = "", key: Sequence[str] = ()) -> PydanticCustomError:
    """An error for a pydantic validator to raise: why the value is refused, and what to write instead.

    `key`: where, below the section whose validator raises it.
    """
    return PydanticCustomError(FIELD_ERROR, "{reason}", {"reason": reason, "suggestion": suggestion, "key": list(key)})
