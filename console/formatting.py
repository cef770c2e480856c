"""Shares, statuses and outcomes as people read them."""

from __future__ import annotations

from collections.abc import Mapping

from campaigns.lifecycle import ContactStatus

MEANINGS: Mapping[ContactStatus, str] = {
    ContactStatus.PENDING: "waits for its next call",
    ContactStatus.CLAIMED: "is about to be called",
    ContactStatus.DIALING: "its call is being requested",
    ContactStatus.PLACED: "its call is under way",
    ContactStatus.REACHED: "its call was answered",
    ContactStatus.UNREACHED: "all its tries went unanswered",
    ContactStatus.REFUSED: "the provider does not call it",
    ContactStatus.SUPPRESSED: "it is on a do-not-call list",
    ContactStatus.EXPIRED: "its time to be called is over",
    ContactStatus.CANCELLED: "was left when the campaign was cancelled",
    ContactStatus.WITHDRAWN: "was taken out of the campaign",
    ContactStatus.UNKNOWN: "may have been called: nothing tells",
}


def percent(count: int, total: int) -> str:
    """A share in percent; one between them is never rounded to 0 % or 100 %."""
    sign, rounded = rounded_percent(count, total)
    return f"{sign}{rounded}%"


def rounded_percent(count: int, total: int) -> tuple[str, int]:
    """A share in whole percent, and `<` or `>` where it is nearly none or nearly all."""
    share = 100 * count / total if total else 0.0
    if 0 < share < 1:
        return "<", 1
    return (">", 99) if 99 < share < 100 else ("", round(share))


def rounded_estimate(value: float) -> int:
    """An estimate as far as it is known: whole below a hundred, else its first two digits, as in 35,000."""
    return int(round(value, min(0, 2 - len(f"{value:.0f}"))))


def estimate(value: float) -> str:
    """An estimate for people: "about 35,000"."""
    return f"about {rounded_estimate(value):,}"


def words(name: str) -> str:
    """A status or an outcome with spaces for its underscores: `no_answer` becomes `no answer`."""
    return name.replace("_", " ")


def meaning(status: ContactStatus) -> str:
    """What a contact's status means, in a few words that follow its name."""
    return MEANINGS[status]
