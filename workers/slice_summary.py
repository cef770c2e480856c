"""What became of a slice, in words for whoever watches tasks, and as what kind of end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

from dialer.verdicts import Ruling, Verdict

WORDS = {
    Verdict.PLACED: "placed",
    Verdict.THROTTLED: "throttled",
    Verdict.NOT_PLACED: "not placed",
    Verdict.LOGIN_AGAIN: "not placed",
    Verdict.NOT_SENT: "not sent",
    Verdict.UNCONFIRMED: "unconfirmed",
    Verdict.REFUSE_CONTACT: "refused",
    Verdict.SUPPRESS: "refused and suppressed",
    Verdict.HALT_CAMPAIGN: "refused for the whole campaign",
    Verdict.HALT_ACCOUNT: "refused for the whole account",
}
HALTING = frozenset({Verdict.HALT_CAMPAIGN, Verdict.HALT_ACCOUNT})
TRIED_AGAIN = frozenset({Verdict.THROTTLED, Verdict.NOT_PLACED, Verdict.LOGIN_AGAIN, Verdict.NOT_SENT})
MOST_SPANS = 8


class SliceEnd(StrEnum):
    """How a slice ended as a whole."""

    DONE = "done"  # each call was placed, or refused for good
    AGAIN = "again"  # some contacts may be due again
    HALTED = "halted"  # the provider's answer stopped the campaign or the account


class SliceSummary:
    """The answers to the requests of one slice: counts and the provider's words, nobody's number or text."""

    def __init__(self, contacts: int) -> None:
        """`contacts`: how many the slice has."""
        self._contacts = contacts
        self._answers: Counter[tuple[Verdict, str]] = Counter()

    def add(self, ruling: Ruling) -> None:
        """Count an answer."""
        self._answers[ruling.verdict, ruling.mnemonic or ruling.code or ""] += 1

    @property
    def _given_back(self) -> int:
        """Contacts for whom no request was made: no token came in time, or a gate held them."""
        return self._contacts - self._answers.total()

    @property
    def end(self) -> SliceEnd:
        verdicts = {verdict for verdict, _word in self._answers}
        if verdicts & HALTING:
            return SliceEnd.HALTED
        return SliceEnd.AGAIN if verdicts & TRIED_AGAIN or self._given_back else SliceEnd.DONE

    @property
    def words(self) -> str:
        """As in: 7 placed, 2 throttled (limit_exceeded), 1 given back."""
        parts = [_part(*answer, self._answers[answer]) for answer in sorted(self._answers, key=_rank)]
        if self._given_back:
            parts.append(f"{self._given_back} given back")
        return ", ".join(parts) or "nothing left to do"


def _rank(answer: tuple[Verdict, str]) -> tuple[int, str]:
    verdict, word = answer
    return list(WORDS).index(verdict), word


def _part(verdict: Verdict, word: str, many: int) -> str:
    return f"{many} {WORDS[verdict]} ({word})" if word else f"{many} {WORDS[verdict]}"


def spans(lines: Iterable[int]) -> str:
    """Line numbers in few words: 7-16, 20."""
    found: list[list[int]] = []
    for line in sorted(lines):
        if found and line == found[-1][1] + 1:
            found[-1][1] = line
        else:
            found.append([line, line])
    shown = [_span(first, last) for first, last in found[:MOST_SPANS]]
    return ", ".join([*shown, "…"] if len(found) > MOST_SPANS else shown)


def _span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"
