"""Rulings: what a provider's answer to a request means for its attempt, contact, campaign and account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from random import Random
from typing import Any

from sqlalchemy import Case, Connection, case, update

from campaigns.definition import Definition
from campaigns.ledger import queries
from campaigns.ledger.attempts import Opened
from campaigns.ledger.claims import HANDED_OVER_MARGIN
from campaigns.ledger.moves import move_attempt, move_attempts, move_contact, move_contacts, pause
from campaigns.ledger.numbers.suppressions import suppress
from campaigns.ledger.queries import OpenAttempt
from campaigns.ledger.tables import attempts, contacts
from campaigns.lifecycle import AttemptStatus, ContactStatus, PauseKind
from campaigns.safeguards.failover import FOR_THE_DAY, has_left, move_on
from campaigns.safeguards.halts import halt_account
from campaigns.settlement.evidence import Evidence
from campaigns.settlement.requeue import move_unless_reached, requeue, requeue_unsent
from dialer import traces
from dialer.account_settings import AccountSettings
from dialer.retry import backoff
from dialer.traces import Facts, Part
from dialer.verdicts import OUR_FAULT, Ruling, Verdict

DETAIL_LENGTH = 300
PROVIDER_TRIES = 12  # requests that placed no call, for one contact, before it is given up
FAULTY_TRIES = 8  # errors of the dialer's own, for one contact, before it is given up: half an hour after the first
FIRST_FAULT_WAIT = timedelta(seconds=15)  # doubled with each further one
DEFAULT_THROTTLE = 1.0
ONE_MORE = contacts.c.attempts + 1
LONGEST_THROTTLE = 86460.0  # seconds: no provider's window is longer than a day


def rule(
    db: Connection, attempt: OpenAttempt, ruling: Ruling, settings: AccountSettings, *, now: datetime, rng: Random
) -> None:
    """Settle an attempt by the provider's answer to its request, after `retry.mnemonics` has changed the verdict."""
    ruling = attempt.definition.override_ruling(ruling)
    match ruling.verdict:
        case Verdict.PLACED:
            accept(db, attempt, ruling.provider_call_id, settings, now=now)
        case Verdict.UNCONFIRMED:
            mark_unconfirmed(db, attempt, ruling, settle_seconds=settings.settle_seconds, now=now)
        case _:
            _no_call(db, attempt, ruling, speed=settings.speed, now=now, rng=rng)


def accept(
    db: Connection,
    attempt: OpenAttempt,
    provider_call_id: str | None,
    settings: AccountSettings,
    *,
    now: datetime,
    evidence: Evidence = Evidence.ANSWER,
) -> bool:
    """The provider has the call, so it counts. True if the attempt became placed now; a receipt may have been first.

    Polls are measured from before the request left, for the call may be that much older than the answer.
    """
    call = provider_call_id or attempt.provider_call_id
    facts = _as_placed(attempt, attempt.definition, call, settings, now, evidence)
    placed = move_attempt(db, attempt.id, AttemptStatus.PLACED, **facts)
    if placed:
        move_contact(db, attempt.contact_id, ContactStatus.PLACED, now, attempts=attempt.contact_attempts + 1)
    elif provider_call_id:
        unnamed = attempts.c.provider_call_id.is_(None)
        named = update(attempts).where(attempts.c.id == attempt.id, unnamed).values(provider_call_id=provider_call_id)
        db.execute(named)
    return placed


@dataclass(frozen=True, slots=True)
class Placed:
    """An attempt of which nothing was heard but that the provider has the call, by its id."""

    attempt: Opened
    call: str
    definition: Definition
    settings: AccountSettings


def accept_all(db: Connection, placed: Sequence[Placed], *, now: datetime) -> bool:
    """As `accept`, in two statements, for attempts of which nothing was heard since they were opened.

    False if something was (a receipt, a poll, a sweep was first): then roll back, and settle them one by one.
    """
    facts = {
        one.attempt.id: _as_placed(one.attempt, one.definition, one.call, one.settings, now, Evidence.ANSWER)
        for one in placed
    }
    if move_attempts(db, AttemptStatus.PLACED, facts) != len(facts):
        return False
    move_contacts(db, ContactStatus.PLACED, [one.attempt.contact_id for one in placed], attempts=ONE_MORE)
    return True


