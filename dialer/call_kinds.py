"""Kinds of calls: whom the person called is connected with, if with anybody. As a campaign file writes them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema, model_validator

from dialer.field_errors import field_error
from dialer.phone import BadPhoneNumber, parse
from dialer.scripts import Recording, Script, Speech


def _e164(text: str) -> str:
    try:
        return parse(text).e164
    except BadPhoneNumber as exc:
        raise field_error(str(exc), exc.suggestion) from None


TelephoneNumber = Annotated[str, AfterValidator(_e164)]
Id = Annotated[int, Field(gt=0)]
TextOrNumber = WithJsonSchema({"type": ["string", "integer"]})


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Prompt(_Section):
    """What our side hears: a text, or a recording that the provider has."""

    tts: Annotated[str, Field(min_length=1)] | None = Field(None, description="Text to speak, the same every time.")
    media: Annotated[str, Field(pattern=r"^[0-9]+$"), TextOrNumber] | None = Field(
        None, description="The provider's id of a recording, instead of tts."
    )

    @model_validator(mode="after")
    def _one_of_two(self) -> Prompt:
        if (self.tts is None) == (self.media is None):
            raise field_error("needs either tts or media", "write one of them")
        return self

    @property
    def script(self) -> Script:
        return Recording(media_id=self.media) if self.media is not None else Speech(text=self.tts or "")


class Informer(_Section):
    """The message is played, and the call ends with it."""

    kind: Literal["informer"] = Field("informer", description="Kind of call: the message alone.")


class Simple(_Section):
    """The person called is connected with an operator: any number, no employee of the account."""

    kind: Literal["simple"] = Field(description="Kind of call: with an operator.")
    operator: TelephoneNumber = Field(description='The operator\'s number, in quotes: "+18005550199".')
    first_call: Literal["contact", "operator"] = Field("contact", description="Who is called first.")
    operator_message: Prompt | None = Field(None, description="What the operator hears first: tts or media.")
    operator_confirmation: Annotated[str, Field(pattern=r"^([0-9*#]|any)$"), TextOrNumber] | None = Field(
        None, description="Key that the operator presses to take the call, or any."
    )
    switch_at_once: bool = Field(False, description="Connect without waiting for the end of the messages.")
    early_switching: bool = Field(
        False, description="The operator hears the line while it rings; needs first_call operator and switch_at_once."
    )
    media_file_id: Id | None = Field(None, description="The provider's id of the melody heard while waiting.")
    show_caller_id: bool = Field(True, description="Show the campaign's caller id to the operator too.")

    @model_validator(mode="after")
    def _consistent(self) -> Simple:
        _refuse_early(self.early_switching, self.switch_at_once and self.first_call == "operator", "operator")
        return self


class Employee(_Section):
    """The person called is connected with an employee of the account."""

    kind: Literal["employee"] = Field(description="Kind of call: with an employee.")
    employee_id: Id = Field(description="The provider's id of the employee.")
    phone_number: Annotated[str, Field(pattern=r"^[0-9A-Za-z._-]{1,64}$"), TextOrNumber] | None = Field(
        None, description="Which of the employee's numbers, as the provider writes it; absent, all active ones in turn."
    )
    first_call: Literal["contact", "employee"] = Field("contact", description="Who is called first.")
    employee_message: Prompt | None = Field(None, description="What the employee hears first: tts or media.")
    switch_at_once: bool = Field(False, description="Connect without waiting for the end of the messages.")
    early_switching: bool = Field(
        False, description="The employee hears the line while it rings; needs first_call employee and switch_at_once."
    )
    media_file_id: Id | None = Field(None, description="The provider's id of the melody heard while waiting.")
    show_caller_id: bool = Field(True, description="Show the campaign's caller id to the employee too.")

    @model_validator(mode="after")
    def _consistent(self) -> Employee:
        _refuse_early(self.early_switching, self.switch_at_once and self.first_call == "employee", "employee")
        return self


class Scenario(_Section):
    """The person called is connected with whomever a scenario of the account finds."""

    kind: Literal["scenario"] = Field(description="Kind of call: by a scenario.")
    scenario_id: Id = Field(description="The provider's id of the scenario.")
    first_call: Literal["contact", "employee"] = Field("contact", description="Who is called first.")
    employee_message: Prompt | None = Field(None, description="What the employee hears first: tts or media.")
    switch_at_once: bool = Field(False, description="Connect without waiting for the end of the messages.")


class VNumber(_Section):
    """The person called is connected with whomever the scenario of the caller id itself finds."""

    kind: Literal["vnumber"] = Field(description="Kind of call: by the caller id's own scenario.")
    first_call: Literal["contact", "employee"] = Field("contact", description="Who is called first.")
    switch_at_once: bool = Field(False, description="Connect without waiting for the end of the messages.")
    show_caller_id: bool | None = Field(
        None, description="Show the campaign's caller id to our side too; absent, as the provider has it."
    )


CallKind = Annotated[Informer | Simple | Employee | Scenario | VNumber, Field(discriminator="kind")]


def prompts(call: Informer | Simple | Employee | Scenario | VNumber) -> dict[str, Prompt]:
    """What our side hears, by the keys it is written under."""
    named = {name: getattr(call, name, None) for name in ("operator_message", "employee_message")}
    return {name: prompt for name, prompt in named.items() if isinstance(prompt, Prompt)}


KINDS = ("informer", "simple", "employee", "scenario", "vnumber")
INFORMER = Informer()


def _refuse_early(early: bool, possible: bool, ours: str) -> None:
    if early and not possible:
        raise field_error(
            "has early_switching without what it needs",
            f"add first_call: {ours} and switch_at_once: true, or remove it",
        )
