"""Why a CallGear call ended, in the vendor's words and ours; reports and notifications share them.

Source: Data API, `finish_reason` of get.calls_report, Russian edition and the English one of 2026, which spells some
of them anew: both are taken. Reasons that blame the account or the platform say nothing about the person: failed.
"""

from __future__ import annotations

from collections.abc import Mapping

from dialer.calls import Outcome

# If this is all that is ever heard: the call was not answered, for it was never put through, or rang in vain.
UNANSWERED: Mapping[str, Outcome] = {
    "subscriber_busy": Outcome.BUSY,
    "caller_busy": Outcome.BUSY,
    "subscriber_not_responsible": Outcome.NO_ANSWER,
    "subscriber_not_responsive": Outcome.NO_ANSWER,
    "caller_not_responsive": Outcome.NO_ANSWER,
    "caller_not_responsible": Outcome.NO_ANSWER,
    "timeout": Outcome.NO_ANSWER,  # the time to ring, says its document
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
}

# If this is all: the person called hung up, after answering or to decline.
HUNG_UP = frozenset({"subscriber_disconnects", "caller_disconnects"})

# If this is all: the call is over, and may have been answered before that befell it.
ALSO_AFTER_AN_ANSWER = frozenset(
    {
        "no_money",
        "not_enough_money",
        "limit_exceeded",
        "internal_error",
        "incorrect_config",
        "component_is_inactive",
        "success_finish",
        "scenario_disconnects",
        "disconnect_before_call_processing",
    }
)
_OF_AN_UNANSWERED = {
    **UNANSWERED,
    **dict.fromkeys(HUNG_UP, Outcome.REJECTED),
    **dict.fromkeys(ALSO_AFTER_AN_ANSWER - {"success_finish", "scenario_disconnects"}, Outcome.FAILED),
}


def outcome_of(reason: str | None) -> Outcome | None:
    """What a reason proves alone: UNKNOWN if nothing, None that the person called hung up, answered or not."""
    word = (reason or "").casefold()
    return None if word in HUNG_UP else UNANSWERED.get(word, Outcome.UNKNOWN)


def outcome_of_unanswered(reason: str | None) -> Outcome:
    """How a call ended that is known not to have been answered; UNKNOWN for a reason that does not say."""
    return _OF_AN_UNANSWERED.get((reason or "").casefold(), Outcome.UNKNOWN)