def put_back_all(
    db: Connection,
    campaign_id: str,
    account: str,
    unsent: Sequence[tuple[Opened, Ruling]],
    *,
    now: datetime,
    rng: Random,
) -> bool:
    """As `rule`, in as many statements however many there are, for requests that never left this process.

    False if one of them is no longer as it was opened, or its contact needs more: then roll back, and rule one by one.
    """
    facts = {
        attempt.id: {
            "ended_at": now,
            "conclude_at": None,
            "confirmed_by": _if_doubted(Evidence.ANSWER),
            **_words(ruling),
        }
        for attempt, ruling in unsent
    }
    if move_attempts(db, AttemptStatus.NOT_PLACED, facts) != len(facts):
        return False
    for attempt, ruling in unsent if traces.is_on() else ():
        words: Facts = {"campaign": campaign_id, "account": account, "verdict": ruling.verdict.value}
        traces.tell(attempt.id, Part.ATTEMPT, attempt.dialing_at, now, words)
    due_at = now + timedelta(seconds=DEFAULT_THROTTLE) * (1 + rng.random() / 10)
    return requeue_unsent(db, campaign_id, account, [attempt for attempt, _ in unsent], due_at)


def is_plainly_unsent(ruling: Ruling) -> bool:
    """Whether the request never left because its deadline had passed, and by no error: it may be sent again soon."""
    return ruling.verdict is Verdict.NOT_SENT and ruling.mnemonic != OUR_FAULT and not ruling.retry_after


def _as_placed(
    attempt: OpenAttempt | Opened,
    definition: Definition,
    provider_call_id: str | None,
    settings: AccountSettings,
    now: datetime,
    evidence: Evidence,
) -> dict[str, Any]:
    patience = definition.ring_timeout / settings.speed + settings.settle_seconds
    return {
        "verdict": Verdict.PLACED,
        "provider_call_id": provider_call_id,
        "placed_at": now,
        "counted": True,
        "conclude_at": _placed_by(attempt, now) + timedelta(seconds=patience),
        "looked_at": attempt.dialing_at.timestamp(),
        "confirmed_by": _if_doubted(evidence),
    }


@cache
def _if_doubted(evidence: Evidence) -> Case[str | None]:
    """The evidence that confirmed an attempt, if it was unconfirmed when this is written."""
    return case((attempts.c.doubted_at.is_not(None), evidence.value))


def mark_unconfirmed(
    db: Connection, attempt: OpenAttempt, ruling: Ruling, *, settle_seconds: float, now: datetime
) -> bool:
    """The call may be ringing: wait for a receipt or a poll, and never dial for it again. False if it was settled."""
    return move_attempt(
        db,
        attempt.id,
        AttemptStatus.UNCONFIRMED,
        provider_call_id=ruling.provider_call_id or attempt.provider_call_id,
        conclude_at=_placed_by(attempt, now) + timedelta(seconds=settle_seconds),
        looked_at=now.timestamp(),
        doubted_at=now,
        **_words(ruling),
    )


def _placed_by(attempt: OpenAttempt | Opened, now: datetime) -> datetime:
    """The latest time at which the call may be placed; a provider asked to wait may be some minutes late."""
    return max(now, attempt.send_at + HANDED_OVER_MARGIN) if attempt.send_at else now


def settle_not_placed(db: Connection, attempt: OpenAttempt, detail: str, *, now: datetime, rng: Random) -> bool:
    """The provider says that an unconfirmed attempt placed no call: the contact may be dialed again.

    False if it was settled before.
    """
    ruling = Ruling(verdict=Verdict.NOT_PLACED, mnemonic=attempt.mnemonic, code=attempt.code, detail=detail)
    return _no_call(db, attempt, ruling, now=now, rng=rng, evidence=Evidence.LIST)


