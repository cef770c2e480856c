"""`message`: the text that a campaign speaks, or the recording that it plays."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from campaigns.definition.field_types import TemplateText, TextOrNumber
from campaigns.definition.sections.section import Section
from dialer.field_errors import field_error


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
            raise field_error(
                "has both tts and media" if both else "says nothing", "keep one" if both else "write tts or media"
            )
        if self.media is not None and self.voice:
            raise field_error("has a voice, and a recording speaks for itself", "remove voice")
        return self
