"""`by_account`: the message and caller ID that another account of the campaign uses."""

from __future__ import annotations

from pydantic import Field, model_validator

from campaigns.definition.sections.caller_ids import ShownNumbers
from campaigns.definition.sections.message import Message
from campaigns.definition.sections.section import Section
from dialer.field_errors import field_error


class ByAccount(Section):
    """The numbers shown and the message, where this account has others than the campaign."""

    caller_id: ShownNumbers | None = Field(
        None, description="The number shown when this account calls, or several, as caller_id of the campaign."
    )
    message: Message | None = Field(None, description="What is said when this account calls: tts or media.")

    @model_validator(mode="after")
    def _says_something(self) -> ByAccount:
        if self.caller_id is None and self.message is None:
            raise field_error("says nothing", "write caller_id or message, or remove it")
        if self.message and self.message.variants:
            raise field_error("has variants of its own", "write one text for this account: tts")
        return self
