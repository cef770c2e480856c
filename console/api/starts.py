"""A draft's start, and test calls before it."""

from __future__ import annotations

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field

from campaigns.launch.call_test_number import call_test_number
from campaigns.launch.drafts import file_drafts
from campaigns.launch.drafts.start_draft import start_draft
from campaigns.operations.api_tokens import Scope
from campaigns.reporting.status import campaign_summary
from console.api.campaigns import CampaignState, campaign_state
from console.api.contacts import NumberGiven, phone_of
from console.preflight import check_login
from console.server.api_route import InjectedCaller, api_router, needs
from console.server.state import InjectedState
from dialer.phone import PhoneNumber

router = api_router("drafts")


class Start(BaseModel):
    """How a campaign is started."""

    model_config = ConfigDict(extra="forbid")

    skip_rejects: bool = Field(False, description="Call the good rows although some are bad.")
    again: bool = Field(False, description="Start although a campaign of this name is still going on.")


class TestCall(NumberGiven):
    """A test number, and whose text it hears."""

    line: int | None = Field(None, ge=1, le=2**31, description="Line of the list; absent, the first contact.")


@router.post("/campaigns/{campaign_id}/start", **needs(Scope.SEND, status=201))
def start_campaign(
    campaign_id: str, response: Response, state: InjectedState, caller: InjectedCaller, given: Start | None = None
) -> CampaignState:
    """Check it and start it: workers dial it from now on, or once a second person has resumed a large one."""
    given = given or Start()
    campaign = start_draft(
        state.ledger,
        file_drafts.find(state.settings.data_dir, campaign_id),
        state.settings.accounts,
        check_login=lambda account: check_login(account, state.settings),
        skip_rejects=given.skip_rejects,
        again=given.again,
        reports_folder=state.settings.data_dir / "reports",
        who=caller.name,
        now=state.clock(),
        second_person_above=state.settings.console.second_person_above,
    )
    response.headers["Location"] = f"/api/v1/campaigns/{campaign.id}"
    return campaign_state(campaign_summary(state.ledger, campaign.id, state.clock(), state.surroundings), caller)


@router.post("/campaigns/{campaign_id}/test-call", **needs(Scope.SEND, status=201))
def call_test_number_of_settings(
    campaign_id: str, given: TestCall, state: InjectedState, caller: InjectedCaller
) -> CampaignState:
    """Call one of the settings' test numbers with what one contact would hear, now and ahead of everybody."""
    draft, now = file_drafts.find(state.settings.data_dir, campaign_id), state.clock()
    with file_drafts.paths_left_out(draft.folder):
        check_login(draft.account, state.settings)
        campaign = call_test_number(
            state.ledger,
            draft.file,
            state.settings.accounts,
            phone_of(given),
            test_numbers={PhoneNumber(number) for number in state.settings.test_numbers},
            line=given.line,
            who=caller.name,
            now=now,
        )
    return campaign_state(campaign_summary(state.ledger, campaign.id, now, state.surroundings), caller)
