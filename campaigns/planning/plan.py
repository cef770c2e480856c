"""The plan of a campaign before it runs: the first call of each row, and the totals and the end to expect."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property
from random import Random
from statistics import fmean, median_low
from typing import Any

from sqlalchemy import Connection

from campaigns.audience.audience import Audience
from campaigns.audience.import_summary import ImportSummary
from campaigns.audience.progress import ProgressBar, no_progress
from campaigns.audience.rejects import NOT_BLOCKING, Reject, RejectCode
from campaigns.audience.rows.contact_row import ContactRow
from campaigns.calendar.reminders import DueReminder, next_reminder, reminder_moments
from campaigns.definition import Definition
from campaigns.ledger.numbers.frequency_caps import calls_since
from campaigns.ledger.store import Ledger
from campaigns.planning.capacity import Capacity, capacity_of, other_campaigns, with_bucket_state
from campaigns.planning.outcome_model import OutcomeModel, assumed_model, learned_model
from campaigns.planning.simulation import MOST_WITH_NUMBERS, SLOT, SimulatedContacts, Simulation, SimulationResult
from dialer.account_settings import AccountSettings
from dialer.bucket import BucketState
from dialer.call_kinds import Informer
from dialer.errors import DialerError
from dialer.prices import Prices, amount

RUNS_FOR_CALLS = 200_000  # short lists are simulated more often: chance makes a greater difference there
MOST_RUNS = 25
ENOUGH_RUNS = 10  # for a range of ends
ANY_ZONE = "UTC"
SECONDS_PER_DAY = 86400
LIKELY = 0.5
NEARER = "its appointment is nearer than its last reminder"
NEARER_THAN_ONE = "its appointment is nearer than its reminder {label} before"
TOO_LATE_FOR_ALL = "no calling hour comes in time for its reminders"
TOO_LATE_FOR_ONE = "no calling hour comes in time for its reminder {label} before"
EPOCH = date(1970, 1, 1).toordinal()


class NothingToPlan(DialerError):
    """The campaign has no list."""


@dataclass(kw_only=True)
class PlannedRows:
    """The rows of the list in columns, so that a million of them fit in memory.

    lines       line in the list of each row that will be called
    numbers     their numbers: the digits of E.164 as an integer
    characters  length of their texts, -1 where there is none
    contacts    the same rows for the simulation
    skipped     all other rows: line, what becomes of it (`rejected`, `suppressed` or `left out`), reason
    untold      reminders of these rows that are left out: line, reason
    """

    lines: array[int] = field(default_factory=lambda: array("q"))
    numbers: array[int] = field(default_factory=lambda: array("q"))
    characters: array[int] = field(default_factory=lambda: array("l"))
    contacts: SimulatedContacts = field(default_factory=SimulatedContacts)
    skipped: list[tuple[int, str, str]] = field(default_factory=list)
    untold: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountOutlook:
    """The state of the account when the campaign begins.

    known        whether its bucket was read; else it is taken to be unused
    slowdown     how many times slower than its pace it is
    day_left     calls left of its day; None: its day has no limit, or is unused
    other_calls  calls that other running campaigns of the account have still to place
    """

    known: bool
    slowdown: float
    day_left: int | None
    other_calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTotals:
    """What one run of the simulation came to; `ends` in Unix seconds."""

    calls: int
    reached: int
    ends: float


@dataclass(frozen=True, slots=True)
class PlannedCost:
    """Money that a campaign is expected to cost: the mean of all runs, and the range of eight in ten of them.

    `between` is None where there were not enough runs. `dearest` is the most that one call may cost, which is kept
    back for it. `budget` is the campaign's own, None where it has none; `used_up` is the share of the runs in which it
    was used up first.
    """

    currency: str
    expected: Decimal
    between: tuple[Decimal, Decimal] | None
    for_each_reached: Decimal | None
    dearest: Decimal
    budget: Decimal | None
    used_up: float

    @property
    def is_over_budget(self) -> bool:
        """Whether the budget is expected to be used up first, or too small for a call."""
        return self.budget is not None and (self.used_up >= LIKELY or self.dearest > self.budget)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to expect of a campaign. Figures are means over all runs of the simulation; rows are those of the first.

    ends          median of the runs
    ends_between  eight of ten runs end in this range; None where the list is too long for ten runs
    canary_halts  share of the runs in which the canary would pause the campaign; None where it is never decided
    most_calls    calls if nobody is reached and every retry is used up
    points        tariff points that the calls cost
    cost          what the calls cost by the account's prices; None without prices
    runs          the totals of each run
    """

    definition: Definition
    summary: ImportSummary
    outcome_model: OutcomeModel
    account: AccountOutlook
    begins: datetime
    ends: datetime
    ends_between: tuple[datetime, datetime] | None
    canary_halts: float | None
    calls: float
    most_calls: int
    points: float
    cost: PlannedCost | None
    reached: float
    speech_seconds: float
    runs: Sequence[RunTotals]
    rows: PlannedRows = field(repr=False)
    first_run: SimulationResult = field(repr=False)

    @cached_property
    def first_calls(self) -> int:
        """Contacts that are called at all."""
        return sum(map(math.isfinite, self.first_run.first_at))

    @cached_property
    def over_budget(self) -> int:
        """Contacts that are left when the budget is used up."""
        return sum(map(math.isinf, self.first_run.first_at))

    @property
    def expired(self) -> int:
        """Contacts that expire before their first call."""
        return len(self.rows.lines) - self.first_calls - self.over_budget

    @property
    def by_day(self) -> Mapping[date, int]:
        """Calls by day (UTC)."""
        days = Counter[int]()
        for slot, calls in self.first_run.by_slot.items():
            days[slot * SLOT // SECONDS_PER_DAY] += calls
        return {date.fromordinal(EPOCH + day): calls for day, calls in sorted(days.items())}

    @property
    def by_slot(self) -> Mapping[int, int]:
        """Calls by the Unix second at which a slot of `SLOT` seconds begins."""
        return {slot * SLOT: calls for slot, calls in sorted(self.first_run.by_slot.items())}

    @property
    def skipped(self) -> Mapping[str, int]:
        """Rows that are not called, counted by what becomes of them."""
        return Counter(fate for _, fate, _ in self.rows.skipped)


def make_plan(
    audience: Audience,
    settings: AccountSettings,
    ledger: Ledger,
    *,
    now: datetime,
    rng: Random,
    tick: float = 0.0,
    bucket_state: BucketState | None = None,
    alone: bool = False,
    progress: ProgressBar = no_progress,
) -> Plan:
    """Read the whole list and simulate the campaign from `now` on. Places no call and writes nothing.

    `tick` is the time in seconds between two release ticks of the workers. Without `bucket_state`, the present state
    of the account's bucket, the account is taken to be unused. `alone` leaves out what other campaigns of the account
    still have to place. Raises what reading the list raises, and NothingToPlan.
    """
    definition = audience.definition
    if definition.contacts.standing:
        message = f"{definition.campaign} is a standing campaign: it has no list, and so nothing to plan"
        raise NothingToPlan(message, "start it; each contact is called when it is appended, within the calling hours")
    begins = max(now, definition.starts_at or now)
    with ledger.reading() as db:
        earlier_calls = _earlier_calls(db, definition, settings, now)
        others = (0, 0.0) if alone else other_campaigns(db, definition)
    is_limited = definition.limits is not None and definition.limits.cost is not None
    rows = _read(audience, earlier_calls, begins, progress, settings.prices if is_limited else None)
    shortest = min(rows.contacts.message_seconds, default=0.0)
    capacity = capacity_of(definition, settings, begins=begins, tick=tick, shortest=shortest, others=others)
    if bucket_state:
        later = (begins - now).total_seconds()
        capacity = with_bucket_state(capacity, bucket_state, settings, shortest=shortest, later=later)
    model = _outcome_model(ledger, definition, settings, capacity, now)
    runs = _simulate(Simulation(definition, rows.contacts, capacity, model), len(rows.lines), begins, rng)
    ends, ends_between = _ends(runs)
    first_calls = sum(map(math.isfinite, runs[0].first_at))
    calls, reached = fmean(run.calls for run in runs), fmean(run.reached for run in runs)
    most_calls = first_calls * definition.retry_policy().max_attempts
    return Plan(
        definition=definition,
        summary=audience.summary,
        outcome_model=model,
        account=AccountOutlook(
            known=bucket_state is not None,
            slowdown=capacity.slowdown,
            day_left=capacity.day_left,
            other_calls=round(capacity.other_calls),
        ),
        begins=begins,
        ends=ends,
        ends_between=ends_between,
        canary_halts=_canary_halts(definition, runs),
        calls=calls,
        most_calls=most_calls if capacity.budget_calls is None else min(most_calls, capacity.budget_calls),
        points=calls * settings.call_points,
        cost=planned_cost(definition, settings, rows, runs),
        reached=reached,
        runs=[RunTotals(calls=run.calls, reached=run.reached, ends=run.ends) for run in runs],
        speech_seconds=_seconds_of_messages(rows, runs[0]) * reached / max(first_calls, 1),
        rows=rows,
        first_run=runs[0],
    )


def planned_cost(
    definition: Definition, settings: AccountSettings, rows: PlannedRows, runs: Sequence[SimulationResult]
) -> PlannedCost | None:
    """The cost of these runs: each call at the mean price of the list, each that is answered with its message."""
    if settings.prices is None or not rows.lines:
        return None
    calls = talks = dearest = 0
    people_talk = not isinstance(definition.call, Informer)
    for number, seconds in zip(rows.numbers, rows.contacts.message_seconds, strict=True):
        price = settings.prices.of_call(f"+{number}", seconds, talks=people_talk)
        dearest = max(dearest, price.kept_back)
        calls, talks = calls + price.call, talks + price.cost(seconds) - price.call
    contacts = len(rows.lines)
    costs = sorted((run.calls * calls + run.reached * talks) // contacts for run in runs)
    tenth, reached = len(costs) // 10, sum(run.reached for run in runs)
    return PlannedCost(
        currency=settings.prices.currency,
        expected=amount(sum(costs) // len(costs)),
        between=(amount(costs[tenth]), amount(costs[-1 - tenth])) if len(costs) >= ENOUGH_RUNS else None,
        for_each_reached=amount(sum(costs) // reached) if reached else None,
        dearest=amount(dearest),
        budget=definition.limits.cost if definition.limits else None,
        used_up=fmean(run.money_used_up for run in runs),
    )


def _outcome_model(
    ledger: Ledger, definition: Definition, settings: AccountSettings, capacity: Capacity, now: datetime
) -> OutcomeModel:
    with ledger.reading() as db:
        learned = learned_model(
            db,
            definition.account,
            rehearsal=settings.sandbox,
            speed=settings.speed,
            poll_interval=capacity.poll_interval,
            now=now,
        )
    return learned or assumed_model(ring_timeout=definition.ring_timeout, speed=settings.speed)


def _simulate(simulation: Simulation, contacts: int, begins: datetime, rng: Random) -> list[SimulationResult]:
    runs = max(1, min(MOST_RUNS, RUNS_FOR_CALLS // (contacts + 1)))
    return [simulation.run(begins.timestamp(), rng) for _ in range(runs)]


def _ends(runs: Sequence[SimulationResult]) -> tuple[datetime, tuple[datetime, datetime] | None]:
    """The median end, and the range in which eight of ten runs end."""
    ends = sorted(datetime.fromtimestamp(run.ends, UTC) for run in runs)
    tenth = len(ends) // 10
    return median_low(ends), (ends[tenth], ends[-1 - tenth]) if len(ends) >= ENOUGH_RUNS else None


def _canary_halts(definition: Definition, runs: Sequence[SimulationResult]) -> float | None:
    """The share of the runs in which too few of the canary's contacts are reached."""
    rule, reached = definition.canary, [run.canary_reached for run in runs if run.canary_reached is not None]
    if rule is None or not reached:
        return None
    return sum(count / rule.contacts < rule.reached for count in reached) / len(runs)


def _seconds_of_messages(rows: PlannedRows, run: SimulationResult) -> float:
    """The length of the messages of all contacts that are called, in seconds."""
    return sum(
        seconds for seconds, at in zip(rows.contacts.message_seconds, run.first_at, strict=True) if at < math.inf
    )


def _read(
    audience: Audience,
    earlier_calls: Mapping[str, list[float]],
    begins: datetime,
    progress: ProgressBar,
    prices: Prices | None,
) -> PlannedRows:
    """The rows of the list; `prices` where a budget in money counts them."""
    rows, zones, places = PlannedRows(), dict[str, int](), list[tuple[Any, int]]()
    for row in progress(audience.rows(), audience.estimated_rows()):
        if isinstance(row, Reject):
            reason = f"{row.column}: {row.reason}" if row.column and row.code not in NOT_BLOCKING else row.reason
            rows.skipped.append((row.line, _skipped_as(row), reason))
            continue
        _add(rows, row, audience.definition, zones, begins)
        if prices is not None:
            _add_costs(rows, prices, talks=not isinstance(audience.definition.call, Informer))
        if audience.order_key and not audience.definition.reminders:
            places.append((audience.order_key(row), len(places)))
        if row.phone.identity in earlier_calls and rows.lines and rows.lines[-1] == row.line:
            first_of_row = rows.contacts.first_of_row
            person = first_of_row[-1] if first_of_row else len(rows.lines) - 1
            rows.contacts.earlier_calls[person] = earlier_calls[row.phone.identity]
    if places:
        rows.contacts.due = _one_after_another(places, begins)
    return rows


def _one_after_another(places: list[tuple[Any, int]], begins: datetime) -> array[float]:
    """When contacts are due that are called in an order of their own: all at once, a millionth of a second apart."""
    due = array("d", [0.0]) * len(places)
    for rank, (_, index) in enumerate(sorted(places)):
        due[index] = begins.timestamp() + rank / 1e6
    return due


def _skipped_as(row: Reject) -> str:
    if row.code in (RejectCode.ON_DNC, RejectCode.ERASED):
        return "suppressed"
    return "left out" if row.code in NOT_BLOCKING else "rejected"


def _add(rows: PlannedRows, row: ContactRow, definition: Definition, zones: dict[str, int], begins: datetime) -> None:
    """Add a row that will be called, once for each of its reminders; `zones` holds the index of each zone so far."""
    if not definition.reminders or row.not_after is None:
        _add_once(rows, row, definition, zones, row.not_after)
        return
    zone, due = row.zone or ANY_ZONE, DueReminder(0, begins)
    moments = [*reminder_moments(definition, zone, row.not_after), row.not_after]
    untold = set(range(1, len(moments)))
    while (due := next_reminder(definition, zone, row.not_after, after=due.number or 0, now=begins)).number:
        is_first = not rows.lines or rows.lines[-1] != row.line
        rows.contacts.first_of_row.append(len(rows.lines) if is_first else rows.contacts.first_of_row[-1])
        _add_once(rows, row, definition, zones, moments[due.number])
        rows.contacts.due.append(due.due_at.timestamp())
        untold.remove(due.number)
    if len(untold) == len(moments) - 1:
        reason = NEARER if moments[-2] < begins else TOO_LATE_FOR_ALL
        rows.skipped.append((row.line, "left out", reason))
        rows.contacts.waits_until = max(rows.contacts.waits_until, row.not_after.timestamp())
        return
    for number in sorted(untold):
        reason = NEARER_THAN_ONE if moments[number - 1] < begins else TOO_LATE_FOR_ONE
        rows.untold.append((row.line, reason.format(label=definition.reminder_labels[number - 1])))


def _add_once(
    rows: PlannedRows, row: ContactRow, definition: Definition, zones: dict[str, int], until: datetime | None
) -> None:
    rows.lines.append(row.line)
    rows.numbers.append(int(row.phone.digits))
    rows.characters.append(-1 if row.text is None else len(row.text))
    rows.contacts.message_seconds.append(definition.script(row.text).seconds)
    zone = row.zone or ANY_ZONE
    if zone not in zones:
        zones[zone] = len(zones)
        rows.contacts.zones.append(zone)
    rows.contacts.zone.append(zones[zone])
    if definition.caller_id.per_day is not None and len(rows.lines) <= MOST_WITH_NUMBERS:
        place = definition.caller_id.numbers.index
        rows.contacts.add_numbers(tuple(tuple(map(place, group)) for group in definition.caller_id.eligible(row.e164)))
    rows.contacts.not_after.append(until.timestamp() if until else math.inf)


def _add_costs(rows: PlannedRows, prices: Prices, *, talks: bool) -> None:
    """Add what calls to the rows cost that were added since it was called last."""
    for index in range(len(rows.contacts.costs) // 3, len(rows.lines)):
        seconds = rows.contacts.message_seconds[index]
        price = prices.of_call(f"+{rows.numbers[index]}", seconds, talks=talks)
        rows.contacts.costs.extend((price.call, price.cost(seconds), price.kept_back))


def _earlier_calls(
    db: Connection, definition: Definition, settings: AccountSettings, now: datetime
) -> dict[str, list[float]]:
    """The earlier calls that count for the frequency caps, as Unix seconds by the phone's identity."""
    if not definition.caps:
        return {}
    since = now - max(cap.window for cap in definition.caps)
    earlier = calls_since(db, since, rehearsal=settings.sandbox)
    return {phone: [at.timestamp() for at in moments] for phone, moments in earlier.items()}
