"""The definition of a campaign, one model for the whole campaign file: whom to call, what to say, when, how often."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from campaigns.calendar.windows import Windows
from campaigns.definition.field_types import CallerId, OneOrMore, TextOrNumber
from campaigns.definition.sections.before_dial import BeforeDial
from campaigns.definition.sections.breaker import Breaker
from campaigns.definition.sections.budget import Budget
from campaigns.definition.sections.by_account import ByAccount
from campaigns.definition.sections.canary import Canary
from campaigns.definition.sections.contacts import Contacts
from campaigns.definition.sections.frequency import Cap, Frequency
from campaigns.definition.sections.message import Message
from campaigns.definition.sections.retry import Retry
from campaigns.definition.sections.schedule import Schedule
from campaigns.definition.sections.section import Section
from campaigns.definition.templates import Template
from campaigns.definition.validation_errors import validation_faults
from campaigns.definition.yaml_source import DefinitionFaults, FileFault, KeyPath, Source, format_path, read_source
from campaigns.retention_periods import Retention
from dialer.call_kinds import INFORMER, CallKind, Informer
from dialer.calls import Outcome
from dialer.field_errors import field_error
from dialer.providers.registry import offering
from dialer.retry import RetryPolicy
from dialer.scripts import Recording, Script, Speech
from dialer.verdicts import Ruling


class Origin:
    """The source that a definition was read from. All origins compare equal, so that they do not affect comparisons."""

    def __init__(self, source: Source | None = None) -> None:
        self.source = source

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Origin)

    __hash__ = None  # type: ignore[assignment]


class Definition(Section):
    """One campaign: one run over one list."""

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
    caller_id: CallerId = Field(description='The number shown to the person called, in quotes: "+18005550100".')
    ring_timeout: Annotated[int, Field(ge=5, le=120)] = Field(30, description="Seconds to ring before giving up.")
    dtmf: Annotated[str, Field(pattern=r"^[0-9*#.]+$"), TextOrNumber] | None = Field(
        None, description="Keys sent to the person called: digits, * and #, with . for a second's pause."
    )
    direction: Literal["in", "out"] = Field(
        "in", description=f"{offering('direction')}: how its reports count the call."
    )
    schedule: Schedule = Field(default_factory=Schedule, description="When calling is allowed.")
    retry: Retry | None = Field(None, description="When to try again; absent, each contact gets one attempt.")
    canary: Canary | None = Field(
        None, description="How many are called first, and how many of them must be reached before the others are."
    )
    frequency: Frequency | None = Field(
        None, description="How often a number may be called, by all campaigns together."
    )
    pace: Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)] | None = Field(
        None, description="Calls per second of this campaign at the most; absent, the account's pace."
    )
    concurrency: Annotated[int, Field(gt=0)] | None = Field(
        None, description="Calls of this campaign in progress at the most."
    )
    weight: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)] = Field(
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
    retention: Retention | None = Field(
        None, description="For how long what is known of its people is kept after its end; absent, as the settings say."
    )
    on_unknown: Literal["report", "redial"] = Field(
        "report",
        description="What to do when nobody can tell whether a call was placed: report it, or dial again at the risk "
        "of calling twice.",
    )

    _origin: Origin = PrivateAttr(default_factory=Origin)

    @model_validator(mode="before")
    @classmethod
    def _fill_in_account(cls, data: Any) -> Any:
        names = data.get("accounts") if isinstance(data, dict) else None
        first = names[0] if isinstance(names, list | tuple) and names else names
        if not isinstance(first, str) or not first:
            return data
        if data.get("account", first) != first:
            raise field_error("has both account and accounts", "keep accounts, the preferred one first")
        return {**data, "account": first}

    @model_validator(mode="after")
    def _accounts_agree(self) -> Definition:
        if len(set(self.accounts)) < len(self.accounts):
            raise field_error("accounts names one of them twice", "keep each once")
        if self.contacts.standing and self.schedule.repeat is not None:
            raise field_error("a standing campaign is not repeated: it goes on", "remove schedule.repeat")
        if unlisted := next((name for name in self.by_account if name not in (self.account, *self.accounts)), None):
            raise field_error(f"by_account speaks of {unlisted}, which is not among the accounts", "add it to accounts")
        return self

    @field_validator("message")
    @classmethod
    def _message_present(cls, message: Message | None, info: ValidationInfo) -> Message | None:
        if message is None and isinstance(info.data.get("call"), Informer):
            raise PydanticCustomError("missing", "is missing")
        return message

    @cached_property
    def windows(self) -> Windows:
        """When calling is allowed, in each contact's own zone."""
        return Windows.parse(self.schedule.windows or {}, self.schedule.holidays)

    @cached_property
    def template(self) -> Template | None:
        """The template of the message's text; None for a recording, and when there is no message."""
        return Template(self.message.tts) if self.message and self.message.tts is not None else None

    def for_account(self, name: str) -> Definition:
        """The definition with the message and caller ID that `by_account` has for this account."""
        own = self.by_account.get(name)
        if own is None:
            return self
        base = json.loads(self.model_dump_json(exclude_unset=True))
        changes = json.loads(own.model_dump_json(exclude_none=True))  # in the ledger, absent keys are null
        definition = Definition.model_validate(base | changes)
        definition._origin = self._origin
        return definition

    @property
    def is_same_for_all(self) -> bool:
        """Whether every contact hears the same, so that a fault of the message concerns all of them."""
        return self.template is None or self.template.is_fixed

    @property
    def starts_at(self) -> datetime | None:
        """No call before this moment (aware, UTC)."""
        return self.schedule.starts_at

    @property
    def ends_at(self) -> datetime | None:
        """No call from this moment on (aware, UTC)."""
        return self.schedule.ends_at

    @cached_property
    def other_part_of_day_outcomes(self) -> frozenset[Outcome]:
        """Outcomes after which the next try is in another part of the contact's day."""
        return frozenset(map(Outcome, self.retry.other_part_of_day)) if self.retry else frozenset()

    @cached_property
    def caps(self) -> tuple[Cap, ...]:
        """How often one number may be called, counting the calls of all campaigns."""
        return self.frequency.caps() if self.frequency else ()

    def kept(self, general: Retention) -> Retention:
        """For how long what is known of its people is kept, where the settings keep it as `general` says."""
        return (self.retention or Retention()).over(general)

    def retry_policy(self) -> RetryPolicy:
        """When to try again after each outcome; without `retry`, never."""
        return self.retry.policy() if self.retry else RetryPolicy()

    def override_ruling(self, ruling: Ruling) -> Ruling:
        """The ruling, with the verdict that `retry.mnemonics` has for its mnemonic."""
        return self.retry.override_ruling(ruling) if self.retry else ruling

    def script(self, text: str | None = None, voice: Mapping[str, str] | None = None) -> Script:
        """The script for one contact: its rendered `text` in its own `voice` settings, or the recording.

        An empty text stands for a call without a message.
        """
        if self.message is None:
            return Speech(text="")
        if self.message.media is not None:
            return Recording(media_id=self.message.media)
        return Speech(text=text or "", voice={**self.message.voice, **voice} if voice else self.message.voice)

    @property
    def file(self) -> str:
        """The path of the campaign file that it was read from, else the campaign's name."""
        return self.fault((), "").file

    def fault(self, path: KeyPath, message: str, suggestion: str = "") -> FileFault:
        """A fault at a key of this definition, with line and column if it was read from a file."""
        if self._origin.source is not None:
            return self._origin.source.fault(path, message, suggestion)
        return FileFault(file=self.campaign, key=format_path(path), message=message, suggestion=suggestion)


