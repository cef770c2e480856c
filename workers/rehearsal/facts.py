"""A rehearsal as facts: what the command line prints as JSON, and the API and the console show."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from campaigns.planning.plan import Plan
from dialer.plural import counted
from workers.rehearsal.comparison import Compared, Figure, moment
from workers.rehearsal.rehearsal import Rehearsed

READ = "the real suppression list, erased numbers and calls under the caps were read; nothing real was written"
ANSWERED = "programs that are asked before dialing were not asked: every contact might be called"


def rehearsal_facts(rehearsed: Rehearsed) -> dict[str, Any]:
    """A rehearsal as facts; the same for the same seed, list, odds and beginning."""
    totals, course = rehearsed.totals, rehearsed.course
    return {
        "campaign": rehearsed.definition.campaign,
        "account": rehearsed.definition.account,
        "begins": rehearsed.begins,
        "seed": rehearsed.seed,
        "status": totals.status,
        "reason": totals.reason,
        "contacts": totals.contacts,
        "skipped": dict(rehearsed.plan.skipped),
        "first_call": course.first_call,
        "last_call": course.last_call,
        "ends": totals.finished_at,
        "calls": totals.attempts,
        "requests": totals.requests,
        "final": dict(totals.final),
        "open": dict(totals.open),
        "outcomes": dict(totals.outcomes),
        "left": [{"status": status, "reason": reason, "contacts": count} for status, reason, count in totals.reasons],
        "days": {day.isoformat(): calls for day, calls in sorted(course.by_day.items())},
        "odds_learned_from_calls": rehearsed.plan.outcome_model.calls,
        "within_the_odds": rehearsed.comparison.within,
        "beside_the_plan": [_beside_the_plan(figure) for figure in rehearsed.comparison.figures],
        "differences": list(rehearsed.comparison.differences),
        "earlier_calls": rehearsed.earlier_calls,
        "remarks": remarks(rehearsed),
    }


def remarks(rehearsed: Rehearsed) -> list[str]:
    """What was left out, what was read of the real ledger, and what stood for programs of others."""
    definition = rehearsed.definition
    skipped = skipped_rows(rehearsed.plan)
    left_out = counted(skipped, "row cannot be called, and was left out", "rows cannot be called, and were left out")
    return [*([left_out] if skipped else []), READ, *([ANSWERED] if definition.before_dial else [])]


def _beside_the_plan(compared: Compared) -> dict[str, Any]:
    return {
        "figure": compared.figure,
        "planned": _form(compared.figure, compared.planned),
        "between": [_form(compared.figure, compared.low), _form(compared.figure, compared.high)],
        "rehearsed": _form(compared.figure, compared.rehearsed),
        "within": compared.within,
    }


def _form(figure: Figure, value: float | None) -> float | datetime | None:
    if value is None:
        return None
    return moment(value) if figure is Figure.ENDS else round(value, 1)


def skipped_rows(plan: Plan) -> int:
    """Rows of the list that a start would refuse."""
    return plan.skipped.get("rejected", 0)
