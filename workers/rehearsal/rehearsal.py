"""A rehearsal from a campaign file to its report, beside the plan."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random

from campaigns.definition import Definition
from campaigns.launch.checking.checks import CheckResult, check, open_audience
from campaigns.launch.exclusions import Exclusions
from campaigns.launch.launch import launch
from campaigns.ledger import queries
from campaigns.ledger.lists.earlier_calls import add_earlier_calls
from campaigns.ledger.numbers.frequency_caps import calls_since
from campaigns.ledger.queries import Campaign
from campaigns.ledger.store import Ledger
from campaigns.lifecycle import PauseKind
from campaigns.planning.plan import Plan, make_plan
from campaigns.reporting.counts import faults_by_step
from campaigns.reporting.overview.course import Course, course_of
from campaigns.reporting.report import Totals, totals
from dialer.account_settings import AccountSettings
from dialer.errors import DialerError
from dialer.number_identity import identity
from dialer.sandbox.numbers import reserved
from workers.rehearsal.comparison import Comparison, compare
from workers.rehearsal.parts import opened, scratch_folder, scratch_ledger, scratch_redis
from workers.rehearsal.sandbox import odds, pointed
from workers.rehearsal.ticking import Ticking
from workers.settings import Settings

WHO = "rehearsal"
DEFAULT_SEED = 1
WATCHED_EVERY = 0.25  # seconds, by a real clock


class NothingToRehearse(DialerError):
    """The campaign has no list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """What would have happened, and when; `seconds` is how long the rehearsal took."""

    definition: Definition
    begins: datetime
    seed: int
    plan: Plan
    totals: Totals
    course: Course
    comparison: Comparison
    earlier_calls: int
    seconds: float = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far a rehearsal is: the moment by its clock, contacts that are final, of so many."""

    now: datetime
    final: int
    contacts: int


Watch = Callable[[Standing], object]


def rehearse(
    file: Path,
    settings: Settings,
    ledger: Ledger,
    *,
    begins: datetime,
    seed: int = DEFAULT_SEED,
    watch: Watch = lambda _standing: None,
) -> Rehearsed:
    """Rehearse a campaign file from `begins` on. `ledger` is the real one: it is read, and never written.

    Its suppression list, its erased numbers and its calls under the caps count as they will. Rows that cannot be called
    are left out. Raises what `check` raises, NothingToRehearse, NobodyToCall.
    """
    began = time.monotonic()
    accounts = {name: pointed(account) for name, account in settings.accounts.items()}

    def exclusions(definition: Definition) -> Exclusions:
        return Exclusions(ledger, definition, begins)

    checked = check(file, accounts, exclusions_for=exclusions)
    definition = _with_list(checked)
    audience = open_audience(file, settings.accounts, exclusions_for=exclusions)
    plan = make_plan(
        audience,
        settings.accounts[definition.account].model_copy(update={"speed": 1.0, "shows_every_answer": False}),
        ledger,
        now=begins,
        rng=Random(definition.campaign),  # as `dialer plan` draws it, whatever the seed
        tick=settings.worker.tick_seconds,
        alone=True,
    )
    earlier = _earlier_calls(definition, settings.accounts, ledger, plan, begins)
    with ExitStack() as closing:
        folder = closing.enter_context(scratch_folder())
        own_ledger = closing.enter_context(scratch_ledger(folder, settings))
        server = closing.enter_context(scratch_redis(folder))
        own_ledger.write(
            add_earlier_calls, earlier, definition_text=definition.model_dump_json(), rehearsal=True, now=begins
        )
        campaign = launch(own_ledger, checked, who=WHO, now=begins)
        chances = odds(plan.outcome_model.first, plan.outcome_model.later)
        used = {name: accounts[name] for name in definition.all_accounts}
        ticking: list[Ticking] = []
        parts = closing.enter_context(
            opened(
                own_ledger,
                server,
                used,
                chances,
                begins=begins,
                seed=seed,
                settings=settings,
                heard=lambda: ticking[0].heard(),
            )
        )
        ticking.append(Ticking(parts, campaign.id, settings.worker, _watched(own_ledger, campaign, watch)))
        parts.loop.run_until_complete(ticking[0].run())
        result = totals(own_ledger, campaign.id)
        watch(_standing(parts.loop.now(), result))
        with own_ledger.reading() as db:
            after = queries.campaign(db, campaign.id)
            course = course_of(db, campaign.id)
            faults = sum(times for *_, times in faults_by_step(db))
    listed = dict(zip(plan.rows.lines, plan.rows.numbers, strict=True))  # with a row for each of several reminders
    reserved_numbers = sum(reserved(f"+{digits}") is not None for digits in listed.values())
    return Rehearsed(
        definition=definition,
        begins=begins,
        seed=seed,
        plan=plan,
        totals=result,
        course=course,
        comparison=compare(
            plan,
            result,
            reserved=reserved_numbers,
            faults=faults,
            used_up_at=after.since if after.pause_kind is PauseKind.BUDGET else None,
        ),
        earlier_calls=sum(map(len, earlier.values())),
        seconds=time.monotonic() - began,
    )


def _with_list(checked: CheckResult) -> Definition:
    definition = checked.definition
    if definition.contacts.standing:
        raise NothingToRehearse(
            f"{definition.campaign} is a standing campaign: it has no list, and so nothing to rehearse",
            "start it on a sandbox (dialer up --sandbox), and append contacts there",
        )
    checked.refuse_empty(None)
    return definition


def _earlier_calls(
    definition: Definition, accounts: Mapping[str, AccountSettings], ledger: Ledger, plan: Plan, begins: datetime
) -> Mapping[str, list[datetime]]:
    """The calls that the caps count, of the numbers on the list."""
    if not definition.caps:
        return {}
    since = begins - max(cap.window for cap in definition.caps)
    with ledger.reading() as db:
        calls = calls_since(db, since, rehearsal=accounts[definition.account].sandbox)
    listed = {identity(f"+{digits}") for digits in plan.rows.numbers}
    return {phone: moments for phone, moments in calls.items() if phone in listed}


def _watched(ledger: Ledger, campaign: Campaign, watch: Watch) -> Callable[[datetime], None]:
    told_at = -math.inf

    def tell(now: datetime) -> None:
        nonlocal told_at
        if time.monotonic() - told_at < WATCHED_EVERY:
            return
        watch(_standing(now, totals(ledger, campaign.id)))
        told_at = time.monotonic()

    return tell


def _standing(now: datetime, so_far: Totals) -> Standing:
    return Standing(now=now, final=sum(so_far.final.values()), contacts=so_far.contacts)
