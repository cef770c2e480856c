"""The warning that a number which calls show is answered less than before: people may see it marked as unwanted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from campaigns.ledger import deliveries, queries
from campaigns.ledger.claims import lock_campaign
from campaigns.ledger.queries import Campaign
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import attempts, campaigns
from campaigns.lifecycle import AttemptStatus, CampaignStatus, EventKind
from dialer.calls import REACHED
from dialer.phone import mask
from dialer.seldom import Seldom

LATEST, EARLIER = 100, 300  # calls from one number that are compared
LEAST_EARLIER = 100
FEWER_BY = 15  # answers: less may be chance
_looked = Seldom(10.0)


@dataclass(frozen=True, slots=True)
class FallingNumber:
    """A number of which at most half as many of the latest calls were answered as of those before; shares of 1."""

    number: str
    share: float
    earlier_share: float

    @property
    def words(self) -> str:
        """What this means, for people."""
        return (
            f"of the last {LATEST} calls that show {mask(self.number)} {self.share:.0%} were answered, "
            f"and {self.earlier_share:.0%} of those before"
        )


def falling_numbers(db: Connection, campaign: Campaign) -> list[FallingNumber]:
    """Those of the campaign's several numbers that are answered less than before, by all campaigns' calls."""
    return falling_by_campaign(db, [campaign])[campaign.id]


def falling_by_campaign(db: Connection, several: Iterable[Campaign]) -> dict[str, list[FallingNumber]]:
    """The same for several campaigns by their ids; a number that many of them show is looked at once."""
    compared: dict[tuple[str, bool], FallingNumber | None] = {}
    by_campaign: dict[str, list[FallingNumber]] = {}
    for campaign in several:
        for number in _shared_out(campaign):
            if (key := (number, campaign.rehearsal)) not in compared:
                compared[key] = _compared(db, *key)
        each = (compared[number, campaign.rehearsal] for number in _shared_out(campaign))
        by_campaign[campaign.id] = [falling for falling in each if falling is not None]
    return by_campaign


def _shared_out(campaign: Campaign) -> Sequence[str]:
    if not campaign.stored.shows_several or not campaign.is_readable:
        return ()
    if not campaign.definition.caller_id.are_shared_out:
        return ()
    return campaign.definition.caller_id.numbers


def _compared(db: Connection, number: str, rehearsal: bool) -> FallingNumber | None:
    newest_first = (
        select(attempts.c.outcome)
        .join(campaigns, campaigns.c.id == attempts.c.campaign_id)
        .where(attempts.c.caller_id == number, attempts.c.status == AttemptStatus.ENDED)
        .where(campaigns.c.rehearsal == rehearsal)
        .order_by(attempts.c.dialing_at.desc())
        .limit(LATEST + EARLIER)
    )
    answered = [outcome in REACHED for outcome in db.scalars(newest_first)]
    latest, earlier = answered[:LATEST], answered[LATEST:]
    if len(earlier) < LEAST_EARLIER:
        return None
    share, earlier_share = sum(latest) / LATEST, sum(earlier) / len(earlier)
    fallen = share <= earlier_share / 2 and (earlier_share - share) * LATEST >= FEWER_BY
    return FallingNumber(number, share, earlier_share) if fallen else None


def alert_of_falling_numbers(ledger: Ledger, now: datetime) -> int:
    """Write `alert.caller_id` for each falling number of a running campaign, once; looks every ten seconds.

    Costs one short query while no webhook is told of it.
    """
    if not _looked.is_due(ledger.url):
        return 0
    with ledger.reading() as db:
        if not deliveries.anybody_subscribed(db, EventKind.ALERT_CALLER_ID):
            return 0
        running = queries.all_campaigns(db, [CampaignStatus.RUNNING])
        by_campaign = falling_by_campaign(db, running)
        untold = [
            (campaign, falling) for campaign in running if (falling := _untold(db, campaign, by_campaign[campaign.id]))
        ]
    return sum(ledger.write(_alert, campaign, falling, now) for campaign, falling in untold)


def _untold(db: Connection, campaign: Campaign, numbers: Sequence[FallingNumber]) -> list[FallingNumber]:
    return [
        falling
        for falling in numbers
        if not deliveries.alerted(db, EventKind.ALERT_CALLER_ID, campaign.id, subject=_subject(campaign, falling))
    ]


def _subject(campaign: Campaign, falling: FallingNumber) -> str:
    return f"{campaign.id} {falling.number}"


def _alert(db: Connection, campaign: Campaign, falling: Sequence[FallingNumber], now: datetime) -> int:
    if not lock_campaign(db, campaign.id):  # two sweeps at once tell it once
        return 0
    untold = _untold(db, campaign, falling)
    for one in untold:
        facts = {"name": campaign.name, "account": campaign.account, "caller_id": one.number}
        shares = {"share": round(one.share, 3), "earlier_share": round(one.earlier_share, 3)}
        deliveries.alert(
            db,
            EventKind.ALERT_CALLER_ID,
            now,
            subject=_subject(campaign, one),
            campaign_id=campaign.id,
            facts=facts | shares,
            reason=one.words,
        )
    return len(untold)
