"""What an attempt's confirmation or outcome is based on."""

from __future__ import annotations

from enum import StrEnum


class Evidence(StrEnum):
    """What showed that a call was placed, or how it ended."""

    ANSWER = "answer"  # the provider's answer to our request, however late
    RECEIPT = "receipt"
    LIST = "list"  # the provider's list of calls in progress
    ASKING = "asking"  # the provider's status of one call, or its report of calls
    SILENCE = "silence"  # none: its time ran out
