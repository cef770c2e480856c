"""The plan of a campaign before anybody is called: each row's fate, totals, points, and when it is likely to end."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from random import Random
from statistics import median_low

from sqlalchemy import Connection

from campaigns.audience.audience import Audience
from campaigns.audience.import_summary import ImportSummary
from campaigns.audience.rejects import HARMLESS, Code, Reject
from campaigns.audience.row_reader import ContactRow
from campaigns.definition import Definition
from campaigns.ledger.frequency_caps import calls_since
from campaigns.ledger.store import Ledger
from campaigns.planning.capacity import Capacity, beside, capacity_of, current_state
from campaigns.planning.outcome_model import OutcomeModel, assumed, learned
from campaigns.planning.simulation import People, Simulation, SimulationResult
from dialer.account_settings import AccountSettings
from dialer.bucket import BucketState

RUNS_FOR_CALLS = 200_000  # a short list is replayed more often, for chance weighs more in it
MOST_RUNS = 25
ENOUGH_RUNS = 10  # to say between when it ends
ANY_ZONE = "UTC"


@dataclass(kw_only=True)
class Rows:
    """The list in columns: numbers as integers, for a million strings weigh too much."""

    lines: array[int] = field(default_factory=lambda: array("q"))
    numbers: array[int] = field(default_factory=lambda: array("q"))
    characters: array[int] = field(default_factory=lambda: array("l"))
    people: People = field(default_factory=People)
    skipped: list[tuple[int, str, str]] = field(default_factory=list)  # line, fate, reason


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The whole plan. Calls and points are what chance makes likely; `most_calls` is what the retries allow.

    `ends_between`: eight of ten replays end so; None where the list is too long to be replayed often. `never` contacts
    expire before anybody calls them, `over_budget` are left when its budget is used up. `canary_halts` is the part of
    the replays whose canary would pause the campaign; None where it has none that is decided. `others` are contacts
    that other campaigns of the account still have to call, which are replayed beside it. `account_known`: Redis told
    how the account stands, else it is taken for as good as new; `slow` is how many times slower than its pace it is
    when the campaign begins, `day_left` the calls that its day then has left.
    """

    definition: Definition
    summary: ImportSummary
    odds: OutcomeModel
    begins: datetime
    ends: datetime
    ends_between: tuple[datetime, datetime] | None
    first_calls: int
    never: int
    over_budget: int
    canary_halts: float | None
    others: int
    account_known: bool
    slow: float
    day_left: int | None
    calls: float
    most_calls: int
    reached: float
    points: float
    speech_seconds: float
    by_day: Mapping[date, int]
    skipped: Mapping[str, int]
    rows: Rows = field(repr=False)
    replayed: SimulationResult = field(repr=False)


