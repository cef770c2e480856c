"""A plan as the command line, the pages and the API make it, and its facts."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from campaigns.audience.progress import ProgressBar, no_progress
from campaigns.launch.checking.checks import open_audience
from campaigns.launch.drafts.file_drafts import paths_left_out
from campaigns.launch.drafts.reading_notes import ReadingNote
from campaigns.launch.drafts.readings import CarryOut, Reading
from campaigns.launch.exclusions import Exclusions
from campaigns.ledger.store import Ledger
from campaigns.planning.plan import Plan, make_plan
from campaigns.planning.row_forecasts import row_forecasts
from dialer.bucket import BucketState, BucketUnavailable
from dialer.calls import Outcome
from workers.settings import Settings
from workers.wiring import open_buckets

SHOWN_ROWS, SKIPPED_SHOWN = 10, 20


def plan_carried_out(settings: Settings, ledger: Ledger) -> CarryOut:
    """What makes the plan of a draft. Its result has the facts of `plan_facts`, and those that pages show beside."""

    def carry_out(reading: Reading) -> ReadingNote:
        draft, now = reading.draft, reading.clock()
        with paths_left_out(draft.folder):
            plan = plan_of(draft.file, settings, ledger, now, reading.progress)
        return reading.done(plan.summary.rows_read, _kept_facts(plan, now))

    return carry_out


def plan_of(
    file: Path,
    settings: Settings,
    ledger: Ledger,
    now: datetime,
    progress: ProgressBar = no_progress,
    *,
    account_as_it_stands: bool = True,
) -> Plan:
    """The plan of a campaign file and its list, as if it began at `now`. Raises what `check` raises.

    Its account is taken as it stands, or else as unused and alone.
    """
    audience = open_audience(
        file, settings.accounts, exclusions_for=lambda definition: Exclusions(ledger, definition, now)
    )
    account = audience.definition.account
    return make_plan(
        audience,
        settings.accounts[account],
        ledger,
        now=now,
        rng=Random(audience.definition.campaign),
        tick=settings.worker.tick_seconds,
        bucket_state=_bucket_state(settings, account) if account_as_it_stands else None,
        alone=not account_as_it_stands,
        progress=progress,
    )


def plan_facts(plan: Plan) -> dict[str, Any]:
    """A plan as facts, with its first rows."""
    return {
        "campaign": plan.definition.campaign,
        "account": plan.definition.account,
        "rows": plan.summary.rows_read,
        "will_dial": plan.first_calls,
        "expires": plan.expired,
        "over_budget": plan.over_budget,
        "skipped": dict(plan.skipped),
        "reminders_left_out": len(plan.rows.untold),
        "calls": round(plan.calls, 1),
        "most_calls": plan.most_calls,
        "points": round(plan.points, 1),
        "cost": plan.cost and asdict(plan.cost) | {"is_over_budget": plan.cost.is_over_budget},
        "reached": round(plan.reached, 1),
        "priority": plan.definition.priority,
        "speech_seconds": round(plan.speech_seconds, 1),
        "begins": plan.begins,
        "ends": plan.ends,
        "ends_between": plan.ends_between,
        "canary_halts": plan.canary_halts,
        "account_now": {
            "known": plan.account.known,
            "slower": round(plan.account.slowdown, 2),
            "day_calls_left": plan.account.day_left,
            "others_wait": plan.account.other_calls,
        },
        "days": {day.isoformat(): calls for day, calls in plan.by_day.items()},
        "odds": {
            "learned_from_calls": plan.outcome_model.calls,
            "first": _normalized(plan.outcome_model.first),
            "later": _normalized(plan.outcome_model.later),
        },
        "first_rows": [row._asdict() for row in islice(row_forecasts(plan), SHOWN_ROWS)],
    }


def _kept_facts(plan: Plan, now: datetime) -> Any:
    """The facts of a plan as JSON."""
    first = min(filter(math.isfinite, plan.first_run.first_at), default=None)
    facts = {
        **plan_facts(plan),
        "made_at": now,
        "first_call": first and datetime.fromtimestamp(first, UTC),
        "slots": list(plan.by_slot.items()),
        "skipped_rows": list(islice(sorted(plan.rows.skipped), SKIPPED_SHOWN)),
    }
    return json.loads(json.dumps(facts, default=_as_text))


def _bucket_state(settings: Settings, account: str) -> BucketState | None:
    """The state of the account's token bucket; None where no Redis runs."""
    with open_buckets(settings) as buckets:
        try:
            return buckets[account].peek()
        except BucketUnavailable:
            return None


def _normalized(shares: Mapping[Outcome, float]) -> dict[str, float]:
    return {outcome.value: round(share / sum(shares.values()), 4) for outcome, share in shares.items()}


def _as_text(value: datetime | Decimal) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
