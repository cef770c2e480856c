"""All that is held about one person, to be handed over: in full, to an admin whose token has the scope `numbers`."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from campaigns.launch.drafts.new_drafts import Cell
from campaigns.operations.api_tokens import Scope
from campaigns.operations.retention.personal_data import export_person
from console.api.contacts import NumberGiven, phone_of
from console.server.api_route import InjectedCaller, api_router, needs
from console.server.state import InjectedState

router = api_router("contacts")


class Held(BaseModel):
    """Facts that are held; what is blank is left out. One that is not described is a fault of ours."""

    model_config = ConfigDict(extra="forbid")


class HeldReceipt(Held):
    """What a provider told of a call."""

    account: str | None = None
    word: str | None = None
    code: str | None = None
    progress: str | None = None
    outcome: str | None = None
    occurred_at: datetime | None = None
    received_at: datetime | None = None
    pressed: list[str] | None = None
    body: str | None = None


class HeldCall(Held):
    """One try at reaching the person."""

    id: UUID
    number: int
    account: str
    provider: str
    caller_id: str
    status: str
    verdict: str | None = None
    outcome: str | None = None
    mnemonic: str | None = None
    code: str | None = None
    detail: str | None = None
    corrected: str | None = None
    provider_call_id: str | None = None
    zone: str | None = None
    local_time: str | None = None
    allowed_by: str | None = None
    scheduled_at: datetime
    queued_at: datetime | None = None
    dialing_at: datetime
    send_at: datetime | None = None
    placed_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    talk_seconds: float | None = None
    next_attempt_at: datetime | None = None
    response: str | None = None
    reminder: int | None = None
    short: bool | None = None
    variant: str | None = None
    script_seconds: float
    counted: bool | None = None
    confirmed_by: str | None = None
    ended_by: str | None = None
    receipts: list[HeldReceipt]


class HeldText(Held):
    """What was said to a test number for a row of the person, or is to be said to them."""

    campaign: str
    line: int
    fields: dict[str, Cell] | None = None
    text: str | None = None
    voice: dict[str, Cell] | None = None


class HeldContact(HeldText):
    """A row of a list, and what became of it; `archive` is the file that has it, if it was moved to one."""

    archive: str | None = None
    rehearsal: bool
    key: str | None = None
    phone: str | None = None
    status: str
    reason: str | None = None
    corrected: str | None = None
    withdrawal: str | None = None
    consent: str | None = None
    given: dict[str, Cell] | None = None
    zone: str | None = None
    not_after: datetime | None = None
    due_at: datetime | None = None
    urgent: bool | None = None
    attempts: int | None = None
    tries: int | None = None
    final_at: datetime | None = None
    response: str | None = None
    reminder: int | None = None
    calls: list[HeldCall]


class HeldReject(Held):
    """A row of a list that became no contact."""

    campaign: str
    line: int
    reason: str
    row: list[str] | None


class HeldSuppression(Held):
    """An entry of the suppression list."""

    account: str | None = None
    reason: str | None = None
    added_at: datetime | None = None
    expires_at: datetime | None = None
    by: str
    number: str


class HeldErasure(Held):
    """An erasure that waits for the end of a call."""

    asked_at: datetime
    by: str


class HeldEvent(Held):
    """What a webhook was, or is to be, told."""

    campaign: str
    kind: str
    to: str
    at: datetime
    state: str


class HeldRequest(Held):
    """A request of a program, remembered for a day."""

    by: str
    at: datetime


class HeldLine(Held):
    """A line of the audit."""

    at: datetime
    by: str
    what: str
    detail: str


class HeldRow(Held):
    """A row of a file."""

    file: str
    row: list[str]


class PersonalData(Held):
    """All that is held about a person, to be handed over; what concerns others is masked."""

    number: str
    exported_at: datetime
    contacts: list[HeldContact] = Field(description="In each campaign: the row, the calls, their receipts.")
    test_calls: list[HeldText] = Field(description="Texts of theirs that were said to a test number.")
    rejected_rows: list[HeldReject] = Field(description="Rows of lists that became no contact and name them.")
    suppressions: list[HeldSuppression]
    erasures_waiting: list[HeldErasure]
    receipts_of_no_call: list[HeldReceipt]
    events: list[HeldEvent] = Field(description="What webhooks were told of them.")
    requests: list[HeldRequest] = Field(description="Requests of programs that are remembered for a day.")
    audit: list[HeldLine]
    archives_elsewhere: list[str] = Field(description="Campaigns whose archive may name them and is not here.")
    report_files: list[str]
    rows_in_files: list[HeldRow] = Field(description="Rows of rejects and kept lists that name them.")
    unreadable_files: list[str] = Field(description="Lists and archives that may name them and cannot be read.")


@router.post("/persons/export", response_model_exclude_unset=True, **needs(Scope.ADMIN))
def export_held(given: NumberGiven, state: InjectedState, caller: InjectedCaller) -> PersonalData:
    """All that is held about the person with this number, in full: it needs the scope `numbers` too. Audited."""
    caller.require(Scope.NUMBERS)
    number, folder = phone_of(given), state.settings.data_dir
    return PersonalData.model_validate(export_person(state.ledger, number, folder, who=caller.name, now=state.clock()))
