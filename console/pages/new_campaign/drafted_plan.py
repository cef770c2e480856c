"""The plan of a draft: made once for each version, since making it takes a while for a long list."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from campaigns.launch.drafts.file_drafts import paths_left_out
from campaigns.launch.guided.editing import DraftInWork
from campaigns.launch.guided.plan_notes import keep_plan, kept_plan
from campaigns.planning.plan import Plan
from console.plans import plan_facts, plan_of
from console.server.state import AppState

SKIPPED_SHOWN = 20
AT_ONCE_BYTES = 1 << 20  # a list as short as this is planned while its page is opened


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


def plan_at_hand(work: DraftInWork, state: AppState) -> DraftedPlan | None:
    """The plan of this version of the draft; it is made now if its list is short. None: it has to be asked for."""
    if facts := kept_plan(work):
        return _read(facts)
    size = sum(file.stat().st_size for file in work.draft.folder.glob("list.*"))
    return make_plan_of(work, state) if size <= AT_ONCE_BYTES and not work.missing else None


def make_plan_of(work: DraftInWork, state: AppState) -> DraftedPlan:
    """Make the plan anew and keep it. Raises what `check` raises, and NothingToPlan."""
    with paths_left_out(work.draft.folder):
        plan: Plan = plan_of(work.draft.file, state.settings, state.ledger, state.clock())
    first = min(filter(math.isfinite, plan.first_run.first_at), default=None)
    facts = {
        **plan_facts(plan),
        "made_at": state.clock().isoformat(),
        "begins": plan.begins.isoformat(),
        "ends": plan.ends.isoformat(),
        "ends_between": plan.ends_between and [moment.isoformat() for moment in plan.ends_between],
        "first_call": first and datetime.fromtimestamp(first, UTC).isoformat(),
        "slots": list(plan.by_slot.items()),
        "skipped_rows": list(islice(sorted(plan.rows.skipped), SKIPPED_SHOWN)),
    }
    keep_plan(work, facts)
    return _read(facts)


def _read(facts: Mapping[str, Any]) -> DraftedPlan:
    between = facts["ends_between"] and [datetime.fromisoformat(moment) for moment in facts["ends_between"]]
    moments = {name: datetime.fromisoformat(facts[name]) for name in ("begins", "ends")}
    return DraftedPlan(
        made_at=datetime.fromisoformat(facts["made_at"]),
        facts={**facts, **moments, "ends_between": between},
        first_call=facts["first_call"] and datetime.fromisoformat(facts["first_call"]),
        slots={int(begins): calls for begins, calls in facts["slots"]},
        skipped_rows=[(line, fate, reason) for line, fate, reason in facts["skipped_rows"]],
    )
