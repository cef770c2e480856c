"""The spans that a worker adds to the trace of an attempt: its way to the request, and the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from campaigns.ledger.attempts import Opened
from campaigns.ledger.claims import Claimed
from campaigns.ledger.queries import Campaign
from dialer import traces
from dialer.traces import Facts, Part
from dialer.verdicts import Ruling


def tell_way_to_request(
    contacts: Iterable[Claimed], campaign: Campaign, in_hand_at: datetime, granted_at: datetime
) -> None:
    """Trace how long contacts took from their claim to a worker, and from there to their tokens."""
    for contact in contacts:
        facts: Facts = {"campaign": campaign.id, "account": campaign.account, "contact": contact.contact_id}
        traces.tell(contact.attempt_id, Part.CLAIM, contact.claimed_at, in_hand_at, facts)
        traces.tell(contact.attempt_id, Part.TOKEN, in_hand_at, granted_at, facts)


def tell_answer(
    attempt: Opened, ruling: Ruling, campaign: Campaign, heard_at: datetime, clock: Callable[[], datetime]
) -> None:
    """Trace the request of an attempt, which was answered, and the writing of its answer, which ends now."""
    if not traces.is_on():
        return
    facts: Facts = {"campaign": campaign.id, "account": campaign.account, "verdict": ruling.verdict.value}
    words: Facts = {"mnemonic": ruling.mnemonic, "code": ruling.code}
    traces.tell(attempt.id, Part.REQUEST, attempt.dialing_at, heard_at, facts)
    traces.tell(attempt.id, Part.ANSWER, heard_at, clock(), facts | words)
