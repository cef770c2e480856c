"""The hold reason of a campaign: the one reason why nothing is being dialed, when it clears, and what can be done."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select

from campaigns.calendar.calling_hours import next_opening
from campaigns.calendar.zones import zones_of
from campaigns.ledger import queries
from campaigns.ledger.moves import moved_to
from campaigns.ledger.numbers.frequency_caps import cap_clears_at
from campaigns.ledger.queries import Campaign, latest_fault
from campaigns.ledger.tables import attempts, audit, breakers, campaigns, contacts, halts
from campaigns.lifecycle import (
    BY_A_PERSON,
    PROGRAM,
    WAITING_CONTACTS,
    AttemptStatus,
    CampaignStatus,
    ContactStatus,
    PauseKind,
    ReleaseHold,
)
from campaigns.reporting.standing import Standing, dialed_lately, standing_of
from campaigns.reporting.surroundings import NOT_ASKED, Surroundings, Trouble, TroubleKind
from campaigns.safeguards.caller_ids import used_up_until
from campaigns.safeguards.failure_rate import failure_word
from dialer.verdicts import Verdict

if TYPE_CHECKING:
    from campaigns.definition.sections.frequency import Cap

TICK_IS_LATE = timedelta(seconds=15)
TAKEN_WITHIN = timedelta(seconds=10)  # a worker that lives asks for a call sooner after it has been claimed or is due
FAILING_IS_NEWS = timedelta(minutes=10)
DRAFT_LEASE = timedelta(minutes=2)  # a launch that lives has written to its draft since
FAILED_IN_A_ROW = 3  # requests that placed no call, after which the provider is said to be down


class HoldKind(StrEnum):
    """What sort of reason it is."""

    FAULT = "fault"
    STARTING = "starting"
    CUT_OFF = "cut_off"
    SCHEDULED = "scheduled"
    PAUSED_BY_PERSON = "paused_by_person"
    BREAKER = "breaker"
    BUDGET = "budget"
    CANARY = "canary"
    HALTED = "halted"
    SECOND_PERSON = "second_person"
    ANSWERS_AGAIN = "answers_again"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    NO_STACK = "no_stack"
    REDIS_AWAY = "redis_away"
    REDIS_REFUSES = "redis_refuses"
    LEDGER_AWAY = "ledger_away"
    NO_BEAT = "no_beat"
    NO_WORKER = "no_worker"
    WORKERS_HANG = "workers_hang"
    NO_CONSUMER = "no_consumer"
    NO_TICK = "no_tick"
    NOT_TAKEN = "not_taken"
    CLOCK_SET = "clock_set"
    DAY_POINTS = "day_points"
    BUCKET_EMPTY = "bucket_empty"
    LIMIT = "limit"
    VENDOR_DOWN = "vendor_down"
    DIALING = "dialing"
    ABOUT_TO_DIAL = "about_to_dial"
    WAITS_ITS_TURN = "waits_its_turn"
    IN_PROGRESS = "in_progress"
    FINISHING = "finishing"
    STANDING_BY = "standing_by"
    HOLIDAY = "holiday"
    WINDOW_CLOSED = "window_closed"
    WAITING_FOR_RETRY = "waiting_for_retry"
    WAITING_FOR_REMINDER = "waiting_for_reminder"
    CAPPED = "capped"
    CALLER_ID = "caller_id"
    ASKED_ELSEWHERE = "asked_elsewhere"
    PUT_OFF = "put_off"


PAUSES = {
    PauseKind.PERSON: HoldKind.PAUSED_BY_PERSON,
    PauseKind.BREAKER: HoldKind.BREAKER,
    PauseKind.CANARY: HoldKind.CANARY,
    PauseKind.BUDGET: HoldKind.BUDGET,
    PauseKind.HALTED: HoldKind.HALTED,
    PauseKind.SECOND_PERSON: HoldKind.SECOND_PERSON,
}
KIND_OF_HOLD = {
    ReleaseHold.REDIS_AWAY: HoldKind.REDIS_AWAY,
    ReleaseHold.DAY_POINTS: HoldKind.DAY_POINTS,
    ReleaseHold.BUCKET_EMPTY: HoldKind.BUCKET_EMPTY,
    ReleaseHold.LIMIT: HoldKind.LIMIT,
    ReleaseHold.BUDGET: HoldKind.BUDGET,
    ReleaseHold.CANARY: HoldKind.CANARY,
    ReleaseHold.CLOCK_SET: HoldKind.CLOCK_SET,
    ReleaseHold.ASKED_ELSEWHERE: HoldKind.ASKED_ELSEWHERE,
}
REMEDIES = {
    HoldKind.CUT_OFF: "start it again; what is left of this one is removed an hour after it was cut off",
    HoldKind.FAULT: "look for its name in the worker's log, and report it; other campaigns and accounts go on",
    HoldKind.PAUSED_BY_PERSON: "dialer resume {id}",
    HoldKind.BREAKER: "nothing: one call tries again by itself; not to wait: dialer resume {id}",
    HoldKind.BUDGET: "raise the budget in a new campaign, or wait for the next day where it is a day's",
    HoldKind.CANARY: "hear the call yourself; to call the others all the same: dialer resume {id}",
    HoldKind.HALTED: "put right what the reason names, then: dialer resume {id}",
    HoldKind.SECOND_PERSON: "let another person than the one who started it confirm: dialer resume {id}",
    HoldKind.ANSWERS_AGAIN: "dialer resume {id}; to go on by itself the next time: resume_after_halt: true in its file",
    HoldKind.NO_STACK: "start it: dialer up",
    HoldKind.REDIS_AWAY: "bring Redis back; nothing is lost, and dialing goes on by itself",
    HoldKind.REDIS_REFUSES: "let Redis take writes again; nothing is lost, and dialing goes on by itself",
    HoldKind.LEDGER_AWAY: "see that the ledger's store runs, has room, and can be reached by the workers",
    HoldKind.NO_BEAT: "start beat; on one machine `dialer up` does",
    HoldKind.NO_WORKER: "start a worker; on one machine `dialer up` does",
    HoldKind.WORKERS_HANG: "see in the workers' log what they wait for, then restart them; no call is made twice",
    HoldKind.NO_CONSUMER: "restart the workers: somebody has told them to take no calls",
    HoldKind.NO_TICK: "see in the workers' log what keeps them",
    HoldKind.NOT_TAKEN: "see in the workers' log what they wait for, then restart them; no call is made twice",
    HoldKind.CLOCK_SET: "set the machine's clock right, then restart the workers",
    HoldKind.ASKED_ELSEWHERE: "see that your program answers; it is asked again by itself",
    HoldKind.DAY_POINTS: "wait for the provider's next day, or have the tariff raised",
    HoldKind.VENDOR_DOWN: "nothing: it is tried again by itself; see whether it answers: dialer accounts",
}
TROUBLES = frozenset(
    {*(HoldKind(kind) for kind in TroubleKind), HoldKind.NO_TICK, HoldKind.NOT_TAKEN, HoldKind.CLOCK_SET}
)
"""What keeps everything from being dialed, and does not pass by itself."""
GOING = frozenset(
    {HoldKind.DIALING, HoldKind.ABOUT_TO_DIAL, HoldKind.IN_PROGRESS, HoldKind.FINISHING, HoldKind.STANDING_BY}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldReason:
    """Why nothing is being dialed, or that calls are. `clears_at` is None where it cannot be known.

    `by` and `since` say who stopped the campaign and when; `dialer` is the program itself.
    """

    kind: HoldKind
    words: str
    clears_at: datetime | None = None
    by: str | None = None
    since: datetime | None = None

    def remedy(self, campaign: Campaign) -> str:
        """What can be done about it; empty where nothing need be done."""
        return REMEDIES.get(self.kind, "").format(id=campaign.id)


def hold_reason(
    db: Connection,
    campaign: Campaign,
    now: datetime,
    surroundings: Surroundings = NOT_ASKED,
    standing: Standing | None = None,
) -> HoldReason:
    """The one reason why nothing is being dialed, or that calls are: only where a request has left lately.

    Where none has, `surroundings` are asked: they know what is in no ledger. `standing` is how the
    campaign stands at this moment, where that was asked already.
    """
    if campaign.status is not CampaignStatus.RUNNING:
        return _not_running(db, campaign, now)
    if fault := latest_fault(db, campaign.id, campaign.account, now):
        return HoldReason(
            kind=HoldKind.FAULT, words=f"an error of the dialer: {fault.error} ({fault.step}); see the log"
        )
    standing = standing or standing_of(db, campaign, now, requests_since=now)
    dials, next_due_at = standing.dialed_lately, standing.next_due_at
    # The nearest: one far in the future is of a clock that has been set back.
    since = min((now - at for at in (standing.last_tick, campaign.since) if at is not None), key=abs)
    if not dials and abs(since) > TICK_IS_LATE:
        return _no_tick(since, surroundings)
    if campaign.hold_kind is ReleaseHold.REDIS_AWAY:
        return reason_of(surroundings.look()) or HoldReason(
            kind=HoldKind.REDIS_AWAY, words="Redis does not answer the workers"
        )
    failing = _failing(db, campaign, now)
    if failing and (next_due_at is None or next_due_at - now < FAILING_IS_NEWS):
        return HoldReason(kind=HoldKind.VENDOR_DOWN, words=failing, clears_at=next_due_at)
    waiting = (next_due_at is not None and next_due_at <= now) or queries.count_claimed(db, campaign.id) > 0
    if campaign.hold_kind is ReleaseHold.CLOCK_SET:  # who is due by a wrong clock says nothing
        waiting = next_due_at is not None
    if campaign.hold_kind and (waiting or _put_off_by_limit(campaign, next_due_at, now)):
        return _held(campaign, campaign.hold_kind)
    if waiting:
        dialing = HoldReason(kind=HoldKind.DIALING, words="dialing")
        return dialing if dials else _not_dialed(db, campaign, now, surroundings)
    return _none_due(db, campaign, next_due_at, now)


def _held(campaign: Campaign, kind: ReleaseHold) -> HoldReason:
    in_words = kind in (ReleaseHold.CLOCK_SET, ReleaseHold.ASKED_ELSEWHERE)
    words = str(campaign.held_by) if in_words else f"held by a limit: {campaign.held_by}"
    return HoldReason(kind=KIND_OF_HOLD[kind], words=words, clears_at=campaign.held_until)


def _not_dialed(db: Connection, campaign: Campaign, now: datetime, surroundings: Surroundings) -> HoldReason:
    """Why no request has left lately although contacts are due or claimed, and no limit holds them."""
    if trouble := reason_of(surroundings.look()):
        return trouble
    about_to_dial = HoldReason(kind=HoldKind.ABOUT_TO_DIAL, words="its next calls are about to be requested")
    if now - max(campaign.since, _longest_due(db, campaign.id) or now) <= TAKEN_WITHIN:
        return about_to_dial
    if trouble := reason_of(surroundings.consumers()):
        return trouble
    on_account = select(campaigns.c.id).where(
        campaigns.c.account == campaign.account, campaigns.c.status == CampaignStatus.RUNNING
    )
    claimed = (contacts.c.campaign_id.in_(on_account), contacts.c.status == ContactStatus.CLAIMED)
    oldest: datetime | None = db.scalar(select(func.min(contacts.c.claimed_at)).where(*claimed))
    if db.execute(dialed_lately(attempts.c.campaign_id.in_(on_account), now)).first() is not None:
        return HoldReason(kind=HoldKind.WAITS_ITS_TURN, words="it waits for its turn: others of its account are dialed")
    if oldest is not None and now - oldest > TAKEN_WITHIN:
        ago = (now - oldest).total_seconds()
        words = f"its contacts were handed to the workers {ago:.0f} s ago, and none has been asked for"
        return HoldReason(kind=HoldKind.NOT_TAKEN, words=words)
    return about_to_dial


def _longest_due(db: Connection, campaign_id: str) -> datetime | None:
    """Since when the contact that is due or claimed for longest could have been called."""
    # One status at a time: the index then has the first of each at hand, however many there are.
    of_campaign = select(func.min(contacts.c.due_at)).where(contacts.c.campaign_id == campaign_id)
    moments = [db.scalar(of_campaign.where(contacts.c.status == status)) for status in WAITING_CONTACTS]
    return min(filter(None, moments), default=None)


def reason_of(trouble: Trouble | None) -> HoldReason | None:
    """What keeps everything from dialing, as the reason that holds a campaign."""
    return HoldReason(kind=HoldKind(trouble.kind), words=trouble.words) if trouble else None


def _not_running(db: Connection, campaign: Campaign, now: datetime) -> HoldReason:
    match campaign.status:
        case CampaignStatus.DRAFT if now - campaign.since > DRAFT_LEASE:
            return HoldReason(kind=HoldKind.CUT_OFF, words="its start was cut off, and nobody is called")
        case CampaignStatus.DRAFT:
            return HoldReason(kind=HoldKind.STARTING, words="its contacts are being read")
        case CampaignStatus.SCHEDULED:
            return HoldReason(kind=HoldKind.SCHEDULED, words="it has not started yet", clears_at=campaign.starts_at)
        case CampaignStatus.PAUSED:
            return _paused(db, campaign)
    kind = HoldKind.FINISHED if campaign.status is CampaignStatus.FINISHED else HoldKind.CANCELLED
    return _stopped(kind, campaign, moved_by(db, campaign))


def _paused(db: Connection, campaign: Campaign) -> HoldReason:
    who = moved_by(db, campaign)
    if campaign.pause_kind is PauseKind.HALTED:
        return _halted(db, campaign, who)
    if campaign.pause_kind is not PauseKind.BREAKER:
        return _stopped(PAUSES[campaign.pause_kind or PauseKind.PERSON], campaign, who)
    tries_at = db.scalar(select(breakers.c.try_at).where(breakers.c.campaign_id == campaign.id))
    return _stopped(HoldKind.BREAKER, campaign, who, tries_at)


def _halted(db: Connection, campaign: Campaign, who: str | None) -> HoldReason:
    """It could go on where its account answers again; and goes on by itself then, if its file says so."""
    halt = db.execute(select(halts).where(halts.c.campaign_id == campaign.id)).first()
    if halt is None:
        return _stopped(HoldKind.HALTED, campaign, who)
    if halt.answers_since is not None:
        could = _stopped(HoldKind.ANSWERS_AGAIN, campaign, who)
        return replace(could, words=f"{could.words}; it answers again since {halt.answers_since:%d %b %H:%M:%S} UTC")
    goes_on = campaign.is_readable and campaign.definition.resume_after_halt
    stopped = _stopped(HoldKind.HALTED, campaign, who, halt.try_at if goes_on else None)
    then = ", and goes on by itself when it answers" if goes_on else ""
    return replace(stopped, words=f"{stopped.words}; the account is asked again at {halt.try_at:%H:%M:%S} UTC{then}")


def _stopped(kind: HoldKind, campaign: Campaign, who: str | None, clears_at: datetime | None = None) -> HoldReason:
    by = f" by {who}" if who and who != PROGRAM else ""
    why = "" if by and campaign.reason == BY_A_PERSON else f": {campaign.reason}"
    words = f"{campaign.status.value}{by}{why}"
    return HoldReason(kind=kind, words=words, clears_at=clears_at, by=who, since=campaign.since)


def moved_by(db: Connection, campaign: Campaign) -> str | None:
    """Who moved the campaign to its status; `dialer` for the program itself."""
    moves = (audit.c.campaign_id == campaign.id, audit.c.event == moved_to(campaign.status))
    who: str | None = db.scalar(select(audit.c.who).where(*moves).order_by(audit.c.id.desc()).limit(1))
    return who


def _no_tick(since: timedelta, surroundings: Surroundings) -> HoldReason:
    lately = f"for {since.total_seconds():.0f} s" if since > timedelta() else "since the clock was set back"
    words = f"no tick has looked at it {lately}: what keeps the workers is not known"
    return reason_of(surroundings.look()) or HoldReason(kind=HoldKind.NO_TICK, words=words)


def _failing(db: Connection, campaign: Campaign, now: datetime) -> str | None:
    """The provider's failure, if its latest requests all placed no call."""
    latest = (
        select(attempts.c.status, attempts.c.verdict, attempts.c.mnemonic, attempts.c.code, attempts.c.detail)
        .where(attempts.c.campaign_id == campaign.id, attempts.c.dialing_at > now - FAILING_IS_NEWS)
        .order_by(attempts.c.dialing_at.desc())
        .limit(FAILED_IN_A_ROW)
    )
    rows = db.execute(latest).all()
    down = [row for row in rows if row.status == AttemptStatus.NOT_PLACED and row.verdict == Verdict.NOT_PLACED]
    if len(down) < FAILED_IN_A_ROW:
        return None
    return f"the provider placed no call in its last {FAILED_IN_A_ROW} requests: {failure_word(rows[0])}"


