"""The JSON API: the state of campaigns, their contacts, and the actions pause, resume and cancel."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from campaigns.ledger import queries
from campaigns.lifecycle import ContactStatus
from campaigns.operations.control import ACTIONS, Action
from campaigns.reporting.listings import campaigns_listed, contacts_after, mask_numbers
from campaigns.reporting.status import CampaignSummary, summarize_campaign, summary_facts
from console.server.auth import require_json_or_header, require_same_site
from console.server.request_checks import ACTION
from console.server.state import InjectedState

MAX_CONTACTS = 1000
MAX_ID = 2**63 - 1

router = APIRouter(prefix="/api")


@router.get("/campaigns")
def list_campaigns(state: InjectedState, ended: Annotated[int, Query(ge=0, le=1000)] = 50) -> dict[str, Any]:
    """Campaigns that go on and the newest that have ended, each in the form of `GET /api/campaigns/{id}`."""
    now = state.clock()
    with state.ledger.reading() as db:
        return {
            "campaigns": [
                facts(summarize_campaign(db, campaign, now, state.surroundings))
                for campaign in campaigns_listed(db, ended)
            ]
        }


@router.get("/campaigns/{campaign_id}")
def show_campaign(campaign_id: str, state: InjectedState) -> dict[str, Any]:
    """The state of one campaign."""
    with state.ledger.reading() as db:
        return facts(summarize_campaign(db, queries.campaign(db, campaign_id), state.clock(), state.surroundings))


@router.get("/campaigns/{campaign_id}/contacts")
def list_contacts(
    campaign_id: str,
    state: InjectedState,
    status: ContactStatus | None = None,
    after: Annotated[int, Query(ge=0, le=MAX_ID)] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_CONTACTS)] = 100,
) -> dict[str, Any]:
    """A page of contacts; `next` is the `after` of the page that follows, null when there is none."""
    with state.ledger.reading() as db:
        campaign = queries.campaign(db, campaign_id)
        contacts = contacts_after(db, campaign.id, status=status, after=after, limit=limit + 1)
    page = contacts[:limit]
    return {
        "campaign": campaign.id,
        "contacts": [{name: _plain(value) for name, value in asdict(contact).items()} for contact in page],
        "next": page[-1].id if len(contacts) > limit else None,
    }


@router.post(
    f"/campaigns/{{campaign_id}}/{ACTION}",
    dependencies=[Depends(require_same_site), Depends(require_json_or_header)],
)
def control_campaign(campaign_id: str, action: Action, state: InjectedState) -> dict[str, Any]:
    """Pause, resume or cancel a campaign; the reply is its new state."""
    campaign = ACTIONS[action](state.ledger, campaign_id, who=state.settings.console.user, now=state.clock())
    with state.ledger.reading() as db:
        return facts(summarize_campaign(db, campaign, state.clock(), state.surroundings))


def facts(summary: CampaignSummary) -> dict[str, Any]:
    """A campaign for machines; the names are those of `dialer status --json`."""
    shared = summary_facts(summary)
    masked = {name: mask_numbers(shared[name]) for name in ("reason", "why")}
    return {name: _plain(value) for name, value in (shared | masked).items()}


def _plain(value: object) -> object:
    """Times in RFC 3339 with their offset; the rest as it is."""
    return value.isoformat() if isinstance(value, datetime) else value
