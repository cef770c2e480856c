"""What the receipts of one call amount to, whatever their order, however often each came, whichever were lost.

A receipt is read by its two words: `progress` moves the call along; an outcome without progress is only a suspicion,
which counts when nothing better is heard; and an end without an outcome says that the callee hung up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from dialer.calls import Outcome, Progress, Receipt

_RANK = {Progress.PLACED: 1, Progress.RINGING: 2, Progress.ANSWERED: 3, Progress.ENDED: 4}
_CLEAREST = (
    Outcome.MACHINE,
    Outcome.INVALID_NUMBER,
    Outcome.EXPIRED,
    Outcome.REJECTED,
    Outcome.BUSY,
    Outcome.NO_ANSWER,
    Outcome.FAILED,
    Outcome.UNKNOWN,
)
_CUT_SHORT = frozenset({Outcome.BUSY, Outcome.NO_ANSWER, Outcome.FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSummary:
    """A call as its receipts tell it.

    `outcome` is what to conclude if nothing more comes, None while nothing says. `ending` is True as soon as anything
    speaks of an end; with `progress` short of ENDED that is a suspicion, so give the rest a grace before concluding.
    """

    progress: Progress | None = None
    outcome: Outcome | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    ending: bool = False


def summarize_receipts(receipts: Iterable[Receipt]) -> CallSummary:
    """The call that these receipts speak of. Order and repeats change nothing."""
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
    said = {receipt.outcome for receipt in endings}
    refusal = _clearest(said - {Outcome.ANSWERED})
    if answers:
        return Outcome.MACHINE if refusal is Outcome.MACHINE else Outcome.ANSWERED
    if refusal:
        hung_up = None in said
        return Outcome.REJECTED if hung_up and refusal in _CUT_SHORT else refusal
    if Outcome.ANSWERED in said:
        return Outcome.ANSWERED
    suspected = _clearest({receipt.outcome for receipt in suspicions})
    return Outcome.UNKNOWN if endings else suspected


def _clearest(outcomes: set[Outcome | None]) -> Outcome | None:
    return next((outcome for outcome in _CLEAREST if outcome in outcomes), None)


def _earliest(receipts: list[Receipt]) -> datetime | None:
    return min((receipt.occurred_at for receipt in receipts if receipt.occurred_at), default=None)