def _put_off_by_limit(campaign: Campaign, next_due_at: datetime | None, now: datetime) -> bool:
    """Whether the limit still holds when the next contact is due: throttled contacts wait a tenth longer."""
    if campaign.held_until is None or next_due_at is None:
        return False
    return next_due_at <= campaign.held_until + (campaign.held_until - now) / 10 + timedelta(seconds=1)


def _none_due(db: Connection, campaign: Campaign, next_due_at: datetime | None, now: datetime) -> HoldReason:
    if _in_progress(db, campaign.id):
        return HoldReason(kind=HoldKind.IN_PROGRESS, words="calls are in progress")
    if next_due_at is None and campaign.awaits_contacts:
        words = "it stands by: whoever is appended to it is called, until it is closed"
        return HoldReason(kind=HoldKind.STANDING_BY, words=words)
    if next_due_at is None:
        return HoldReason(kind=HoldKind.FINISHING, words="finishing")
    if campaign.hold_kind is ReleaseHold.CLOCK_SET:  # no due time and no window can be told by a clock in doubt
        return _held(campaign, campaign.hold_kind)
    return _waits(db, campaign, next_due_at, now)


def _waits(db: Connection, campaign: Campaign, until: datetime, now: datetime) -> HoldReason:
    """What the contacts that come due first wait for: the others wait for it too, or for longer."""
    first = db.execute(_first_due(campaign.id)).one()
    if campaign.definition.reminders and first.reminder is None and first.due_at > now:
        told = db.execute(_first_due(campaign.id, contacts.c.reminder.is_not(None))).one_or_none()
        if told is None:
            return HoldReason(kind=HoldKind.FINISHING, words="no reminder is left for those who wait")
        first, until = told, told.due_at
    if first.reason is not None:
        return HoldReason(kind=HoldKind.PUT_OFF, words=f"the next was put off by {first.reason}", clears_at=until)
    if first.reminder is not None and first.due_at > now:
        words = "the next reminder is not due yet"
        return HoldReason(kind=HoldKind.WAITING_FOR_REMINDER, words=words, clears_at=until)
    if next_opening(campaign.definition, first.zone, now) == now:
        if capped := capped_until(db, first, campaign, now):
            words = f"the numbers that are left have had their calls: at most {capped[0].written}"
            return HoldReason(kind=HoldKind.CAPPED, words=words, clears_at=capped[1])
        if used := number_used_up(db, first, campaign, now):
            return HoldReason(kind=HoldKind.CALLER_ID, words=f"of the next contact: {used[0]}", clears_at=used[1])
        words = "whoever may be called at this hour waits for another try"
        return HoldReason(kind=HoldKind.WAITING_FOR_RETRY, words=words, clears_at=until)
    if holiday := campaign.definition.windows.holiday(now, *zones_of(first.zone)):
        return HoldReason(kind=HoldKind.HOLIDAY, words=f"it is a holiday: {holiday}", clears_at=until)
    return HoldReason(kind=HoldKind.WINDOW_CLOSED, words="the calling window is closed", clears_at=until)


