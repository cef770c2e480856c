"""Why a CallGear call ended, in the vendor's words and ours; reports and notifications share them.

Source: Data API, `finish_reason` of get.calls_report, Russian edition and the English one of 2026, which spells some
of them anew: both are taken. Reasons that blame the account or the platform say nothing about the person: failed.
"""

from __future__ import annotations

from collections.abc import Mapping

from dialer.calls import Outcome

REASONS: Mapping[str, Outcome] = {
    "subscriber_busy": Outcome.BUSY,
    "caller_busy": Outcome.BUSY,
    "subscriber_not_responsible": Outcome.NO_ANSWER,
    "subscriber_not_responsive": Outcome.NO_ANSWER,
    "caller_not_responsive": Outcome.NO_ANSWER,
    "caller_not_responsible": Outcome.NO_ANSWER,
    "timeout": Outcome.NO_ANSWER,
    "subscriber_disconnects": Outcome.REJECTED,  # not answered, or it would have been talked
    "caller_disconnects": Outcome.REJECTED,
    "subscriber_number_problems": Outcome.INVALID_NUMBER,
    "caller_number_problems": Outcome.INVALID_NUMBER,
    "no_success_subscriber_call": Outcome.FAILED,
    "no_success_caller_call": Outcome.FAILED,
    "numa_in_black_list": Outcome.FAILED,
    "numa_in_spam_list": Outcome.FAILED,
    "numa_dnd_interval": Outcome.FAILED,
    "locked_numb": Outcome.FAILED,
    "call_not_allowed_on_tp": Outcome.FAILED,
    "out_call_not_allowed": Outcome.FAILED,
    "max_out_call_reached": Outcome.FAILED,
    "no_resources": Outcome.FAILED,
    "no_money": Outcome.FAILED,
    "not_enough_money": Outcome.FAILED,
    "limit_exceeded": Outcome.FAILED,
    "internal_error": Outcome.FAILED,
    "incorrect_config": Outcome.FAILED,
    "component_is_inactive": Outcome.FAILED,
}


def outcome_of(reason: str | None) -> Outcome | None:
    """How an unanswered call ended; None for a reason that does not say, or that no edition lists."""
    return REASONS.get((reason or "").casefold())
