"""The audit: whether the ledger and the sandbox's own log of placed calls say the same, call by call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
from rich.console import Group, RenderableType
from rich.text import Text
from sqlalchemy import Row

from campaigns.ledger.store import Ledger
from campaigns.lifecycle import AttemptStatus
from campaigns.reporting import counts
from console.cli.output import table
from dialer.calls import Outcome
from dialer.providers.provider import Follows
from dialer.providers.registry import PROVIDERS

NOT_ANSWERED = {Outcome.NO_ANSWER, Outcome.BUSY, Outcome.REJECTED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What the comparison found; the lists should be empty, but for `uncertain` and `missed_by_polling`."""

    calls: int
    attempts: int
    doubled: Sequence[str]  # attempts that were placed more than once
    without_attempt: Sequence[str]  # calls without an attempt in the ledger
    missing: Sequence[str]  # attempts placed by the ledger, without a call
    ruled_not_placed: Sequence[str]  # calls whose attempt is ruled not placed
    different: Sequence[str]  # another outcome than the call had
    open: Sequence[str]  # contacts without a final status
    uncertain: Sequence[str]  # attempts that say they do not know
    missed_by_polling: Sequence[str]  # answered and hung up between two polls, so taken for unanswered

    @property
    def agree(self) -> bool:
        """True when the ledger and the log agree call by call, and every contact is final."""
        faults = (self.doubled, self.without_attempt, self.missing, self.ruled_not_placed, self.different, self.open)
        return not any(faults)


def placed_calls(sandbox_url: str) -> list[Mapping[str, Any]]:
    """The sandbox's log."""
    reply = httpx.get(f"{sandbox_url}/_calls", timeout=30, trust_env=False)
    reply.raise_for_status()
    calls: list[Mapping[str, Any]] = reply.json()
    return calls


def compare(ledger: Ledger, calls: Sequence[Mapping[str, Any]]) -> Findings:
    """Compare the ledger with the log."""
    by_attempt = {_correlation(call): call for call in calls}
    times = Counter(_correlation(call) for call in calls)
    with ledger.reading() as db:
        rows, still_open = counts.all_attempts(db), counts.contacts_not_final(db)
    placed = {key for key, row in rows.items() if row.counted}
    missed_by_polling = [
        key for key, call in by_attempt.items() if key in placed and _missed_by_polling(rows[key], call)
    ]
    return Findings(
        calls=len(calls),
        attempts=len(placed),
        doubled=[key for key, count in times.items() if count > 1],
        without_attempt=[key for key in by_attempt if key not in rows],
        missing=[key for key in placed if key not in by_attempt],
        ruled_not_placed=[key for key in by_attempt if key in rows and rows[key].status == AttemptStatus.NOT_PLACED],
        different=[
            key
            for key, call in by_attempt.items()
            if key in placed and not _same(rows[key].outcome, call) and key not in missed_by_polling
        ],
        open=[str(contact) for contact in still_open],
        missed_by_polling=missed_by_polling,
        uncertain=[key for key, row in rows.items() if row.status == AttemptStatus.UNKNOWN],
    )


def _correlation(call: Mapping[str, Any]) -> str:
    try:
        return str(UUID(call["correlation_id"]))
    except (TypeError, ValueError):
        return str(call["correlation_id"])


def _same(outcome: str | None, call: Mapping[str, Any]) -> bool:
    """Equal, or as near as the provider lets us see: a list of calls in progress does not tell busy from unanswered."""
    happened = call["outcome"]
    if outcome is None or outcome == Outcome.UNKNOWN:
        return outcome is not None
    return outcome == happened or (
        _followed_by_listing(call) and outcome == Outcome.NO_ANSWER and happened in NOT_ANSWERED
    )


def _missed_by_polling(row: Row[tuple[object, ...]], call: Mapping[str, Any]) -> bool:
    """A list shows calls in progress only: one that is cut short between two looks is not seen answered."""
    cut_short = call["outcome"] == Outcome.ANSWERED and call["seconds_talked"] < row.script_seconds - 1
    return bool(_followed_by_listing(call) and cut_short and row.outcome == Outcome.NO_ANSWER)


def _followed_by_listing(call: Mapping[str, Any]) -> bool:
    return PROVIDERS[call["vendor"]].without_account().follows is Follows.LISTING


def panel(found: Findings) -> RenderableType:
    """The comparison for people."""
    shown = table("the sandbox's log against the ledger", ">")
    shown.add_row("calls in the log", found.calls)
    shown.add_row("attempts placed, by the ledger", found.attempts)
    for label, faults in (
        ("attempts called twice", found.doubled),
        ("calls the ledger does not know", found.without_attempt),
        ("attempts placed, but not in the log", found.missing),
        ("attempts not placed, but in the log", found.ruled_not_placed),
        ("outcomes that differ", found.different),
        ("contacts without a final status", found.open),
    ):
        shown.add_row(Text(label, style="red" if faults else ""), len(faults))
    shown.add_row("attempts reported as unknown", len(found.uncertain))
    shown.add_row("answered and cut short between two looks", len(found.missed_by_polling))
    verdict = Text("They agree.", style="bold green") if found.agree else Text("They do not agree.", style="bold red")
    return Group(shown, Text(), verdict)