def _first_due(campaign_id: str, *narrowed: ColumnElement[bool]) -> Select[Any]:
    pending = (contacts.c.campaign_id == campaign_id, contacts.c.status == ContactStatus.PENDING, *narrowed)
    names = ("zone", "phone", "due_at", "reason", "reminder", "caller_id")
    columns = [contacts.c[name] for name in names]
    return select(*columns).where(*pending).order_by(contacts.c.due_at).limit(1)


def capped_until(
    db: Connection, contact: Row[Any], campaign: Campaign, now: datetime
) -> tuple[Cap, datetime | None] | None:
    """The frequency cap that holds at the contact's due time, or has put it off until then; and when it clears."""
    definition = campaign.definition
    for at in (max(now, contact.due_at), now):
        capped = cap_clears_at(db, contact.phone, definition.caps, at, rehearsal=campaign.rehearsal)
        clears_at = next_opening(definition, contact.zone, capped[0]) if capped else None
        if capped and (clears_at is None or clears_at >= contact.due_at):
            return capped[1], clears_at
    return None


def number_used_up(
    db: Connection, contact: Row[Any], campaign: Campaign, now: datetime
) -> tuple[str, datetime | None] | None:
    """That a contact waits because the number that it is shown has had its calls today, and until when."""
    if campaign.definition.caller_id.per_day is None:
        return None
    used = used_up_until(db, campaign, contact.phone, contact.caller_id, now)
    if used is None or contact.due_at < used[1]:
        return None
    return used[0], next_opening(campaign.definition, contact.zone, used[1])


def _in_progress(db: Connection, campaign_id: str) -> bool:
    open_attempts = select(attempts.c.id).where(attempts.c.campaign_id == campaign_id, attempts.c.ended_at.is_(None))
    return db.execute(open_attempts.limit(1)).first() is not None
