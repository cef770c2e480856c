"""The plan of a campaign before anybody is called: each row's fate, totals, points, and when it is likely to end."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from random import Random
from statistics import median_low

from sqlalchemy import Connection, func, select

from campaigns.audience import Audience
from campaigns.budget import day_of
from campaigns.definition import Definition
from campaigns.ledger.frequency import calls_since
from campaigns.ledger.reading import parse_definition
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import campaigns, contacts
from campaigns.lifecycle import CampaignStatus, ContactStatus
from campaigns.odds import Odds, assumed, learned
from campaigns.pacing import DAY, Speed, slowed
from campaigns.receiving import settles_in
from campaigns.rejects import HARMLESS, Code, Reject
from campaigns.replay import People, Replay, Replayed
from campaigns.rows import ContactRow
from campaigns.sections.budget import Budget
from campaigns.short_texts import seconds_between_looks
from campaigns.summary import Summary
from dialer.accounts import AccountSettings
from dialer.limits import Standing
from dialer.providers import provider_for
from dialer.providers.provider import Follows

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
    that other campaigns of the account still have to call, which are replayed beside it; `slow` is how many times
    slower than its pace the account is when it begins, `day_left` the calls that its day then has left.
    """

    definition: Definition
    summary: Summary
    odds: Odds
    begins: datetime
    ends: datetime
    ends_between: tuple[datetime, datetime] | None
    first_calls: int
    never: int
    over_budget: int
    canary_halts: float | None
    others: int
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
    replayed: Replayed = field(repr=False)


def make_plan(
    audience: Audience,
    settings: AccountSettings,
    ledger: Ledger,
    *,
    now: datetime,
    rng: Random,
    tick: float = 0.0,
    standing: Standing | None = None,
) -> Plan:
    """Read the whole list and replay it from `now` on. Calls nobody and writes nothing.

    `tick` seconds lie between two release ticks of the workers. `standing` is how the account's bucket stands; None
    takes it to be as good as new.
    """
    definition = audience.definition
    with ledger.reading() as db:
        earlier = _earlier_calls(db, definition, settings, now)
        others = _beside(db, definition)
    rows = _read(definition, audience, earlier)
    looks = _looks(settings, min(rows.people.seconds, default=0.0), standing)
    with ledger.reading() as db:
        rehearsal, speed = settings.sandbox, settings.speed
        odds = learned(db, definition.account, rehearsal=rehearsal, speed=speed, looks=looks, now=now)
    odds = odds or assumed(ring_timeout=definition.ring_timeout, speed=settings.speed)
    begins = max(now, definition.starts_at or now)
    pacing = replace(_speed(definition, settings, begins=begins, tick=tick, others=others), looks=looks)
    if standing:
        pacing = _as_it_stands(pacing, standing, settings, (begins - now).total_seconds())
    replay = Replay(definition, rows.people, pacing, odds)
    times = max(1, min(MOST_RUNS, RUNS_FOR_CALLS // (len(rows.lines) + 1)))
    runs = [replay.run(begins.timestamp(), rng) for _ in range(times)]
    return _plan(definition, audience, settings, odds, rows, runs, begins, pacing)


def _plan(
    definition: Definition,
    audience: Audience,
    settings: AccountSettings,
    odds: Odds,
    rows: Rows,
    runs: Sequence[Replayed],
    begins: datetime,
    speed: Speed,
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


def _halts(definition: Definition, runs: Sequence[Replayed]) -> float | None:
    """The part of the replays in which the canary's rule is broken."""
    rule, decided = definition.canary, [run.canary for run in runs if run.canary is not None]
    if rule is None or not decided:
        return None
    return sum(reached < rule.reached * rule.contacts for reached in decided) / len(runs)


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


def _beside(db: Connection, definition: Definition) -> tuple[int, float]:
    """Contacts whom other running campaigns of the account still have to call, and the weight of those campaigns."""
    running = select(campaigns.c.id, campaigns.c.definition).where(
        campaigns.c.account == definition.account, campaigns.c.status == CampaignStatus.RUNNING
    )
    weights = {row.id: parse_definition(row.definition).weight for row in db.execute(running)}
    waiting = select(func.count()).where(
        contacts.c.campaign_id.in_(weights), contacts.c.status == ContactStatus.PENDING
    )
    return db.scalar(waiting) or 0, sum(weights.values())


def _speed(
    definition: Definition, settings: AccountSettings, *, begins: datetime, tick: float, others: tuple[int, float]
) -> Speed:
    """What binds of pace, points and lines, of the campaign's own and the account's, and its budget."""
    own = [1 / pace for pace in (definition.pace, settings.caller_id_pace) if pace]
    ours = [1 / settings.pace]
    if settings.minute_points:
        ours.append(60 / settings.speed * settings.call_points / settings.minute_points)
    lines = [most for most in (definition.concurrency, settings.concurrency) if most]
    budget = definition.limits or Budget()
    waiting, weight = others
    return Speed(
        gap=max(own, default=0.0),
        account_gap=max(ours),
        lines=min(lines) if lines else None,
        day_calls=settings.day_points // settings.call_points if settings.day_points else None,
        day_seconds=DAY / settings.speed,
        slows=provider_for(settings).follows is not Follows.LISTING,
        most_calls=_calls(budget.calls, budget.points, settings),
        own_day_calls=_calls(budget.day_calls, budget.day_points, settings),
        own_day_ends=(day_of(definition, begins)[1] - begins).total_seconds(),
        others=0.0 if definition.urgent else waiting,
        others_part=weight / definition.weight,
        tick=tick,
        settles=settles_in(settings),
    )


def _looks(settings: AccountSettings, message: float, standing: Standing | None) -> float:
    """Seconds between the looks that tell how calls ended; 0 where something else does."""
    by_looks = provider_for(settings).follows is Follows.LISTING and not settles_in(settings)
    return seconds_between_looks(settings, message, _minute_points(standing)) if by_looks else 0.0


def _minute_points(standing: Standing | None) -> int | None:
    """The provider's minute as the bucket knows it."""
    return next((one.limit for one in standing.windows if one.name == "minute points"), None) if standing else None


def _calls(calls: int | None, points: int | None, settings: AccountSettings) -> int | None:
    """The narrower of a budget of calls and one of points, in calls."""
    budgets = [calls, points // settings.call_points if points else None]
    return min((one for one in budgets if one is not None), default=None)


def _as_it_stands(speed: Speed, standing: Standing, settings: AccountSettings, later: float) -> Speed:
    """The speed of an account that stands so now, for a campaign that begins so many seconds later."""
    slow = settings.pace / standing.pace if speed.slows and standing.pace_name == "pace" else 1.0
    day = next((one for one in standing.windows if one.name == "day points" and one.resets_in > later), None)
    minute = _minute_points(standing)
    return replace(
        speed,
        account_gap=max(speed.account_gap, 60 / settings.speed * settings.call_points / minute if minute else 0.0),
        slow=slowed(slow, later),
        blocked=max(0.0, standing.blocked_for - later),
        day_calls=speed.day_calls if day is None else day.limit // settings.call_points,
        day_left=None if day is None else day.left // settings.call_points,
        day_ends=None if day is None else day.resets_in - later,
    )
