"""What told us of a call."""

from __future__ import annotations

from enum import StrEnum


class Evidence(StrEnum):
    """What told us of a call: that it was placed after all, or how it ended."""

    ANSWER = "answer"  # the provider's own to our request, however late
    RECEIPT = "receipt"
    LIST = "list"  # the provider's list of calls in progress
    ASKING = "asking"  # the provider's word on one call, or its report of calls
    SILENCE = "silence"  # nobody: its time ran out
