"""Recurring campaigns as the ledger keeps them: listed, paused, asked for, removed, and when each runs next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from cronsim import CronSim
from sqlalchemy import ColumnElement, Connection, and_, delete, select, update

from campaigns.calendar.calling_hours import next_opening
from campaigns.definition import Definition, load_definition
from campaigns.ledger.moves import row_count, updated_one, write_audit
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import schedules
from campaigns.lifecycle import LaunchState
from dialer.errors import DialerError

LEASE = timedelta(minutes=15)  # a launch without a result by then was cut off


class NoSuchSchedule(DialerError):
    """No schedule has this name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A recurring campaign. `next_at` is None when its end has passed; `last_said` says how the last run went.

    A paused one is launched only if somebody asks for it (`asked_at`).
    """

    name: str
    file: str
    next_at: datetime | None
    last_at: datetime | None
    last_said: str
    state: LaunchState
    added_by: str
    added_at: datetime
    paused_at: datetime | None
    asked_at: datetime | None

    @property
    def due_at(self) -> datetime | None:
        """When it is to be launched: at its next hour, or sooner when a launch was cut off."""
        if self.state is LaunchState.IDLE or self.last_at is None:
            return self.asked_at or (None if self.paused_at else self.next_at)
        return self.last_at + LEASE  # also where its next hour comes sooner: it is taken for cut off only then


def remove(ledger: Ledger, name: str, *, who: str, now: datetime) -> None:
    """Remove the schedule `name`; campaigns that it started go on. Raises NoSuchSchedule."""
    with ledger.writing() as db:
        if not row_count(db, delete(schedules).where(schedules.c.name == name)):
            raise _no_such_schedule(db, name)
        write_audit(db, now, who=who, event="schedule removed", detail=name)


def pause(ledger: Ledger, name: str, *, who: str, now: datetime) -> Schedule:
    """Let its hours pass without a launch from now on; what it has started goes on. Raises NoSuchSchedule."""
    return ledger.write(_change, name, {"paused_at": now}, schedules.c.paused_at.is_(None), "schedule paused", who, now)


def resume(ledger: Ledger, name: str, *, who: str, now: datetime) -> Schedule:
    """Launch it at its hours again, those since its pause left out. Raises NoSuchSchedule, DefinitionFaults."""
    definition = load_definition(Path(by_name(ledger, name).file))
    facts = {"paused_at": None, "next_at": next_run(definition, now)}
    return ledger.write(_change, name, facts, schedules.c.paused_at.is_not(None), "schedule resumed", who, now)


def run_now(ledger: Ledger, name: str, *, who: str, now: datetime) -> Schedule:
    """Launch it once, at the next tick of the workers, as at one of its hours; these stay. Raises NoSuchSchedule."""
    idle = and_(schedules.c.asked_at.is_(None), schedules.c.state == LaunchState.IDLE)
    return ledger.write(_change, name, {"asked_at": now}, idle, "schedule asked for", who, now)


def _change(
    db: Connection,
    name: str,
    facts: Mapping[str, object],
    only_if: ColumnElement[bool],
    event: str,
    who: str,
    now: datetime,
) -> Schedule:
    """Change a schedule, with an audit line; nothing where it is so already."""
    before = _by_name(db, name)
    if updated_one(db, update(schedules).where(schedules.c.name == name, only_if).values(**facts)):
        write_audit(db, now, who=who, event=event, detail=name)
        return _by_name(db, name)
    return before


def by_name(ledger: Ledger, name: str) -> Schedule:
    """The schedule `name`. Raises NoSuchSchedule."""
    with ledger.reading() as db:
        return _by_name(db, name)


def _by_name(db: Connection, name: str) -> Schedule:
    for schedule in _all(db):
        if schedule.name == name:
            return schedule
    raise _no_such_schedule(db, name)


def _no_such_schedule(db: Connection, name: str) -> NoSuchSchedule:
    names = ", ".join(db.scalars(select(schedules.c.name))) or "none"
    return NoSuchSchedule(f"no schedule {name[:60]!r}", f"there are: {names}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NextRun:
    """When a campaign is launched, and when people are called: None where the campaign's end comes first."""

    at: datetime
    calls_at: datetime | None

    @property
    def waits(self) -> bool:
        """Whether nobody is called at once: it is a holiday, or no calling hour."""
        return self.calls_at != self.at


def next_runs(schedule: Schedule, now: datetime, count: int) -> list[NextRun]:
    """Its next runs, at most so many, as its file has them now. Raises DefinitionFaults."""
    return runs_of(load_definition(Path(schedule.file)), now, count)


def runs_of(definition: Definition, now: datetime, count: int) -> list[NextRun]:
    """The next runs of a campaign that recurs, at most so many, by the clock of its zone."""
    runs, zone = [now], definition.schedule.zone or "UTC"
    while len(runs) <= count and (run := next_run(definition, runs[-1])):
        runs.append(run)
    return [NextRun(at=run, calls_at=next_opening(definition, zone, run)) for run in runs[1:]]


def listed(ledger: Ledger) -> list[Schedule]:
    """All schedules, the next due first."""
    with ledger.reading() as db:
        return _all(db)


def _all(db: Connection) -> list[Schedule]:
    columns = [schedules.c[name] for name in Schedule.__dataclass_fields__]
    rows = db.execute(select(*columns).order_by(schedules.c.next_at, schedules.c.name))
    return [Schedule(**{**row._mapping, "state": LaunchState(row.state)}) for row in rows]


def next_run(definition: Definition, after: datetime) -> datetime | None:
    """The first run after a moment, by the clock of the schedule's zone; None when the campaign's end comes first."""
    if definition.schedule.repeat is None or definition.schedule.zone is None:
        return None
    local = after.astimezone(ZoneInfo(definition.schedule.zone))
    runs = (run.astimezone(UTC) for run in CronSim(definition.schedule.repeat, local))
    run = next(run for run in runs if run > after)  # it begins before, in an hour that the clock shows again
    return None if definition.ends_at is not None and run >= definition.ends_at else run
