"""Validation errors of single fields, with our own message and a suggestion."""

from __future__ import annotations

from pydantic_core import PydanticCustomError

FIELD_ERROR = "said"  # pydantic's error type, by which our own errors are recognised


def field_error(reason: str, suggestion: str = "") -> PydanticCustomError:
    """An error for a pydantic validator to raise: why the value is refused, and what to write instead."""
    return PydanticCustomError(FIELD_ERROR, "{reason}", {"reason": reason, "suggestion": suggestion})
