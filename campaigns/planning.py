"""The plan of a campaign before anybody is called: each row's fate, totals, points, and when it is likely to end."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from random import Random
from statistics import median

from sqlalchemy import Connection, select

from campaigns.audience import Audience
from campaigns.definition import Definition
from campaigns.ledger.frequency import others
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import attempts
from campaigns.lifecycle import AttemptStatus
from campaigns.odds import Odds, assumed, learned
from campaigns.receiving import settles_in
from campaigns.rejects import HARMLESS, Code, Reject
from campaigns.replay import People, Replay, Replayed, Speed
from campaigns.rows import ContactRow
from campaigns.summary import Summary
from dialer.accounts import AccountSettings

RUNS_FOR_CALLS = 200_000  # a short list is replayed more often, for chance weighs more in it
MOST_RUNS = 25
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
    """The whole plan. Calls and points are what chance makes likely; `most_calls` is what the retries allow."""

    definition: Definition
    summary: Summary
    odds: Odds
    begins: datetime
    ends: datetime
    first_calls: int
    never: int
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
) -> Plan:
    """Read the whole list and replay it from `now` on. Calls nobody and writes nothing.

    `tick` seconds lie between two release ticks of the workers.
    """
    definition = audience.definition
    with ledger.reading() as db:
        odds = learned(db, definition.account, rehearsal=settings.sandbox, speed=settings.speed, now=now)
        earlier = _earlier_calls(db, definition, now)
    rows = _read(definition, audience, earlier)
    odds = odds or assumed(ring_timeout=definition.ring_timeout, speed=settings.speed)
    replay = Replay(definition, rows.people, _speed(definition, settings, tick), odds)
    begin = max(now, definition.starts_at or now).timestamp()
    runs = [replay.run(begin, rng) for _ in range(max(1, min(MOST_RUNS, RUNS_FOR_CALLS // (len(rows.lines) + 1))))]
    return _plan(definition, audience, settings, odds, rows, runs, begin)


def _plan(
    definition: Definition,
    audience: Audience,
    settings: AccountSettings,
    odds: Odds,
    rows: Rows,
    runs: Sequence[Replayed],
    begin: float,
) -> Plan:
    replayed = runs[0]
    calls = sum(run.calls for run in runs) / len(runs)
    first_calls = sum(not math.isnan(at) for at in replayed.first_at)
    spoken = sum(
        seconds for seconds, at in zip(rows.people.seconds, replayed.first_at, strict=True) if not math.isnan(at)
    )
    reached = sum(run.reached for run in runs) / len(runs)
    return Plan(
        definition=definition,
        summary=audience.summary,
        odds=odds,
        begins=datetime.fromtimestamp(begin, UTC),
        ends=datetime.fromtimestamp(median(run.ends for run in runs), UTC),
        first_calls=first_calls,
        never=len(rows.lines) - first_calls,
        calls=calls,
        most_calls=first_calls * definition.retry_policy().max_attempts,
        reached=reached,
        points=calls * settings.call_points,
        speech_seconds=spoken * reached / max(first_calls, 1),
        by_day={date.fromordinal(719163 + day): count for day, count in sorted(replayed.by_day.items())},
        skipped=Counter(fate for _, fate, _ in rows.skipped),
        rows=rows,
        replayed=replayed,
    )


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
    if row.code == Code.ON_DNC:
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


def _earlier_calls(db: Connection, definition: Definition, now: datetime) -> dict[str, list[float]]:
    """The calls that count for the frequency caps already, by number."""
    if not definition.caps:
        return {}
    since = now - max(cap.window for cap in definition.caps)
    query = (
        select(others.c.phone, attempts.c.dialing_at)
        .join(attempts, attempts.c.contact_id == others.c.id)
        .where(attempts.c.dialing_at > since, attempts.c.status != AttemptStatus.NOT_PLACED)
        .order_by(attempts.c.dialing_at)
    )
    found: dict[str, list[float]] = {}
    for phone, at in db.execute(query):
        found.setdefault(phone, []).append(at.timestamp())
    return found


def _speed(definition: Definition, settings: AccountSettings, tick: float) -> Speed:
    """What binds of pace and points, and of lines: the smaller of the campaign's and the account's."""
    gaps = [1 / pace for pace in (definition.pace, settings.pace) if pace]
    if settings.minute_points:
        gaps.append(60 / settings.speed * settings.call_points / settings.minute_points)
    lines = [most for most in (definition.concurrency, settings.concurrency) if most]
    return Speed(
        gap=max(gaps),
        lines=min(lines) if lines else None,
        day_calls=settings.day_points // settings.call_points if settings.day_points else None,
        day_seconds=86400 / settings.speed,
        tick=tick,
        settles=settles_in(settings),
    )
