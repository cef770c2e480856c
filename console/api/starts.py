"""A draft's start, and test calls before it."""

from __future__ import annotations

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field

from campaigns.launch.call_test_number import call_test_number
from campaigns.launch.drafts import file_drafts
from campaigns.launch.drafts.file_drafts import FileDraft
from campaigns.launch.drafts.reading_notes import Purpose, ReadingNote, note_of
from campaigns.launch.drafts.readings import stop_reading
from campaigns.operations.api_tokens import Scope
from campaigns.reporting.status import campaign_summary
from console.api.campaigns import CampaignState, campaign_state
from console.api.contacts import NumberGiven, phone_of
from console.api.readings import ReadingState, accepted, also_202, state_facts
from console.list_readings import begin_start
from console.preflight import check_login
from console.server.api_route import InjectedCaller, api_router, needs
from console.server.state import AppState, InjectedState
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


class StartState(ReadingState):
    """How far a start is, and the campaign once it has started."""

    name: str
    campaign: str | None


@router.post(
    "/campaigns/{campaign_id}/start",
    response_model=CampaignState,
    **needs(Scope.SEND, status=201, also=also_202(StartState)),
)
def start_campaign(
    campaign_id: str, response: Response, state: InjectedState, caller: InjectedCaller, given: Start | None = None
) -> CampaignState | Response:
    """Check it and start it: workers dial it from now on, or once a second person has resumed a large one.

    One with a long list is started by a worker (202), once, however often it is asked for.
    """
    given = given or Start()
    draft = file_drafts.find(state.settings.data_dir, campaign_id)
    note = begin_start(draft, state, caller.name, skip_rejects=given.skip_rejects, again=given.again)
    if note.result is None:
        return accepted(_start(draft, note, state), f"/api/v1/campaigns/{draft.id}/start")
    started = note.result["campaign"]
    response.headers["Location"] = f"/api/v1/campaigns/{started}"
    return campaign_state(campaign_summary(state.ledger, started, state.clock(), state.surroundings), caller)


@router.get("/campaigns/{campaign_id}/start", **needs(Scope.SEND))
def show_start(campaign_id: str, state: InjectedState) -> StartState:
    """How far the last start of a draft is, or what came of it."""
    draft = file_drafts.find(state.settings.data_dir, campaign_id)
    return _start(draft, note_of(draft, Purpose.START), state)


@router.delete("/campaigns/{campaign_id}/start", **needs(Scope.SEND, status=202))
def stop_start(campaign_id: str, state: InjectedState, caller: InjectedCaller) -> StartState:
    """Have a start under way stopped: GET says when it is, or that it has started all the same."""
    draft = file_drafts.find(state.settings.data_dir, campaign_id)
    stop_reading(draft, Purpose.START, who=caller.name)
    return _start(draft, note_of(draft, Purpose.START), state)


def _start(draft: FileDraft, note: ReadingNote, state: AppState) -> StartState:
    return StartState(name=draft.name, campaign=draft.started, **state_facts(note, state))


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