def _no_call(
    db: Connection,
    attempt: OpenAttempt,
    ruling: Ruling,
    *,
    now: datetime,
    rng: Random,
    speed: float = 1.0,
    evidence: Evidence = Evidence.ANSWER,
) -> bool:
    facts = {"ended_at": now, "conclude_at": None, **_words(ruling)}
    if attempt.status is AttemptStatus.UNCONFIRMED:
        facts["confirmed_by"] = evidence
    if not move_attempt(db, attempt.id, AttemptStatus.NOT_PLACED, **facts):
        return False
    if traces.is_on():
        began = attempt.queued_at or attempt.dialing_at
        words: Facts = {"campaign": attempt.campaign_id, "account": attempt.account, "verdict": ruling.verdict.value}
        traces.tell(attempt.id, Part.ATTEMPT, began, now, words)
    why = replace(ruling, detail=ruling.detail[:DETAIL_LENGTH]).why
    match ruling.verdict:
        case Verdict.REFUSE_CONTACT if _blames_a_fixed_text(attempt, ruling):
            requeue(db, attempt, now, now=now)
            _halt(db, attempt, why, now=now)
        case Verdict.REFUSE_CONTACT:
            move_unless_reached(db, attempt, ContactStatus.REFUSED, now, reason=why)
        case Verdict.SUPPRESS:
            if not attempt.rehearsal:  # what a sandbox says of a number is no reason never to call it
                suppress(db, attempt.phone, reason=why, source=f"account {attempt.account}", now=now)
            move_contact(db, attempt.contact_id, ContactStatus.SUPPRESSED, now, reason=why)
        case Verdict.HALT_CAMPAIGN:
            requeue(db, attempt, now, now=now)
            _halt(db, attempt, why, now=now)
        case Verdict.HALT_ACCOUNT | Verdict.LOGIN_AGAIN:
            requeue(db, attempt, now, now=now)
            halt_account(db, attempt.account, why, now=now)
        case Verdict.NOT_SENT if ruling.mnemonic == OUR_FAULT:
            _put_off_or_give_up(db, attempt, why, now=now)
        case Verdict.THROTTLED | Verdict.NOT_SENT:
            wait = ruling.retry_after or DEFAULT_THROTTLE
            _wait_for_the_account(db, attempt, wait, why, speed=speed, now=now, rng=rng)
        case _:
            _try_the_provider_again(db, attempt, why, now=now, rng=rng)
    return True


def _wait_for_the_account(
    db: Connection, attempt: OpenAttempt, wait: float, why: str, *, speed: float, now: datetime, rng: Random
) -> None:
    """Put a contact back until the account takes requests again; at once if its campaign has left that account.

    `wait` is in our seconds; `speed` tells how long that is by the provider's clock.
    """
    delay = timedelta(seconds=min(wait, LONGEST_THROTTLE))
    if delay * speed > FOR_THE_DAY:
        move_on(db, attempt.campaign_id, attempt.account, why, now)
    due_at = now + delay * (1 + rng.random() / 10)
    left = has_left(db, attempt.campaign_id, attempt.account)
    requeue(db, attempt, now if left else due_at, now=now)


def _try_the_provider_again(db: Connection, attempt: OpenAttempt, why: str, *, now: datetime, rng: Random) -> None:
    tries = queries.count_verdict(db, attempt.contact_id, Verdict.NOT_PLACED)
    if tries >= PROVIDER_TRIES:
        reason = f"the provider placed no call in {tries} requests; last: {why}"
        move_unless_reached(db, attempt, ContactStatus.UNREACHED, now, reason=reason)
    else:
        requeue(db, attempt, now + backoff(tries, rng), now=now)


def settle_fault(db: Connection, attempt: OpenAttempt, error: str, *, now: datetime, rng: Random) -> bool:
    """The dialer raised this error instead of sending the request: the contact is put off, and given up in the end."""
    detail = f"an error of the dialer ({error}): nothing was sent; see the log"
    return _no_call(db, attempt, Ruling(verdict=Verdict.NOT_SENT, mnemonic=OUR_FAULT, detail=detail), now=now, rng=rng)


def _put_off_or_give_up(db: Connection, attempt: OpenAttempt, why: str, *, now: datetime) -> None:
    tries = queries.count_faults(db, attempt.contact_id)
    if tries >= FAULTY_TRIES:
        reason = f"not called: the dialer itself failed {tries} times; last: {why}"
        move_unless_reached(db, attempt, ContactStatus.UNREACHED, now, reason=reason)
    else:
        requeue(db, attempt, now + FIRST_FAULT_WAIT * 2 ** (tries - 1), now=now)


def _blames_a_fixed_text(attempt: OpenAttempt, ruling: Ruling) -> bool:
    """Whether the provider refuses a text that is the same for every contact."""
    return ruling.blames_script and attempt.definition.is_same_for_all


def _halt(db: Connection, attempt: OpenAttempt, why: str, *, now: datetime) -> None:
    """Pause the campaign: every contact of it would fail alike."""
    pause(db, attempt.campaign_id, PauseKind.HALTED, now, reason=why)


def _words(ruling: Ruling) -> dict[str, str | None]:
    return {
        "verdict": ruling.verdict,
        "mnemonic": ruling.mnemonic,
        "code": ruling.code,
        "detail": ruling.detail[:DETAIL_LENGTH] or None,
    }
