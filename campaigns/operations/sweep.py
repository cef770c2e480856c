"""The sweep: settles stale claims, unanswered requests and overdue calls, and ends campaigns that are done.

Every step is a compare-and-set, so two sweeps at once do no harm, nor does an hour without one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, exists, or_, select

from campaigns.ledger import claims, queries
from campaigns.ledger.audit_chain.chaining import chain_audit
from campaigns.ledger.deliveries import purge
from campaigns.ledger.event_stream import end_stream
from campaigns.ledger.lists.contacts import end_withdrawn
from campaigns.ledger.lists.drafts import clear_abandoned
from campaigns.ledger.lists.idempotency import forget_keys
from campaigns.ledger.moves import move_campaign
from campaigns.ledger.queries import Campaign
from campaigns.ledger.tables import campaigns, contacts
from campaigns.ledger.tallies import fold, forget_minutes
from campaigns.lifecycle import FINISHABLE_CAMPAIGNS, OPEN_CONTACTS, PROGRAM, CampaignStatus, ContactStatus, Step
from campaigns.operations.erasure import finish_erasures
from campaigns.operations.recoveries import ask_accounts
from campaigns.runtime import Runtime, all_or_each, contained
from campaigns.safeguards.falling_numbers import alert_of_falling_numbers
from campaigns.safeguards.unknown_alert import alert_of_unknown
from campaigns.settlement.receipts import accounts_waiting, apply_stored, forget_unmatched, waiting_receipts
from campaigns.settlement.sweep_parts import PARTS, parts_due
from campaigns.settlement.timeouts import conclude_due, mark_stale_unconfirmed
from dialer.account import Account
from dialer.log import get_logger
from dialer.seldom import Seldom

log = get_logger()
_purged = Seldom(30.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepResult:
    """What one sweep did.

    claims_returned     claims given back because their lease had ended
    marked_unconfirmed  attempts whose request was not answered in time
    concluded           attempts settled whose time was over, by asking the provider or as unknown
    erased              contacts emptied whose call was in progress when they were erased
    finished            campaigns finished
    resumed             campaigns that have gone on because their account answers again
    """

    claims_returned: int
    marked_unconfirmed: int
    concluded: int
    erased: int
    finished: int
    resumed: int


def sweep(*, using: Runtime) -> SweepResult:
    """Settle everything that is past its time; run every second or so, by any number of processes.

    Of the parts that `PARTS` names those are run that something waits for: one statement says which.
    """
    now = using.clock()
    done: dict[str, int] = dict.fromkeys(SweepResult.__dataclass_fields__, 0)
    steps: Mapping[str, Callable[[], int | None]] = {
        "claims_returned": lambda: using.ledger.write(claims.give_back_stale, now),
        "receipts applied": lambda: _apply_receipts(using),
        "receipts forgotten": lambda: using.ledger.write(forget_unmatched, now, keyed_hash=using.ledger.keyed_hash),
        "drafts cleared": lambda: clear_abandoned(using.ledger, now),
        "marked_unconfirmed": lambda: mark_stale_unconfirmed(using),
        "concluded": lambda: conclude_due(using),
        "erased": lambda: finish_erasures(using.ledger, now=now),
        "tallies folded": lambda: fold(using.ledger),
        "events purged": lambda: _purge_events(using, now),
        "too many unknown": lambda: alert_of_unknown(using, now),
        "numbers answered less": lambda: alert_of_falling_numbers(using.ledger, now),
        "withdrawn": lambda: end_withdrawn(using.ledger, now),
        "keys forgotten": lambda: forget_keys(using.ledger, now),
        "finished": lambda: _finish_campaigns(using),
        "audit chained": lambda: chain_audit(using.ledger),
        "resumed": lambda: ask_accounts(using),  # last: an account that does not answer takes its time
    }
    waiting = _waiting(using)
    for name, step in steps.items():
        if name in PARTS and name not in waiting:
            continue
        with contained(Step.SWEEP, using.ledger, now, part=name):
            done[name] = step() or 0
        if name in PARTS:
            waiting = _waiting(using)  # what one part does may be what a later one waits for
    result = SweepResult(**{name: done[name] for name in SweepResult.__dataclass_fields__})
    if result.claims_returned or result.marked_unconfirmed or result.erased:
        log.info(
            "swept",
            claims_returned=result.claims_returned,
            marked_unconfirmed=result.marked_unconfirmed,
            erased=result.erased,
        )
    return result


def _waiting(using: Runtime) -> Collection[str]:
    with using.ledger.reading() as db:
        return parts_due(db, using.clock(), min(using.moments()))


def _purge_events(using: Runtime, now: datetime) -> None:
    """Now and then: what is purged later harms nobody."""
    if _purged.is_due(using.ledger.url, now=using.steady()):
        using.ledger.write(purge, before=now - using.keep_events, now=now)
        using.ledger.write(end_stream, before=now - using.keep_events)
        using.ledger.write(forget_minutes, now)


def _apply_receipts(using: Runtime) -> None:
    """Apply the stored receipts of each account that are not applied yet."""
    with using.ledger.reading() as db:
        waiting = accounts_waiting(db)
    for name in sorted(waiting & using.accounts.keys()):
        with contained(Step.SETTLE, using.ledger, using.clock(), account=name):
            _apply_receipts_of(using.accounts[name], using)


def _apply_receipts_of(account: Account, using: Runtime) -> None:
    now = using.clock()

    def act(receipt_ids: Sequence[int]) -> list[int]:
        return [using.ledger.write(apply_stored, account.name, account.settings, receipt_ids, now=now)]

    def names(receipt_id: int) -> dict[str, object]:
        return {"account": account.name, "receipt": receipt_id}

    with using.ledger.reading() as db:
        receipt_ids = waiting_receipts(db, account.name)
    all_or_each(Step.SETTLE, using.ledger, now, receipt_ids, act, names)


def _finish_campaigns(using: Runtime) -> int:
    now = using.clock()
    earliest = min(using.moments())  # a contact that has expired stays so: no clock set forward may expire any
    using.ledger.write(claims.expire, earliest)
    using.ledger.write(claims.cancel_left, now)
    with using.ledger.reading() as db:
        over = queries.campaigns_by_id(db, _may_be_over(db, earliest))
    finished = 0
    for campaign in over:
        with contained(Step.SWEEP, using.ledger, now, account=campaign.account, campaign=campaign.id):
            if not _stands(campaign, earliest):
                finished += using.ledger.write(_finish, campaign, now, earliest)
    return finished


def _may_be_over(db: Connection, now: datetime) -> Sequence[str]:
    """The campaigns that are worth a write transaction: most go on from one sweep to the next."""
    still_open = [
        exists().where(contacts.c.campaign_id == campaigns.c.id, contacts.c.status == status)
        for status in reversed(OPEN_CONTACTS)  # the first is found at once
    ]
    over = or_(campaigns.c.ends_at <= now, ~or_(*still_open))
    return db.scalars(select(campaigns.c.id).where(campaigns.c.status.in_(FINISHABLE_CAMPAIGNS), over)).all()


def _stands(campaign: Campaign, now: datetime) -> bool:
    """Whether it may have more contacts: it was not closed, and its end has not come."""
    return campaign.awaits_contacts and not _has_passed(campaign.definition.ends_at, now)


def _has_passed(end: datetime | None, now: datetime) -> bool:
    return end is not None and now >= end


def _finish(db: Connection, campaign: Campaign, now: datetime, earliest: datetime) -> bool:
    """Finish the campaign if every contact is final; those that wait expire if its end has passed by `earliest`."""
    claims.lock_campaign(db, campaign.id)  # so that no contact is appended to it meanwhile
    campaign = queries.campaign(db, campaign.id)
    if _has_passed(campaign.definition.ends_at, earliest):
        of_campaign, reason = contacts.c.campaign_id == campaign.id, "the campaign's end passed before it was reached"
        claims.end_waiting(db, ContactStatus.EXPIRED, of_campaign, reason=reason, now=now)
    if campaign.contacts == 0 and not campaign.definition.contacts.standing:
        return False
    if _stands(campaign, earliest) or queries.unfinished(db, campaign.id):
        return False
    return move_campaign(db, campaign.id, CampaignStatus.FINISHED, now, who=PROGRAM, reason="every contact is final")
