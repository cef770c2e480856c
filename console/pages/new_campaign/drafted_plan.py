"""The plan of a draft: made once for each version, since making it takes a while for a long list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from campaigns.launch.drafts.reading_notes import Purpose, ReadingNote
from campaigns.launch.drafts.readings import is_long
from campaigns.launch.guided.editing import DraftInWork
from console.list_readings import begin_plan
from console.pages.new_campaign.readings import reading_of
from console.server.state import AppState


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftedPlan:
    """A plan as it was made at some moment. `facts` are those of the API, moments as moments.

    `first_call` is None when nobody is called.
    """

    made_at: datetime
    first_call: datetime | None
    facts: Mapping[str, Any] = field(repr=False)
    slots: Mapping[int, float] = field(repr=False)
    skipped_rows: list[tuple[int, str, str]] = field(repr=False)


def plan_at_hand(work: DraftInWork, state: AppState, who: str) -> ReadingNote | None:
    """How the plan of this version of the draft stands; of a short list it is made now. None: it has to be asked for.

    Raises what `begin_plan` raises.
    """
    note = reading_of(work, Purpose.PLAN)
    if note is None and not work.missing and not is_long(work.draft):
        return begin_plan(work.draft, state, who)
    return note


def drafted_plan(note: ReadingNote | None) -> DraftedPlan | None:
    """The plan that was made; None before that."""
    if note is None or note.result is None:
        return None
    facts = note.result
    between = facts["ends_between"] and [datetime.fromisoformat(moment) for moment in facts["ends_between"]]
    moments = {name: datetime.fromisoformat(facts[name]) for name in ("begins", "ends")}
    return DraftedPlan(
        made_at=datetime.fromisoformat(facts["made_at"]),
        facts={**facts, **moments, "ends_between": between},
        first_call=facts["first_call"] and datetime.fromisoformat(facts["first_call"]),
        slots={int(begins): calls for begins, calls in facts["slots"]},
        skipped_rows=[(line, fate, reason) for line, fate, reason in facts["skipped_rows"]],
    )
