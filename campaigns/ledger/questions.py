"""Questions before dialing: whether a campaign's program answers them, and what becomes of contacts by its answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from secrets import token_urlsafe
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Update, bindparam, delete, select, update

from campaigns.ledger.bulk import insert_into
from campaigns.ledger.claims import UNCLAIMED
from campaigns.ledger.moves import as_final, write_audit
from campaigns.ledger.tables import contacts, question_secrets, questions
from campaigns.lifecycle import ContactStatus
from dialer.outside_url import origin_of, question_salt
from dialer.retry import doubled

FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0  # seconds until it is asked again, doubled from time to time


def unanswered(db: Connection, campaign_id: str) -> Row[Any] | None:
    """Since when the campaign's program gives no answer, and when it is asked again; None while it answers."""
    return db.execute(select(questions).where(questions.c.campaign_id == campaign_id)).first()


def note_no_answer(db: Connection, campaign_id: str, words: str, now: datetime) -> None:
    """The program gave no answer: it is asked again later, ever later. Those who asked meanwhile change nothing."""
    before = unanswered(db, campaign_id)
    failures = before.failures + 1 if before else 1
    ask_at = now + timedelta(seconds=doubled(FIRST_WAIT, failures, LONGEST_WAIT))
    facts = {"failures": failures, "ask_at": ask_at, "words": words}
    first = insert_into(db, questions).values(campaign_id=campaign_id, failing_since=now, **facts)
    db.execute(first.on_conflict_do_update(index_elements=["campaign_id"], set_=facts, where=questions.c.ask_at <= now))


def answered(db: Connection, campaign_id: str) -> None:
    """The program answers again."""
    db.execute(delete(questions).where(questions.c.campaign_id == campaign_id))


def salts(db: Connection, url: str, now: datetime) -> list[str]:
    """The salts of the secrets that sign questions to the server of this address at this moment, the newest first."""
    kept = select(question_secrets).where(question_secrets.c.server == origin_of(url))
    row = db.execute(kept).first()
    if row is None:
        return [question_salt(url)]
    return [row.salt, *([row.old_salt] if now < row.old_until else [])]


def rotate_secret(db: Connection, url: str, *, old_until: datetime, who: str, now: datetime) -> None:
    """Give the server of this address a new secret; the one before signs too until `old_until`."""
    server, (old_salt, *_) = origin_of(url), salts(db, url, now)
    facts = {"salt": f"before_dial {token_urlsafe(24)}", "old_salt": old_salt, "old_until": old_until}
    statement = insert_into(db, question_secrets).values(server=server, **facts)
    db.execute(statement.on_conflict_do_update(index_elements=["server"], set_=facts))
    write_audit(db, now, who=who, event="before_dial secret rotated", detail=server)


def put_off(db: Connection, claim: UUID, later: Mapping[int, tuple[datetime, str]]) -> None:
    """Give claimed contacts back: each is due at its moment, for its reason. No attempt is used."""
    if later:
        changes = {"due_at": bindparam("to_due_at", type_=contacts.c.due_at.type), "reason": bindparam("to_reason")}
        rows = [{"one": id_, "to_due_at": due_at, "to_reason": why} for id_, (due_at, why) in sorted(later.items())]
        db.execute(_claimed(claim).values(**UNCLAIMED, **changes), rows)


def leave_out(db: Connection, claim: UUID, skipped: Mapping[int, str], now: datetime) -> None:
    """Withdraw claimed contacts, each for its reason: none of them is called."""
    if skipped:
        final = {"status": ContactStatus.WITHDRAWN, **as_final(now), "reason": bindparam("to_reason")}
        rows = [{"one": id_, "to_reason": why} for id_, why in sorted(skipped.items())]
        db.execute(_claimed(claim).values(**final), rows)


def _claimed(claim: UUID) -> Update:
    ours = (contacts.c.claim == claim, contacts.c.status == ContactStatus.CLAIMED)
    return update(contacts).where(contacts.c.id == bindparam("one"), *ours)
