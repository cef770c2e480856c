"""The plan of a campaign before anybody is called: each row's fate, totals, points, and when it is likely to end."""

from __future__ import annotations

import csv
import math
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from statistics import median

from sqlalchemy import Connection, select

from campaigns.audience import Audience
from campaigns.calendar import zones_of
from campaigns.definition import Definition
from campaigns.ledger.frequency import others
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import attempts
from campaigns.lifecycle import AttemptStatus
from campaigns.odds import Odds, assumed, learned
from campaigns.rejects import HARMLESS, Code, Reject
from campaigns.replay import People, Replay, Replayed, Speed
from campaigns.rows import ContactRow
from campaigns.summary import Summary
from dialer.accounts import AccountSettings
from dialer.phone import mask

RUNS_FOR_CALLS = 200_000  # a short list is replayed more often, for chance weighs more in it
MOST_RUNS = 25
ANY_ZONE = "UTC"
COLUMNS = ("line", "number", "fate", "at", "local_time", "window", "characters", "seconds", "reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What becomes of one row: `dial` with its first call's moment and window, or why it gets none."""

    line: int
    number: str
    fate: str
    at: datetime | None = None
    local_time: datetime | None = None
    window: str = ""
    characters: int | None = None
    seconds: float | None = None
    reason: str = ""


@dataclass(kw_only=True)
class Rows:
    """The list in columns: numbers as integers, for a million strings weigh too much."""

    lines: array[int] = field(default_factory=lambda: array("q"))
    numbers: array[int] = field(default_factory=lambda: array("q"))
    characters: array[int] = field(default_factory=lambda: array("l"))
    seconds: array[float] = field(default_factory=lambda: array("f"))
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

    def fates(self) -> Iterator[Fate]:
        """Every row of the list, in its order."""
        dialed = zip(range(len(self.rows.lines)), self.rows.lines, strict=True)
        pending = sorted(self.rows.skipped)
        at = 0
        for place, line in dialed:
            while at < len(pending) and pending[at][0] < line:
                yield _skipped(pending[at])
                at += 1
            yield self._fate(place)
        yield from map(_skipped, pending[at:])

    def _fate(self, place: int) -> Fate:
        rows, moment = self.rows, self.replayed.first_at[place]
        characters = rows.characters[place] if rows.characters[place] >= 0 else None
        fate = Fate(
            line=rows.lines[place],
            number=mask(f"+{rows.numbers[place]}"),
            fate="expires",
            characters=characters,
            seconds=round(rows.seconds[place], 1),
            reason="no window comes before its last moment",
        )
        if math.isnan(moment):
            return fate
        at = datetime.fromtimestamp(moment, UTC)
        local = at.astimezone(zones_of(rows.people.zones[rows.people.zone[place]])[0])
        window = self.definition.windows.rule_at(local)
        return replace(fate, fate="dial", at=at, local_time=local, window=window, reason="")


def make_plan(audience: Audience, settings: AccountSettings, ledger: Ledger, *, now: datetime, rng: Random) -> Plan:
    """Read the whole list and replay it from `now` on. Calls nobody and writes nothing."""
    definition = audience.definition
    with ledger.reading() as db:
        odds = learned(db, definition.account, rehearsal=settings.sandbox, now=now)
        earlier = _earlier_calls(db, definition, now)
    rows = _read(definition, audience, earlier)
    spoken = sum(rows.seconds) / max(len(rows.seconds), 1)
    odds = odds or assumed(ring_timeout=definition.ring_timeout, script_seconds=spoken, speed=settings.speed)
    replay = Replay(definition, rows.people, _speed(definition, settings), odds)
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
    spoken = sum(seconds for seconds, at in zip(rows.seconds, replayed.first_at, strict=True) if not math.isnan(at))
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


def write_fates(plan: Plan, path: Path) -> int:
    """Write every row's fate as CSV; returns how many rows."""
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        for one in plan.fates():
            at, local = (moment.isoformat(timespec="seconds") if moment else "" for moment in (one.at, one.local_time))
            writer.writerow(
                (one.line, one.number, one.fate, at, local, one.window, one.characters, one.seconds, one.reason)
            )
    return len(plan.rows.lines) + len(plan.rows.skipped)


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
    rows.seconds.append(definition.script(row.text).seconds)
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


def _speed(definition: Definition, settings: AccountSettings) -> Speed:
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
    )


def _skipped(one: tuple[int, str, str]) -> Fate:
    line, fate, reason = one
    return Fate(line=line, number="", fate=fate, reason=reason)
