"""A campaign as written down: whom to call, what to say, when and how often. All that a campaign file can say."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator

from campaigns import calendar
from campaigns.complaints import complaints
from campaigns.scalars import (
    CallerId,
    Column,
    Country,
    Delays,
    Hours,
    Moment,
    TemplateText,
    TextOrNumber,
    Weekdays,
    Zone,
    no,
)
from campaigns.source import DefinitionFaults, Fault, KeyPath, Source, read_source, spelt
from campaigns.texts import Template
from dialer.calls import Outcome, Recording, Script, Speech
from dialer.retry import RetryPolicy


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Contacts(Section):
    """Where the contacts are, and what its columns mean. Names are compared without case, spaces, underscores."""

    file: Annotated[str, Field(min_length=1)] = Field(description="CSV file, relative to the campaign file's folder.")
    phone: Column = Field("phone", description="Column with the number to call.")
    country: Country | None = Field(
        None, description="Country (two letters) that completes numbers written without a plus."
    )
    zone: Column | None = Field(None, description="Column with the contact's IANA time zone; blank: schedule.zone.")
    not_after: Column | None = Field(
        None,
        description="Column with the moment (ISO 8601) after which the contact is never called; "
        "without an offset it is in the contact's zone.",
    )


class Message(Section):
    """What is said: a text to speak, or a recording that the provider has."""

    tts: TemplateText | None = Field(None, description="Text to speak, with columns of the list as {{ variables }}.")
    media: Annotated[str, Field(min_length=1), TextOrNumber] | None = Field(
        None, description="The provider's id of a recording, instead of tts."
    )
    voice: dict[str, str] = Field(
        default_factory=dict,
        description="Voice that speaks the text, in the provider's words: language, voice, gender.",
    )

    @model_validator(mode="after")
    def _one_of_two(self) -> Message:
        if (self.tts is None) == (self.media is None):
            both = self.media is not None
            raise no("has both tts and media" if both else "says nothing", "keep one" if both else "write tts or media")
        if self.media is not None and self.voice:
            raise no("has a voice, and a recording speaks for itself", "remove voice")
        return self


class Schedule(Section):
    """When calling is allowed. Clock times are those of the contact's zone, start and end those of `zone`."""

    zone: Zone | None = Field(None, description="IANA zone of contacts that name none of their own.")
    windows: dict[Weekdays, Hours] | None = Field(
        None,
        description="Hours by weekday: {mon-fri: ['09:00-12:30', '13:00-20:00'], sat: '10:00-14:00'}; "
        "'21:00-02:00' runs past midnight; absent: any time.",
    )
    start: Moment | None = Field(None, description="No call before this moment: 2026-12-01T09:00.")
    end: Moment | None = Field(None, description="No call from this moment on; contacts not reached by then expire.")

    @model_validator(mode="after")
    def _consistent(self) -> Schedule:
        if self.windows is not None and not any(self.windows.values()):
            raise no("windows never open", "write some hours, or leave windows out to call at any time")
        if self.windows and self.zone is None:
            raise no("windows are given without a zone", "add zone: America/New_York, or the one your contacts are in")
        for name in ("start", "end"):
            moment = getattr(self, name)
            if moment and moment.tzinfo is None and self.zone is None:
                raise no(f"{name} is given without a zone", "add zone, or write the offset: 2026-12-01T09:00-05:00")
        start, end = self.moment(self.start), self.moment(self.end)
        if start and end and end <= start:
            raise no("end comes before start", "correct one of them")
        return self

    def moment(self, written: datetime | None) -> datetime | None:
        """A moment of this schedule, aware, in UTC."""
        if written is None or written.tzinfo is not None or self.zone is None:
            return written and written.astimezone(UTC)
        return written.replace(tzinfo=calendar.zone_named(self.zone)).astimezone(UTC)


