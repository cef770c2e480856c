"""Acme's words and ours: the errors that it answers, the events that it posts."""

from __future__ import annotations

from collections.abc import Mapping

from dialer.calls import Outcome, Progress
from dialer.providers.rules import Rule
from dialer.verdicts import Verdict

# https://docs.acme.example/voice/errors, read on 2026-08-21
ERRORS: Mapping[str, Rule] = {
    "bad_number": Rule(Verdict.REFUSE_CONTACT, "the number cannot be called"),
    "blocked": Rule(Verdict.SUPPRESS, "the number asked not to be called"),
    "text_too_long": Rule(Verdict.REFUSE_CONTACT, "the text is longer than 1000 characters", blames_script=True),
    "text_unreadable": Rule(Verdict.REFUSE_CONTACT, "the text cannot be spoken", blames_script=True),
    "no_such_recording": Rule(Verdict.HALT_CAMPAIGN, "there is no recording of this id", blames_script=True),
    "bad_caller_id": Rule(Verdict.HALT_CAMPAIGN, "the caller ID is not the account's"),
    "bad_request": Rule(Verdict.HALT_CAMPAIGN, "the request is not what the document allows"),
    "no_credit": Rule(Verdict.HALT_ACCOUNT, "the account has no credit"),
    "account_closed": Rule(Verdict.HALT_ACCOUNT, "the account is closed"),
    "bad_key": Rule(Verdict.HALT_ACCOUNT, "the key is not known"),
    "too_fast": Rule(Verdict.THROTTLED, "more calls a second than the account may place"),
    "try_later": Rule(Verdict.NOT_PLACED, "the service is not placing calls for now"),
}
UNKNOWN_ERROR = Rule(Verdict.HALT_CAMPAIGN, "an error that our table does not know")

# https://docs.acme.example/voice/events, read on 2026-08-21
EVENTS: Mapping[str, tuple[Progress, Outcome | None]] = {
    "ringing": (Progress.RINGING, None),
    "answered": (Progress.ANSWERED, None),
    "ended.answered": (Progress.ENDED, Outcome.ANSWERED),
    "ended.busy": (Progress.ENDED, Outcome.BUSY),
    "ended.no_answer": (Progress.ENDED, Outcome.NO_ANSWER),
    "ended.rejected": (Progress.ENDED, Outcome.REJECTED),
    "ended.failed": (Progress.ENDED, Outcome.FAILED),
}
