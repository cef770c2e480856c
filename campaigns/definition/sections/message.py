"""`message`: the text that a campaign speaks, or the recording that it plays."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from campaigns.definition.field_types import TemplateText, TextOrNumber
from campaigns.definition.sections.section import Section
from dialer.field_errors import field_error

MOST_VARIANTS = 10
VariantName = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,20}$")]


class Variant(Section):
    """One of several texts, each for a part of the contacts."""

    tts: TemplateText = Field(description="Text to speak, as message.tts.")
    weight: Annotated[int, Field(ge=1, le=1000)] = Field(1, description="Its share beside the other variants.")


class Message(Section):
    """What is said: a text to speak, one of several texts, or a recording that the provider has."""

    tts: TemplateText | None = Field(None, description="Text to speak, with columns of the list as {{ variables }}.")
    media: Annotated[str, Field(min_length=1), TextOrNumber] | None = Field(
        None, description="The provider's id of a recording, instead of tts."
    )
    variants: dict[VariantName, Variant] = Field(
        default_factory=dict,
        description="Several texts instead of tts: {a: {tts: …}, b: {tts: …, weight: 2}}. Each contact has one "
        "of them for good, by its key, else its number.",
    )
    voice: dict[str, str] = Field(
        default_factory=dict,
        description="Voice that speaks the text, in the provider's words: language, voice, gender.",
    )

    repeat: Annotated[int, Field(ge=1, le=5)] = Field(
        1, description="How often the text is said in one call: 2, so that a mailbox keeps all of it once."
    )

    @model_validator(mode="after")
    def _one_of_two(self) -> Message:
        given = [name for name in ("tts", "variants", "media") if getattr(self, name)]
        if len(given) != 1:
            both = f"has both {' and '.join(given[:2])}"
            raise field_error(both if given else "says nothing", "keep one" if given else "write tts or media")
        if self.variants and not 2 <= len(self.variants) <= MOST_VARIANTS:
            raise field_error("has too few or too many variants", f"write 2 to {MOST_VARIANTS} of them, or tts")
        if self.media is not None and self.repeat > 1:
            raise field_error("has a recording, which is played once", "remove repeat")
        if self.media is not None and self.voice:
            raise field_error("has a voice, and a recording speaks for itself", "remove voice")
        return self

    @property
    def text(self) -> str | None:
        """The template of what is spoken; of several variants one that says each where `variant` names it."""
        if not self.variants:
            return self.tts
        branches = [f'if variant == "{name}" %}}{one.tts}' for name, one in self.variants.items()]
        return "{% " + "{% el".join(branches) + "{% endif %}"