class Retry(Section):
    """When to try again: for each outcome, the waits after its first, second, … time, from the end of the call."""

    max_attempts: Annotated[int, Field(ge=1, le=50)] = Field(
        description="Calls that a contact gets at the most, whatever their outcomes."
    )
    busy: Delays = Field((), description="Waits after busy: [5m, 15m].")
    no_answer: Delays = Field((), description="Waits after no answer: [30m, 2h].")
    rejected: Delays = Field((), description="Waits after the call was declined.")
    failed: Delays = Field((), description="Waits after a call that the network failed to deliver.")

    def policy(self) -> RetryPolicy:
        outcomes = (Outcome.BUSY, Outcome.NO_ANSWER, Outcome.REJECTED, Outcome.FAILED)
        delays = {outcome: getattr(self, outcome.value) for outcome in outcomes}
        return RetryPolicy(max_attempts=self.max_attempts, delays=delays)


class Origin:
    """Where a definition was written. It is no part of what the definition says: all origins are equal."""

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
    contacts: Contacts = Field(description="Where the contacts are.")
    message: Message = Field(description="What is said: tts or media.")
    caller_id: CallerId = Field(description='The number shown to the person called, in quotes: "+18005550100".')
    ring_timeout: Annotated[int, Field(ge=5, le=120)] = Field(30, description="Seconds to ring before giving up.")
    dtmf: Annotated[str, Field(pattern=r"^[0-9*#.]+$"), TextOrNumber] | None = Field(
        None, description="Keys sent to the person called: digits, * and #, with . for a second's pause."
    )
    direction: Literal["in", "out"] = Field("in", description="CallGear: how its reports count the call.")
    schedule: Schedule = Field(default_factory=Schedule, description="When calling is allowed.")
    retry: Retry | None = Field(None, description="When to try again; absent, each contact gets one attempt.")
    pace: Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)] | None = Field(
        None, description="Calls per second of this campaign at the most; absent, the account's pace."
    )
    concurrency: Annotated[int, Field(gt=0)] | None = Field(
        None, description="Calls of this campaign in progress at the most."
    )
    on_unknown: Literal["report", "redial"] = Field(
        "report",
        description="What to do when nobody can tell whether a call was placed: report it, or dial again at the risk "
        "of calling twice.",
    )

    _origin: Origin = PrivateAttr(default_factory=Origin)

    @cached_property
    def windows(self) -> calendar.Windows:
        """When calling is allowed, in each contact's own zone."""
        return calendar.Windows.parse(self.schedule.windows or {})

    @cached_property
    def template(self) -> Template | None:
        """The text's template; None for a recording."""
        return Template(self.message.tts) if self.message.tts is not None else None

    @property
    def says_the_same_to_all(self) -> bool:
        """Whether every contact hears the same, so that a fault in it is everybody's."""
        return self.template is None or self.template.is_fixed

    @property
    def starts_at(self) -> datetime | None:
        """No call before this moment (aware, UTC)."""
        return self.schedule.moment(self.schedule.start)

    @property
    def ends_at(self) -> datetime | None:
        """No call from this moment on (aware, UTC)."""
        return self.schedule.moment(self.schedule.end)

    def retry_policy(self) -> RetryPolicy:
        return self.retry.policy() if self.retry else RetryPolicy()

    def script(self, text: str | None = None) -> Script:
        """What is said to a contact whose text this is; a recording needs none."""
        if self.message.media is not None:
            return Recording(media_id=self.message.media)
        return Speech(text=text or "", voice=self.message.voice)

    def fault(self, path: KeyPath, message: str, suggestion: str = "") -> Fault:
        """A fault of this definition, with its place when it was read from a file."""
        if self._origin.source is not None:
            return self._origin.source.fault(path, message, suggestion)
        return Fault(file=self.campaign, key=spelt(path), message=message, suggestion=suggestion)


def load_definition(path: Path) -> Definition:
    """Read a campaign file. Raises DefinitionFaults with everything that is wrong with it, each at its place."""
    source = read_source(path)
    faults = list(source.faults)
    try:
        definition = Definition.model_validate(source.data)
    except ValidationError as exc:
        faults += complaints(exc, source, Definition)
    if faults:
        raise DefinitionFaults(faults)
    definition._origin = Origin(source)
    return definition


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a campaign file, by which editors complete and check it."""
    schema = Definition.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Campaign"}