def load_definition(path: Path, *, list_file: str | None = None) -> Definition:
    """Read and validate a campaign file. Raises DefinitionFaults with every fault, each with line and column.

    `list_file` takes the place of the list that the file names, or does not name.
    """
    source = read_source(path)
    faults = list(source.faults)
    data = source.data if list_file is None else _with_list(source.data, list_file)
    try:
        definition = Definition.model_validate(data)
    except ValidationError as exc:
        faults += validation_faults(exc, source, Definition)
    if faults:
        raise DefinitionFaults(faults)
    definition._origin = Origin(source)
    return definition


def definition_of(keys: Mapping[str, Any]) -> Definition:
    """Validate a definition that stands in no file. Raises DefinitionFaults, which name keys and no lines."""
    try:
        return Definition.model_validate(keys)
    except ValidationError as exc:
        source = Source(file=str(keys.get("campaign", "")), data=dict(keys), keys={}, values={})
        raise DefinitionFaults(validation_faults(exc, source, Definition)) from None


def _with_list(data: Mapping[str, Any], list_file: str) -> dict[str, Any]:
    contacts = data.get("contacts") or {}
    return {**data, "contacts": {**contacts, "file": list_file} if isinstance(contacts, dict) else contacts}


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a campaign file, with which editors complete and check it."""
    schema = Definition.model_json_schema()
    listed = {"if": {"not": {"required": ["standing"]}}, "then": {"required": ["file"]}}
    schema["$defs"]["Contacts"] |= listed
    schema["if"], schema["then"] = {"not": {"required": ["call"]}}, {"required": ["message"]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Campaign"}
