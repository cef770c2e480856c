"""What keeps the campaigns of an account from dialing: its provider's refusals, and open circuit breakers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from campaigns.ledger.tables import breakers, campaigns, halts
from campaigns.lifecycle import CampaignStatus, PauseKind
from campaigns.safeguards.circuit_breaker import ACCOUNT


@dataclass(frozen=True, slots=True, kw_only=True)
class HaltedCampaign:
    """A campaign that is paused because its account cannot dial.

    `reason` has the provider's word. The account is asked at `asked_at` whether it can dial again; it answers since
    `answers_since`, and the campaign waits for a person.
    """

    campaign: str
    since: datetime
    reason: str
    asked_at: datetime
    answers_since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenBreaker:
    """A campaign that its breaker has paused: one call tries at `tries_at`, or is trying now."""

    campaign: str
    of_account: bool  # one with those of all campaigns of the account
    since: datetime
    reason: str
    tries_at: datetime
    trying: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountTroubles:
    """What keeps an account's campaigns from dialing; nothing, as a rule."""

    halted: Sequence[HaltedCampaign] = ()
    breakers: Sequence[OpenBreaker] = ()


def troubles_by_account(db: Connection) -> Mapping[str, AccountTroubles]:
    """The troubles of each account that has any, by its name; reads paused campaigns only, however many run."""
    halted, opened = defaultdict(list), defaultdict(list)
    paused = (campaigns.c.status == CampaignStatus.PAUSED, campaigns.c.pause_kind == PauseKind.HALTED)
    joined = select(halts, campaigns.c.reason).join(campaigns, campaigns.c.id == halts.c.campaign_id).where(*paused)
    for row in db.execute(joined.order_by(halts.c.since)):
        halted[row.account].append(
            HaltedCampaign(
                campaign=row.campaign_id,
                since=row.since,
                reason=row.reason or "",
                asked_at=row.try_at,
                answers_since=row.answers_since,
            )
        )
    with_reason = select(breakers, campaigns.c.reason).join(campaigns, campaigns.c.id == breakers.c.campaign_id)
    for row in db.execute(with_reason.order_by(breakers.c.opened_at)):
        opened[row.account].append(
            OpenBreaker(
                campaign=row.campaign_id,
                of_account=row.scope == ACCOUNT,
                since=row.opened_at,
                reason=row.reason or "",
                tries_at=row.try_at,
                trying=row.trying_since is not None,
            )
        )
    return {
        name: AccountTroubles(halted=tuple(halted[name]), breakers=tuple(opened[name])) for name in {*halted, *opened}
    }
