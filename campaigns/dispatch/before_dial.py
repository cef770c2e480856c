"""Asks the campaign's own program, before tokens are taken, which of a slice's contacts may be called.

It is sent ids and keys, no number and no text. A contact that it holds back uses no attempt; for one that it lets go
the rules of the statement that opens the attempt hold as well.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from campaigns.definition.sections.before_dial import BeforeDial
from campaigns.dispatch.token_wait import return_claims
from campaigns.ledger import questions
from campaigns.ledger.claims import Claimed
from campaigns.ledger.deliveries import new_event_id
from campaigns.ledger.queries import Campaign
from campaigns.runtime import Runtime
from dialer.log import get_logger
from dialer.transport.signed_posts import Message, NoAnswer, message_body

log = get_logger()
KIND = "contacts.before_dial"
LONGEST_LATER = timedelta(days=30)
SHORTEST_LATER = timedelta(seconds=1)
ASKED_AGAIN = timedelta(seconds=60)  # of whom nothing was said although the program answered
MOST_WORDS = 200
ALL_GO = 204


def cleared(contacts: Sequence[Claimed], campaign: Campaign, using: Runtime) -> list[Claimed]:
    """The claimed contacts that may be called; the others are given back, each with its next moment or final status."""
    asked = campaign.definition.before_dial
    if asked is None or not contacts:
        return list(contacts)
    with using.ledger.reading() as db:
        silent, salts = questions.unanswered(db, campaign.id), questions.salts(db, asked.url, using.clock())
    if silent is not None and silent.ask_at > using.clock():
        return _without_answer(contacts, asked, using)
    try:
        answers = _ask(contacts, campaign, asked, salts, using)
    except NoAnswer as exc:
        log.warning("before_dial gives no answer", campaign=campaign.id, why=exc.message)
        using.ledger.write(questions.note_no_answer, campaign.id, exc.message, using.clock())
        return _without_answer(contacts, asked, using)
    if silent is not None:
        using.ledger.write(questions.answered, campaign.id)
    return _by_answers(contacts, answers, asked, using)


def _ask(
    contacts: Sequence[Claimed], campaign: Campaign, asked: BeforeDial, salts: Sequence[str], using: Runtime
) -> Mapping[int, Mapping[str, Any]]:
    """What the program says of each contact. Raises NoAnswer."""
    if using.posts is None:
        raise NoAnswer("this process sends no questions")
    now = using.clock()
    about = [{"id": one.contact_id, "key": one.key or None, "tries": one.tries} for one in contacts]
    data = {"campaign": campaign.id, "rehearsal": campaign.rehearsal, "contacts": about}
    body = message_body(KIND, now, data)
    message = Message(id=new_event_id(), url=asked.url, body=body, salts=salts)
    reply = using.posts.post(message, now=now, timeout=asked.timeout.total_seconds())
    if reply.status == ALL_GO:
        return {one.contact_id: {"answer": "go"} for one in contacts}
    if reply.status != 200:
        raise NoAnswer(f"it answered {reply.status}")
    return _read(reply.body)


def _read(body: bytes) -> Mapping[int, Mapping[str, Any]]:
    try:
        answers = json.loads(body)["answers"]
        return {one["id"]: one for one in answers if isinstance(one.get("id"), int)}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise NoAnswer("its answer could not be read") from None


def _without_answer(contacts: Sequence[Claimed], asked: BeforeDial, using: Runtime) -> list[Claimed]:
    """The program gives no answer: what becomes of these is the campaign's choice."""
    if asked.on_error == "dial":
        return list(contacts)
    if asked.on_error == "hold":
        return_claims(contacts, using)  # and the release tick holds the campaign until it is asked again
        return []
    why = "before_dial gave no answer (on_error: skip)"
    using.ledger.write(_write, contacts, {}, {one.contact_id: why for one in contacts}, using.clock())
    return []


def _by_answers(
    contacts: Sequence[Claimed], answers: Mapping[int, Mapping[str, Any]], asked: BeforeDial, using: Runtime
) -> list[Claimed]:
    now = using.clock()
    going: list[Claimed] = []
    later: dict[int, tuple[datetime, str]] = {}
    skipped: dict[int, str] = {}
    for contact in contacts:
        answer = answers.get(contact.contact_id, {})
        until = _moment(answer.get("until"))
        words = _words(answer.get("reason"))
        match answer.get("answer"), until:
            case "go", _:
                going.append(contact)
            case "skip", _:
                skipped[contact.contact_id] = f"before_dial: {words}" if words else "before_dial: skip"
            case "later", datetime():
                due_at = min(max(until, now + SHORTEST_LATER), now + LONGEST_LATER)
                later[contact.contact_id] = due_at, f"before_dial: {words}" if words else "before_dial: later"
            case _ if asked.on_error == "dial":
                going.append(contact)
            case _ if asked.on_error == "skip":
                skipped[contact.contact_id] = "before_dial gave no answer about it (on_error: skip)"
            case _:
                later[contact.contact_id] = now + ASKED_AGAIN, "before_dial gave no answer about it"
    if later or skipped:
        using.ledger.write(_write, contacts, later, skipped, now)
    return going


def _write(
    db: Connection,
    contacts: Sequence[Claimed],
    later: Mapping[int, tuple[datetime, str]],
    skipped: Mapping[int, str],
    now: datetime,
) -> None:
    claim = contacts[0].claim
    questions.put_off(db, claim, later)
    questions.leave_out(db, claim, skipped, now)


def _moment(written: object) -> datetime | None:
    """A moment with its offset; None for anything else."""
    try:
        moment = datetime.fromisoformat(written) if isinstance(written, str) else None
        return moment.astimezone(UTC) if moment and moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _words(written: object) -> str:
    """What another program says, bounded before it is kept."""
    return "".join(filter(str.isprintable, written))[:MOST_WORDS].strip() if isinstance(written, str) else ""
