"""The first page: what needs a person, what runs, and all campaigns."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request

from campaigns.ledger import queries
from campaigns.ledger.tallies import contacts_of_campaigns
from campaigns.lifecycle import LIVE_CAMPAIGNS, CampaignStatus
from campaigns.operations.people import Role
from campaigns.reporting.overview.attention import attention
from campaigns.reporting.status import summarize_campaign
from console.pages.rendering import render
from console.server.api_route import NO_NUL
from console.server.cursors import After, moment_and_id_after, page_of
from console.server.page_route import InjectedPerson, for_role, page_router
from console.server.state import InjectedState

LIVE_CONSIDERED = 200  # campaigns that go on: of more of them only the newest are looked at for what needs somebody
LIVE_SHOWN = 10  # with all that is known of them
LISTED = 20
REFRESH_SECONDS_LIVE, REFRESH_SECONDS_IDLE = 1.5, 15.0  # between two refreshes of an open page

router = page_router()


@router.get("/", **for_role(Role.VIEWER))
def home(
    request: Request,
    state: InjectedState,
    person: InjectedPerson,
    status: CampaignStatus | None = None,
    name: Annotated[str, Query(max_length=100, pattern=NO_NUL)] = "",
    after: After = None,
) -> str:
    """What needs me, what runs, and the campaigns, newest first: of one status, and with a part of a name, if given."""
    now, statuses = state.clock(), None if status is None else [status]
    with state.ledger.reading() as db:
        live = queries.all_campaigns(db, LIVE_CAMPAIGNS, limit=LIVE_CONSIDERED)
        running = [campaign for campaign in live if campaign.status is CampaignStatus.RUNNING]
        summaries = [summarize_campaign(db, campaign, now, state.surroundings) for campaign in running[:LIVE_SHOWN]]
        needs = attention(db, live, summaries, now)
        page = page_of(
            queries.all_campaigns(db, statuses, named=name.strip(), after=moment_and_id_after(after), limit=LISTED + 1),
            LISTED,
            lambda campaign: campaign,
            lambda campaign: (campaign.created_at.isoformat(), campaign.id),
        )
        counts = contacts_of_campaigns(db, [campaign.id for campaign in page.items])
    return render(
        "home.html",
        request,
        needs=needs,
        summaries=summaries,
        running_more=len(running) - len(summaries),
        page=page,
        counts=counts,
        status=status,
        statuses=list(CampaignStatus),
        name=name.strip(),
        is_first=after is None,
        may_prepare=person.has_role(Role.EDITOR),
        every=REFRESH_SECONDS_LIVE if running else REFRESH_SECONDS_IDLE,
    )
