"""The campaigns that a report is about: those that were named, or those that started in a span of days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, or_, select

from campaigns.ledger import queries
from campaigns.ledger.lists.drafts import SUFFIX
from campaigns.ledger.queries import Campaign, NoSuchCampaign
from campaigns.ledger.tables import campaigns
from dialer.errors import DialerError

MOST_CAMPAIGNS = 400


class TooManyCampaigns(DialerError):
    """More campaigns started in the span than one report takes."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Campaigns by their ids or names; with a span all of these names, or all at all, that started in it.

    `until` is excluded. Without a span, a name stands for the newest campaign of it.
    """

    names: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_single(self) -> bool:
        """Whether it names one campaign."""
        return len(self.names) == 1 and not self.has_span

    @property
    def has_span(self) -> bool:
        """Whether campaigns are chosen by when they started."""
        return self.since is not None or self.until is not None


def chosen_campaigns(db: Connection, choice: Choice) -> list[Campaign]:
    """The campaigns, each once: as they are named, or by their start. Rehearsals and test calls only where named.

    Raises NoSuchCampaign for a name that no campaign has, and where none started in the span; TooManyCampaigns.
    """
    named = [queries.campaign(db, name) for name in choice.names]
    if not choice.has_span:
        return list({campaign.id: campaign for campaign in named}.values())
    query = select(campaigns.c.id).where(campaigns.c.started_at.is_not(None))
    if choice.since is not None:
        query = query.where(campaigns.c.started_at >= choice.since)
    if choice.until is not None:
        query = query.where(campaigns.c.started_at < choice.until)
    if choice.names:
        query = query.where(or_(campaigns.c.id.in_(choice.names), campaigns.c.name.in_(choice.names)))
    else:
        query = query.where(~campaigns.c.rehearsal, ~campaigns.c.name.endswith(SUFFIX))
    ids = db.scalars(query.order_by(campaigns.c.started_at, campaigns.c.id).limit(MOST_CAMPAIGNS + 1)).all()
    if not ids:
        raise NoSuchCampaign("no campaign started in that time", "choose another span, or see all: dialer status")
    if len(ids) > MOST_CAMPAIGNS:
        message = f"more than {MOST_CAMPAIGNS} campaigns started in that time"
        raise TooManyCampaigns(message, "choose a shorter span, or name campaigns")
    return queries.campaigns_by_id(db, ids)
