"""Redials: a new campaign, with the same definition, over the contacts that an ended campaign did not reach."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    and_,
    case,
    exists,
    false,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from campaigns.definition.sections.responses import NO_RESPONSE, STOP
from campaigns.ledger import queries
from campaigns.ledger.lists import drafts
from campaigns.ledger.lists.archives import archive_of_family
from campaigns.ledger.lists.kept_campaigns import is_emptied
from campaigns.ledger.lists.redials import note_redial, other_campaigns, reached_calls
from campaigns.ledger.numbers import erasures
from campaigns.ledger.queries import Campaign, list_columns_of
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import UtcTime, attempts, campaigns, contacts
from campaigns.ledger.tallies import contacts_by_status
from campaigns.lifecycle import LIVE_CAMPAIGNS, REDIALED_CONTACTS, CampaignStatus, ContactStatus
from dialer.calls import REACHED, Outcome
from dialer.errors import DialerError

OUTCOMES = (Outcome.NO_ANSWER, Outcome.BUSY, Outcome.REJECTED, Outcome.FAILED)
WORDS = tuple(word.value for word in (*OUTCOMES, *REDIALED_CONTACTS))
MOST_COUNTED = 5_000
KEPT = (
    *("line", "phone", "phone_hash", "consent", "fields", "given", "text", "voice", "zone", "not_after", "key"),
    "caller_id",
)


class CannotRedial(DialerError):
    """There is no contact to call again, or the campaign has not ended; nothing was started."""


def redial(
    ledger: Ledger,
    campaign_id: str,
    outcomes: Sequence[str] = (),
    responses: Sequence[str] = (),
    *,
    who: str,
    now: datetime,
    second_person_above: int | None = None,
) -> Campaign:
    """Start a new campaign of the same definition over the contacts of an ended one that were not reached.

    `outcomes` are words of WORDS: how the contact's last call ended, or the contact's final status; none means every
    unanswered outcome. `responses` asks for people who were reached, too: by what they pressed, or `none` for those
    who pressed nothing; given alone, nobody else is called. Contacts that were refused, suppressed or reached otherwise
    are never called again. Raises CannotRedial, NoSuchCampaign. A large one waits for a second person, as with
    `launch`.
    """
    if strange := sorted(set(outcomes) - set(WORDS)):
        raise CannotRedial(f"no one can be called again for {', '.join(strange)}", f"choose from {', '.join(WORDS)}")
    chosen = tuple(outcomes) or (() if responses else tuple(OUTCOMES))
    return ledger.write(_redial, campaign_id, chosen, tuple(responses), who, now, second_person_above)


def redial_counts(ledger: Ledger, campaign_id: str) -> dict[str, int] | None:
    """How many contacts a redial would call again for each word of WORDS; a word that is nobody's is left out.

    None where more than MOST_COUNTED contacts were missed: they are not counted one by one. Raises NoSuchCampaign.
    """
    with ledger.reading() as db:
        old = queries.campaign(db, campaign_id)
        missed = contacts_by_status(db, old.id)
        if sum(missed.get(status, 0) for status in (ContactStatus.UNREACHED, *REDIALED_CONTACTS)) > MOST_COUNTED:
            return None
        word = case((contacts.c.status.in_(REDIALED_CONTACTS), contacts.c.status), else_=_last_outcome())
        by_word = select(word, func.count()).where(_called_again(db, old, WORDS)).group_by(word)
        return {str(name): number for name, number in db.execute(by_word)}


def _redial(
    db: Connection,
    campaign_id: str,
    outcomes: Sequence[str],
    responses: Sequence[str],
    who: str,
    now: datetime,
    second_person_above: int | None,
) -> Campaign:
    erasures.take_erasure_lock(db)
    old = queries.campaign(db, campaign_id)
    refuse_unless_over(db, old, now)
    _check_responses(old, responses)
    new = drafts.create_draft(
        db,
        name=old.name,
        account=old.account,
        definition_text=old.definition_text,
        rehearsal=old.rehearsal,
        list_columns=list_columns_of(db, old.id),
        now=now,
    )
    pending = (literal(ContactStatus.PENDING.value), literal(now, UtcTime), literal(0), literal(0))
    columns: list[ColumnElement[Any]] = [literal(new), *(contacts.c[name] for name in KEPT), *pending]
    left = (or_(_called_again(db, old, outcomes), _responded(db, old, responses)),)
    # A late receipt on one of them is applied before this, or waits and then finds the redial and calls it off.
    db.execute(select(func.count()).select_from(select(contacts.c.id).where(*left).with_for_update().subquery()))
    source = select(*columns).where(*left)
    db.execute(insert(contacts).from_select(["campaign_id", *KEPT, "status", "due_at", "attempts", "tries"], source))
    if not db.scalar(select(func.count()).where(contacts.c.campaign_id == new)):
        if is_emptied(db, old.id):
            remedy = "start it anew from its list"
            raise CannotRedial(f"{old.id} is over for so long that its texts or numbers are not kept any more", remedy)
        raise CannotRedial(
            f"{old.id} has no contact that ended as {_words(outcomes, responses)}",
            f"see them with: dialer report {old.id}",
        )
    note_redial(db, old.id, new, _words(outcomes, responses), again=bool(responses), who=who, now=now)
    facts: dict[str, Any] = {"zones": old.zones, "rejects": 0, "rejects_file": None, "who": who, "now": now}
    drafts.start(db, new, **facts, second_person_above=second_person_above)
    if old.definition.contacts.standing:  # over those that were left, and nobody else
        db.execute(update(campaigns).where(campaigns.c.id == new).values(closed_at=now))
    return queries.campaign(db, new)


def refuse_unless_over(db: Connection, old: Campaign, now: datetime) -> None:
    """Raises CannotRedial unless the campaign has ended, none of its name goes on, and its end has not passed."""
    if old.status in LIVE_CAMPAIGNS or old.status is CampaignStatus.DRAFT:
        raise CannotRedial(f"{old.id} is {old.status} and still calls", _ended_first(old.id))
    if going_on := drafts.live_campaign_named(db, old.name, lock=True):
        raise CannotRedial(f"{going_on}, of the same name, has not ended yet", _ended_first(going_on))
    if archived := archive_of_family(db, old.id):  # whom its calls reached is not known here any more
        raise CannotRedial(f"{archived.campaign} is archived in {archived.folder}", "start it anew from its list")
    ends_at = old.definition.ends_at
    if ends_at is not None and ends_at <= now:
        remedy = f"write another end into a copy, and start that: dialer clone {old.id} {old.id}.yaml"
        raise CannotRedial(f"the end of {old.id} (schedule.end) has passed", remedy)


def _ended_first(campaign_id: str) -> str:
    return f"wait for its end, or end it with: dialer cancel {campaign_id}"


def _words(outcomes: Sequence[str], responses: Sequence[str]) -> str:
    return ", ".join([*outcomes, *(f"response {response}" for response in responses)])


def _check_responses(old: Campaign, responses: Sequence[str]) -> None:
    known = [NO_RESPONSE, *dict.fromkeys(old.definition.responses.values())]
    if responses and len(known) == 1:
        raise CannotRedial(f"{old.id} asks for no keys: its campaign file has no responses", "redial by --outcome")
    if strange := sorted(set(responses) - set(known)):
        raise CannotRedial(
            f"nobody of {old.id} can have pressed {', '.join(strange)}", f"choose from {', '.join(known)}"
        )
    if STOP in responses:
        raise CannotRedial(f"who pressed {STOP} is not called again", "leave it out")


def _responded(db: Connection, old: Campaign, responses: Sequence[str]) -> ColumnElement[bool]:
    """Whether a contact was reached and pressed one of these, or nothing, in this campaign and in all redials of it."""
    if not responses:
        return false()
    reached, named = contacts.c.status == ContactStatus.REACHED, [name for name in responses if name != NO_RESPONSE]
    wanted = [contacts.c.response.is_(None)] if NO_RESPONSE in responses else []
    wanted += [contacts.c.response.in_(named)] if named else []
    others = contacts.alias()
    elsewhere = select(others.c.phone).where(
        others.c.campaign_id.in_(other_campaigns(db, old.id)), others.c.response.is_not(None)
    )
    return and_(_of_campaign(old), reached, or_(*wanted), contacts.c.phone.not_in(elsewhere))


def _of_campaign(old: Campaign) -> ColumnElement[bool]:
    return and_(contacts.c.campaign_id == old.id, contacts.c.phone.startswith("+"))


def _called_again(db: Connection, old: Campaign, outcomes: Sequence[str]) -> ColumnElement[bool]:
    """Whether a redial calls a contact again: it ended so, and no call of a redial of its campaign was answered."""
    reached = reached_calls(other_campaigns(db, old.id)).correlate(None)
    own = [_of_campaign(old)]
    if old.definition.message is not None and old.definition.message.text is not None:
        own.append(contacts.c.text.is_not(None))  # of the others the text is not kept any more
    return and_(*own, _left(outcomes), contacts.c.phone.not_in(reached))


def _last_outcome() -> ScalarSelect[Any]:
    """How a contact's last call ended."""
    of_contact = (attempts.c.contact_id == contacts.c.id, attempts.c.outcome.is_not(None))
    last = select(attempts.c.outcome).where(*of_contact).order_by(attempts.c.number.desc()).limit(1)
    return last.correlate(contacts).scalar_subquery()


def _left(outcomes: Sequence[str]) -> ColumnElement[bool]:
    """Whether a contact was not reached, and ended in one of these ways."""
    last = _last_outcome()
    reached = exists().where(attempts.c.contact_id == contacts.c.id, attempts.c.outcome.in_(REACHED))
    calls = [word for word in outcomes if word in set(OUTCOMES)]
    ends = [word for word in outcomes if word in set(REDIALED_CONTACTS)]
    unanswered = and_(contacts.c.status == ContactStatus.UNREACHED, last.in_(calls)) if calls else false()
    return and_(or_(unanswered, contacts.c.status.in_(ends) if ends else false()), ~reached.correlate(contacts))