def make_plan(
    audience: Audience,
    settings: AccountSettings,
    ledger: Ledger,
    *,
    now: datetime,
    rng: Random,
    tick: float = 0.0,
    standing: BucketState | None = None,
) -> Plan:
    """Read the whole list and replay it from `now` on. Calls nobody and writes nothing.

    `tick` seconds lie between two release ticks of the workers. `standing` is how the account's bucket stands; None
    takes it to be as good as new.
    """
    definition = audience.definition
    with ledger.reading() as db:
        earlier = _earlier_calls(db, definition, settings, now)
        others = beside(db, definition)
    rows = _read(definition, audience, earlier)
    begins = max(now, definition.starts_at or now)
    shortest = min(rows.people.seconds, default=0.0)
    speed = capacity_of(definition, settings, begins=begins, tick=tick, shortest=shortest, others=others)
    if standing:
        speed = current_state(speed, standing, settings, shortest=shortest, later=(begins - now).total_seconds())
    with ledger.reading() as db:
        odds = learned(
            db,
            definition.account,
            rehearsal=settings.sandbox,
            speed=settings.speed,
            looks=speed.looks,
            now=now,
        )
    odds = odds or assumed(ring_timeout=definition.ring_timeout, speed=settings.speed)
    replay = Simulation(definition, rows.people, speed, odds)
    times = max(1, min(MOST_RUNS, RUNS_FOR_CALLS // (len(rows.lines) + 1)))
    runs = [replay.run(begins.timestamp(), rng) for _ in range(times)]
    return _plan(definition, audience, settings, odds, rows, runs, begins, speed, known=standing is not None)


def _plan(
    definition: Definition,
    audience: Audience,
    settings: AccountSettings,
    odds: OutcomeModel,
    rows: Rows,
    runs: Sequence[SimulationResult],
    begins: datetime,
    speed: Capacity,
    *,
    known: bool,
) -> Plan:
    replayed = runs[0]
    calls = sum(run.calls for run in runs) / len(runs)
    first_calls = sum(map(math.isfinite, replayed.first_at))
    over_budget = sum(map(math.isinf, replayed.first_at))
    spoken = sum(seconds for seconds, at in zip(rows.people.seconds, replayed.first_at, strict=True) if at < math.inf)
    reached = sum(run.reached for run in runs) / len(runs)
    ends = sorted(datetime.fromtimestamp(run.ends, UTC) for run in runs)
    tenth = len(ends) // 10
    most_calls = first_calls * definition.retry_policy().max_attempts
    return Plan(
        definition=definition,
        summary=audience.summary,
        odds=odds,
        begins=begins,
        ends=median_low(ends),
        ends_between=(ends[tenth], ends[-1 - tenth]) if len(ends) >= ENOUGH_RUNS else None,
        first_calls=first_calls,
        never=len(rows.lines) - first_calls - over_budget,
        over_budget=over_budget,
        canary_halts=_halts(definition, runs),
        others=round(speed.others),
        account_known=known,
        slow=speed.slow,
        day_left=speed.day_left,
        calls=calls,
        most_calls=most_calls if speed.most_calls is None else min(most_calls, speed.most_calls),
        reached=reached,
        points=calls * settings.call_points,
        speech_seconds=spoken * reached / max(first_calls, 1),
        by_day={date.fromordinal(719163 + day): count for day, count in sorted(replayed.by_day.items())},
        skipped=Counter(fate for _, fate, _ in rows.skipped),
        rows=rows,
        replayed=replayed,
    )


def _halts(definition: Definition, runs: Sequence[SimulationResult]) -> float | None:
    """The part of the replays in which the canary's rule is broken."""
    rule, decided = definition.canary, [run.canary for run in runs if run.canary is not None]
    if rule is None or not decided:
        return None
    return sum(reached / rule.contacts < rule.reached for reached in decided) / len(runs)


def _read(definition: Definition, audience: Audience, earlier: Mapping[str, list[float]]) -> Rows:
    rows, zones = Rows(), dict[str, int]()
    for row in audience.rows():
        if isinstance(row, Reject):
            reason = f"{row.column}: {row.reason}" if row.column and row.code not in HARMLESS else row.reason
            rows.skipped.append((row.line, _fate_of(row), reason))
            continue
        _take(row, definition, rows, zones)
        if row.phone.e164 in earlier:
            rows.people.called[len(rows.lines) - 1] = earlier[row.phone.e164]
    return rows


def _fate_of(row: Reject) -> str:
    if row.code in (Code.ON_DNC, Code.ERASED):
        return "suppressed"
    return "left out" if row.code in HARMLESS else "rejected"


def _take(row: ContactRow, definition: Definition, rows: Rows, zones: dict[str, int]) -> None:
    rows.lines.append(row.line)
    rows.numbers.append(int(row.phone.digits))
    rows.characters.append(-1 if row.text is None else len(row.text))
    rows.people.seconds.append(definition.script(row.text).seconds)
    name = row.zone or ANY_ZONE
    if name not in zones:
        zones[name] = len(zones)
        rows.people.zones.append(name)
    rows.people.zone.append(zones[name])
    rows.people.not_after.append(row.not_after.timestamp() if row.not_after else math.inf)


def _earlier_calls(
    db: Connection, definition: Definition, settings: AccountSettings, now: datetime
) -> dict[str, list[float]]:
    """The calls that count for the frequency caps already, by number."""
    if not definition.caps:
        return {}
    since = now - max(cap.window for cap in definition.caps)
    earlier = calls_since(db, since, rehearsal=settings.sandbox)
    return {phone: [at.timestamp() for at in moments] for phone, moments in earlier.items()}
