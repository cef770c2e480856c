"""One campaign's page, and the question before it is cancelled. They work without JavaScript."""

from __future__ import annotations

from fastapi import HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from campaigns.launch.drafts import file_drafts
from campaigns.ledger import queries
from campaigns.ledger.queries import Campaign
from campaigns.lifecycle import CAMPAIGN_MOVES, ENDED_CAMPAIGNS, LIVE_CAMPAIGNS, CampaignStatus, ContactStatus
from campaigns.operations.control import ACTIONS, Action
from campaigns.operations.people import Role
from campaigns.reporting.audit_trail import AuditFilter, audit_after
from campaigns.reporting.listings import latest_attempts, masked_reasons
from campaigns.reporting.overview.call_history import call_history
from campaigns.reporting.overview.retries import retries_to_come
from campaigns.reporting.report import reminders_of, responses_of, short_answers_of, variants_of
from campaigns.reporting.status import summarize_campaign
from console.pages.charts import calls_chart, outcomes_chart
from console.pages.rendering import render
from console.server.auth import Caller
from console.server.page_route import InjectedPerson, for_role, page_router
from console.server.request_checks import ACTION
from console.server.state import InjectedState

ATTEMPTS_SHOWN = 20
REASONS_SHOWN = 8
AUDIT_SHOWN = 8
REFRESH_SECONDS_LIVE, REFRESH_SECONDS_ENDED = 1.5, 15.0  # between two refreshes of an open page
TARGET_STATUS = {
    Action.PAUSE: CampaignStatus.PAUSED,
    Action.RESUME: CampaignStatus.RUNNING,
    Action.CANCEL: CampaignStatus.CANCELLED,
}

router = page_router()


@router.get("/campaigns/{campaign_id}", **for_role(Role.VIEWER))
def show_campaign(campaign_id: str, request: Request, state: InjectedState, person: InjectedPerson) -> str:
    """One campaign: its progress, how its calls ended, its latest attempts, and the actions that are allowed."""
    now = state.clock()
    with state.ledger.reading() as db:
        summary = summarize_campaign(db, queries.campaign(db, campaign_id), now, state.surroundings)
        attempts = latest_attempts(db, summary.campaign.id, ATTEMPTS_SHOWN)
        responses = responses_of(db, summary.campaign, summary.contacts.get(ContactStatus.REACHED, 0))
        reminders = reminders_of(db, summary.campaign)
        texts, short_answers = variants_of(db, summary.campaign), short_answers_of(db, summary.campaign)
        not_reached = masked_reasons(db, summary.campaign.id, REASONS_SHOWN)
        history = call_history(db, summary.campaign, now)
        retries = retries_to_come(db, summary.campaign.id, now)
        audit = audit_after(db, AuditFilter(campaign=summary.campaign.id), limit=AUDIT_SHOWN)
    may_control = person.has_role(Role.SENDER)
    allowed = [action for action in Action if may_control and _is_allowed(action, summary.campaign.status)]
    return render(
        "campaign.html",
        request,
        summary=summary,
        attempts=attempts,
        reasons=not_reached,
        responses=responses,
        reminders=reminders,
        texts=texts,
        short_answers=short_answers,
        history=history,
        charts=[calls_chart(history), outcomes_chart(history)] if history.most else [],
        retries=retries,
        audit=audit,
        actions=allowed,
        may=_further_acts(summary.campaign, person),
        once=file_drafts.new_token(),
        every=REFRESH_SECONDS_LIVE if summary.campaign.status in LIVE_CAMPAIGNS else REFRESH_SECONDS_ENDED,
        now=now,
    )


@router.get("/campaigns/{campaign_id}/cancel", **for_role(Role.SENDER))
def confirm_cancel(campaign_id: str, request: Request, state: InjectedState) -> str:
    """What cancelling means, and the button that does it."""
    now = state.clock()
    with state.ledger.reading() as db:
        summary = summarize_campaign(db, queries.campaign(db, campaign_id), now, state.surroundings)
    if not _is_allowed(Action.CANCEL, summary.campaign.status):
        raise HTTPException(
            409, f"campaign {summary.campaign.id} is {summary.campaign.status}: there is nothing to cancel"
        )
    return render("cancel.html", request, summary=summary, every=None, now=now)


@router.post(f"/campaigns/{{campaign_id}}/{ACTION}", **for_role(Role.SENDER))
def control_campaign(campaign_id: str, action: Action, state: InjectedState, person: InjectedPerson) -> Response:
    """Carry out a button's action, then show the campaign again."""
    campaign = ACTIONS[action](state.ledger, campaign_id, who=person.name, now=state.clock())
    return RedirectResponse(f"/campaigns/{campaign.id}", 303)


def _further_acts(campaign: Campaign, person: Caller) -> dict[str, bool]:
    """What else this person may do with the campaign as it stands."""
    sends, goes_on = person.has_role(Role.SENDER), campaign.status in LIVE_CAMPAIGNS
    return {
        "redial": sends and campaign.status in ENDED_CAMPAIGNS,
        "append": sends and goes_on and campaign.closed_at is None,
        "close": sends and goes_on and campaign.is_readable and campaign.awaits_contacts,
        "download": person.has_role(Role.EDITOR),
    }


def _is_allowed(action: Action, status: CampaignStatus) -> bool:
    if action is Action.RESUME and status is not CampaignStatus.PAUSED:
        return False
    return TARGET_STATUS[action] in CAMPAIGN_MOVES[status]
