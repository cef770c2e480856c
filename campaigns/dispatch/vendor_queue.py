"""Hands calls over to the provider ahead of time, where a campaign asks for it: requested now, to be placed later.

A call that was handed over cannot be taken back. So it is requested only when its time is near, the window stays open
long enough after it, and the contact's `not_after` and the campaign's end are well past it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from campaigns.calendar.calling_hours import next_opening
from campaigns.definition import Definition
from campaigns.ledger.claims import HANDED_OVER_MARGIN, Claimed
from dialer.providers.provider import Provider

AHEAD = timedelta(hours=24)  # a night, and far from the week that the provider allows


def due_by(definition: Definition, provider: Provider, moments: Sequence[datetime]) -> datetime:
    """Contacts due until then may be claimed now.

    Nothing is handed over while the time is uncertain, or to a provider that cannot wait: the campaign may have moved
    to an account of another provider.
    """
    handed = definition.schedule.vendor_queue and len(moments) == 1 and "send_at" not in provider.cannot
    return moments[0] + AHEAD if handed else moments[0]


def claimed_to_hand_over(
    definition: Definition, provider: Provider, contact: Claimed, moments: Sequence[datetime]
) -> bool:
    """Whether a contact was claimed before it is due, so that its call can be handed over."""
    return moments[0] < contact.due_at and moments[0] < due_by(definition, provider, moments)


def send_at(
    definition: Definition, provider: Provider, contact: Claimed, moments: Sequence[datetime]
) -> datetime | None:
    """When the provider is to place the call; None: it is not to be handed over."""
    now = moments[0]
    if not claimed_to_hand_over(definition, provider, contact, moments):
        return None
    moment, limit = contact.due_at, contact.not_after
    in_time = limit is None or limit > moment + HANDED_OVER_MARGIN
    stays_open = all(next_opening(definition, contact.zone, at) == at for at in (moment, moment + HANDED_OVER_MARGIN))
    return moment if in_time and stays_open and moment <= now + AHEAD else None


def otherwise_due(definition: Definition, contact: Claimed) -> datetime | None:
    """When a contact that cannot be handed over is due: in the next window, or when the campaign ends."""
    after = next_opening(definition, contact.zone, contact.due_at + HANDED_OVER_MARGIN)
    return max(after, contact.due_at) if after else definition.ends_at
