"""Earlier campaigns to begin from: their settings, and their lists, written anew from the ledger."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, select

from campaigns.audience.formulas import harmless
from campaigns.definition import Definition
from campaigns.launch.drafts.new_drafts import NoList, PutList
from campaigns.ledger import queries
from campaigns.ledger.lists.drafts import is_test_call
from campaigns.ledger.queries import Campaign
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import contacts, erasures
from campaigns.lifecycle import CampaignStatus
from dialer.whole_file import whole_file

EARLIER = 60


def earlier_campaigns(ledger: Ledger) -> list[Campaign]:
    """The newest campaigns whose settings can be used again, without test calls."""
    with ledger.reading() as db:
        newest = queries.all_campaigns(db, set(CampaignStatus) - {CampaignStatus.DRAFT}, limit=EARLIER)
    return [campaign for campaign in newest if campaign.is_readable and not is_test_call(campaign.name)]


def earlier_definition(ledger: Ledger, campaign_id: str) -> Definition:
    """The settings of a campaign. Raises NoSuchCampaign."""
    with ledger.reading() as db:
        return queries.campaign(db, campaign_id).definition


def list_of(ledger: Ledger, campaign_id: str) -> PutList:
    """What writes the list of a campaign into a file: each contact in the order of the list, but those erased.

    Raises NoSuchCampaign, NoList.
    """
    with ledger.reading() as db:
        campaign = queries.campaign(db, campaign_id)
        first = db.execute(_contacts(campaign.id).limit(1)).first()
    if first is None:
        raise NoList(f"{campaign.id} has no contacts", "choose another campaign, or a file")
    names = (campaign.definition.contacts.phone[0], *first.fields)

    def put(file: Path) -> None:
        with whole_file(file) as stream, ledger.reading() as db:
            writer = csv.writer(stream, quoting=csv.QUOTE_ALL)
            writer.writerow(map(harmless, names))
            writer.writerows(_lines(db, campaign.id, names))

    return put


def _lines(db: Connection, campaign_id: str, names: tuple[str, ...]) -> Iterator[list[str]]:
    for row in db.execute(_contacts(campaign_id).execution_options(yield_per=1000)):
        yield [row.phone, *(harmless(str(row.fields.get(name, ""))) for name in names[1:])]


def _contacts(campaign_id: str):  # type: ignore[no-untyped-def]
    return (
        select(contacts.c.phone, contacts.c.fields)
        .where(
            contacts.c.campaign_id == campaign_id,
            contacts.c.phone.startswith("+"),  # erased contacts have a hash here
            contacts.c.id.not_in(select(erasures.c.contact_id)),
        )
        .order_by(contacts.c.line, contacts.c.id)
    )
