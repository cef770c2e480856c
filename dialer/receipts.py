"""Combines the receipts of one call into its state, in whatever order they came, repeated or incomplete.

A receipt with `progress` moves the call along. One with an outcome and no progress is a suspicion, which counts only if
no receipt says more. An end without an outcome means that the person called hung up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from dialer.calls import Outcome, Progress, Receipt

_RANK = {Progress.PLACED: 1, Progress.RINGING: 2, Progress.ANSWERED: 3, Progress.ENDED: 4}
_MOST_SPECIFIC_FIRST = (
    Outcome.MACHINE,
    Outcome.INVALID_NUMBER,
    Outcome.EXPIRED,
    Outcome.REJECTED,
    Outcome.BUSY,
    Outcome.NO_ANSWER,
    Outcome.FAILED,
    Outcome.UNKNOWN,
)
_OVERRIDDEN_BY_HANG_UP = frozenset({Outcome.BUSY, Outcome.NO_ANSWER, Outcome.FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSummary:
    """The state of a call by its receipts.

    `outcome` is the conclusion if no more receipts come; None if there is none yet. `ending` is True once any receipt
    is about an end. If `progress` is not ENDED then, it is a suspicion: wait for the other receipts before concluding.
    """

    progress: Progress | None = None
    outcome: Outcome | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    ending: bool = False


def summarize_receipts(receipts: Iterable[Receipt]) -> CallSummary:
    """The state of the call that these receipts are about. Order and repeats make no difference."""
    known = [receipt for receipt in receipts if receipt.progress or receipt.outcome]
    answers = [receipt for receipt in known if receipt.progress is Progress.ANSWERED]
    endings = [receipt for receipt in known if receipt.progress is Progress.ENDED]
    suspicions = [receipt for receipt in known if receipt.progress is None]
    steps = [receipt.progress for receipt in known if receipt.progress]
    return CallSummary(
        progress=max(steps, key=_RANK.__getitem__, default=None),
        outcome=_outcome(answers, endings, suspicions),
        answered_at=_earliest(answers),
        ended_at=_earliest(endings) or _earliest(suspicions),
        ending=bool(endings or suspicions),
    )


def _outcome(answers: list[Receipt], endings: list[Receipt], suspicions: list[Receipt]) -> Outcome | None:
    outcomes = {receipt.outcome for receipt in endings}
    refusal = _most_specific(outcomes - {Outcome.ANSWERED})
    if answers:
        return Outcome.MACHINE if refusal is Outcome.MACHINE else Outcome.ANSWERED
    if refusal:
        hung_up = None in outcomes
        return Outcome.REJECTED if hung_up and refusal in _OVERRIDDEN_BY_HANG_UP else refusal
    if Outcome.ANSWERED in outcomes:
        return Outcome.ANSWERED
    suspected = _most_specific({receipt.outcome for receipt in suspicions})
    return Outcome.UNKNOWN if endings else suspected


def _most_specific(outcomes: set[Outcome | None]) -> Outcome | None:
    return next((outcome for outcome in _MOST_SPECIFIC_FIRST if outcome in outcomes), None)


def _earliest(receipts: list[Receipt]) -> datetime | None:
    return min((receipt.occurred_at for receipt in receipts if receipt.occurred_at), default=None)
