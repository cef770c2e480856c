"""Errors of phone numbers: why a text is not one that can be called, and what to write instead."""

from __future__ import annotations

HOW_TO_WRITE = "write it as '+', country code, number"


class BadPhoneNumber(ValueError):
    """The text is not a number that can be called; the message says why, `suggestion` what to write."""

    def __init__(self, reason: str, suggestion: str = "") -> None:
        super().__init__(reason)
        self.suggestion = suggestion


class NoCountryCode(BadPhoneNumber):
    """The number is in national form, and no country is known."""
