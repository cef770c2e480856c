"""Recurring campaigns: a file with `schedule.repeat` is launched at each of its hours, with its list as it then is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, delete, insert, select, update

from campaigns.definition import Definition, load_definition
from campaigns.launch.checking.checks import check, open_audience
from campaigns.launch.launch import UncheckedList, launch
from campaigns.launch.schedules import Schedule, by_name, listed, next_run
from campaigns.ledger.moves import updated_one, write_audit
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import schedules
from campaigns.lifecycle import LAUNCHES, LaunchState, Step
from campaigns.runtime import contained
from campaigns.safeguards.start_account import WhyNot, start_account_of_several
from dialer.account_settings import AccountSettings
from dialer.errors import DialerError
from dialer.log import get_logger
from dialer.plural import counted

log = get_logger()
LATE = timedelta(minutes=10)  # a run that could not begin by then was missed
MADE_UP_FOR = {"skip": 1, "once": 2}  # launches that were cut off, by what the definition says of missed runs
NOT_YET = "not yet launched"
WORDS = {
    LaunchState.LAUNCHING: "launching",
    LaunchState.AGAIN: "launching again: it was cut off",
    LaunchState.ONCE_MORE: "launching once more: it was cut off twice",
}


class NotRecurring(DialerError):
    """The campaign file has no `schedule.repeat`, or its end comes before the next run."""


class TakenOver(DialerError):
    """The launch took so long that another worker has taken it over."""


def add(ledger: Ledger, file: Path, accounts: Mapping[str, AccountSettings], *, who: str, now: datetime) -> Schedule:
    """Check a campaign file and keep it, to be launched at its hours; replaces the schedule of the same name.

    Raises DefinitionFaults, BadContactsFile, DownloadFailed, NotRecurring. Bad rows do not count:
    each run reads the list anew.
    """
    definition = check(file, accounts, keep=False).definition
    if definition.schedule.repeat is None:
        remedy = f'add schedule.repeat: "0 9 * * 1-5", or start it once: dialer start {file}'
        raise NotRecurring(f"{file}: it does not say when to repeat", remedy)
    next_at = next_run(definition, now)
    if next_at is None:
        raise NotRecurring(f"{file}: its end comes before its next run", "correct schedule.end, or remove it")
    line = {
        "name": definition.campaign,
        "file": str(file.absolute()),
        "next_at": next_at,
        "last_at": None,
        "last_said": NOT_YET,
        "state": LaunchState.IDLE,
        "added_by": who,
        "added_at": now,
    }
    with ledger.writing() as db:
        db.execute(delete(schedules).where(schedules.c.name == definition.campaign))
        db.execute(insert(schedules).values(**line))
        write_audit(
            db, now, who=who, event="schedule added", detail=f"{definition.campaign}: {definition.schedule.repeat}"
        )
    return by_name(ledger, definition.campaign)


def launch_due(
    ledger: Ledger,
    accounts: Mapping[str, AccountSettings],
    *,
    rejects_folder: Path,
    now: datetime,
    second_person_above: int | None = None,
    why_not: WhyNot = lambda account: None,
) -> list[str]:
    """Launch the recurring campaigns that are due; returns their ids. Of several workers, one launches each run.

    `why_not` says why an account cannot dial now: a run of several accounts starts on the first that can.

    A launch that was cut off is tried again; cut off twice, it is a missed run.
    """
    started: list[str] = []
    for schedule in listed(ledger):
        with contained(Step.LAUNCH, ledger, now, campaign=schedule.name):
            if schedule.due_at is None or schedule.due_at > now or not ledger.write(_take, schedule, now):
                continue
            try:
                message = _launch(
                    ledger, schedule, accounts, rejects_folder, now, started, second_person_above, why_not
                )
            except DialerError as exc:
                message = f"not launched: {exc.message}"
                log.error(
                    "a recurring campaign was not launched", schedule=schedule.name, why=exc.message, remedy=exc.remedy
                )
            except Exception as exc:
                message = f"not launched: {type(exc).__name__}, a fault of the dialer; see the worker's log"
                ledger.write(_say, schedule.name, message, now)
                raise
            ledger.write(_say, schedule.name, message, now)
    return started


def _take(db: Connection, schedule: Schedule, now: datetime) -> bool:
    """Take this run, so that no other worker launches it for a while; the schedule moves to its next hour.

    A file that cannot be read is tried again in an hour.
    """
    try:
        following = next_run(load_definition(Path(schedule.file)), now)
    except DialerError:
        following = now + timedelta(hours=1)
    state = LAUNCHES[min(_cuts(schedule), len(LAUNCHES) - 1)]
    facts = {"next_at": following, "last_at": now, "last_said": WORDS[state], "state": state, "asked_at": None}
    if schedule.asked_at is not None and not _cuts(schedule):
        facts["next_at"] = schedule.next_at
    if state is LaunchState.LAUNCHING:
        facts["launched"] = None
    unchanged = (
        schedules.c.name == schedule.name,
        schedules.c.next_at == schedule.next_at,
        schedules.c.last_at == schedule.last_at,
        schedules.c.paused_at == schedule.paused_at,
        schedules.c.asked_at == schedule.asked_at,
    )
    return updated_one(db, update(schedules).where(*unchanged).values(**facts))


def _cuts(schedule: Schedule) -> int:
    """How often the launch that is due has been cut off."""
    return 0 if schedule.state is LaunchState.IDLE else LAUNCHES.index(schedule.state) + 1


def _started_before_it_was_cut_off(db: Connection, schedule: Schedule) -> str | None:
    """The campaign that a launch has started, and was cut off before it could say so."""
    launched: str | None = db.scalar(select(schedules.c.launched).where(schedules.c.name == schedule.name))
    return launched


def _launch(
    ledger: Ledger,
    schedule: Schedule,
    accounts: Mapping[str, AccountSettings],
    rejects_folder: Path,
    now: datetime,
    started: list[str],
    second_person_above: int | None,
    why_not: WhyNot,
) -> str:
    if cuts := _cuts(schedule):
        with ledger.reading() as db:
            if campaign_id := _started_before_it_was_cut_off(db, schedule):
                return f"launched {campaign_id}"
    definition = load_definition(Path(schedule.file))
    if cuts > MADE_UP_FOR[definition.schedule.missed]:
        return f"missed: its launch was cut off {cuts} times"
    if definition.schedule.missed == "skip" and (missed := _missed(schedule, definition, now)):
        return f"missed: {missed}"
    audience = open_audience(Path(schedule.file), accounts)  # suppressed and erased numbers are left out by the launch
    account = start_account_of_several(audience.definition, why_not)
    campaign = launch(
        ledger,
        UncheckedList(audience=audience, accounts=accounts, exclusions=False, skip_rejects=True),
        rejects_folder=rejects_folder,
        who=f"schedule {schedule.name}",
        now=now,
        still_wanted=partial(_note_started, schedule.name, now),
        second_person_above=second_person_above,
        started_for=schedule.added_by,
        account=account,
    )
    started.append(campaign.id)
    beside = f"; {account.words}" if account and account.unhealthy else ""
    counts = f"{counted(campaign.contacts, 'contact')}, {counted(campaign.rejects, 'row')} left out"
    return f"launched {campaign.id}: {counts}{beside}"


def _missed(schedule: Schedule, definition: Definition, now: datetime) -> str | None:
    """Why the run that is due is left out; None when it, or a later one, can begin in time.

    A due time is not a run if the file could not be read at its hour, or has other hours since.
    """
    due = schedule.due_at
    if due is None or schedule.asked_at is not None:
        return None
    at_its_hour = _cuts(schedule) > 0 or next_run(definition, due - timedelta(seconds=1)) == due
    latest = next_run(definition, now - LATE)
    if (at_its_hour and now - due <= LATE) or (latest is not None and latest <= now):
        return None
    moment = f"{due:%d %b %H:%M} UTC"
    return (
        f"nobody was there at {moment}"
        if at_its_hour
        else f"{moment} is none of the hours in {Path(schedule.file).name}"
    )


def _note_started(name: str, since: datetime, db: Connection, campaign_id: str) -> None:
    """Keep which campaign this launch starts. Raises TakenOver when another worker took it for cut off meanwhile."""
    unchanged = (schedules.c.name == name, schedules.c.last_at == since)
    if not updated_one(db, update(schedules).where(*unchanged).values(launched=campaign_id)):
        raise TakenOver(f"the launch of {name} took too long and was taken over", "see: dialer schedule list")


def _say(db: Connection, name: str, message: str, now: datetime) -> None:
    unchanged = (schedules.c.name == name, schedules.c.last_at == now)
    launched = db.scalar(select(schedules.c.launched).where(*unchanged))
    facts = {"last_said": message, "state": LaunchState.IDLE, "launched": None}
    if updated_one(db, update(schedules).where(*unchanged).values(**facts)):
        write_audit(db, now, who=f"schedule {name}", event="schedule ran", campaign_id=launched, detail=message)
