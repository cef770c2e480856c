"""Combines the receipts of one call into its state, in whatever order they came, repeated or incomplete.

A receipt says what it says alone: a call that ended with no word on how has ended as UNKNOWN, until another receipt
tells. An end without an outcome means that the person called hung up, which happens to answered and to declined calls.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from dialer.calls import Outcome, Progress, Receipt

_RANK = {Progress.PLACED: 1, Progress.RINGING: 2, Progress.ANSWERED: 3, Progress.ENDED: 4}
_UNANSWERED_MOST_SPECIFIC_FIRST = (
    Outcome.INVALID_NUMBER,
    Outcome.EXPIRED,
    Outcome.REJECTED,
    Outcome.BUSY,
    Outcome.NO_ANSWER,
    Outcome.FAILED,
)
_OVERRIDDEN_BY_HANG_UP = frozenset({Outcome.BUSY, Outcome.NO_ANSWER, Outcome.FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSummary:
    """The state of a call by its receipts.

    `outcome` is the conclusion if no more receipts come; None while the call goes on. UNKNOWN: it ended, and no receipt
    says how, so wait for the others before concluding. `hung_up` is True if the person called ended it.
    """

    progress: Progress | None = None
    outcome: Outcome | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    hung_up: bool = False

    @property
    def ended(self) -> bool:
        """Whether any receipt is about the call's end."""
        return self.progress is Progress.ENDED

    @property
    def tells_all(self) -> bool:
        """Whether these receipts say that the call ended, and how."""
        return self.ended and self.outcome is not Outcome.UNKNOWN


def summarize_receipts(receipts: Iterable[Receipt]) -> CallSummary:
    """The state of the call that these receipts are about. Order and repeats make no difference."""
    known = [receipt for receipt in receipts if receipt.progress]
    answers = [receipt for receipt in known if receipt.progress is Progress.ANSWERED]
    endings = [receipt for receipt in known if receipt.progress is Progress.ENDED]
    steps = [receipt.progress for receipt in known if receipt.progress]
    outcomes = {receipt.outcome for receipt in endings}
    return CallSummary(
        progress=max(steps, key=_RANK.__getitem__, default=None),
        outcome=_outcome(outcomes, answered=bool(answers)),
        answered_at=_earliest(answers),
        ended_at=_earliest(endings),
        hung_up=None in outcomes,
    )


def _outcome(ends: set[Outcome | None], *, answered: bool) -> Outcome | None:
    """By what the receipts of an end say; whatever an end is called, one word of an answer outranks it."""
    if Outcome.MACHINE in ends:
        return Outcome.MACHINE
    if answered or Outcome.ANSWERED in ends:
        return Outcome.ANSWERED
    unanswered = next((outcome for outcome in _UNANSWERED_MOST_SPECIFIC_FIRST if outcome in ends), None)
    if unanswered in _OVERRIDDEN_BY_HANG_UP and None in ends:
        return Outcome.REJECTED
    return unanswered or (Outcome.UNKNOWN if ends else None)


def _earliest(receipts: list[Receipt]) -> datetime | None:
    return min((receipt.occurred_at for receipt in receipts if receipt.occurred_at), default=None)
