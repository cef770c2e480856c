"""The keys of a campaign file, their defaults, and what may be written short."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from campaigns.definition.field_types import Duration, OneOrMore, TemplateText, TextOrNumber
from campaigns.definition.sections.before_dial import BeforeDial
from campaigns.definition.sections.breaker import Breaker
from campaigns.definition.sections.budget import Budget
from campaigns.definition.sections.by_account import ByAccount
from campaigns.definition.sections.caller_ids import ShownNumbers
from campaigns.definition.sections.canary import Canary
from campaigns.definition.sections.contacts import Contacts
from campaigns.definition.sections.frequency import Frequency
from campaigns.definition.sections.message import Message
from campaigns.definition.sections.responses import Responses
from campaigns.definition.sections.retry import Retry
from campaigns.definition.sections.schedule import Schedule
from campaigns.definition.sections.section import Section
from campaigns.retention_periods import Retention
from dialer.call_kinds import INFORMER, CallKind, Informer
from dialer.field_errors import field_error
from dialer.providers.registry import offering

MOST_CALLBACK_DATA = 2000  # characters


class CampaignKeys(Section):
    """The keys of a campaign file, as they are written."""

    campaign: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]*$", max_length=60)] = Field(
        description="The campaign's name: letters, digits and dashes."
    )
    account: Annotated[str, Field(min_length=1)] = Field(description="Name of an account in the settings.")
    accounts: OneOrMore[Annotated[str, Field(min_length=1)]] = Field(
        (), description="Instead of account, several in order of preference: [main, spare]."
    )
    by_account: dict[str, ByAccount] = Field(
        default_factory=dict, description="Message and caller_id where an account has others than the campaign."
    )
    contacts: Contacts = Field(description="Where the contacts are.")
    call: CallKind = Field(
        INFORMER,
        description=f"{offering('call')}: whom the person called is connected with; absent, the message is the call.",
    )
    message: Message | None = Field(
        None, validate_default=True, description="What is said: tts or media; calls that connect people need none."
    )
    caller_id: ShownNumbers = Field(
        description='The number shown to the person called, in quotes: "+18005550100". Or a list of them; or numbers '
        "with by and per_day."
    )
    ring_timeout: Annotated[int, Field(ge=5, le=120)] = Field(30, description="Seconds to ring before giving up.")
    dtmf: Annotated[str, Field(pattern=r"^[0-9*#.]+$"), TextOrNumber] | None = Field(
        None, description="Keys sent to the person called: digits, * and #, with . for a second's pause."
    )
    responses: Responses = Field(
        default_factory=dict,
        description="What people mean who press a key, or whose call gets a tag: {1: confirmed, 2: cancel, 9: stop}. "
        "stop also puts the number on the suppression list.",
    )
    direction: Literal["in", "out"] = Field(
        "in", description=f"{offering('direction')}: how its reports count the call."
    )
    priority: Annotated[int, Field(ge=1, le=3)] | None = Field(
        None, description=f"{offering('priority')}: its place in the provider's queue: 1 low, 2 medium, 3 high."
    )
    callback_data: Annotated[TemplateText, Field(max_length=MOST_CALLBACK_DATA)] | None = Field(
        None,
        description=f"{offering('callback_data')}: comes back with each receipt of a call, for your own programs; with "
        "columns of the list as {{ variables }}.",
    )
    schedule: Schedule = Field(default_factory=Schedule, description="When calling is allowed.")
    retry: Retry | None = Field(None, description="When to try again; absent, each contact gets one attempt.")
    canary: Canary | None = Field(
        None, description="How many are called first, and how many of them must be reached before the others are."
    )
    frequency: Frequency | None = Field(
        None, description="How often a number may be called, by all campaigns together."
    )
    pace: Annotated[float, Field(ge=0.0001, le=1000, allow_inf_nan=False)] | None = Field(
        None, description="Calls per second of this campaign at the most; absent, the account's pace."
    )
    concurrency: Annotated[int, Field(gt=0, le=1_000_000)] | None = Field(
        None, description="Calls of this campaign in progress at the most."
    )
    weight: Annotated[float, Field(ge=0.001, le=100, allow_inf_nan=False)] = Field(
        1.0, description="Share of the account beside its other campaigns: 2 gets twice what 1 gets."
    )
    urgent: bool = Field(
        False, description="Whether it goes before all others of its account, past the line: for alerts, and for few."
    )
    limits: Budget | None = Field(None, description="What may be used up, in all and in a day.")
    breaker: Breaker = Field(default_factory=Breaker, description="When to stop because the provider fails.")
    before_dial: BeforeDial | None = Field(
        None, description="A program of your own that is asked, right before dialing, whether each may be called."
    )
    resume_after_halt: bool = Field(
        False,
        description="Whether it goes on by itself once its account, which could not dial (refused, blocked, inactive), "
        "answers again.",
    )
    return_after: Duration | None = Field(
        None,
        description="For how long the preferred account must have answered until the campaign, which goes on with "
        "another, goes back to it: 30m; absent, it stays.",
    )
    retention: Retention | None = Field(
        None, description="For how long what is known of its people is kept after its end; absent, as the settings say."
    )
    on_unknown: Literal["report", "redial"] = Field(
        "report",
        description="What to do when nobody can tell whether a call was placed: report it, or dial again at the risk "
        "of calling twice.",
    )

    @model_validator(mode="before")
    @classmethod
    def _fill_in_account(cls, data: Any) -> Any:
        names = data.get("accounts") if isinstance(data, dict) else None
        if names in ([], ()) and "account" not in data:
            raise field_error(
                "names no account", "write the accounts in order of preference: [main, spare]", ["accounts"]
            )
        first = names[0] if isinstance(names, list | tuple) and names else names
        if not isinstance(first, str) or not first:
            return data
        if data.get("account", first) != first:
            raise field_error("has both account and accounts", "keep accounts, the preferred one first", ["accounts"])
        return {**data, "account": first}

    @model_validator(mode="before")
    @classmethod
    def _last_moment_is_the_appointment(cls, data: Any) -> Any:
        """The appointment that contacts are reminded of is their `not_after`."""
        schedule, contacts = (data.get(name) if isinstance(data, dict) else None for name in ("schedule", "contacts"))
        before = schedule.get("before") if isinstance(schedule, dict) else None
        column = before.get("column") if isinstance(before, dict) else None
        if not isinstance(contacts, dict) or not isinstance(column, str):
            return data
        if (written := contacts.get("not_after")) and written != column:
            raise field_error(
                "has both contacts.not_after and schedule.before",
                "remove not_after: before.column is the last moment",
                ["contacts", "not_after"],
            )
        return {**data, "contacts": {**contacts, "not_after": column}}

    @field_validator("message")
    @classmethod
    def _message_present(cls, message: Message | None, info: ValidationInfo) -> Message | None:
        if message is None and isinstance(info.data.get("call"), Informer):
            raise PydanticCustomError("missing", "is missing")
        return message
