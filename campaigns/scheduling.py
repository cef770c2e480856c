"""Recurring campaigns: a file with `schedule.repeat` is launched with a fresh list each time its hour comes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from cronsim import CronSim
from sqlalchemy import Connection, delete, insert, select, update
from structlog import get_logger

from campaigns.definition import Definition, load_definition
from campaigns.launch import check, launch
from campaigns.ledger.moves import moved, note, touched
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import schedules
from dialer.accounts import AccountSettings
from dialer.errors import DialerError

log = get_logger()
LATE = timedelta(minutes=10)  # a run that could not begin by then was missed
NOT_YET = "not yet launched"


class NotRecurring(DialerError):
    """The campaign file says nothing of when to repeat."""


class NoSuchSchedule(DialerError):
    """No schedule has this name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """A recurring campaign. `next_at` is None when its end has passed; `last_said` tells how the last run went."""

    name: str
    file: str
    next_at: datetime | None
    last_at: datetime | None
    last_said: str
    added_by: str
    added_at: datetime


def add(ledger: Ledger, file: Path, accounts: Mapping[str, AccountSettings], *, who: str, now: datetime) -> Scheduled:
    """Check a campaign file and keep it to be launched at its hours; what stood there of its name is replaced.

    Raises DefinitionFaults, BadContactsFile, CannotFetch, NotRecurring. Bad rows are none: the list will be another.
    """
    definition = check(file, accounts).definition
    if definition.schedule.repeat is None:
        remedy = 'add schedule.repeat: "0 9 * * 1-5", or start it once: dialer start'
        raise NotRecurring(f"{file}: it does not say when to repeat", remedy)
    line = {
        "name": definition.campaign,
        "file": str(file.absolute()),
        "next_at": next_run(definition, now),
        "last_at": None,
        "last_said": NOT_YET,
        "added_by": who,
        "added_at": now,
    }
    with ledger.writing() as db:
        db.execute(delete(schedules).where(schedules.c.name == definition.campaign))
        db.execute(insert(schedules).values(**line))
        note(db, now, who=who, event="schedule added", detail=f"{definition.campaign}: {definition.schedule.repeat}")
    return next(one for one in listed(ledger) if one.name == definition.campaign)


def remove(ledger: Ledger, name: str, *, who: str, now: datetime) -> None:
    """Launch it no more; campaigns that it started go on. Raises NoSuchSchedule."""
    with ledger.writing() as db:
        if not touched(db, delete(schedules).where(schedules.c.name == name)):
            there = ", ".join(db.scalars(select(schedules.c.name))) or "none"
            raise NoSuchSchedule(f"no schedule {name!r}", f"there are: {there}")
        note(db, now, who=who, event="schedule removed", detail=name)


def listed(ledger: Ledger) -> list[Scheduled]:
    """All of them, the next first."""
    columns = [schedules.c[name] for name in Scheduled.__dataclass_fields__]
    with ledger.reading() as db:
        rows = db.execute(select(*columns).order_by(schedules.c.next_at, schedules.c.name))
        return [Scheduled(**row._mapping) for row in rows]


def next_run(definition: Definition, after: datetime) -> datetime | None:
    """The first run after a moment, by the clock of the schedule's zone; None when its end comes before."""
    if definition.schedule.repeat is None or definition.schedule.zone is None:
        return None
    local = after.astimezone(ZoneInfo(definition.schedule.zone))
    run = next(CronSim(definition.schedule.repeat, local)).astimezone(UTC)
    return None if definition.ends_at is not None and run >= definition.ends_at else run


def launch_due(
    ledger: Ledger, accounts: Mapping[str, AccountSettings], *, rejects_folder: Path, now: datetime
) -> list[str]:
    """Launch the recurring campaigns that are due; returns their ids. Many may ask at once: each run is one's."""
    started: list[str] = []
    for one in listed(ledger):
        if one.next_at is None or one.next_at > now or not ledger.write(_take, one, now):
            continue
        try:
            said = _launch(ledger, one, accounts, rejects_folder, now, started)
        except DialerError as exc:
            said = f"not launched: {exc.message}"
            log.error("a recurring campaign was not launched", schedule=one.name, why=exc.message, remedy=exc.remedy)
        ledger.write(_say, one.name, said, now)
    return started


def _take(db: Connection, one: Scheduled, now: datetime) -> bool:
    """Make this run ours: its schedule goes on to the next. A file that cannot be read is tried again in an hour."""
    try:
        following = next_run(load_definition(Path(one.file)), now)
    except DialerError:
        following = now + timedelta(hours=1)
    ours = (schedules.c.name == one.name, schedules.c.next_at == one.next_at)
    return moved(db, update(schedules).where(*ours).values(next_at=following, last_at=now))


def _launch(
    ledger: Ledger,
    one: Scheduled,
    accounts: Mapping[str, AccountSettings],
    rejects_folder: Path,
    now: datetime,
    started: list[str],
) -> str:
    definition = load_definition(Path(one.file))
    late = now - one.next_at if one.next_at else timedelta()
    if late > LATE and definition.schedule.missed == "skip":
        return f"missed: nobody was there at {one.next_at:%d %b %H:%M} UTC"
    checked = check(Path(one.file), accounts)  # whom the ledger leaves out, the launch leaves out
    checked.refuse_rejects(None, skip=True)
    campaign = launch(ledger, checked, rejects_folder=rejects_folder, who=f"schedule {one.name}", now=now)
    started.append(campaign.id)
    return f"launched {campaign.id}: {campaign.contacts} contacts, {campaign.rejects} rows left out"


def _say(db: Connection, name: str, said: str, now: datetime) -> None:
    db.execute(update(schedules).where(schedules.c.name == name).values(last_said=said))
    note(db, now, who=f"schedule {name}", event="schedule ran", detail=said)
